//! Answers every request with a redirect to the same URL over HTTPS. No policy stands before it:
//! whatever a client sends without TLS, nothing is done with it.

use std::future::ready;

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use spikard_middleware::problem::{BAD_REQUEST, Subject};
use spikard_middleware::{Answer, Body, Client, Request, Response, Service};

/// The port of `https` URLs that need not name it.
const HTTPS: u16 = 443;

/// Redirects to a port of the host that a request is for.
pub(super) struct Redirect {
    pub(super) port: u16,
}

impl Redirect {
    fn location(&self, request: &Request) -> Option<HeaderValue> {
        let host = request.extensions().get::<Client>().map(|client| client.host.as_str()).unwrap_or_default();
        let end = if host.ends_with(']') { host.len() } else { host.rfind(':').unwrap_or(host.len()) };
        // HTTP/1.0 may name none.
        let name = host.get(..end).filter(|name| !name.is_empty())?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path } else { "/" };
        let location =
            if self.port == HTTPS { format!("https://{name}{path}") } else { format!("https://{name}:{}{path}", self.port) };
        location.try_into().ok()
    }
}

impl Service for Redirect {
    fn call(&self, request: Request) -> Answer<'_> {
        let response = self.location(&request).map_or_else(
            || BAD_REQUEST.response(&Subject::of(&request), "request has no Host, expected one to redirect to"),
            |location| {
                let mut response = Response::new(Body::empty());
                // It keeps the method, and browsers keep it (RFC 9110 section 15.4.9).
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, location);
                response
            },
        );
        Box::pin(ready(response))
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    fn location(port: u16, host: &str, uri: &'static str) -> Option<String> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(uri);
        request.extensions_mut().insert(Client { host: host.into(), ..Client::local() });
        Redirect { port }.location(&request)?.to_str().ok().map(str::to_owned)
    }

    #[test]
    fn the_host_and_the_target_stay_and_the_port_is_that_of_https() {
        for (port, host, uri, expected) in [
            (443, "a.example", "/x?y=1", "https://a.example/x?y=1"),
            (443, "a.example:8080", "/", "https://a.example/"),
            (8443, "a.example:8080", "/%2F//x", "https://a.example:8443/%2F//x"),
            (8443, "[::1]", "/", "https://[::1]:8443/"),
            (8443, "[::1]:80", "*", "https://[::1]:8443/"),
        ] {
            assert_eq!(location(port, host, uri).as_deref(), Some(expected), "{host} {uri}");
        }
        assert_eq!(location(443, "", "/"), None);
    }
}
