//! Servers that play the upstreams of a configuration: they note what reaches them, and answer what
//! a test says.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Map, Value, json};
use spikard_middleware::{Body, Response, Service};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::expect::Received;
use crate::config::ServerConfig;
use crate::leaf::FixedResponse;

/// One server for each upstream. They end with this.
pub(super) struct StandIns {
    notes: Arc<Mutex<Notes>>,
    addresses: BTreeMap<String, SocketAddr>,
    _servers: JoinSet<()>,
}

/// What the servers are told and what they tell.
#[derive(Default)]
struct Notes {
    answers: BTreeMap<String, FixedResponse>,
    received: Vec<Received>,
}

/// An upstream that is played.
struct Role {
    name: String,
    address: SocketAddr,
    /// How the upstream itself would be called in `Host`.
    host: HeaderValue,
}

impl StandIns {
    /// Starts a server for each upstream of a configuration.
    ///
    /// # Errors
    /// When there is no port for one.
    pub(super) async fn start(config: &ServerConfig) -> io::Result<Self> {
        let notes = Arc::<Mutex<Notes>>::default();
        let mut servers = JoinSet::new();
        let mut addresses = BTreeMap::new();
        for (name, upstream) in &config.upstreams {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            addresses.insert(name.clone(), address);
            let host =
                upstream.targets.first().map_or_else(|| HeaderValue::from_static("localhost"), |target| host_of(&target.url));
            let role = Arc::new(Role { name: name.clone(), address, host });
            servers.spawn(serve(listener, role, Arc::clone(&notes)));
        }
        Ok(Self { notes, addresses, _servers: servers })
    }

    /// Has the upstreams of a configuration be played.
    pub(super) fn redirect(&self, config: &mut ServerConfig) {
        for (name, address) in &self.addresses {
            if let Some(upstream) = config.upstreams.get_mut(name) {
                upstream.targets = vec![format!("http://{address}").into()];
                // Checks would be requests that no test has made.
                upstream.health = None;
            }
        }
    }

    /// Forgets what was noted, and answers as told from now on.
    pub(super) fn prepare(&self, answers: &BTreeMap<String, FixedResponse>) {
        *lock(&self.notes) = Notes { answers: answers.clone(), received: Vec::new() };
    }

    /// What was received since then.
    pub(super) fn received(&self) -> Vec<Received> {
        lock(&self.notes).received.clone()
    }
}

async fn serve(listener: TcpListener, role: Arc<Role>, notes: Arc<Mutex<Notes>>) {
    let mut connections = JoinSet::new();
    loop {
        // What cannot be accepted, the proxy is told; its answer shows it.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (role, notes) = (Arc::clone(&role), Arc::clone(&notes));
        let service = service_fn(move |request| answer(request, Arc::clone(&role), Arc::clone(&notes)));
        connections.spawn(async move {
            // A connection ends when the gateway that made it is gone.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    role: Arc<Role>,
    notes: Arc<Mutex<Notes>>,
) -> Result<http::Response<Body>, Infallible> {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::new(Body::empty())) };
    if let Some(authority) = parts.uri.authority().and_then(|authority| authority.as_str().parse().ok()) {
        // HTTP/2 has the host in the URI.
        parts.headers.insert(header::HOST, authority);
    }
    if let Some(host) = parts.headers.get_mut(header::HOST)
        && host.as_bytes() == role.address.to_string().as_bytes()
    {
        *host = role.host.clone();
    }
    let received = Received {
        upstream: role.name.clone(),
        method: parts.method,
        path: parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        headers: parts.headers,
        body: body.to_bytes(),
    };
    let answer = {
        let mut notes = lock(&notes);
        notes.received.push(received.clone());
        notes.answers.get(&role.name).cloned()
    };
    Ok(match answer {
        Some(answer) => answer.call(spikard_middleware::Request::new(Body::empty())).await,
        None => echo(&received),
    })
}

/// What was received, as JSON.
fn echo(received: &Received) -> Response {
    let Received { upstream, method, path, headers, body } = received;
    let body = String::from_utf8_lossy(body);
    let text = json!({ "upstream": upstream, "method": method.as_str(), "path": path, "headers": shown(headers), "body": body });
    let mut response = Response::new(Body::new(Full::from(text.to_string())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let value = |name| headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>();
    headers.keys().map(|name| (name.to_string(), value(name).join(", ").into())).collect()
}

/// What a target is called in `Host`.
fn host_of(target: &str) -> HeaderValue {
    let uri: Option<Uri> = target.parse().ok();
    let host = uri.as_ref().and_then(Uri::authority).map_or("localhost", http::uri::Authority::as_str);
    HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("localhost"))
}

fn lock(notes: &Mutex<Notes>) -> std::sync::MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}
