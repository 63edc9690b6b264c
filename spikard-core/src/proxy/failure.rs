//! What can go wrong between us and an upstream: what the log says, and what the client sees.

use std::io;
use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use spikard_middleware::Response;
use spikard_middleware::problem::{BAD_GATEWAY, BAD_REQUEST, GATEWAY_TIMEOUT, SERVICE_UNAVAILABLE, Subject};

use super::balance::Outcome;
use super::guard::Refusal;

/// Why a request got no answer from an upstream.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No target takes part, and none is tried regardless.
    #[error("no target takes part")]
    NoTarget,
    /// The upstream is not to be sent more.
    #[error("{upstream}: {refusal}")]
    Refused { upstream: Arc<str>, refusal: Refusal },
    /// No connection could be made.
    #[error("{target}: cannot connect: {}", Chain(cause))]
    Unreachable { target: String, cause: io::Error },
    /// No head of an answer came in time.
    #[error("{target}: no answer in time")]
    Slow { target: String },
    /// The connection broke, or what came over it is no HTTP.
    #[error("{target}: no usable answer: {}", Chain(&**cause))]
    Broken { target: String, cause: Box<dyn std::error::Error + Send + Sync> },
    /// There is an answer, but the request is to be sent once more.
    #[error("{target}: answered {status}")]
    Answered { target: String, status: StatusCode },
    /// The body of the client's request broke off.
    #[error("body of the request: {0}")]
    Body(hyper::Error),
    /// The path holds what servers read in different ways.
    #[error("path with an encoded slash, a backslash, a NUL or a dot segment with parameters")]
    Path,
}

impl Failure {
    /// What it says of the target, if it is the target's.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Unreachable { .. } => Some(Outcome::Unreachable),
            Self::Slow { .. } | Self::Broken { .. } => Some(Outcome::Broken),
            Self::Answered { status, .. } => Some(Outcome::Answered(*status)),
            Self::NoTarget | Self::Refused { .. } | Self::Body(_) | Self::Path => None,
        }
    }

    /// Logs the cause and makes the answer, which does not tell it.
    pub(super) fn refusal(&self, subject: &Subject) -> Response {
        let (refusal, detail) = match self {
            Self::NoTarget => (SERVICE_UNAVAILABLE, "upstream has no server that can answer"),
            Self::Refused { refusal: Refusal::Open(_), .. } => {
                (SERVICE_UNAVAILABLE, "upstream fails and is left alone for a while")
            }
            Self::Refused { .. } => (SERVICE_UNAVAILABLE, "upstream takes no more requests at the moment"),
            Self::Unreachable { .. } => (BAD_GATEWAY, "upstream cannot be reached"),
            Self::Broken { .. } | Self::Answered { .. } => (BAD_GATEWAY, "upstream gave no usable answer"),
            Self::Slow { .. } => (GATEWAY_TIMEOUT, "upstream did not answer in time"),
            Self::Body(_) => (BAD_REQUEST, "request body is incomplete"),
            Self::Path => (BAD_REQUEST, "path holds an encoded slash, a backslash, a NUL or a dot segment with parameters"),
        };
        match self {
            Self::Body(_) | Self::Path => tracing::debug!(request_id = subject.request_id(), "{}", Chain(self)),
            // The log has it once, when it opens.
            Self::Refused { refusal: Refusal::Open(_), .. } => {
                tracing::debug!(request_id = subject.request_id(), "upstream {}", Chain(self));
            }
            _ => tracing::warn!(request_id = subject.request_id(), "upstream {}", Chain(self)),
        }
        let mut response = refusal.response(subject, detail);
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// After how many seconds a client may try again, where that is for us to say.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.seconds()),
            // Nobody knows; what is certain is that the client need not wait for long.
            Self::NoTarget => Some(1),
            _ => None,
        }
    }
}

/// An error with all its sources.
pub(super) struct Chain<'a>(pub(super) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
