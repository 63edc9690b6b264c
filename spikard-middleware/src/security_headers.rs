//! Response headers that make a browser stricter with what it got, on every answer.
//!
//! Each header can be set or switched off; what the leaf has set itself stays, since it knows its
//! pages better. `Strict-Transport-Security` is sent over HTTPS only (RFC 6797 section 7.2), as
//! told by [`Client::scheme`], so it also works behind a trusted proxy that ends TLS.
//!
//! The defaults suit pages and APIs that are used from their own origin and show in no frame.
//! They do not restrict scripts and styles: that takes a `Content-Security-Policy` (CSP level 3)
//! written for the very pages.
//!
//! ```
//! use spikard_middleware::{PolicyConfig, SecurityHeadersConfig};
//! use spikard_middleware::security_headers::FrameOptions;
//!
//! let config = SecurityHeadersConfig { frame_options: FrameOptions::SameOrigin, ..Default::default() };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::context::{BuildContext, BuildError};
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Policy, Request, Service};

/// Sets headers that make browsers stricter. An empty text, `off` or `false` leaves one out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityHeadersConfig {
    /// `X-Content-Type-Options: nosniff`: the type of a resource is what its header says.
    pub content_type_options: bool,
    /// `X-Frame-Options`: who may show a page in a frame (RFC 7034).
    pub frame_options: FrameOptions,
    /// `Referrer-Policy`: how much of its address a page tells others.
    pub referrer_policy: ReferrerPolicy,
    /// `Strict-Transport-Security`: for how long only HTTPS is used (RFC 6797). Sent over HTTPS only.
    pub strict_transport_security: String,
    /// `Content-Security-Policy`: what a page may load and do.
    pub content_security_policy: String,
    /// `Permissions-Policy`: which features of the device a page may use.
    pub permissions_policy: String,
    /// `Cross-Origin-Opener-Policy`: whether pages that open each other share a browsing context.
    pub cross_origin_opener_policy: OpenerPolicy,
    /// `Cross-Origin-Resource-Policy`: which sites may embed the resource.
    pub cross_origin_resource_policy: ResourcePolicy,
}

impl Default for SecurityHeadersConfig {
    fn default() -> Self {
        Self {
            content_type_options: true,
            frame_options: FrameOptions::Deny,
            referrer_policy: ReferrerPolicy::StrictOriginWhenCrossOrigin,
            strict_transport_security: "max-age=31536000".into(),
            content_security_policy: "base-uri 'self'; object-src 'none'".into(),
            permissions_policy: "camera=(), geolocation=(), microphone=()".into(),
            cross_origin_opener_policy: OpenerPolicy::SameOrigin,
            cross_origin_resource_policy: ResourcePolicy::SameOrigin,
        }
    }
}

/// Enums whose variants are written as the header writes them, and `off`.
macro_rules! choices {
    ($(#[doc = $doc:literal] $name:ident { $(#[doc = $about:literal] $variant:ident = $value:literal,)* })*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[schemars(inline)]
        pub enum $name {
            /// The header is not sent.
            Off,
            $(#[doc = $about] $variant,)*
        }

        impl $name {
            fn value(self) -> &'static str {
                match self {
                    Self::Off => "",
                    $(Self::$variant => $value,)*
                }
            }
        }
    )*};
}

choices! {
    /// Who may show a page in a frame.
    FrameOptions {
        /// Nobody.
        Deny = "DENY",
        /// Pages of the same origin.
        SameOrigin = "SAMEORIGIN",
    }
    /// How much of its address a page tells to those it links to.
    ReferrerPolicy {
        /// Nothing.
        NoReferrer = "no-referrer",
        /// The whole address, but nothing from HTTPS to HTTP.
        NoReferrerWhenDowngrade = "no-referrer-when-downgrade",
        /// The origin.
        Origin = "origin",
        /// The whole address to its own origin, the origin to others.
        OriginWhenCrossOrigin = "origin-when-cross-origin",
        /// The whole address to its own origin, nothing to others.
        SameOrigin = "same-origin",
        /// The origin, but nothing from HTTPS to HTTP.
        StrictOrigin = "strict-origin",
        /// As `origin-when-cross-origin`, but nothing from HTTPS to HTTP.
        StrictOriginWhenCrossOrigin = "strict-origin-when-cross-origin",
        /// The whole address to everyone.
        UnsafeUrl = "unsafe-url",
    }
    /// Whether pages that open each other share a browsing context.
    OpenerPolicy {
        /// Pages of the same origin with the same policy.
        SameOrigin = "same-origin",
        /// As `same-origin`, and pop-ups that have no policy.
        SameOriginAllowPopups = "same-origin-allow-popups",
        /// None, whatever opened the page.
        NoopenerAllowPopups = "noopener-allow-popups",
        /// All.
        UnsafeNone = "unsafe-none",
    }
    /// Which sites may embed a resource.
    ResourcePolicy {
        /// Its own origin.
        SameOrigin = "same-origin",
        /// Its own site.
        SameSite = "same-site",
        /// Everyone.
        CrossOrigin = "cross-origin",
    }
}

impl PolicyConfig for SecurityHeadersConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let fixed = |value: &'static str| value.to_owned();
        let transport = &self.strict_transport_security;
        if !transport.is_empty() && !is_transport_security(transport) {
            let expected = "expected `max-age=SECONDS`, then `; includeSubDomains` and `; preload` if wanted";
            return Err(ctx.invalid("strict_transport_security", format!("`{transport}` is not understood, {expected}")));
        }
        let mut errors = Vec::new();
        let mut of = |field: &str, name: HeaderName, value: String| match HeaderValue::try_from(&value) {
            Ok(_) if value.is_empty() => None,
            Ok(value) => Some((name, value)),
            Err(_) => {
                errors.push(ctx.invalid(field, format!("{value:?} is not a header value, expected visible text on one line")));
                None
            }
        };
        let nosniff = if self.content_type_options { "nosniff" } else { "" };
        let always = [
            of("content_type_options", header::X_CONTENT_TYPE_OPTIONS, fixed(nosniff)),
            of("frame_options", header::X_FRAME_OPTIONS, fixed(self.frame_options.value())),
            of("referrer_policy", header::REFERRER_POLICY, fixed(self.referrer_policy.value())),
            of("content_security_policy", header::CONTENT_SECURITY_POLICY, self.content_security_policy.clone()),
            of("permissions_policy", PERMISSIONS_POLICY, self.permissions_policy.clone()),
            of("cross_origin_opener_policy", OPENER_POLICY, fixed(self.cross_origin_opener_policy.value())),
            of("cross_origin_resource_policy", RESOURCE_POLICY, fixed(self.cross_origin_resource_policy.value())),
        ];
        let over_https = of("strict_transport_security", header::STRICT_TRANSPORT_SECURITY, transport.clone());
        BuildError::all(errors)?;
        let always: Box<[_]> = always.into_iter().flatten().collect();
        let empty = always.is_empty() && over_https.is_none();
        Ok((!empty).then(|| Layer::new(SecurityHeaders { always, over_https })))
    }
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// RFC 6797 section 6.1: `max-age` once, the two switches at most once, in any order.
fn is_transport_security(value: &str) -> bool {
    let (mut ages, mut subdomains, mut preload) = (0, 0, 0);
    for directive in value.split(';').map(str::trim) {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        match (name.to_ascii_lowercase().as_str(), argument) {
            ("max-age", seconds) if is_number(seconds) => ages += 1,
            ("includesubdomains", "") => subdomains += 1,
            ("preload", "") => preload += 1,
            _ => return false,
        }
    }
    ages == 1 && subdomains <= 1 && preload <= 1
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

struct SecurityHeaders {
    always: Box<[(HeaderName, HeaderValue)]>,
    over_https: Option<(HeaderName, HeaderValue)>,
}

impl Policy for SecurityHeaders {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let https = request.extensions().get::<Client>().is_some_and(|client| client.scheme == Scheme::HTTPS);
        Box::pin(async move {
            let mut response = next.call(request).await;
            for (name, value) in self.always.iter().chain(self.over_https.iter().filter(|_| https)) {
                set_if_absent(response.headers_mut(), name, value);
            }
            response
        })
    }
}

fn set_if_absent(headers: &mut HeaderMap, name: &HeaderName, value: &HeaderValue) {
    headers.entry(name).or_insert_with(|| value.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Response;
    use crate::testing::layered;
    use axum_core::body::Body;

    async fn headers(config: &SecurityHeadersConfig, scheme: Scheme) -> HeaderMap {
        let stack = layered(config, |_| async {
            http::Response::builder().header("x-frame-options", "SAMEORIGIN").body(Body::empty()).unwrap()
        });
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(Client { scheme, ..Client::local() });
        let response: Response = stack.call(request).await;
        response.headers().clone()
    }

    #[tokio::test]
    async fn what_the_leaf_has_set_stays() {
        let headers = headers(&SecurityHeadersConfig::default(), Scheme::HTTP).await;
        let frames: Vec<_> = headers.get_all("x-frame-options").iter().collect();
        assert_eq!(frames, ["SAMEORIGIN"]);
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    }

    #[tokio::test]
    async fn transport_security_is_promised_over_https_only() {
        let config = SecurityHeadersConfig::default();
        assert!(!headers(&config, Scheme::HTTP).await.contains_key("strict-transport-security"));
        assert_eq!(headers(&config, Scheme::HTTPS).await["strict-transport-security"], "max-age=31536000");
    }

    #[tokio::test]
    async fn each_header_can_be_left_out() {
        let all_off = r#"{"content_type_options": false, "frame_options": "off", "referrer_policy": "off",
            "strict_transport_security": "", "content_security_policy": "", "permissions_policy": "",
            "cross_origin_opener_policy": "off", "cross_origin_resource_policy": "off"}"#;
        let config: SecurityHeadersConfig = serde_json::from_str(all_off).unwrap();
        assert_eq!(headers(&config, Scheme::HTTPS).await.len(), 1, "the leaf's own");
    }

    #[test]
    fn refuses_values_that_browsers_would_ignore() {
        let refused = |config: SecurityHeadersConfig| config.layer().map_err(|error| error.to_string()).err();
        for transport in
            ["max-age", "max-age=1y", "max-age=+1", "includeSubDomains", "max-age=1; max-age=2", "max-age=1; subdomains"]
        {
            let config = SecurityHeadersConfig { strict_transport_security: transport.into(), ..Default::default() };
            assert!(refused(config).is_some_and(|error| error.starts_with("strict_transport_security: `")), "{transport}");
        }
        let config = SecurityHeadersConfig { content_security_policy: "a\nb".into(), ..Default::default() };
        assert_eq!(
            refused(config).as_deref(),
            Some(r#"content_security_policy: "a\nb" is not a header value, expected visible text on one line"#)
        );
    }
}
