//! One line per request, written when its answer has been sent: when the response body ends, or
//! when it is dropped because the client is gone.
//!
//! As text, a line has these columns, `-` where a value is not known:
//! ```text
//! 2026-11-21T08:15:00.042Z 192.0.2.7 GET /users/7 200 1532 0.004211 /users/{id} 5f1c0d3e - aborted
//! time                     client method path status bytes seconds route request-id consumer
//! ```
//! As JSON it is an object with the keys `time`, `client`, `method`, `path`, `query` (if asked
//! for), `status`, `bytes`, `duration` (seconds), `route`, `request_id`, `consumer` and `complete`;
//! unknown ones are null. `bytes` is what was handed to the connection of the body, as it is on
//! the wire. The last column of the text, and `complete`, tell an answer that was cut short.
//!
//! Nothing that a client sends can break a line or begin another one: whatever is not visible
//! ASCII is percent-encoded (RFC 3986 section 2.1), and so are quotes and backslashes. Headers and
//! bodies are never logged.
//!
//! Lines are collected in memory and written every 20 ms by a thread of their own, so that a slow
//! disk or pipe holds up no request; what does not fit meanwhile is dropped, and a line says how
//! many. A log file that was moved away is opened anew, so `logrotate` needs no signal.
//!
//! ```
//! use spikard_middleware::{AccessLogConfig, PolicyConfig};
//! use spikard_middleware::access_log::LogFormat;
//!
//! let config = AccessLogConfig { format: LogFormat::Json, output: "stderr".into(), ..Default::default() };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

mod line;
mod sink;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use http::Method;
use http_body::{Body as HttpBody, Frame, SizeHint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Policy, Request, Service};

use self::line::{Entry, Log};
use self::sink::{Output, Sink};

/// Writes a line per request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessLogConfig {
    /// How a line is written.
    pub format: LogFormat,
    /// Where to: `stdout`, `stderr`, or the path of a file, which is appended to.
    #[schemars(length(min = 1))]
    pub output: String,
    /// Whether the query is logged. Then the values of `masked` show as `****`.
    pub query: bool,
    /// The query parameters whose values are never logged, in any case of letters. The
    /// `query_parameter` of `api_key_auth` belongs here.
    pub masked: Vec<String>,
}

impl Default for AccessLogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            output: "stdout".into(),
            query: false,
            masked: vec!["api_key".into(), "access_token".into()],
        }
    }
}

/// How a line of the access log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LogFormat {
    /// Columns, for people and `awk`.
    Text,
    /// One JSON object per line.
    Json,
}

impl PolicyConfig for AccessLogConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let output = Output::of(&self.output, ctx);
        let sink = Sink::shared(&output, self.format, ctx)
            .map_err(|error| ctx.unavailable("output", format!("`{}` cannot be written: {error}", self.output)))?;
        let masked = self.query.then(|| self.masked.clone());
        Ok(Some(Layer::new(AccessLog(Arc::new(Log::new(self.format, masked, ctx.clock().clone(), sink))))))
    }
}

struct AccessLog(Arc<Log>);

impl Policy for AccessLog {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        // Dropped before there is a response, it says that there was none.
        let mut entry = Entry::of(&mut request, Arc::clone(&self.0));
        let head_only = request.method() == Method::HEAD;
        Box::pin(async move {
            let response = next.call(request).await;
            entry.answered(&response);
            if head_only || response.body().is_end_stream() {
                entry.finish();
                return response;
            }
            response.map(|body| {
                let length = body.size_hint().exact();
                Body::new(Logged { body, length, entry: Some(entry) })
            })
        })
    }
}

pin_project_lite::pin_project! {
    struct Logged {
        #[pin]
        body: Body,
        // The length that the head promises; the server reads no further than that.
        length: Option<u64>,
        // None once it is written.
        entry: Option<Entry>,
    }
}

impl HttpBody for Logged {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        let Some(entry) = this.entry else { return Poll::Ready(frame) };
        let ended = match &frame {
            Some(Ok(frame)) => {
                let sent = entry.sent(frame.data_ref().map_or(0, Bytes::len));
                this.body.is_end_stream() || *this.length == Some(sent)
            }
            Some(Err(_)) => false,
            None => true,
        };
        if let Some(entry) = this.entry.take_if(|_| ended) {
            entry.finish();
        }
        Poll::Ready(frame)
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
    use crate::client::{Client, MatchedRoute};
    use crate::request_id::RequestId;
    use crate::service::Response;
    use crate::testing::{layered, read};
    use futures_util::stream;

    fn config(file: &tempfile::NamedTempFile) -> AccessLogConfig {
        AccessLogConfig { output: file.path().display().to_string(), ..AccessLogConfig::default() }
    }

    /// The lines without time and duration, after `exchange` and the end of the stack.
    async fn lines<F: Future<Output = ()>>(exchange: impl FnOnce(Arc<dyn Service>) -> F) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        exchange(layered(&config(&file), |request| async move {
            match request.uri().path() {
                "/slow" => std::future::pending().await,
                "/stream" => Response::new(Body::from_stream(stream::iter(["abc", "de"].map(Ok::<_, std::io::Error>)))),
                _ => Response::new(Body::from("hello")),
            }
        }))
        .await;
        let log = std::fs::read_to_string(file.path()).unwrap();
        let columns = |line: &str| {
            line.split(' ').enumerate().filter(|(at, _)| ![0, 6].contains(at)).map(|(_, text)| text.to_owned()).collect()
        };
        log.lines().map(|line| -> Vec<String> { columns(line) }).map(|columns| columns.join(" ")).collect()
    }

    fn get(path: &str) -> Request {
        http::Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_line_tells_who_asked_what_and_what_was_sent() {
        let lines = lines(async |stack| {
            let mut request = get("/users/7?api_key=hidden");
            request.extensions_mut().insert(Client::local());
            request.extensions_mut().insert(MatchedRoute::new("/users/{id}".into()));
            request.extensions_mut().insert(RequestId::from_static("abc"));
            read(stack.call(request).await.into_body()).await.unwrap();
        })
        .await;
        assert_eq!(lines, ["127.0.0.1 GET /users/7 200 5 /users/{id} abc -"]);
    }

    #[tokio::test]
    async fn the_line_names_the_consumer_that_authentication_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let authenticated = layered(&crate::ApiKeyConfig::new(["k1"]), |_| async { Response::default() });
        let stack = config(&file).layer().unwrap().around(authenticated);
        for key in ["k1", "guessed"] {
            let request = http::Request::get("/").header("x-api-key", key).body(Body::empty()).unwrap();
            read(stack.call(request).await.into_body()).await.unwrap();
        }
        drop(stack);
        let log = std::fs::read_to_string(file.path()).unwrap();
        let seen: Vec<_> = log.lines().map(|line| line.split(' ').collect::<Vec<_>>()).map(|line| [line[4], line[9]]).collect();
        assert_eq!(seen, [["200", "key-1"], ["401", "-"]]);
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_short_shows_the_bytes_that_were_sent() {
        let lines = lines(async |stack| {
            let mut body = stack.call(get("/stream")).await.into_body();
            http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
            drop(body);
            read(stack.call(get("/stream")).await.into_body()).await.unwrap();
            drop(tokio::time::timeout(std::time::Duration::ZERO, stack.call(get("/slow"))).await);
        })
        .await;
        assert_eq!(lines, ["- GET /stream 200 3 - - - aborted", "- GET /stream 200 5 - - -", "- GET /slow - 0 - - - aborted"]);
    }

    #[tokio::test]
    async fn an_answer_without_a_body_to_send_is_complete_with_its_head() {
        let lines = lines(async |stack| {
            let request = http::Request::head("/").body(Body::empty()).unwrap();
            drop(stack.call(request).await);
        })
        .await;
        assert_eq!(lines, ["- HEAD / 200 0 - - -"]);
    }

    #[test]
    fn says_why_a_file_cannot_be_written() {
        let config = AccessLogConfig { output: "/nonexistent/access.log".into(), ..AccessLogConfig::default() };
        let error = config.layer().map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(error.starts_with("output: `/nonexistent/access.log` cannot be written: "), "{error}");
    }
}
