//! Who may ask the admin listener.
//!
//! With a token: who shows it. Without one: everybody who reaches the address, and that includes web
//! pages in the operator's browser. A page of another site cannot read answers and its POSTs are
//! refused; one whose own name suddenly leads to this address (DNS rebinding) is told apart by the
//! name that it asks for.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use spikard_middleware::problem::{CROSS_ORIGIN, FORBIDDEN, Refusal, Subject};
use spikard_middleware::{Answer, Request, Response, Service};

use crate::config::AdminConfig;
use crate::gateway::{Gateway, host_of};
use crate::handler::is_foreign;

/// Probes have no secrets, and these say none.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

const UNAUTHORIZED: Refusal = Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "Missing or invalid token");

/// The answers of the listener, for those who may have them.
pub(super) struct Guard {
    inner: Gateway,
    token: Option<Digest>,
    host: String,
}

impl Guard {
    pub(super) fn new(config: &AdminConfig, inner: Gateway) -> Self {
        let token = config.token.as_ref().map(|token| digest(&SHA256, token.expose().as_bytes()));
        Self { inner, token, host: config.host.to_ascii_lowercase() }
    }

    fn refusal(&self, request: &Request) -> Option<Response> {
        let path = request.uri().path();
        if PROBES.contains(&path) {
            return None;
        }
        match &self.token {
            Some(token) if !shows(request.headers(), token) => Some(unauthorized(request)),
            // Scrapers use names of all kinds, and who reads metrics changes nothing.
            None if path != "/metrics" && !self.is_ours(host_of(request)) => {
                let detail = "without a token, the listener is asked for by address, by `localhost` or by a name without dots";
                Some(FORBIDDEN.response(&Subject::of(request), detail))
            }
            _ if !request.method().is_safe() && is_foreign(request) => {
                Some(CROSS_ORIGIN.response(&Subject::of(request), "the request was sent by a page of another origin"))
            }
            _ => None,
        }
    }

    /// Whether nobody else can have made the name lead here. Names without dots are those of this
    /// network (RFC 6762 and the search list of the resolver): nobody registers them.
    fn is_ours(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        bare.parse::<IpAddr>().is_ok() || bare == self.host || (!bare.is_empty() && !bare.contains('.'))
    }
}

impl Service for Guard {
    fn begin(&self) {
        self.inner.begin();
    }

    fn call(&self, request: Request) -> Answer<'_> {
        match self.refusal(&request) {
            Some(refusal) => Box::pin(std::future::ready(refusal)),
            None => self.inner.call(request),
        }
    }
}

/// Whether a request shows the token, as RFC 6750 or RFC 7617 have it.
fn shows(headers: &HeaderMap, token: &Digest) -> bool {
    let Some(credentials) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return false };
    let Some((scheme, given)) = credentials.split_once(' ') else { return false };
    let shown = if scheme.eq_ignore_ascii_case("bearer") {
        given.trim().as_bytes().to_vec()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(given.trim()).unwrap_or_default();
        decoded.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default().to_vec()
    } else {
        return false;
    };
    verify_slices_are_equal(digest(&SHA256, &shown).as_ref(), token.as_ref()).is_ok()
}

fn unauthorized(request: &Request) -> Response {
    let mut response = UNAUTHORIZED.response(&Subject::of(request), "expected `Authorization: Bearer` or `Basic` with the token");
    for challenge in ["Bearer realm=\"spikard\"", "Basic realm=\"spikard\", charset=\"UTF-8\""] {
        response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
