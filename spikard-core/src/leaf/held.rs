//! Whether a client has already what it asks for (RFC 9110 section 13.1.2).

use http::{HeaderMap, header};

/// Whether `If-None-Match` names the entity tag: weakly compared, so that a body that was compressed
/// on its way is known again.
pub(crate) fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_among_others_and_weak() {
        for (field, expected) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("a", false), ("\"b\"", false), ("", false)]
        {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, field.parse().unwrap())]);
            assert_eq!(is_held(&headers, "\"a\""), expected, "{field}");
        }
        assert!(!is_held(&HeaderMap::new(), "\"a\""));
    }
}
