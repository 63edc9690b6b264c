//! What policies know of gRPC: which requests are calls, and how one is refused. The calls
//! themselves are answered in `spikard-core`.

use axum_core::body::Body;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::service::Response;

/// What stands in `grpc-message` as it is: printable ASCII without the percent sign.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// Whether a request is a gRPC call by its media type: `application/grpc` and its message formats
/// (`application/grpc+proto`); not gRPC-Web, which is another protocol.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    value.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Makes a response the form "Trailers-Only" of the gRPC protocol: no body, the status in the head.
/// `code` is one of gRPC's, 0 to 16.
pub fn put_status(response: &mut Response, code: u8, message: &str) {
    *response.status_mut() = http::StatusCode::OK;
    *response.body_mut() = Body::empty();
    let headers = response.headers_mut();
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(u16::from(code)));
    let message = utf8_percent_encode(message, MESSAGE).to_string();
    // All that is not printable ASCII was encoded.
    if let Ok(message) = HeaderValue::try_from(message) {
        headers.insert("grpc-message", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_media_type() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; x=y", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_grpc(&headers), expected, "{content_type}");
        }
    }

    #[test]
    fn a_message_is_percent_encoded() {
        let mut response = Response::default();
        put_status(&mut response, 5, "50 % of caf\u{e9}\n");
        assert_eq!(response.headers()["grpc-status"], "5");
        assert_eq!(response.headers()["grpc-message"], "50 %25 of caf%C3%A9%0A");
    }
}
