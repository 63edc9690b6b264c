//! The gateway: all routes of a server, each behind its effective stack, as one service.
//!
//! [`Gateway::build`] makes it of a configuration; the server calls it for every request that
//! passed the rules of HTTP. Nothing here knows a socket.

mod before;
mod converted;
mod leaves;
mod pages;
mod plan;
mod route;
#[cfg(test)]
mod tests;
mod upstream_api;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use http::{HeaderName, Method, header};
use http_body::Body as _;
use spikard_middleware::{
    Answer, Body, BuildContext, BuildError, Client, Clock, ConfigPath, Effective, MatchedRoute, Metrics, Request, Response,
    Service, Stack, Warning,
};
use spikard_openapi::Written;
use spikard_openapi::foreign::Foreign;

use crate::config::{Loaded, OpenApiConfig, ServerConfig};
use crate::description::Api;
use crate::grpc;
use crate::leaf::{Allowed, MethodNotAllowed, NotFound, Options};
use crate::proxy::{Upstream, remove_nominated};
use crate::python::{NoPython, PythonLeaves};
use crate::routes::{Matched, PathParams, Table};
use crate::suite;
use crate::tls::{Shown, Tls};
use crate::traffic::Requests;

use before::Before;
pub use plan::Leaf;
use plan::{Planned, Sources};
pub use route::Route;
pub use upstream_api::UpstreamApi;

/// All routes of a server, ready to answer.
pub struct Gateway {
    table: Table,
    routes: Vec<Arc<Route>>,
    effective: Effective,
    stack: Stack,
    outside: Outside,
    warnings: Vec<Warning>,
    /// The descriptions of routes that the program brought.
    documents: Vec<Arc<Foreign>>,
    upstreams: BTreeMap<String, Upstream>,
    context: BuildContext,
    tls: Option<Arc<Tls>>,
}

/// What answers where no route does, behind the server-wide stack.
struct Outside {
    not_found: Arc<dyn Service>,
    method_not_allowed: Arc<dyn Service>,
    options: Arc<dyn Service>,
}

impl Outside {
    fn new(stack: &Stack, requests: Option<&Requests>) -> Self {
        let counting = requests.map(|requests| requests.counting("(none)", "routes"));
        let behind = |leaf| {
            let service = stack.around(leaf);
            counting.as_ref().map_or_else(|| Arc::clone(&service), |counting| counting.around(Arc::clone(&service)))
        };
        Self {
            not_found: behind(Arc::new(NotFound)),
            method_not_allowed: behind(Arc::new(MethodNotAllowed)),
            options: behind(Arc::new(Options)),
        }
    }
}

impl Gateway {
    /// Builds the routes of a configuration that is not from a file: relative paths start at the
    /// working directory.
    ///
    /// # Errors
    /// All errors of all policies, routes and leaves, each with its place.
    pub fn build(config: &ServerConfig) -> Result<Self, BuildError> {
        Self::build_with(config, Path::new(""), Vec::new())
    }

    /// Builds the routes of a configuration whose relative paths start at `directory`, and of
    /// `leaves` that exist in the program only.
    ///
    /// # Errors
    /// All errors of all policies, routes and leaves, each with its place. With `strict`, warnings
    /// are errors.
    pub fn build_with(config: &ServerConfig, directory: &Path, leaves: Vec<Leaf>) -> Result<Self, BuildError> {
        Self::build_in(config, &BuildContext::new(directory, Clock::system()), leaves)
    }

    /// Like [`Gateway::build_with`], with all that policies use: a clock, or the memory in which
    /// [worker processes](crate::workers::Worker::context) count together. A context is for one
    /// gateway.
    ///
    /// # Errors
    /// As there.
    pub fn build_in(config: &ServerConfig, ctx: &BuildContext, leaves: Vec<Leaf>) -> Result<Self, BuildError> {
        Self::build_of(config, ctx, Sources { leaves, python: &NoPython, applications: &[], documents: &[] }, &[], None)
    }

    /// Like [`Gateway::build_with`], with documents that describe routes of the program.
    pub(crate) fn build_described(
        config: &ServerConfig,
        directory: &Path,
        leaves: Vec<Leaf>,
        documents: &[Arc<Foreign>],
    ) -> Result<Self, BuildError> {
        let ctx = BuildContext::new(directory, Clock::system());
        Self::build_of(config, &ctx, Sources { leaves, python: &NoPython, applications: &[], documents }, &[], None)
    }

    /// Builds the routes of a configuration and of the Python applications that are mounted in it.
    /// `ctx` is that of [`Loaded::context`], or of a worker.
    ///
    /// # Errors
    /// As those of [`Gateway::build_with`]; [`Loaded::locate`] finds their places.
    pub fn build_loaded(loaded: &Loaded, ctx: &BuildContext, python: &dyn PythonLeaves) -> Result<Self, BuildError> {
        let sources = Sources { leaves: Vec::new(), python, applications: loaded.applications(), documents: &[] };
        Self::build_of(&loaded.config, ctx, sources, loaded.warnings(), None)
    }

    /// Builds the routes of `loaded` in the place of this gateway, which was built of `old`. What is as it
    /// was is taken over with its state: layers with their counters, upstreams with their connections.
    ///
    /// # Errors
    /// As those of [`Gateway::build_loaded`].
    pub fn successor(&self, old: &Loaded, loaded: &Loaded, python: &dyn PythonLeaves) -> Result<Self, BuildError> {
        let sources = Sources { leaves: Vec::new(), python, applications: loaded.applications(), documents: &[] };
        let before = Before::new(self, old, loaded);
        let ctx = self.context.successor(&loaded.directory);
        Self::build_of(&loaded.config, &ctx, sources, loaded.warnings(), Some(&before))
    }

    fn build_of(
        config: &ServerConfig,
        ctx: &BuildContext,
        sources: Sources<'_>,
        warnings: &[Warning],
        before: Option<&Before<'_>>,
    ) -> Result<Self, BuildError> {
        if config.admin.is_some() {
            ctx.metrics().want();
        }
        let mut errors = Vec::new();
        let policies = config.policies();
        let stack = before.map_or_else(|| policies.build(ctx, None), |before| before.server_stack(&policies, ctx));
        let stack = stack.unwrap_or_else(|error| {
            errors.push(error);
            Stack::default()
        });
        let documents = sources.documents.to_vec();
        let requests = config.admin.as_ref().map(|_| Requests::of(ctx.metrics()));
        let Planned { routes, upstreams } = plan::routes(config, sources, &stack, ctx, before, requests.as_ref(), &mut errors);
        let keys = routes.iter().map(|route| route.key().clone()).collect();
        let table = Table::new(keys).unwrap_or_else(|collisions| {
            errors.extend(collisions.into_iter().map(|pair| collision(&routes[pair.first], &routes[pair.second])));
            Table::default()
        });
        errors.extend(suite::check(config, ctx));
        let tls = config.tls.as_ref().map(|tls| {
            let ctx = ctx.at(ctx.place().key("tls"));
            let goes_on = before.and_then(|before| before.tls(tls, &ctx));
            goes_on.map_or_else(|| Tls::build(tls, &ctx).map(Arc::new), Ok)
        });
        let tls = tls.transpose().unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        check_server(config, ctx, &mut errors);
        let mut seen = HashSet::new();
        let warnings = warnings.iter().cloned().chain(ctx.take_warnings());
        let warnings: Vec<Warning> = warnings.filter(|one| seen.insert((one.at.clone(), one.message.clone()))).collect();
        if config.strict {
            errors.extend(
                warnings.iter().map(|warning| BuildError::Invalid { at: warning.at.clone(), message: warning.message.clone() }),
            );
        }
        BuildError::all(errors)?;
        let outside = Outside::new(&stack, requests.as_ref());
        let effective = Effective { policies, inherited: Vec::new() };
        let context = ctx.clone();
        Ok(Self { table, routes, effective, stack, outside, warnings, documents, upstreams, context, tls })
    }

    /// The routes, in the order of the configuration.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|route| &**route)
    }

    /// The description of all routes as an OpenAPI document. Every route is asked what it does.
    pub fn describe(&self, config: &OpenApiConfig) -> Written {
        Api::new(config, self.routes(), &self.documents).document()
    }

    /// The server-wide policies in force.
    pub fn effective(&self) -> &Effective {
        &self.effective
    }

    /// The server-wide stack: it stands before unknown paths and wrong methods.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The table of the routes; its numbers are the positions in [`Gateway::routes`].
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The TLS of the server that this is for.
    pub fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// The headers that policies of any route, and TLS, set for upstreams.
    pub fn upstream_headers(&self) -> Vec<HeaderName> {
        let of_policies = self.routes.iter().flat_map(|route| route.effective().policies.upstream_headers());
        of_policies.chain(self.tls.iter().flat_map(|tls| tls.upstream_headers())).collect()
    }

    /// What the server counts and measures, for as long as it runs.
    pub fn metrics(&self) -> &Metrics {
        self.context.metrics()
    }

    /// What the policies of this gateway were built with.
    pub fn context(&self) -> &BuildContext {
        &self.context
    }

    /// What was built but is probably not what was meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What answers a request, its extensions set.
    fn choose(&self, request: &mut Request) -> &dyn Service {
        let (host, path) = (host_of(request), request.uri().path());
        let found = match self.table.find(host, path, request.method()) {
            Matched::Route(number, params) => match self.preflighted(request) {
                Some((asked, params)) if self.answers_preflight(asked, number) => {
                    let methods = self.table.methods(host, path);
                    request.extensions_mut().insert(Allowed(methods));
                    (&self.routes[asked], params, true)
                }
                _ => (&self.routes[number], params, false),
            },
            Matched::NotFound if path == "*" && request.method() == Method::OPTIONS => return &*self.outside.options,
            Matched::NotFound => return &*self.outside.not_found,
            Matched::MethodNotAllowed(methods) => {
                let preflight = self.preflighted(request);
                let options = request.method() == Method::OPTIONS;
                request.extensions_mut().insert(Allowed(methods));
                match preflight {
                    Some((number, params)) => (&self.routes[number], params, true),
                    _ if options => return &*self.outside.options,
                    _ => return &*self.outside.method_not_allowed,
                }
            }
        };
        let (route, params, preflight) = found;
        let extensions = request.extensions_mut();
        extensions.insert(MatchedRoute::new(Arc::clone(route.key().path.text())));
        if let Some(params) = params {
            extensions.insert(params);
        }
        route.service(preflight)
    }

    /// The route that a CORS preflight asks about.
    fn preflighted(&self, request: &Request) -> Option<(usize, Option<PathParams>)> {
        let method = preflight_method(request)?;
        match self.table.find(host_of(request), request.uri().path(), &method) {
            Matched::Route(number, params) => Some((number, params)),
            Matched::MethodNotAllowed(_) | Matched::NotFound => None,
        }
    }

    /// Whether a preflight about the route `asked` is answered by its policies, although the route
    /// `found` takes `OPTIONS`, as every route for all methods does.
    fn answers_preflight(&self, asked: usize, found: usize) -> bool {
        let is_meant = self.routes[found].key().methods.contains(&Method::OPTIONS);
        asked != found && (self.routes[asked].has_cors() || !is_meant)
    }
}

impl Service for Gateway {
    fn begin(&self) {
        self.context.background().begin();
    }

    fn call(&self, mut request: Request) -> Answer<'_> {
        remove_nominated(request.headers_mut());
        if self.tls.is_some()
            && let Some(shown) = request.extensions().get::<Shown>().cloned()
        {
            shown.tell(request.headers_mut());
        }
        let service = self.choose(&mut request);
        let head = request.method() == Method::HEAD;
        let is_grpc = grpc::is_call(&request);
        let answer = service.call(request);
        if is_grpc {
            return Box::pin(async move { grpc::told(answer.await).await });
        }
        if head { Box::pin(async move { without_body(answer.await) }) } else { answer }
    }
}

/// The answer to HEAD: the headers of GET (RFC 9110 section 9.3.2).
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact()
        && length > 0
    {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    Response::from_parts(parts, Body::empty())
}

pub(crate) fn host_of(request: &Request) -> &str {
    if let Some(client) = request.extensions().get::<Client>() {
        return &client.host;
    }
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let header = || request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    authority.or_else(header).unwrap_or_default()
}

/// The method that a CORS preflight asks for (Fetch standard, section 3.3.2).
fn preflight_method(request: &Request) -> Option<Method> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes().try_into().ok()
}

/// What no route and no policy would find.
fn check_server(config: &ServerConfig, ctx: &BuildContext, errors: &mut Vec<BuildError>) {
    if let Some(admin) = &config.admin {
        let checked = admin.check(config, &ctx.at(ctx.place().key("admin")));
        errors.extend(checked.err());
    }
    if config.workers > 1 && config.routes.iter().all(|route| route.python.is_none()) {
        let message = format!("workers is {}, expected 1: without Python handlers one process uses every core", config.workers);
        ctx.warn("workers", message);
    }
}

fn collision(first: &Route, second: &Route) -> BuildError {
    let at = second.place().clone();
    let second = second.source().map_or_else(|| second.name(), |source| format!("{} ({source})", second.name()));
    let message = format!("{second} answers the same requests as {}, expected another path, host or method", named(first));
    BuildError::Invalid { at, message }
}

fn named(route: &Route) -> String {
    match route.source() {
        Some(source) => format!("{} ({source})", route.name()),
        None if *route.place() == ConfigPath::root() => route.name(),
        None => format!("{} at {}", route.name(), route.place()),
    }
}
