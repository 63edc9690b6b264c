//! Lets pages of other origins read answers (Fetch standard, section 3.3, "CORS protocol").
//!
//! A preflight is answered here, with 204 and without the leaf: it carries no credentials, so it
//! must not come to authentication. Other `OPTIONS` requests pass. Whether an answer may be read
//! is decided by this policy alone: what a leaf says in `Access-Control-Allow-*` is replaced.
//! `Vary: Origin` is on every answer, unless all origins are allowed and get the same.
//!
//! It does not protect: a request from an origin that is not allowed is handled all the same, only
//! its answer cannot be read. Against forged requests stands `csrf`. Private network access is not
//! granted.
//!
//! tower-http's `CorsLayer` does not serve here: it takes every `OPTIONS` for a preflight, answers
//! 200, and panics where credentials meet `*`.
//!
//! ```
//! use spikard_middleware::{CorsConfig, PolicyConfig};
//!
//! let config = CorsConfig { credentials: true, ..CorsConfig::new(["https://app.example"]) };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

mod origins;

use std::time::Duration;

use axum_core::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
use crate::origin::AllowedOrigin;
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Policy, Request, Response, Service};
use crate::units;
use crate::vary::vary_by;

use self::origins::Origins;

/// Lets pages of other origins call this server and read its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorsConfig {
    /// The origins: `https://app.example`; `https://*.example.com` for all subdomains at any
    /// depth; `regex:...`, which must fit the whole origin; or `*` alone for any.
    #[schemars(length(min = 1))]
    pub origins: Vec<String>,
    /// The methods that may be used, or `*`. `GET`, `HEAD` and `POST` need no permission.
    #[serde(default = "CorsConfig::default_methods")]
    pub methods: Vec<String>,
    /// The request headers that may be sent, or `*`, which does not include `authorization`.
    #[serde(default = "CorsConfig::default_headers")]
    pub headers: Vec<String>,
    /// The response headers that a page may read besides the usual ones, or `*`.
    #[serde(default)]
    pub exposed_headers: Vec<String>,
    /// Whether cookies and other credentials may be sent along. Not together with `*` anywhere.
    #[serde(default)]
    pub credentials: bool,
    /// For how long a browser may remember what a preflight said.
    #[serde(default = "CorsConfig::default_max_age", with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub max_age: Duration,
}

impl CorsConfig {
    /// These origins, and defaults for the rest.
    pub fn new<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self {
            origins: origins.into_iter().map(Into::into).collect(),
            methods: Self::default_methods(),
            headers: Self::default_headers(),
            exposed_headers: Vec::new(),
            credentials: false,
            max_age: Self::default_max_age(),
        }
    }

    fn default_methods() -> Vec<String> {
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(str::to_owned).into()
    }

    fn default_headers() -> Vec<String> {
        ["authorization", "content-type"].map(str::to_owned).into()
    }

    fn default_max_age() -> Duration {
        Duration::from_mins(10)
    }
}

impl PolicyConfig for CorsConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let mut errors = Vec::new();
        let origins = Origins::of(&self.origins, ctx).map_err(|error| errors.push(error)).ok();
        if self.credentials {
            let lists = [&self.origins, &self.methods, &self.headers, &self.exposed_headers];
            for (field, list) in ["origins", "methods", "headers", "exposed_headers"].into_iter().zip(lists) {
                if list.iter().any(|name| name == "*") {
                    errors.push(ctx.invalid(field, format!("{field} has `*` beside credentials, expected names")));
                }
            }
        }
        let mut joined = |field: &str, names: &[String], check: fn(&str) -> Result<(), String>| {
            for (index, name) in names.iter().enumerate().filter(|(_, name)| *name != "*") {
                errors.extend(check(name).err().map(|message| ctx.invalid(&format!("{field}.{index}"), message)));
            }
            HeaderValue::try_from(names.join(", ")).ok().filter(|_| !names.is_empty())
        };
        let methods = joined("methods", &self.methods, check_method);
        let headers = joined("headers", &self.headers, check_header);
        let exposed = joined("exposed_headers", &self.exposed_headers, check_header);
        BuildError::all(errors)?;

        let max_age = HeaderValue::from(self.max_age.as_secs());
        let preflight = [
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, headers),
            (ACCESS_CONTROL_MAX_AGE, Some(max_age)),
        ];
        let preflight = preflight.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        // None only where there was an error.
        Ok(origins.map(|origins| Layer::new(Cors { origins, preflight, exposed, credentials: self.credentials })))
    }
}

fn check_method(name: &str) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    match Method::from_bytes(name.as_bytes()) {
        Ok(_) if upper == name => Ok(()),
        Ok(_) => Err(format!("`{name}` is not a method as browsers send it, expected `{upper}`")),
        Err(_) => Err(format!("{name:?} is not a method, expected a name such as `GET`")),
    }
}

fn check_header(name: &str) -> Result<(), String> {
    let checked = HeaderName::try_from(name).map(drop);
    checked.map_err(|_| format!("{name:?} is not a header name, expected letters, digits and dashes"))
}

struct Cors {
    origins: Origins,
    preflight: HeaderMap,
    exposed: Option<HeaderValue>,
    credentials: bool,
}

impl Policy for Cors {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        let allowed = self.allow(request.headers());
        if is_preflight(&request) {
            let response = self.answer_preflight(allowed);
            return Box::pin(std::future::ready(response));
        }
        if request.headers().contains_key(ORIGIN) && allowed.is_some() {
            request.extensions_mut().insert(AllowedOrigin);
        }
        Box::pin(async move {
            let mut response = next.call(request).await;
            self.mark(response.headers_mut(), allowed);
            response
        })
    }
}

impl Cors {
    /// What `Access-Control-Allow-Origin` says, if anything.
    fn allow(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Origins::Any = self.origins {
            // Without Origin too: a cache may hand the answer to a page that sends one.
            return Some(HeaderValue::from_static("*"));
        }
        let mut sent = headers.get_all(ORIGIN).iter();
        let origin = sent.next().filter(|_| sent.next().is_none())?;
        self.origins.contain(origin.as_bytes()).then(|| origin.clone())
    }

    fn answer_preflight(&self, allowed: Option<HeaderValue>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if allowed.is_some() {
            response.headers_mut().clone_from(&self.preflight);
        }
        self.mark(response.headers_mut(), allowed);
        response.headers_mut().remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        response
    }

    fn mark(&self, headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
        for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS] {
            headers.remove(name);
        }
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if self.credentials {
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
            if let Some(exposed) = &self.exposed {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
            }
        }
        if !matches!(self.origins, Origins::Any) {
            vary_by(headers, "origin");
        }
    }
}

/// Fetch 3.3.2: `OPTIONS` with `Origin` and `Access-Control-Request-Method`.
fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::layered;

    /// The status and the headers of an answer, sorted.
    async fn answer(config: &CorsConfig, method: Method, headers: &[(&str, &str)]) -> (u16, String) {
        let stack = layered(config, |request| async move {
            let mut response = Response::new(Body::empty());
            let allowed = request.extensions().get::<AllowedOrigin>().is_some();
            response.headers_mut().insert("x-leaf", HeaderValue::from_static(if allowed { "allowed" } else { "other" }));
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://leaf.example"));
            response
        });
        let mut request = http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = stack.call(request.body(Body::empty()).unwrap()).await;
        let mut lines: Vec<String> =
            response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        (response.status().as_u16(), lines.join("\n").replace("access-control-", "ac-"))
    }

    const APP: (&str, &str) = ("origin", "https://app.example");
    const EVIL: (&str, &str) = ("origin", "https://evil.example");
    const PUT: (&str, &str) = ("access-control-request-method", "PUT");

    fn app() -> CorsConfig {
        CorsConfig { credentials: true, exposed_headers: vec!["etag".into()], ..CorsConfig::new(["https://app.example"]) }
    }

    #[tokio::test]
    async fn an_allowed_origin_may_read_the_answer_and_no_other_may() {
        let allowed = "ac-allow-credentials: true\nac-allow-origin: https://app.example\nac-expose-headers: etag\nvary: origin\nx-leaf: allowed";
        assert_eq!(answer(&app(), Method::GET, &[APP]).await, (200, allowed.into()));
        for headers in [&[EVIL][..], &[], &[APP, EVIL], &[("origin", "null")]] {
            assert_eq!(answer(&app(), Method::GET, headers).await, (200, "vary: origin\nx-leaf: other".into()), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn a_preflight_is_answered_before_the_leaf() {
        let allowed = "ac-allow-credentials: true\nac-allow-headers: authorization, content-type\n\
                       ac-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE\nac-allow-origin: https://app.example\n\
                       ac-max-age: 600\nvary: origin";
        assert_eq!(answer(&app(), Method::OPTIONS, &[APP, PUT]).await, (204, allowed.into()));
        assert_eq!(answer(&app(), Method::OPTIONS, &[EVIL, PUT]).await, (204, "vary: origin".into()));
    }

    #[tokio::test]
    async fn options_that_are_no_preflight_pass() {
        for headers in [&[APP][..], &[PUT], &[]] {
            let (status, lines) = answer(&app(), Method::OPTIONS, headers).await;
            assert!(status == 200 && lines.contains("x-leaf"), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn any_origin_gets_the_same_answer() {
        let any = CorsConfig::new(["*"]);
        assert_eq!(answer(&any, Method::GET, &[EVIL]).await, (200, "ac-allow-origin: *\nx-leaf: allowed".into()));
        assert_eq!(answer(&any, Method::GET, &[]).await, (200, "ac-allow-origin: *\nx-leaf: other".into()));
    }

    #[test]
    fn refuses_credentials_for_everyone_and_names_that_browsers_do_not_send() {
        let refused = |config: CorsConfig| config.layer().map_err(|error| error.to_string()).err().unwrap_or_default();
        for field in ["origins", "methods", "headers", "exposed_headers"] {
            let json = format!(r#"{{"origins": ["https://a.example"], "credentials": true, "{field}": ["*"]}}"#);
            let json = if field == "origins" { r#"{"origins": ["*"], "credentials": true}"#.into() } else { json };
            let config = serde_json::from_str(&json).unwrap();
            assert_eq!(refused(config), format!("{field}: {field} has `*` beside credentials, expected names"));
        }
        let config = CorsConfig { methods: vec!["GET".into(), "patch".into()], ..app() };
        assert_eq!(refused(config), "methods[1]: `patch` is not a method as browsers send it, expected `PATCH`");
        let config = CorsConfig { headers: vec!["x y".into()], ..app() };
        assert_eq!(refused(config), "headers[0]: \"x y\" is not a header name, expected letters, digits and dashes");
    }
}
