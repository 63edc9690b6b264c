//! What answers where no route does: 404, 405, and OPTIONS without a handler.

use http::{HeaderValue, Method, StatusCode, header};
use spikard_middleware::problem::{METHOD_NOT_ALLOWED, NOT_FOUND, Subject};
use spikard_middleware::{Answer, Body, Request, Response, Service};

/// The methods that the path of a request has; an extension of requests that no route answers.
#[derive(Debug, Clone)]
pub(crate) struct Allowed(pub(crate) Vec<Method>);

/// Says in `Allow` which methods the path has; nothing where it is not about one path (`OPTIONS *`).
fn allow(mut response: Response, request: &Request) -> Response {
    if let Some(Allowed(methods)) = request.extensions().get() {
        let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        // Methods are tokens: this does not fail.
        let names = HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static(""));
        response.headers_mut().insert(header::ALLOW, names);
    }
    response
}

/// Unknown paths.
pub(crate) struct NotFound;

impl Service for NotFound {
    fn call(&self, request: Request) -> Answer<'_> {
        let response = NOT_FOUND.response(&Subject::of(&request), "no route has this path");
        Box::pin(std::future::ready(response))
    }
}

/// Known paths with a method that they do not have (RFC 9110 section 15.5.6).
pub(crate) struct MethodNotAllowed;

impl Service for MethodNotAllowed {
    fn call(&self, request: Request) -> Answer<'_> {
        let detail = format!("{} is not a method of this path", request.method());
        let response = METHOD_NOT_ALLOWED.response(&Subject::of(&request), &detail);
        Box::pin(std::future::ready(allow(response, &request)))
    }
}

/// OPTIONS for paths without a handler of their own for it (RFC 9110 section 9.3.7).
pub(crate) struct Options;

impl Service for Options {
    fn call(&self, request: Request) -> Answer<'_> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Box::pin(std::future::ready(allow(response, &request)))
    }
}
