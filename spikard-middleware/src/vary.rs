//! `Vary` (RFC 9110 section 12.5.5): on which request headers an answer depends.

use http::header::VARY;
use http::{HeaderMap, HeaderValue};

/// Says that the answer depends on the request header `name`, unless it says so already.
pub(crate) fn vary_by(headers: &mut HeaderMap, name: &'static str) {
    let said = headers
        .get_all(VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|said| matches!(said.trim(), "*") || said.trim().eq_ignore_ascii_case(name));
    if !said {
        headers.append(VARY, HeaderValue::from_static(name));
    }
}
