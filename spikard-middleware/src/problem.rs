//! The refusals that a client may see, in one table, and their form: problem details (RFC 9457).
//!
//! Every body that Spikard makes for an error comes from here. Exception texts, file paths and
//! secrets never do: they go to the log, under the request id that the body names.

use axum_core::body::Body;
use http::{HeaderValue, StatusCode, Uri, header};
use serde::Serialize;

use crate::request_id::RequestId;
use crate::service::{Request, Response};

/// One kind of refusal: its status, its slug and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status that is sent, where the policy has no setting for another.
    pub status: StatusCode,
    /// The last part of the `type` URI.
    pub slug: &'static str,
    /// The `title`: the same for every refusal of this kind.
    pub title: &'static str,
    /// The layer of the table that refuses; none: what answers behind all layers, or the server.
    policy: Option<&'static str>,
}

/// That an answer is a refusal, and whose: an extension of the response, for those who count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The slug of the refusal.
    pub slug: &'static str,
    /// The layer of the table that refused.
    pub policy: Option<&'static str>,
}

macro_rules! refusals {
    ($($name:ident $status:ident $slug:literal $title:literal;)*) => {
        $(
            #[doc = concat!("`", $slug, "`: ", $title, ".")]
            pub const $name: Refusal = Refusal::new(StatusCode::$status, $slug, $title);
        )*
        /// All refusals, for the documentation.
        pub const REFUSALS: &[Refusal] = &[$($name),*];
    };
}

refusals! {
    BAD_REQUEST             BAD_REQUEST                     "bad-request"              "Bad Request";
    MALFORMED_BODY          BAD_REQUEST                     "malformed-body"           "Malformed Request Body";
    CONTENT_LENGTH_MISMATCH BAD_REQUEST                     "content-length-mismatch"  "Content-Length header mismatch";
    NO_CREDENTIALS          UNAUTHORIZED                    "unauthorized"             "Missing or invalid Authorization header";
    WRONG_SCHEME            UNAUTHORIZED                    "unauthorized"             "Invalid Authorization header format";
    MALFORMED_TOKEN         UNAUTHORIZED                    "unauthorized"             "Malformed JWT token";
    INVALID_TOKEN           UNAUTHORIZED                    "unauthorized"             "JWT validation failed";
    NO_API_KEY              UNAUTHORIZED                    "unauthorized"             "Missing API key";
    INVALID_API_KEY         UNAUTHORIZED                    "unauthorized"             "Invalid API key";
    FORBIDDEN               FORBIDDEN                       "forbidden"                "Forbidden";
    CROSS_ORIGIN            FORBIDDEN                       "cross-origin"             "Cross-Origin Request Refused";
    NOT_FOUND               NOT_FOUND                       "not-found"                "Resource Not Found";
    METHOD_NOT_ALLOWED      METHOD_NOT_ALLOWED              "method-not-allowed"       "Method Not Allowed";
    REQUEST_TIMEOUT         REQUEST_TIMEOUT                 "request-timeout"          "Request Timeout";
    PRECONDITION_FAILED     PRECONDITION_FAILED             "precondition-failed"      "Precondition Failed";
    PAYLOAD_TOO_LARGE       PAYLOAD_TOO_LARGE               "payload-too-large"        "Payload Too Large";
    URI_TOO_LONG            URI_TOO_LONG                    "uri-too-long"             "URI Too Long";
    UNSUPPORTED_MEDIA_TYPE  UNSUPPORTED_MEDIA_TYPE          "unsupported-media-type"   "Unsupported Media Type";
    UNSUPPORTED_CHARSET     UNSUPPORTED_MEDIA_TYPE          "unsupported-charset"      "Unsupported Charset";
    UNSUPPORTED_ENCODING    UNSUPPORTED_MEDIA_TYPE          "unsupported-encoding"     "Unsupported Content Encoding";
    RANGE_NOT_SATISFIABLE   RANGE_NOT_SATISFIABLE           "range-not-satisfiable"    "Range Not Satisfiable";
    VALIDATION_ERROR        UNPROCESSABLE_ENTITY            "validation-error"         "Request Validation Failed";
    UPGRADE_REQUIRED        UPGRADE_REQUIRED                "upgrade-required"         "Upgrade Required";
    TOO_MANY_REQUESTS       TOO_MANY_REQUESTS               "too-many-requests"        "Too Many Requests";
    HEADERS_TOO_LARGE       REQUEST_HEADER_FIELDS_TOO_LARGE "request-header-fields-too-large" "Request Header Fields Too Large";
    INTERNAL_SERVER_ERROR   INTERNAL_SERVER_ERROR           "internal-server-error"    "Internal Server Error";
    DEPENDENCY_ERROR        INTERNAL_SERVER_ERROR           "dependency-error"         "Dependency Resolution Failed";
    BAD_GATEWAY             BAD_GATEWAY                     "bad-gateway"              "Bad Gateway";
    SERVICE_UNAVAILABLE     SERVICE_UNAVAILABLE             "service-unavailable"      "Service Unavailable";
    DEPENDENCY_FAILED       SERVICE_UNAVAILABLE             "dependency-error"         "Service Unavailable";
    GATEWAY_TIMEOUT         GATEWAY_TIMEOUT                 "gateway-timeout"          "Gateway Timeout";
}

/// What a problem is about: the path and the id of the request. Taken before the request is
/// handed on, so that a refusal can still name it. Cloning copies no bytes.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    uri: Uri,
    request_id: Option<RequestId>,
}

impl Subject {
    /// The subject of a request.
    pub fn of(request: &Request) -> Self {
        Self { uri: request.uri().clone(), request_id: request.extensions().get::<RequestId>().cloned() }
    }

    /// The subject of a request that was taken apart.
    pub fn of_parts(parts: &http::request::Parts) -> Self {
        Self { uri: parts.uri.clone(), request_id: parts.extensions.get::<RequestId>().cloned() }
    }

    /// The request id, or `-` where the stack gives none.
    pub fn request_id(&self) -> &str {
        self.request_id.as_ref().map_or("-", RequestId::as_str)
    }
}

#[derive(Serialize)]
struct Body9457<'a, E> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<E>,
}

impl Refusal {
    /// A refusal that is none of the table.
    pub const fn new(status: StatusCode, slug: &'static str, title: &'static str) -> Self {
        Self { status, slug, title, policy: None }
    }

    /// The same refusal with another status, for policies that let the status be set.
    pub const fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same refusal as that of a policy, which is named as its line of the table is.
    #[must_use]
    pub const fn by(self, policy: &'static str) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// Notes on a response of another form that it is this refusal.
    pub fn mark(&self, response: &mut Response) {
        response.extensions_mut().insert(Refused { slug: self.slug, policy: self.policy });
    }

    /// The refusal as a response.
    pub fn response(&self, subject: &Subject, detail: &str) -> Response {
        self.with_errors(subject, detail, None::<()>)
    }

    /// The refusal as a response that lists single errors (`errors[]`).
    pub fn with_errors(&self, subject: &Subject, detail: &str, errors: Option<impl Serialize>) -> Response {
        let body = Body9457 {
            r#type: format!("https://spikard.dev/errors/{}", self.slug),
            title: self.title,
            status: self.status.as_u16(),
            detail,
            instance: subject.uri.path(),
            request_id: subject.request_id.as_ref().map(RequestId::as_str),
            errors,
        };
        // Strings, numbers and what the callers made of JSON: this does not fail.
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        self.mark(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_names_its_kind_its_request_and_nothing_else() {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static("/orders?api_key=hidden");
        request.extensions_mut().insert(RequestId::from_static("abc"));

        let response = NOT_FOUND.by("require").response(&Subject::of(&request), "no such path");

        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.extensions().get(), Some(&Refused { slug: "not-found", policy: Some("require") }));
        assert_eq!(
            crate::testing::text(response).await,
            r#"{"type":"https://spikard.dev/errors/not-found","title":"Resource Not Found","status":404,"detail":"no such path","instance":"/orders","request_id":"abc"}"#
        );
    }
}
