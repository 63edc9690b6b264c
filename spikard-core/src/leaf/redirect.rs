//! Sends the client elsewhere (RFC 9110 section 15.4).

use std::fmt::Write as _;

use http::{HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use spikard_middleware::problem::{INTERNAL_SERVER_ERROR, Subject};
use spikard_middleware::{Answer, Body, BuildContext, BuildError, Request, Response, Service};

use crate::config::RedirectConfig;
use crate::routes::{PathParams, PathPattern};

/// The leaf of `redirect = {...}`.
#[derive(Debug, Clone)]
pub struct Redirect {
    status: StatusCode,
    target: Vec<Piece>,
    keep_query: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

/// What a parameter's value keeps in a path: everything else is percent-encoded, so that no value
/// can leave its place in the target.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl Redirect {
    /// Makes the redirect of a route with the given path.
    ///
    /// # Errors
    /// When the status is no redirect, the target is not a path or URL, or names a parameter that
    /// the path does not have.
    pub fn build(config: &RedirectConfig, path: &PathPattern, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        if !matches!(config.status, 301 | 302 | 303 | 307 | 308) {
            errors.push(ctx.invalid("status", format!("status is {}, expected 301, 302, 303, 307 or 308", config.status)));
        }
        let absolute = config.to.starts_with("https://") || config.to.starts_with("http://");
        let local = config.to.starts_with('/') && !config.to.starts_with("//");
        if !(absolute || local) || config.to.bytes().any(|byte| !byte.is_ascii_graphic()) {
            let message = format!("to is `{}`, expected a path such as `/new` or a URL with http or https", config.to);
            errors.push(ctx.invalid("to", message));
        }
        let target = pieces(&config.to);
        if absolute && !names_host(&config.to) {
            let message = format!("to is `{}`, expected a host that no parameter is a part of", config.to);
            errors.push(ctx.invalid("to", message));
        }
        for piece in &target {
            if let Piece::Parameter(name) = piece
                && !path.names().any(|known| known == name)
            {
                let message = format!("`{{{name}}}` is not in the path `{path}`, expected one of its parameters");
                errors.push(ctx.invalid("to", message));
            }
        }
        BuildError::all(errors)?;
        let status = StatusCode::from_u16(config.status).unwrap_or(StatusCode::TEMPORARY_REDIRECT);
        Ok(Self { status, target, keep_query: config.keep_query })
    }

    fn location(&self, request: &Request) -> String {
        let params = request.extensions().get::<PathParams>();
        let mut location = String::new();
        for piece in &self.target {
            match piece {
                Piece::Text(text) => location.push_str(text),
                Piece::Parameter(name) => {
                    let value = params.and_then(|params| params.get(name)).unwrap_or_default();
                    let _ = write!(location, "{}", utf8_percent_encode(value, PATH));
                }
            }
        }
        if location.starts_with("//") {
            // A value at the very start of a path, or an empty one, must not make it `//host`.
            location = format!("/{}", location.trim_start_matches('/'));
        }
        if let Some(query) = request.uri().query().filter(|_| self.keep_query) {
            let fragment = location.find('#').map(|at| location.split_off(at)).unwrap_or_default();
            location.push(if location.contains('?') { '&' } else { '?' });
            location.push_str(query);
            location.push_str(&fragment);
        }
        location
    }
}

impl Service for Redirect {
    fn call(&self, request: Request) -> Answer<'_> {
        let mut response = match HeaderValue::try_from(self.location(&request)) {
            Ok(location) => {
                let mut response = Response::new(Body::empty());
                response.headers_mut().insert(header::LOCATION, location);
                response
            }
            Err(_) => {
                return Box::pin(async move { INTERNAL_SERVER_ERROR.response(&Subject::of(&request), "Internal server error") });
            }
        };
        *response.status_mut() = self.status;
        Box::pin(std::future::ready(response))
    }
}

/// Whether the host of a URL stands there whole: a value in it would choose where the client goes.
fn names_host(url: &str) -> bool {
    let authority = url.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    !authority.is_empty() && !authority.contains('{')
}

fn pieces(target: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut left = target;
    while let Some((text, name, rest)) = left.split_once('{').and_then(|(text, rest)| {
        let (name, rest) = rest.split_once('}')?;
        Some((text, name, rest))
    }) {
        pieces.push(Piece::Text(text.into()));
        pieces.push(Piece::Parameter(name.into()));
        left = rest;
    }
    pieces.push(Piece::Text(left.into()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{HostPattern, Matched, RouteKey, Table};
    use http::{Method, Uri};

    async fn location(pattern: &str, to: &str, uri: &'static str) -> String {
        let path = PathPattern::parse(pattern).unwrap();
        let leaf = Redirect::build(&RedirectConfig::to(to), &path, &BuildContext::default()).unwrap();
        let table = Table::new(vec![RouteKey { host: HostPattern::Any, path, methods: Vec::new() }]).unwrap();
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(uri);
        if let Matched::Route(_, Some(params)) = table.find("", request.uri().path(), &Method::GET) {
            request.extensions_mut().insert(params);
        }
        let response = leaf.call(request).await;
        assert_eq!(response.status(), 307);
        response.headers()[header::LOCATION].to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn parameters_and_query_come_along_and_cannot_leave_their_place() {
        assert_eq!(location("/old/{id}", "/new/{id}", "/old/7?a=1").await, "/new/7?a=1");
        assert_eq!(
            location("/old/{id}", "https://x.example/{id}?b=2", "/old/a%20b?a=1").await,
            "https://x.example/a%20b?b=2&a=1"
        );
        assert_eq!(location("/{*rest}", "/{rest}", "//evil.example").await, "/evil.example");
        assert_eq!(location("/{id}/{*rest}", "/{rest}/{id}", "/evil.example/").await, "/evil.example");
        assert_eq!(location("/old/{id}", "/new/{id}", "/old/%0d%0aX%3a1").await, "/new/%0D%0AX%3A1");
        assert_eq!(location("/old", "/new?b=2#part", "/old?a=1").await, "/new?b=2&a=1#part");
    }

    #[test]
    fn refuses_targets_that_lead_nowhere() {
        let path = PathPattern::parse("/a/{id}").unwrap();
        for to in [
            "",
            "new",
            "//evil.example",
            "javascript:x",
            "/new/{other}",
            "/a b",
            "https://shop.example{id}",
            "https://{id}.example/",
            "https:///{id}",
        ] {
            assert!(Redirect::build(&RedirectConfig::to(to), &path, &BuildContext::default()).is_err(), "{to}");
        }
    }
}
