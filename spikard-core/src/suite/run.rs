//! Running tests: a gateway for each, a connection, its requests, and the verdict.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::uri::Scheme;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use spikard_middleware::{BuildContext, BuildError, ConfigPath, Override};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::case::{Case, cases};
use super::expect::{Answered, Difference, of_answer, of_received};
use super::stand_in::StandIns;
use crate::config::{Loaded, ServerConfig};
use crate::gateway::Gateway;
use crate::python::PythonLeaves;
use crate::routes::Matched;
use crate::server::{Live, Local, Served, Settings, refused_path};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest body of an answer.
const LARGEST: usize = 64 << 20;

/// Who answers for upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstreams {
    /// A server that answers what each test says.
    StandIn,
    /// They themselves.
    Live,
}

/// Why tests cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The configuration cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The system has no port for a server.
    #[error("cannot play an upstream: {0}")]
    StandIn(#[from] std::io::Error),
}

/// The tests of a configuration.
pub struct Suite<'a> {
    loaded: Loaded,
    python: &'a dyn PythonLeaves,
    cases: Vec<Case>,
    stand_ins: Option<StandIns>,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The name of the test.
    pub name: String,
    /// Where it stands in the configuration.
    pub place: ConfigPath,
    /// What was asked: method and URL.
    pub asked: String,
    /// The path and the place of the route that answered, if one did.
    pub route: Option<(String, ConfigPath)>,
    /// What was not as expected.
    pub differences: Vec<Difference>,
    /// What was expected of upstreams, and cannot be seen because they are live.
    pub unseen: Vec<&'static str>,
}

impl Verdict {
    /// Whether everything was as expected.
    pub fn is_passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl<'a> Suite<'a> {
    /// Makes the tests of a configuration ready. Belongs inside a runtime, as all of this does.
    ///
    /// # Errors
    /// When the configuration or a test cannot be built.
    pub async fn of(loaded: &Loaded, python: &'a dyn PythonLeaves, upstreams: Upstreams) -> Result<Self, SuiteError> {
        let mut loaded = loaded.clone();
        let cases = cases(&loaded.config, &loaded.context())?;
        without_access_log(&mut loaded.config);
        let stand_ins = match upstreams {
            Upstreams::StandIn => Some(StandIns::start(&loaded.config).await?),
            Upstreams::Live => None,
        };
        if let Some(stand_ins) = &stand_ins {
            stand_ins.redirect(&mut loaded.config);
        }
        let suite = Self { loaded, python, cases, stand_ins };
        suite.gateway(&suite.loaded.context())?;
        Ok(suite)
    }

    /// The names of the tests, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(|case| case.name.as_str())
    }

    /// Runs the test of that number.
    ///
    /// # Panics
    /// When there is none.
    pub async fn run(&self, number: usize) -> Verdict {
        let case = &self.cases[number];
        let host = case.request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let mut verdict = Verdict {
            name: case.name.clone(),
            place: case.place.clone(),
            asked: format!("{} {}://{host}{}", case.request.method(), case.scheme, case.request.uri()),
            route: None,
            differences: Vec::new(),
            unseen: Vec::new(),
        };
        let ctx = BuildContext::new(&self.loaded.directory, case.clock.clone());
        let gateway = match self.gateway(&ctx) {
            Ok(gateway) => Arc::new(gateway),
            Err(error) => {
                verdict.differences.push(Difference::new("gateway", "one that can be built", error));
                return verdict;
            }
        };
        verdict.route = route_of(&gateway, host, case.request.uri().path(), case.request.method());
        if let Some(stand_ins) = &self.stand_ins {
            stand_ins.prepare(&case.answers);
        }
        let settings = Settings::of(&self.loaded.config, &gateway);
        let local = Local::new(Live::serving(Served::of(&self.loaded.config, gateway)), settings);
        let answer = ask(&local, case).await;
        match answer {
            Ok(answer) => {
                let route = verdict.route.as_ref().map(|(path, _)| path.as_str());
                verdict.differences = of_answer(&case.expect, &answer, route);
            }
            Err(error) => verdict.differences.push(Difference::new("answer", "one", error)),
        }
        self.judge_upstreams(case, &mut verdict);
        verdict
    }

    fn judge_upstreams(&self, case: &Case, verdict: &mut Verdict) {
        let (calls, last) = (case.expect.upstream_calls, case.expect.received.as_ref());
        let Some(stand_ins) = &self.stand_ins else {
            verdict.unseen.extend(calls.map(|_| "upstream_calls").into_iter().chain(last.map(|_| "received")));
            return;
        };
        let received = stand_ins.received();
        if let Some(calls) = calls.filter(|calls| *calls as usize != received.len()) {
            verdict.differences.push(Difference::new("upstream_calls", calls, received.len()));
        }
        if let Some(expected) = last {
            verdict.differences.extend(of_received(expected, received.last()));
        }
    }

    fn gateway(&self, ctx: &BuildContext) -> Result<Gateway, BuildError> {
        Gateway::build_loaded(&self.loaded, ctx, self.python)
    }
}

/// A test is no access.
fn without_access_log(config: &mut ServerConfig) {
    config.access_log = None;
    config.routes.iter_mut().for_each(|route| route.access_log = Override::Off);
    config.static_files.iter_mut().for_each(|files| files.access_log = Override::Off);
    config.openapi.iter_mut().for_each(|openapi| openapi.access_log = Override::Off);
}

/// The path and the place of the route that answers.
fn route_of(gateway: &Gateway, host: &str, path: &str, method: &Method) -> Option<(String, ConfigPath)> {
    if refused_path(path).is_some() {
        return None;
    }
    let Matched::Route(number, _) = gateway.table().find(host, path, method) else { return None };
    let route = gateway.routes().nth(number)?;
    Some((route.key().path.to_string(), route.place().clone()))
}

/// Sends the request of a test as often as it says, over one connection; the last answer.
async fn ask(local: &Local, case: &Case) -> Result<Answered, String> {
    let mut connection = connect(local, case.client, &case.scheme).await?;
    let mut answer = None;
    for _ in 0..case.repeat {
        if connection.ready().await.is_err() {
            connection = connect(local, case.client, &case.scheme).await?;
        }
        let exchange = exchange(&mut connection, case.request.clone());
        let late = |_| format!("none within {} s", PATIENCE.as_secs());
        answer = Some(timeout(PATIENCE, exchange).await.map_err(late)??);
    }
    answer.ok_or_else(|| "none".to_owned())
}

async fn connect(local: &Local, client: IpAddr, scheme: &Scheme) -> Result<http1::SendRequest<Full<Bytes>>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let (ours, theirs) = UnixStream::pair().map_err(|error| text(&error))?;
    if !local.serve_as(theirs, client, scheme.clone()) {
        return Err("no connection is taken: `limits.connections` is 0".into());
    }
    let (sender, connection) = http1::handshake(TokioIo::new(ours)).await.map_err(|error| text(&error))?;
    // How it ended, the one who waits for the answer is told.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn exchange(connection: &mut http1::SendRequest<Full<Bytes>>, request: http::Request<Bytes>) -> Result<Answered, String> {
    let response = connection.send_request(request.map(Full::new)).await.map_err(|error| format!("none: {error}"))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(|error| format!("a body that broke off: {error}"))?;
    Ok(Answered { status: parts.status, headers: parts.headers, body: body.to_bytes() })
}
