//! A panic below is a logged 500, never a dead connection.
//!
//! The client sees the problem `internal-server-error` and no text of the panic; the log has that
//! text under the request id. A panic while the body is sent, when the status is gone already,
//! ends the body with an error: the server then cuts the message short, which a client can tell
//! from a complete one (RFC 9112 section 8; a stream error in HTTP/2).
//!
//! Not its work: errors that a leaf returns, and panics in tasks that a leaf has spawned.
//!
//! ```
//! use spikard_middleware::{CatchPanicConfig, PolicyConfig};
//! let app: axum::Router = axum::Router::new().layer(CatchPanicConfig::default().layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::any::Any;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body as HttpBody, Frame, SizeHint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
use crate::description::Description;
use crate::policy::PolicyConfig;
use crate::problem::{INTERNAL_SERVER_ERROR, Subject};
use crate::service::{Answer, Layer, Policy, Request, Response, Service};

/// Answers 500 where a handler panics. It has no settings: on or off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CatchPanicConfig {}

impl PolicyConfig for CatchPanicConfig {
    fn build(&self, _: &BuildContext) -> Result<Option<Layer>, BuildError> {
        Ok(Some(Layer::new(CatchPanic)))
    }

    fn description(&self) -> Description {
        Description::refusing(INTERNAL_SERVER_ERROR)
    }
}

struct CatchPanic;

impl Policy for CatchPanic {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let subject = Subject::of(&request);
        // The call itself may panic, not only the polling of what it returns.
        let answer = match catch_unwind(AssertUnwindSafe(|| next.call(request))) {
            Ok(answer) => answer,
            Err(panic) => return Box::pin(ready(refusal(&subject, &*panic))),
        };
        Box::pin(async move {
            match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(response) if response.body().is_end_stream() => response,
                Ok(response) => response.map(|body| Body::new(Caught { body: Some(body), subject })),
                Err(panic) => refusal(&subject, &*panic),
            }
        })
    }
}

fn refusal(subject: &Subject, panic: &(dyn Any + Send)) -> Response {
    log(subject, panic);
    INTERNAL_SERVER_ERROR.by("catch_panic").response(subject, "Internal server error")
}

/// A response body whose panics are errors.
struct Caught {
    /// None once it has panicked: its state is then anything.
    body: Option<Body>,
    subject: Subject,
}

/// What the server gets from a body that panicked.
#[derive(Debug, thiserror::Error)]
#[error("response body panicked")]
struct BodyPanicked;

impl HttpBody for Caught {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)));
        polled.unwrap_or_else(|panic| {
            log(&self.subject, &*panic);
            let broken = self.body.take();
            // What has panicked once may do so again while it is dropped; it is logged already.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
            Poll::Ready(Some(Err(axum_core::Error::new(BodyPanicked))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

fn log(subject: &Subject, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    // Debug: a panic may carry what a client sent, line breaks included.
    tracing::error!(request_id = subject.request_id(), "panicked: {:?}", text.unwrap_or("no text"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layered, read, text};
    use futures_util::stream::{self, StreamExt};

    #[tokio::test]
    async fn a_panic_is_a_500_without_its_text() {
        let stack = layered(&CatchPanicConfig::default(), |_| async { panic!("password is hunter2") });
        let response = stack.call(Request::new(Body::empty())).await;
        assert_eq!(response.status(), 500);
        let body = text(response).await;
        assert!(body.contains("/internal-server-error") && !body.contains("hunter2"), "{body}");
    }

    #[tokio::test]
    async fn a_panic_before_the_first_poll_is_a_500_too() {
        struct Broken;
        impl Service for Broken {
            fn call(&self, _: Request) -> Answer<'_> {
                panic!("no answer")
            }
        }
        assert_eq!(CatchPanic.call(Request::new(Body::empty()), &Broken).await.status(), 500);
    }

    #[tokio::test]
    async fn a_panic_in_the_body_ends_it_with_an_error() {
        let stack = layered(&CatchPanicConfig::default(), |_| async {
            let chunks = stream::iter(0..2).map(|chunk| {
                assert_eq!(chunk, 0, "second chunk");
                Ok::<_, std::io::Error>("first chunk")
            });
            Response::new(Body::from_stream(chunks))
        });
        let response = stack.call(Request::new(Body::empty())).await;
        assert_eq!(response.status(), 200);
        let error = read(response.into_body()).await.map_err(|error| error.to_string());
        assert_eq!(error, Err("response body panicked".to_owned()));
    }

    #[tokio::test]
    async fn an_answer_without_panic_is_left_as_it_is() {
        let stack = layered(&CatchPanicConfig::default(), |_| async { Response::new(Body::from("hello")) });
        let response = stack.call(Request::new(Body::empty())).await;
        assert_eq!(response.body().size_hint().exact(), Some(5));
        assert_eq!(text(response).await, "hello");
    }
}
