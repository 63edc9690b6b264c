//! What the pages may load and do: their `Content-Security-Policy` (CSP level 3).
//!
//! Everything is of the server itself, and no policy has `'unsafe-inline'` or `'unsafe-eval'` for
//! scripts. What is allowed beyond that is what a bundle cannot do without: the browser tests
//! (spikard-py/tests/pages) fail where one asks for more, and the browser then says for what.

use http::Uri;

use super::Page;

/// A `<style>` without text: rules that a script puts into one are not covered by the policy.
const EMPTY: &str = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
/// The four `<style>` that Scalar makes, by the hash of their text.
const SCALAR: &str = "'sha256-d7niGYA9R/xp7r1pyc/+3ntTepKCabnrqd2exao76s4=' \
                      'sha256-ZW1GSuo0pKyEx5Ar7ZC5Dflb/mjatjeTW9aVx0iZAzE=' \
                      'sha256-DLlkYCuDYGe6ME23YkUFB7Tc36rGDeo4mVBFbZX3uaU=' \
                      'sha256-rO+6k1mDRASa9Q8IQu9I3bF+bjRdxDreAZCyGSaxzeI='";

/// The policy of a page from which requests go to `servers`.
pub(super) fn of(page: Page, servers: &[&str]) -> String {
    let mut connect = "'self'".to_owned();
    for origin in servers.iter().filter_map(|server| origin(server)) {
        connect.push(' ');
        connect.push_str(&origin);
    }
    let own = match page {
        // Icons are in its style sheet; an answer that is an image or a sound is shown.
        Page::SwaggerUi => "style-src 'self'; img-src 'self' data: blob:; media-src 'self'".to_owned(),
        // Its fonts for icons and its signature are in the bundle.
        Page::Redoc => format!("style-src 'self' {EMPTY}; img-src 'self' data:; font-src data:"),
        // Markup that it puts together as text has attributes with styles.
        Page::Scalar => {
            format!(
                "style-src 'self' {EMPTY} {SCALAR}; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self'"
            )
        }
    };
    format!(
        "default-src 'none'; script-src 'self'; {own}; connect-src {connect}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The origin of an absolute URL with a host; none where the server is the page's own.
fn origin(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let (scheme, host) = (url.scheme_str()?, url.host()?);
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    // RFC 3986 allows `;` in a host; here it would begin another directive.
    host.bytes().all(is_host).then_some(())?;
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}"))
}
