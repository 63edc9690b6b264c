//! The `Cookie` header fields of a request (RFC 6265 section 5.4; several on HTTP/2).

use http::{HeaderMap, header};

use super::params::Params;

/// Names and values, as they were sent. Bytes that are not UTF-8 are replaced: one application's
/// cookie must not shut a user out of another one on the same host.
pub fn of(headers: &HeaderMap) -> Params {
    let fields = headers.get_all(header::COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let pairs = |field: std::borrow::Cow<'_, str>| -> Vec<_> {
        let pairs = field.split(';').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
    };
    fields.flat_map(pairs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn reads_all_cookies_of_all_fields() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; b=x=y;c=\"q\"; nameless; a=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("d="));
        let cookies = of(&headers);
        let expected = [("a", "1"), ("b", "x=y"), ("c", "\"q\""), ("a", "2"), ("d", "")];
        assert_eq!(cookies.iter().collect::<Vec<_>>(), expected);
        assert_eq!(cookies.get("a"), Some("1"));
    }
}
