//! What the `Content-Type` of a request says about its body (RFC 9110 section 8.3).

use http::{HeaderMap, header};
use spikard_middleware::problem::{MALFORMED_BODY, UNSUPPORTED_CHARSET};

use super::refused::Refused;

/// The media types that are read into data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`, or any type with the suffix `+json` (RFC 6839 section 3.1).
    Json,
    /// `application/x-www-form-urlencoded`.
    UrlEncoded,
    /// `multipart/form-data` with its boundary.
    Multipart(String),
}

impl MediaType {
    /// The media type of a body; none if nothing is said of it.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refused> {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Self::parse(value.to_str().unwrap_or_default()).map(Some),
            // Whoever looked at the request before may have believed the other one.
            _ => Err(Refused::unsupported_media_type()),
        }
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Ok(Self::UrlEncoded),
            "multipart/form-data" => parameter(text, "boundary")
                .filter(|boundary| !boundary.is_empty())
                .map(Self::Multipart)
                .ok_or_else(|| Refused::new(MALFORMED_BODY, "multipart/form-data requires 'boundary' parameter")),
            json if is_json(json) => match parameter(text, "charset") {
                Some(charset) if !is_utf_8(&charset) => {
                    let detail = format!("Unsupported charset '{charset}' for JSON. Only UTF-8 is supported.");
                    Err(Refused::new(UNSUPPORTED_CHARSET, detail))
                }
                _ => Ok(Self::Json),
            },
            _ => Err(Refused::unsupported_media_type()),
        }
    }
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.split_once('/').is_some_and(|(_, subtype)| subtype.ends_with("+json"))
}

fn is_utf_8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// The first value of a parameter.
fn parameter(media_type: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = media_type.split_once(';')?;
    loop {
        let (before, after) = rest.split_once('=')?;
        let name = before.rsplit(';').next().unwrap_or_default().trim();
        let (value, left) = value(after.trim_start());
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = left;
    }
}

/// A token or a quoted string (RFC 9110 section 5.6.4), and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, left) = text.split_once(';').unwrap_or((text, ""));
        return (token.trim_end().to_owned(), left);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_json_and_forms() {
        for (text, expected) in [
            ("application/json", MediaType::Json),
            ("Application/JSON ; charset=\"UTF-8\"", MediaType::Json),
            ("application/vnd.api+json; ext=bulk;charset=utf8", MediaType::Json),
            ("application/x-www-form-urlencoded; charset=latin1", MediaType::UrlEncoded),
            ("multipart/form-data; x=\"a;boundary=no\\\"\"; Boundary=\"a b\"", MediaType::Multipart("a b".into())),
            ("multipart/form-data;boundary=--x; charset=utf-8", MediaType::Multipart("--x".into())),
        ] {
            assert_eq!(MediaType::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_all_others_in_the_words_of_the_contract() {
        let boundary = "Malformed Request Body: multipart/form-data requires 'boundary' parameter";
        let charset = "Unsupported Charset: Unsupported charset 'utf-16' for JSON. Only UTF-8 is supported.";
        let other = "Unsupported Media Type: Unsupported media type";
        for (text, expected) in [
            ("multipart/form-data", boundary),
            ("multipart/form-data; boundary=\"\"", boundary),
            ("application/json; charset=utf-16", charset),
            ("application/problem+json; charset=utf-16", charset),
            ("text/plain", other),
            ("text/plain; x=application/json", other),
            ("multipart/mixed; boundary=x", other),
            ("+json", other),
            ("", other),
        ] {
            assert_eq!(MediaType::parse(text).map_err(|refused| refused.to_string()), Err(expected.to_owned()), "{text}");
        }
    }
}
