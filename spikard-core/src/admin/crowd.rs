//! What the workers of a supervisor say of themselves, in one answer.
//!
//! The supervisor has a connection to every worker, on a socket pair, over which it asks what anybody
//! could ask the listener of a server that is alone. Metrics of all workers stand side by side, told
//! apart by the label `worker`; routes and configuration are those of one worker, since all have the
//! same. A worker that does not answer in time, because its thread is busy, is left out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use http::header::HOST;
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use spikard_middleware::problem::{MALFORMED_BODY, SERVICE_UNAVAILABLE, Subject};
use spikard_middleware::{Answer, Body, Request, Response, Service};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::endpoints::{Source, TEXT, said};
use super::merge::merged;
use crate::server::Drain;

/// How long a worker may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The workers of a supervisor. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Crowd(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Those that serve, by their numbers.
    members: Mutex<BTreeMap<usize, Arc<Member>>>,
    drain: Drain,
    /// Asks for the replacement of all workers.
    rolls: OnceLock<UnboundedSender<()>>,
}

/// A worker.
pub(crate) struct Member {
    stream: Mutex<Option<UnixStream>>,
    sender: OnceCell<Option<SendRequest<Full<Bytes>>>>,
}

impl Member {
    /// A worker that answers on the other end of `stream`.
    pub(crate) fn new(stream: UnixStream) -> Arc<Self> {
        Arc::new(Self { stream: Mutex::new(Some(stream)), sender: OnceCell::new() })
    }

    async fn get(&self, path: &str) -> Option<http::Response<Bytes>> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Option<http::Response<Bytes>> {
        let asked = async {
            let mut sender = self.sender.get_or_init(|| self.connect()).await.clone()?;
            let uri = Uri::builder().scheme("http").authority("worker").path_and_query(path).build().ok()?;
            let request = http::Request::builder().method(method).uri(uri).body(Full::new(body)).ok()?;
            let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
            Some(http::Response::from_parts(parts, body.collect().await.ok()?.to_bytes()))
        };
        timeout(PATIENCE, asked).await.ok()?
    }

    async fn connect(&self) -> Option<SendRequest<Full<Bytes>>> {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok()?;
        // It ends with the worker.
        tokio::spawn(connection.map(drop));
        Some(sender)
    }
}

impl Crowd {
    /// From now on the worker of this number is `member`; none: there is none.
    pub(crate) fn set(&self, number: usize, member: Option<Arc<Member>>) {
        let mut members = self.0.members.lock().unwrap_or_else(PoisonError::into_inner);
        match member {
            Some(member) => drop(members.insert(number, member)),
            None => drop(members.remove(&number)),
        }
    }

    /// Where to ask for the replacement of all workers.
    pub(crate) fn rolls_by(&self, rolls: UnboundedSender<()>) {
        // A supervisor runs once.
        let _ = self.0.rolls.set(rolls);
    }

    /// Notes that the supervisor stops.
    pub(crate) fn stop(&self) {
        self.0.drain.begin();
    }

    fn members(&self) -> Vec<(usize, Arc<Member>)> {
        let members = self.0.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.iter().map(|(number, member)| (*number, Arc::clone(member))).collect()
    }
}

impl Source for Crowd {
    fn metrics(&self) -> BoxFuture<'_, String> {
        async {
            let members = self.members();
            let texts = join_all(members.iter().map(|(_, member)| member.get("/metrics"))).await;
            let text = |answer: &Option<http::Response<Bytes>>| {
                answer.as_ref().map(|answer| String::from_utf8_lossy(answer.body()).into_owned())
            };
            merged(members.iter().zip(&texts).map(|((number, _), answer)| (*number, text(answer))))
        }
        .boxed()
    }

    fn is_ready(&self) -> bool {
        !self.0.drain.has_begun() && !self.members().is_empty()
    }

    fn routes(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Relay(self))
    }

    fn config(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Relay(self))
    }

    fn plan(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Relay(self))
    }

    fn reload(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Roll(self))
    }

    fn purge(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Purge(self))
    }
}

/// Lets the first worker answer that does.
struct Relay(Arc<Crowd>);

impl Service for Relay {
    fn call(&self, request: Request) -> Answer<'_> {
        async move {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            for (_, member) in self.0.members() {
                if let Some(answer) = member.get(path).await {
                    return relayed(answer);
                }
            }
            SERVICE_UNAVAILABLE.response(&Subject::of(&request), "no worker answers")
        }
        .boxed()
    }
}

/// Lets new workers read the configuration. What comes of it, the log says.
struct Roll(Arc<Crowd>);

impl Service for Roll {
    fn call(&self, _: Request) -> Answer<'_> {
        // It fails only at the end of the supervisor.
        let asked = self.0.0.rolls.get().is_some_and(|rolls| rolls.send(()).is_ok());
        let answer = if asked {
            (StatusCode::ACCEPTED, said(TEXT, "replacing all workers, one by one\n"))
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, said(TEXT, "stopping\n"))
        };
        Box::pin(std::future::ready(answer.into_response()))
    }
}

/// Lets all workers forget: each has stored answers of its own.
struct Purge(Arc<Crowd>);

impl Service for Purge {
    fn call(&self, request: Request) -> Answer<'_> {
        async move {
            let subject = Subject::of(&request);
            let Ok(body) = request.into_body().collect().await.map(http_body_util::Collected::to_bytes) else {
                return MALFORMED_BODY.response(&subject, "the body broke off");
            };
            let members = self.0.members();
            let answers = join_all(members.iter().map(|(_, member)| member.ask(Method::POST, "/cache/purge", body.clone())));
            let mut purged = 0;
            for answer in answers.await {
                match answer {
                    None => return SERVICE_UNAVAILABLE.response(&subject, "not every worker answers"),
                    Some(answer) if answer.status() != StatusCode::OK => return relayed(answer),
                    Some(answer) => {
                        let said: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                        purged += said["purged"].as_u64().unwrap_or_default();
                    }
                }
            }
            axum::Json(json!({ "purged": purged })).into_response()
        }
        .boxed()
    }
}

fn relayed(answer: http::Response<Bytes>) -> Response {
    let (mut parts, body) = answer.into_parts();
    // The listener gives its own.
    for name in ["date", "x-request-id", HOST.as_str()] {
        parts.headers.remove(name);
    }
    parts.version = http::Version::HTTP_11;
    Response::from_parts(parts, Body::from(body))
}
