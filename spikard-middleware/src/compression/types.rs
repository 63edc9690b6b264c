//! Which media types are worth compressing.

use http::HeaderValue;

/// What is compressed when nothing is said: text, and formats that are text or tables inside.
/// Images, sound, video, archives and `woff2` are compressed already.
pub(super) const DEFAULT: &[&str] = &[
    "text/*",
    "*/*+json",
    "*/*+xml",
    "*/*+yaml",
    "application/json",
    "application/javascript",
    "application/x-ndjson",
    "application/xml",
    "application/yaml",
    "application/toml",
    "application/wasm",
    "application/vnd.ms-fontobject",
    "application/x-protobuf",
    "application/rtf",
    "application/sql",
    "application/graphql",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/x-icon",
    "image/vnd.microsoft.icon",
];

/// Messages of these must reach the client one by one as they are sent.
const NEVER: &[&str] = &["text/event-stream", "application/grpc"];

/// A pattern of media types, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// `application/json`
    Exact(String),
    /// `text/*`, kept as `text/`
    Family(String),
    /// `*/*+json`, kept as `+json`
    Suffix(String),
}

/// The media types that are compressed.
#[derive(Debug)]
pub(super) struct Types(Vec<Pattern>);

impl Types {
    /// Reads patterns; the error is the index of the first that is none.
    pub(super) fn parse(patterns: &[String]) -> Result<Self, usize> {
        let parsed = patterns.iter().enumerate().map(|(index, text)| pattern(text).ok_or(index));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a body with this `Content-Type` is compressed.
    pub(super) fn contain(&self, content_type: &HeaderValue) -> bool {
        let Ok(text) = content_type.to_str() else { return false };
        let essence = text.split(';').next().unwrap_or(text).trim();
        self.0.iter().any(|pattern| pattern.matches(essence)) && !NEVER.iter().any(|never| starts_with(essence, never))
    }
}

impl Pattern {
    fn matches(&self, essence: &str) -> bool {
        match self {
            Self::Exact(name) => essence.eq_ignore_ascii_case(name),
            Self::Family(start) => starts_with(essence, start),
            Self::Suffix(end) => {
                let start = essence.len().checked_sub(end.len());
                start.and_then(|start| essence.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
            }
        }
    }
}

fn pattern(text: &str) -> Option<Pattern> {
    let (family, subtype) = text.split_once('/').filter(|(family, _)| !family.is_empty())?;
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte));
    match (family, subtype) {
        ("*", _) => {
            subtype.strip_prefix("*+").filter(|suffix| is_name(suffix)).map(|suffix| Pattern::Suffix(format!("+{suffix}")))
        }
        (_, "*") => is_name(family).then(|| Pattern::Family(format!("{family}/"))),
        _ => (is_name(family) && is_name(subtype)).then(|| Pattern::Exact(text.to_owned())),
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(patterns: &[&str]) -> Result<Types, usize> {
        Types::parse(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn text_is_compressed_and_what_is_compressed_already_is_not() {
        let types = types(DEFAULT).unwrap_or_else(|index| panic!("default {index} is no pattern"));
        for yes in ["text/html; charset=utf-8", "Application/JSON", "image/svg+xml", "application/problem+json", "font/ttf"] {
            assert!(types.contain(&HeaderValue::from_static(yes)), "{yes}");
        }
        for no in [
            "text/event-stream",
            "application/grpc",
            "application/grpc-web+proto",
            "application/grpc+json",
            "image/png",
            "video/mp4",
            "application/zip",
            "font/woff2",
            "application/octet-stream",
            "",
        ] {
            assert!(!types.contain(&HeaderValue::from_static(no)), "{no}");
        }
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for bad in ["json", "/json", "text/", "*/*", "*/json", "text/a b", "*/*+"] {
            assert_eq!(types(&["text/css", bad]).err(), Some(1), "{bad}");
        }
    }
}
