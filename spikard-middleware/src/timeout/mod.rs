//! Bounds the time from the decoded request head to the response head; then the handler is
//! cancelled by dropping it, and the client gets 408 (RFC 9110 section 15.5.9) or 503.
//!
//! The clock stands while the handler waits for bytes of the request body: a slow upload is the
//! business of the server's stall limits. After the response head nothing is bounded: event
//! streams, WebSockets and gRPC streams last as long as they want. A gRPC call that is over its
//! time gets status 4, `DEADLINE_EXCEEDED`.
//!
//! 408 invites a client to send the request again on its own; where that must not happen, set 503.
//!
//! ```
//! use std::time::Duration;
//! use spikard_middleware::{PolicyConfig, TimeoutConfig};
//!
//! let layer = TimeoutConfig::from(Duration::from_secs(5)).layer()?;
//! let app: axum::Router = axum::Router::new().layer(layer);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

mod arrival;
pub(crate) mod overdue;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use http_body::Body as HttpBody;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Sleep};

use crate::context::{BuildContext, BuildError};
use crate::description::Description;
use crate::grpc::{is_grpc, put_status};
use crate::policy::PolicyConfig;
use crate::problem::{REQUEST_TIMEOUT, Refusal, Subject};
use crate::service::{Answer, Layer, Policy, Request, Response, Service};
use crate::units;

use self::arrival::Arrival;
pub use self::overdue::is_overdue;

/// Bounds how long a handler may take to begin its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutConfig {
    /// The longest time from the request head to the response head; 0 is no limit. Time in which
    /// the handler waits for the request body does not count.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub duration: Duration,
    /// The status that the client gets: 408, or 503 where it must not repeat the request by itself.
    #[schemars(extend("enum" = [408, 503]))]
    pub status: u16,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self { duration: Duration::from_secs(30), status: 408 }
    }
}

impl From<Duration> for TimeoutConfig {
    fn from(duration: Duration) -> Self {
        Self { duration, ..Self::default() }
    }
}

impl PolicyConfig for TimeoutConfig {
    const SHORTHAND: Option<&'static str> = Some("duration");

    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let status = match self.status {
            408 => StatusCode::REQUEST_TIMEOUT,
            503 => StatusCode::SERVICE_UNAVAILABLE,
            other => return Err(ctx.invalid("status", format!("status is {other}, expected 408 or 503"))),
        };
        let timeout = Timeout { limit: self.duration, refusal: REQUEST_TIMEOUT.with_status(status).by("timeout") };
        Ok((!self.duration.is_zero()).then(|| Layer::new(timeout)))
    }

    fn description(&self) -> Description {
        match StatusCode::from_u16(self.status) {
            Ok(status) if !self.duration.is_zero() => Description::refusing(REQUEST_TIMEOUT.with_status(status)),
            _ => Description::default(),
        }
    }
}

struct Timeout {
    limit: Duration,
    refusal: Refusal,
}

impl Policy for Timeout {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        let subject = Subject::of(&request);
        let grpc = is_grpc(request.headers());
        let mut arrival = None;
        if !request.body().is_end_stream() {
            let (body, waits) = Arrival::of(std::mem::take(request.body_mut()));
            *request.body_mut() = body;
            arrival = Some(waits);
        }
        let answer = next.call(request);
        let bounded = Bounded { answer: Some(answer), arrival, started: Instant::now(), limit: self.limit, sleep: None };
        Box::pin(async move {
            match bounded.await {
                Some(response) => response,
                None if grpc => self.deadline_exceeded(),
                None => self.refusal.response(&subject, "the request took too long"),
            }
        })
    }
}

pin_project_lite::pin_project! {
    /// The answer, or none when the time is over.
    struct Bounded<'a> {
        answer: Option<Answer<'a>>,
        arrival: Option<Arc<Arrival>>,
        started: Instant,
        limit: Duration,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Future for Bounded<'_> {
    type Output = Option<Response>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Response>> {
        let mut this = self.project();
        if let Some(answer) = this.answer
            && let Poll::Ready(response) = answer.as_mut().poll(cx)
        {
            return Poll::Ready(Some(response));
        }
        let waited = match this.arrival {
            Some(arrival) => ready!(arrival.poll_waited(cx)),
            None => Duration::ZERO,
        };
        // A limit beyond the end of time is none.
        let Some(deadline) = this.started.checked_add(this.limit.saturating_add(waited)) else { return Poll::Pending };
        // The timer is made only now: an answer that is ready at once needs none.
        match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) if sleep.deadline() != deadline => sleep.reset(deadline),
            Some(_) => {}
            None => this.sleep.set(Some(tokio::time::sleep_until(deadline))),
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        overdue::drop_as_overdue(this.answer.take());
        Poll::Ready(None)
    }
}

impl Timeout {
    /// The answer to a gRPC call.
    fn deadline_exceeded(&self) -> Response {
        let mut response = Response::default();
        put_status(&mut response, 4, "the request took too long");
        self.refusal.mark(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layered, read, text};
    use axum_core::body::Body;
    use futures_util::stream;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    fn config(seconds: u64) -> TimeoutConfig {
        TimeoutConfig::from(Duration::from_secs(seconds))
    }

    /// One byte a second. The tests run on a clock that jumps to the next timer.
    fn slow_body(seconds: u64) -> Body {
        Body::from_stream(stream::unfold(seconds, |left| async move {
            sleep(SECOND).await;
            (left > 0).then(|| (Ok::<_, std::io::Error>("x"), left - 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_over_its_time_is_dropped_and_one_in_time_is_not() {
        let (alive, watched) = tokio::sync::watch::channel(());
        let stack = layered(&config(5), move |request| {
            let alive = alive.clone();
            async move {
                sleep(if request.uri().path() == "/slow" { 6 * SECOND } else { 4 * SECOND }).await;
                drop(alive);
                Response::default()
            }
        });
        let get = |path| http::Request::get(path).body(Body::empty()).unwrap_or_default();
        assert_eq!(stack.call(get("/")).await.status(), 200);
        let refused = stack.call(get("/slow")).await;
        assert_eq!(refused.status(), 408);
        assert!(text(refused).await.contains("/request-timeout"));
        drop(stack);
        assert!(watched.has_changed().is_err(), "no handler is left that holds the sender");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_dropped_can_tell_whether_its_time_is_over() {
        struct Guard(std::sync::mpsc::Sender<bool>);
        impl Drop for Guard {
            fn drop(&mut self) {
                let _ = self.0.send(is_overdue());
            }
        }
        let (sender, told) = std::sync::mpsc::channel();
        let stack = layered(&config(5), move |_| {
            let guard = Guard(sender.clone());
            async move {
                sleep(6 * SECOND).await;
                drop(guard);
                Response::default()
            }
        });
        assert_eq!(stack.call(Request::default()).await.status(), 408);
        assert_eq!(told.try_recv(), Ok(true));
        // A client that goes away drops the whole.
        drop(tokio::time::timeout(SECOND, stack.call(Request::default())).await);
        assert_eq!(told.try_recv(), Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_the_body_does_not_count_and_working_between_its_chunks_does() {
        let stack = layered(&config(5), |request| async move {
            let work = if request.uri().path() == "/work" { 2 * SECOND } else { Duration::ZERO };
            let mut body = request.into_body();
            while let Some(Ok(_)) = http_body_util::BodyExt::frame(&mut body).await {
                sleep(work).await;
            }
            Response::default()
        });
        let post = |path, seconds| http::Request::post(path).body(slow_body(seconds)).unwrap_or_default();
        assert_eq!(stack.call(post("/", 100)).await.status(), 200);
        assert_eq!(stack.call(post("/work", 2)).await.status(), 200);
        assert_eq!(stack.call(post("/work", 3)).await.status(), 408);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_runs_again_when_a_task_of_its_own_has_read_the_body() {
        let stack = layered(&config(5), |request| async move {
            tokio::spawn(read(request.into_body()));
            std::future::pending().await
        });
        let started = Instant::now();
        assert_eq!(stack.call(Request::new(slow_body(20))).await.status(), 408);
        assert!(started.elapsed() >= 25 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_of_the_answer_may_take_as_long_as_it_wants() {
        let stack = layered(&config(1), |_| async { Response::new(slow_body(60)) });
        let response = stack.call(Request::new(Body::empty())).await;
        assert_eq!(text(response).await.len(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_grpc_call_gets_deadline_exceeded() {
        let stack = layered(&TimeoutConfig { status: 503, ..config(1) }, |_| std::future::pending());
        for (content_type, status, grpc_status) in
            [("application/grpc+proto", 200, Some("4")), ("application/grpc-web", 503, None), ("text/plain", 503, None)]
        {
            let request = http::Request::post("/").header("content-type", content_type).body(Body::empty());
            let response = stack.call(request.unwrap_or_default()).await;
            assert_eq!(response.status(), status, "{content_type}");
            assert_eq!(response.headers().get("grpc-status").and_then(|value| value.to_str().ok()), grpc_status);
        }
    }

    #[test]
    fn refuses_a_status_that_means_something_else() {
        let error = TimeoutConfig { status: 504, ..config(1) }.layer().map_err(|error| error.to_string());
        assert_eq!(error.err().as_deref(), Some("status: status is 504, expected 408 or 503"));
    }
}
