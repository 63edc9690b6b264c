//! `Cache-Status` (RFC 9211): what this cache did for a request, in a form that people and tools read.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use super::stored::{CACHE_STATUS, Head};

/// Why a request was forwarded (section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// The cache does not answer such requests.
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    /// The request asked for it.
    Request,
    Stale,
}

impl Forwarded {
    fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The cache, from what is stored.
    Hit,
    Leaf(Forwarded),
    /// Nobody.
    Refusal,
}

/// What was done for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handling {
    pub(super) by: By,
    /// What the leaf answered, where the client gets something else.
    pub(super) status: Option<StatusCode>,
    pub(super) stored: bool,
    /// It waited for the fetch of another.
    pub(super) collapsed: bool,
    /// How long the answer is fresh from now on, in seconds; below 0 if it is stale.
    pub(super) ttl: Option<i64>,
    pub(super) detail: Option<&'static str>,
}

impl Handling {
    fn new(by: By) -> Self {
        Self { by, status: None, stored: false, collapsed: false, ttl: None, detail: None }
    }

    pub(super) fn hit(head: &Head, age: Duration) -> Self {
        Self { ttl: Some(ttl(head, age)), ..Self::new(By::Hit) }
    }

    pub(super) fn forwarded(why: Forwarded) -> Self {
        Self::new(By::Leaf(why))
    }

    pub(super) fn refused(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..Self::new(By::Refusal) }
    }

    /// Says it behind what caches further in have said.
    pub(super) fn say(&self, name: &str, headers: &mut HeaderMap) {
        if name.is_empty() {
            return;
        }
        let mut text = name.to_owned();
        match self.by {
            By::Hit => text.push_str("; hit"),
            By::Leaf(why) => text.extend(["; fwd=", why.token()]),
            By::Refusal => {}
        }
        // Writing to a String does not fail.
        if let Some(status) = self.status {
            let _ = write!(text, "; fwd-status={}", status.as_u16());
        }
        if let Some(ttl) = self.ttl {
            let _ = write!(text, "; ttl={ttl}");
        }
        for (holds, parameter) in [(self.stored, "; stored"), (self.collapsed, "; collapsed")] {
            text.push_str(if holds { parameter } else { "" });
        }
        if let Some(detail) = self.detail {
            text.extend(["; detail=", detail]);
        }
        headers.extend(HeaderValue::try_from(text).ok().map(|text| (CACHE_STATUS, text)));
    }
}

/// In whole seconds, rounded down.
pub(super) fn ttl(head: &Head, age: Duration) -> i64 {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match head.terms.lifetime.checked_sub(age) {
        Some(left) => seconds(left),
        None => -seconds(age.saturating_sub(head.terms.lifetime)).saturating_add(1),
    }
}
