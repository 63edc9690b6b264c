//! Why a request cannot be read.

use std::borrow::Cow;

use spikard_middleware::Response;
use spikard_middleware::problem::{MALFORMED_BODY, Refusal, Subject};

/// The refusal of a request that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", refusal.title)]
pub struct Refused {
    refusal: Refusal,
    detail: Cow<'static, str>,
}

impl Refused {
    pub(super) fn new(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { refusal, detail: detail.into() }
    }

    /// A body that its media type does not explain.
    pub(super) fn malformed() -> Self {
        Self::new(MALFORMED_BODY, "Invalid request format")
    }

    /// What the client is answered.
    pub fn response(&self, subject: &Subject) -> Response {
        self.refusal.response(subject, &self.detail)
    }
}
