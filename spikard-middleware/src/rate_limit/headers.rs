//! What a client is told: `Retry-After` (RFC 9110 section 10.2.3), `RateLimit-Policy` and
//! `RateLimit` (draft-ietf-httpapi-ratelimit-headers sections 3 and 4).

use std::fmt::Write;

use http::{HeaderName, HeaderValue, header};

use super::gcra::{Decision, Quota};
use crate::description::AnswerHeader;
use crate::service::Response;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// The fields of a refusal, for the description of an API.
pub(super) const DESCRIBED: [AnswerHeader; 3] = [
    AnswerHeader::whole("Retry-After", "The seconds after which one more request passes."),
    AnswerHeader::text("RateLimit-Policy", "The limits: how many requests, in how many seconds."),
    AnswerHeader::text("RateLimit", "What is left of each limit, and for how many seconds."),
];

/// The parts of the fields that are the same on every response.
pub(super) struct Fields {
    /// The name of the limit, as a string of structured fields (RFC 9651 section 3.3.3).
    name: String,
    /// The quota and the seconds in which it comes back.
    policy: HeaderValue,
}

impl Fields {
    pub(super) fn new(name: &str, burst: u32, quota: Quota) -> Self {
        let plain = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
        let name: String = name.chars().map(|character| if plain(character) { character } else { '_' }).collect();
        let name = format!("\"{name}\"");
        let policy = HeaderValue::try_from(format!("{name};q={burst};w={}", seconds(quota.window())));
        // Visible ASCII and digits: this does not fail.
        Self { name, policy: policy.unwrap_or_else(|_| HeaderValue::from_static("")) }
    }
}

/// Says when one more request would pass.
pub(super) fn retry_after(response: &mut Response, nanos: u64) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(nanos)));
}

/// Says how much is left of each limit that counted the request.
pub(super) fn state(response: &mut Response, counted: &[(&Fields, Decision)]) {
    if counted.is_empty() {
        return;
    }
    let mut value = String::with_capacity(32);
    for (fields, decision) in counted {
        let separator = if value.is_empty() { "" } else { ", " };
        let (remaining, reset) = match *decision {
            Decision::Admitted { remaining, reset } => (remaining, reset),
            Decision::Refused { retry_after } => (0, retry_after),
        };
        // Writing to a string does not fail.
        let _ = write!(value, "{separator}{};r={remaining};t={}", fields.name, seconds(reset));
        response.headers_mut().append(POLICY, fields.policy.clone());
    }
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().append(STATE, value);
    }
}

/// Whole seconds, rounded up, at least 1: who waits so long does not come too early.
fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000).max(1)
}
