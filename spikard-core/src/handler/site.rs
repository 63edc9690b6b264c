//! Requests that another site's page can make without a preflight (Fetch standard, section
//! 2.2.2): forms, and bodies without a media type. They carry the user's cookies, so a route that
//! acts on JSON must not take them from just anywhere.

use http::{HeaderValue, header};
use spikard_middleware::problem::CROSS_ORIGIN;
use spikard_middleware::{AllowedOrigin, Request};

use super::refused::Refused;
use crate::gateway::host_of;

/// Refuses a request of another site, unless `cors` allows it. With neither `Sec-Fetch-Site` nor
/// `Origin` it is not from a browser's page.
pub(super) fn check(request: &Request) -> Result<(), Refused> {
    if is_foreign(request) {
        return Err(Refused::new(CROSS_ORIGIN, "forms and bodies without Content-Type are not taken from another site"));
    }
    Ok(())
}

/// Whether a page of another site makes the request, and `cors` does not allow it.
pub(crate) fn is_foreign(request: &Request) -> bool {
    if request.extensions().get::<AllowedOrigin>().is_some() {
        return false;
    }
    let headers = request.headers();
    let foreign = headers.get_all("sec-fetch-site").iter().any(|site| site == "cross-site" || site == "same-site");
    let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
    let differs = origins.peek().is_some() && {
        let host = host_of(request);
        origins.any(|origin| !is_of(origin, host))
    };
    foreign || differs
}

/// Whether an origin has this host and port. The port that its scheme implies may be left out.
fn is_of(origin: &HeaderValue, host: &str) -> bool {
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let implied = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let bare = |authority: &str| authority.strip_suffix(implied).unwrap_or(authority).to_ascii_lowercase();
    !authority.is_empty() && bare(authority) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use spikard_middleware::Body;

    fn taken(headers: &[(&'static str, &'static str)], allowed: bool) -> bool {
        let mut request = Request::new(Body::empty());
        for (name, value) in [("host", "Shop.example")].iter().chain(headers) {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if allowed {
            request.extensions_mut().insert(AllowedOrigin);
        }
        check(&request).is_ok()
    }

    #[test]
    fn takes_a_request_of_the_same_origin_or_of_no_page() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://shop.example")],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://shop.example:80")],
        ] {
            assert!(taken(headers, false), "{headers:?}");
        }
    }

    #[test]
    fn refuses_another_site_unless_cors_allows_it() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "https://shop.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://shop.example.evil.example")],
            &[("origin", "https://shop.example:8443")],
            &[("origin", "http://shop.example:443")],
            &[("origin", "null")],
            &[("origin", "https://shop.example"), ("origin", "https://evil.example")],
        ] {
            assert!(!taken(headers, false), "{headers:?}");
            assert!(taken(headers, true), "{headers:?}");
        }
    }
}
