//! The path that an upstream is asked for.
//!
//! What was matched is what is forwarded, byte for byte, unless the upstream is configured with a
//! prefix to strip or a path of its own.

use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::routes::PathParams;

/// What happens to the path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathRule {
    /// Nothing.
    Keep,
    /// These leading segments (decoded) are left out.
    Strip(Vec<String>),
    /// It is written anew.
    Rewrite(Vec<Piece>),
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Parameter(String),
}

/// What a segment cannot hold as it is (RFC 3986 section 3.3); slashes stay, since `{*rest}` has them.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Whether the path holds what servers read in different ways: an encoded slash, a backslash or
/// NUL in any form, or a dot segment with parameters (`..;x`), which some resolve without them.
pub(super) fn is_ambiguous(path: &str) -> bool {
    let bytes = path.as_bytes();
    let encoded = |at: usize| {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        digits.eq_ignore_ascii_case(b"2f") || digits.eq_ignore_ascii_case(b"5c") || digits == b"00"
    };
    memchr::memchr3_iter(b'%', b'\\', 0, bytes).any(|at| bytes[at] != b'%' || encoded(at))
        || (memchr::memchr2(b';', b'%', bytes).is_some() && path.split('/').any(is_dots_with_parameters))
}

fn is_dots_with_parameters(segment: &str) -> bool {
    let mut dots = percent_decode_str(segment).skip_while(|byte| *byte == b'.');
    dots.next() == Some(b';') && matches!(percent_decode_str(segment).take_while(|byte| *byte == b'.').count(), 1 | 2)
}

impl PathRule {
    /// The rule that strips a prefix such as `/api`.
    ///
    /// # Errors
    /// When it does not start with `/` or has no segment.
    pub(super) fn strip(prefix: &str) -> Result<Self, String> {
        let segments = prefix.strip_prefix('/').map(|rest| rest.trim_end_matches('/')).filter(|rest| !rest.is_empty());
        let segments = segments.ok_or_else(|| format!("prefix is `{prefix}`, expected `/` and a segment, such as `/api`"))?;
        Ok(Self::Strip(segments.split('/').map(|segment| decoded(segment).into_owned()).collect()))
    }

    /// The rule that writes the path anew, by a template such as `/v2/{rest}`.
    ///
    /// # Errors
    /// When it does not start with `/`, has a brace without its partner, or is no path.
    pub(super) fn rewrite(template: &str) -> Result<Self, String> {
        let bad = |expected: &str| format!("path is `{template}`, expected {expected}");
        if !template.starts_with('/') {
            return Err(bad("it to start with `/`"));
        }
        let mut pieces = Vec::new();
        let mut rest = template;
        while !rest.is_empty() {
            let (text, parameter) = rest.split_once('{').map_or((rest, None), |(text, after)| (text, Some(after)));
            let fits =
                text.parse::<PathAndQuery>().is_ok() || text.is_empty() || format!("/{text}").parse::<PathAndQuery>().is_ok();
            if !fits || text.contains(['}', '?', '#']) {
                return Err(bad("a path, with parameters as `{name}` and without a query"));
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(text.into()));
            }
            rest = match parameter {
                None => "",
                Some(after) => {
                    let (name, after) = after.split_once('}').ok_or_else(|| bad("a `}` for every `{`"))?;
                    pieces.push(Piece::Parameter(name.trim_start_matches('*').into()));
                    after
                }
            };
        }
        Ok(Self::Rewrite(pieces))
    }

    /// The first parameter that the rule needs and that is not among `known`.
    pub(super) fn unknown<'a>(&'a self, known: &[&str]) -> Option<&'a str> {
        let Self::Rewrite(pieces) = self else { return None };
        pieces.iter().find_map(|piece| match piece {
            Piece::Parameter(name) if !known.contains(&name.as_str()) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The path and query to ask for.
    pub(super) fn apply(&self, uri: &Uri, parameters: Option<&PathParams>) -> PathAndQuery {
        let same = || uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let path = match self {
            Self::Keep => return same(),
            Self::Strip(prefix) => match stripped(uri.path(), prefix) {
                Some(rest) => Cow::Borrowed(rest),
                None => return same(),
            },
            Self::Rewrite(pieces) => Cow::Owned(pieces.iter().map(|piece| piece.text(parameters)).collect::<String>()),
        };
        let path = if path.is_empty() { Cow::Borrowed("/") } else { path };
        let whole = uri.query().map_or_else(|| path.to_string(), |query| format!("{path}?{query}"));
        // Both parts come from a valid URI or were encoded.
        PathAndQuery::try_from(whole).unwrap_or_else(|_| same())
    }
}

impl Piece {
    fn text<'a>(&'a self, parameters: Option<&'a PathParams>) -> Cow<'a, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            // The leaf is built with the names of its route's parameters, so all are there.
            Self::Parameter(name) => {
                utf8_percent_encode(parameters.and_then(|parameters| parameters.get(name)).unwrap_or_default(), ENCODED).into()
            }
        }
    }
}

/// What is left of a path behind leading segments; it starts with `/` or is empty.
fn stripped<'a>(path: &'a str, prefix: &[String]) -> Option<&'a str> {
    prefix.iter().try_fold(path, |path, expected| {
        let rest = path.strip_prefix('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        (decoded(&rest[..end]) == expected.as_str()).then_some(&rest[end..])
    })
}

pub(super) fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rule: &PathRule, uri: &'static str) -> String {
        rule.apply(&Uri::from_static(uri), None).to_string()
    }

    #[test]
    fn a_path_is_forwarded_byte_for_byte() {
        for uri in ["/", "/a//b/", "/%7Euser/%e4?x=%2F&y", "/a?b=/../c"] {
            assert_eq!(asked(&PathRule::Keep, uri), uri);
        }
    }

    #[test]
    fn a_prefix_is_stripped_by_whole_segments() {
        let rule = PathRule::strip("/api/v1/").unwrap();
        for (uri, expected) in [
            ("/api/v1/users?x=1", "/users?x=1"),
            ("/api/v1", "/"),
            ("/api/v1/", "/"),
            ("/%61pi/v1/%61", "/%61"),
            ("/api/v10/users", "/api/v10/users"),
            ("/other", "/other"),
        ] {
            assert_eq!(asked(&rule, uri), expected, "{uri}");
        }
        assert!(PathRule::strip("api").is_err() && PathRule::strip("/").is_err());
    }

    #[test]
    fn a_path_is_ambiguous_when_servers_would_differ() {
        for path in
            ["/a%2fb", "/a%2Fb", "/a%5Cb", "/a%5cb", "/a%00", "/a\\b", "/a\0b", "/a/..;/b", "/.;x=1", "/%2e.;/b", "/..%3Bx/b"]
        {
            assert!(is_ambiguous(path), "{path}");
        }
        for path in ["/", "/a/b", "/%41%2e", "/100%", "/%252f", "/;x/a;v=1", "/...;/a", "/a..;b"] {
            assert!(!is_ambiguous(path), "{path}");
        }
    }

    #[test]
    fn a_template_that_is_no_path_is_refused() {
        for template in ["v2", "/{id", "/id}", "/a?b={id}", "/a b"] {
            assert!(PathRule::rewrite(template).is_err(), "{template}");
        }
        let rule = PathRule::rewrite("/v2/{id}-{*rest}").unwrap();
        assert_eq!(rule.unknown(&["id", "rest"]), None);
        assert_eq!(rule.unknown(&["id"]), Some("rest"));
    }
}
