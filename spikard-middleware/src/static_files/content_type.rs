//! The media type of a file, by the extension of its name.

use http::HeaderValue;

/// The media type, with `charset=utf-8` for text: a file in another encoding would have to say so
/// itself. Unknown extensions are `application/octet-stream`.
pub(super) fn content_type(name: &str) -> HeaderValue {
    let extension = name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(_, extension)| extension);
    match mime_guess::from_ext(extension).first_raw() {
        Some("text/html") => HeaderValue::from_static("text/html; charset=utf-8"),
        Some("text/css") => HeaderValue::from_static("text/css; charset=utf-8"),
        Some("text/javascript" | "application/javascript") => HeaderValue::from_static("text/javascript; charset=utf-8"),
        Some(text) if text.starts_with("text/") => {
            HeaderValue::try_from(format!("{text}; charset=utf-8")).unwrap_or(HeaderValue::from_static(text))
        }
        Some(other) => HeaderValue::from_static(other),
        None => HeaderValue::from_static("application/octet-stream"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_a_charset_and_the_unknown_is_bytes() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a.b/app.mjs", "text/javascript; charset=utf-8"),
            ("notes.TXT", "text/plain; charset=utf-8"),
            ("data.json", "application/json"),
            ("logo.svg", "image/svg+xml"),
            ("font.woff2", "font/woff2"),
            ("a.html/LICENSE", "application/octet-stream"),
            ("x.unheard-of", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }
}
