//! Why a request cannot be read.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use http::StatusCode;
use spikard_middleware::Response;
use spikard_middleware::body_limit::OverLimit;
use spikard_middleware::problem::{
    BAD_REQUEST, MALFORMED_BODY, PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, Refusal, Subject, UNSUPPORTED_MEDIA_TYPE, VALIDATION_ERROR,
};

use crate::validation::{Violation, refuse};

/// The refusal of a request that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}: {detail}", refusal.title)]
pub struct Refused {
    refusal: Refusal,
    detail: Cow<'static, str>,
    /// For a 422: what does not fit.
    violation: Option<Box<Violation>>,
}

impl Refused {
    pub(super) fn new(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { refusal, detail: detail.into(), violation: None }
    }

    /// A body with one thing that does not fit.
    pub(super) fn violation(violation: Violation) -> Self {
        let detail = Cow::Borrowed("1 validation error in request");
        Self { refusal: VALIDATION_ERROR, detail, violation: Some(Box::new(violation)) }
    }

    /// A body of a media type that is not read.
    pub fn unsupported_media_type() -> Self {
        Self::new(UNSUPPORTED_MEDIA_TYPE, "Unsupported media type")
    }

    /// A body that its media type does not explain.
    pub(super) fn malformed() -> Self {
        Self::new(MALFORMED_BODY, "Invalid request format")
    }

    /// A body that ended in an error. Where a policy or the server ended it, they answer so themselves.
    pub(super) fn of_broken_body(error: &(dyn Error + 'static)) -> Self {
        let mut reasons = std::iter::successors(Some(error), |error| (*error).source());
        let known = reasons.find_map(|reason| {
            if let Some(over) = reason.downcast_ref::<OverLimit>() {
                return Some(Self::new(PAYLOAD_TOO_LARGE, over.to_string()));
            }
            let is_slow = reason.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
            is_slow.then(|| Self::new(REQUEST_TIMEOUT, "request body arrives too slowly"))
        });
        known.unwrap_or_else(|| Self::new(BAD_REQUEST, "request body ended before it was complete"))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.refusal.status
    }

    /// What the answer says about this request.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the client is answered.
    pub fn response(&self, subject: &Subject) -> Response {
        match &self.violation {
            Some(violation) => refuse(std::slice::from_ref(&**violation), subject),
            None => self.refusal.response(subject, &self.detail),
        }
    }
}
