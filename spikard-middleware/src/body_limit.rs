//! Refuses request bodies over a size with 413, however the size comes to light: declared in
//! Content-Length (nothing is read then), or counted while a chunked body arrives.
//!
//! What a compressed body grows to is bounded by the `decompression` policy with this same limit.
//!
//! ```
//! use spikard_middleware::{BodyLimitConfig, PolicyConfig};
//! let app: axum::Router = axum::Router::new().layer(BodyLimitConfig::from(64 * 1024).layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
use crate::description::{Description, Requests};
use crate::policy::PolicyConfig;
use crate::problem::{PAYLOAD_TOO_LARGE, Subject};
use crate::service::{Answer, Layer, Policy, Request, Response, Service};
use crate::units::Size;

/// Bounds the size of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BodyLimitConfig {
    /// The largest body that is taken, in bytes; 0 is no limit.
    pub limit: Size,
}

impl Default for BodyLimitConfig {
    fn default() -> Self {
        Self { limit: Size(10 << 20) }
    }
}

impl From<u64> for BodyLimitConfig {
    fn from(bytes: u64) -> Self {
        Self { limit: Size(bytes) }
    }
}

impl PolicyConfig for BodyLimitConfig {
    const SHORTHAND: Option<&'static str> = Some("limit");

    fn build(&self, _: &BuildContext) -> Result<Option<Layer>, BuildError> {
        Ok(Limit::of(*self).map(Layer::new))
    }

    fn description(&self) -> Description {
        let none = Description::default();
        if Limit::of(*self).is_some() { none.and(PAYLOAD_TOO_LARGE, Requests::WithBody, &[]) } else { none }
    }
}

/// A limit that is more than 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(u64);

impl Limit {
    pub(crate) fn of(config: BodyLimitConfig) -> Option<Self> {
        (config.limit.0 > 0).then_some(Self(config.limit.0))
    }

    /// The body, with an error once it grows over the limit; `exceeded` says so to the policy.
    pub(crate) fn counted(self, body: Body, exceeded: Arc<AtomicBool>) -> Body {
        Body::new(Counted { body, left: self.0, limit: self, exceeded })
    }

    /// The answer to a request whose body is over the limit.
    pub(crate) fn refusal(self, subject: &Subject) -> Response {
        PAYLOAD_TOO_LARGE.by("body_limit").response(subject, &OverLimit(self.0).to_string())
    }
}

impl Policy for Limit {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let size = request.body().size_hint();
        if size.lower() > self.0 {
            let refusal = self.refusal(&Subject::of(&request));
            return Box::pin(async move { refusal });
        }
        // The server holds a body to its declared length; only unknown lengths are counted.
        if size.exact().is_some() {
            return next.call(request);
        }
        Box::pin(async move {
            let subject = Subject::of(&request);
            let exceeded = Arc::new(AtomicBool::new(false));
            let request = request.map(|body| self.counted(body, Arc::clone(&exceeded)));
            let response = next.call(request).await;
            if exceeded.load(Ordering::Acquire) { self.refusal(&subject) } else { response }
        })
    }
}

/// A body over its limit. Whoever reads the body gets this error; the policy answers.
#[derive(Debug, thiserror::Error)]
#[error("request body is larger than the limit of {0} bytes")]
pub struct OverLimit(pub u64);

pin_project_lite::pin_project! {
    struct Counted {
        #[pin]
        body: Body,
        left: u64,
        limit: Limit,
        exceeded: Arc<AtomicBool>,
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum_core::BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let frame = match ready!(this.body.poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(left) = this.left.checked_sub(length) {
            *this.left = left;
            Poll::Ready(Some(Ok(frame)))
        } else {
            this.exceeded.store(true, Ordering::Release);
            Poll::Ready(Some(Err(OverLimit(this.limit.0).into())))
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layered, read};

    async fn status(limit: u64, body: Body) -> u16 {
        let stack = layered(&BodyLimitConfig::from(limit), |request| async {
            let size = read(request.into_body()).await.map(|body| body.len());
            Response::new(Body::from(format!("{size:?}")))
        });
        stack.call(Request::new(body)).await.status().as_u16()
    }

    fn chunked(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; *size]))).collect();
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn takes_a_body_at_the_limit_and_refuses_one_byte_more() {
        assert_eq!(status(10, Body::from("0123456789")).await, 200);
        assert_eq!(status(10, Body::from("0123456789a")).await, 413);
        assert_eq!(status(10, chunked(&[4, 6])).await, 200);
        assert_eq!(status(10, chunked(&[4, 6, 1])).await, 413);
        assert_eq!(status(0, chunked(&[1 << 20])).await, 200);
    }
}
