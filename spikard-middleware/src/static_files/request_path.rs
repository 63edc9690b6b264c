//! From the path of a request to the path of a file below the directory, or to a refusal. No
//! decoding happens twice, and what could be read as a separator or as a step up is refused, not
//! cleaned: the route was chosen by the path as it was sent.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::service::Request;

/// What is left of the path of a request behind the route's prefix, percent-decoded once: the
/// value of `{*rest}`, without a slash in front. The router sets it as an extension of the
/// request; without it the whole path of the URI names the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestPath(pub String);

/// The place of a file or directory below the root: segments between single slashes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilePath<'a> {
    /// Without a slash at either end; empty for the root.
    pub(super) text: Cow<'a, str>,
    /// Whether the path ends in a slash, and so names a directory.
    pub(super) names_directory: bool,
}

/// Why a path names nothing here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPath {
    /// It is malformed.
    Bad(&'static str),
    /// It is well formed, and nothing is served there.
    Hidden,
}

impl<'a> FilePath<'a> {
    pub(super) fn of(request: &'a Request) -> Result<Self, NoPath> {
        let raw = request.uri().path();
        check_encoding(raw)?;
        let decoded = match request.extensions().get::<RestPath>() {
            Some(RestPath(rest)) => Cow::Borrowed(rest.as_str()),
            None => percent_decode_str(raw.strip_prefix('/').unwrap_or(raw))
                .decode_utf8()
                .map_err(|_| NoPath::Bad("path is not UTF-8"))?,
        };
        check_segments(&decoded)?;
        let names_directory = raw.ends_with('/');
        Ok(Self { text: if decoded.ends_with('/') { without_last(decoded) } else { decoded }, names_directory })
    }
}

fn without_last(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('/').unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.pop();
            Cow::Owned(text)
        }
    }
}

fn check_encoding(raw: &str) -> Result<(), NoPath> {
    for (at, _) in raw.match_indices('%') {
        match raw.as_bytes().get(at + 1..at + 3) {
            Some(b"2f" | b"2F") => return Err(NoPath::Bad("path has an encoded slash")),
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {}
            _ => return Err(NoPath::Bad("path has an invalid percent-encoding")),
        }
    }
    Ok(())
}

fn check_segments(path: &str) -> Result<(), NoPath> {
    if path.contains(['\0', '\\']) {
        return Err(NoPath::Bad("path has a NUL or a backslash"));
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(NoPath::Bad("path has a segment `.` or `..`"));
    }
    let folders = path.strip_suffix('/').unwrap_or(path);
    let is_hidden = |segment: &str| segment.is_empty() || (segment.starts_with('.') && segment != ".well-known");
    if path == "/" || (!folders.is_empty() && folders.split('/').any(is_hidden)) {
        return Err(NoPath::Hidden);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum_core::body::Body;

    fn path_of(uri: &str, rest: Option<&str>) -> Result<(String, bool), NoPath> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(rest) = rest {
            request.extensions_mut().insert(RestPath(rest.to_owned()));
        }
        FilePath::of(&request).map(|path| (path.text.into_owned(), path.names_directory))
    }

    #[test]
    fn a_path_is_decoded_once() {
        for (uri, rest, text, names_directory) in [
            ("/", None, "", true),
            ("/static", Some(""), "", false),
            ("/static/", Some(""), "", true),
            ("/a/b%20c.txt?x=..", None, "a/b c.txt", false),
            ("/static/caf%C3%A9/", Some("café/"), "café", true),
            ("/%252e%252e/x", None, "%2e%2e/x", false),
            ("/static/%252e", Some("%2e"), "%2e", false),
            ("/.well-known/security.txt", None, ".well-known/security.txt", false),
        ] {
            assert_eq!(path_of(uri, rest), Ok((text.to_owned(), names_directory)), "{uri}");
        }
    }

    #[test]
    fn an_empty_or_hidden_segment_names_nothing() {
        for uri in ["//", "//a", "/a//b", "/a//", "/.env", "/a/.git/config", "/.../x", "/.well-known/.x", "/.well-known2"] {
            assert_eq!(path_of(uri, None), Err(NoPath::Hidden), "{uri}");
        }
    }
}
