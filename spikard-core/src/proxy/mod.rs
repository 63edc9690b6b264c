//! The leaf that lets an upstream answer: a reverse proxy over HTTP/1.1 and HTTP/2.
//!
//! Nothing is buffered: bodies stream both ways, trailers included, and a client that goes away
//! takes its request to the upstream along. What the upstream gets is framed anew by hyper, so
//! that no two servers can read one request differently. Extended CONNECT (WebSockets over
//! HTTP/2, RFC 8441) is left out.

mod alarm;
mod balance;
mod check;
mod connection;
mod exchange;
mod failure;
mod forward;
mod forwarded;
mod guard;
mod headers;
mod http2;
mod path;
mod plan;
mod pool;
mod reach;
mod relay;
mod resolve;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod tunnel;
mod upload;
mod wire;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use http::uri::PathAndQuery;
use spikard_middleware::problem::Subject;
use spikard_middleware::{Answer, Background, BuildContext, BuildError, Request, Response, Service, Task};

use self::balance::{Balancer, Counts, Ejection, Group, Target};
use self::check::Check;
use self::guard::Guard;
use self::path::PathRule;
use self::target::{Address, Version};
use self::tls::Connectors;
use crate::config::{Balance, UpstreamConfig};
use crate::routes::PathPattern;

pub(crate) use self::headers::remove_nominated;
pub(crate) use self::reach::Reach;

/// A group of servers that answer alike, with the connections to them. Cheap to clone; clones
/// share the connections.
#[derive(Clone)]
pub struct Upstream(Arc<Shared>);

struct Shared {
    balancer: Balancer,
    guard: Guard,
    check: Option<Check>,
    background: Background,
    /// What resolves names, if anything does.
    resolving: OnceLock<Task>,
    tls: Connectors,
    path: PathRule,
    version: Version,
    preserve_host: bool,
    connect_timeout: Duration,
    response_timeout: Duration,
    /// 0: as long as it takes.
    total_timeout: Duration,
}

impl Upstream {
    /// Reads all addresses, templates and certificates. No connection is made.
    ///
    /// # Errors
    /// All settings that cannot work, each with its place.
    pub fn build(config: &UpstreamConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        check_balance(config, ctx, &mut errors);
        let mut targets = Vec::new();
        let group = Arc::new(Group {
            counts: Counts::of(ctx),
            ejection: Ejection::new(&config.ejection, ctx.clock()),
            clock: ctx.clock().clone(),
            slow_start: config.slow_start,
            health: config.health.clone(),
            idle_connections: config.idle_connections,
            idle_timeout: config.idle_timeout,
        });
        for (number, target) in config.targets.iter().enumerate() {
            if let Err(message) = target.check_weight() {
                errors.push(ctx.invalid(&format!("targets.{number}"), message));
            }
            match Address::parse(&target.url, |path| ctx.path(path)) {
                Ok(address) => targets.push(Target::new(address, target.weight, &group)),
                Err(message) => errors.push(ctx.invalid(&format!("targets.{number}"), message)),
            }
        }
        if config.targets.is_empty() {
            errors.push(ctx.invalid("targets", "targets is an empty list, expected at least one"));
        }
        for (field, duration) in [("connect_timeout", config.connect_timeout), ("response_timeout", config.response_timeout)] {
            if duration.is_zero() {
                errors.push(ctx.invalid(field, format!("{field} is 0, expected more")));
            }
        }
        let check = config.health.as_ref().map(|health| Check::build(health, &ctx.at(ctx.place().key("health"))));
        let check = check.transpose().map_err(|error| errors.push(error));
        if !config.resolve_interval.is_zero() && !targets.iter().any(|target: &Arc<Target>| target.address.name().is_some()) {
            ctx.warn("resolve_interval", "resolve_interval is set, expected a target with a name to resolve");
        }
        let path = path_rule(config, ctx).map_err(|error| errors.push(error));
        let guard = Guard::build(config, ctx).map_err(|error| errors.push(error));
        let needed = targets.iter().any(|target| target.address.is_tls());
        let tls = Connectors::build(config, ctx, needed).map_err(|error| errors.push(error));
        let (Ok(check), Ok(path), Ok(guard), Ok(tls), true) = (check, path, guard, tls, errors.is_empty()) else {
            return Err(BuildError::Several(errors));
        };
        let shared = Arc::new(Shared {
            balancer: Balancer::new(targets, config),
            guard,
            check,
            background: ctx.background().clone(),
            resolving: OnceLock::new(),
            tls,
            path,
            version: if config.http2 { Version::Http2 } else { Version::Http1 },
            preserve_host: config.preserve_host,
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
            total_timeout: config.total_timeout,
        });
        let is_resolved = |target: &Target| !config.resolve_interval.is_zero() && target.address.name().is_some();
        shared.balancer.targets().iter().filter(|target| !is_resolved(target)).for_each(|target| shared.watch(target));
        if !config.resolve_interval.is_zero() {
            let resolving = resolve::repeat(Arc::downgrade(&shared), config.resolve_interval);
            let _ = shared.resolving.set(ctx.spawn(resolving));
        }
        Ok(Self(shared))
    }

    /// Whether both are one upstream, with the same connections.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The leaf of a route with the path `path`.
    ///
    /// # Errors
    /// When `rewrite` names a parameter that the path does not have.
    pub fn leaf(&self, path: &PathPattern, ctx: &BuildContext) -> Result<UpstreamLeaf, BuildError> {
        let known: Vec<&str> = path.names().collect();
        match self.0.path.unknown(&known) {
            Some(name) => {
                Err(ctx.invalid("", format!("its `rewrite` has `{{{name}}}`, expected a parameter of the path `{path}`")))
            }
            None => Ok(UpstreamLeaf(self.clone())),
        }
    }
}

impl Shared {
    /// Begins to check a target, if targets are checked.
    fn watch(self: &Arc<Self>, target: &Arc<Target>) {
        if self.check.is_some() {
            target.keep(self.background.spawn(Check::repeat(Arc::downgrade(self), Arc::downgrade(target))));
        }
    }
}

fn check_balance(config: &UpstreamConfig, ctx: &BuildContext, errors: &mut Vec<BuildError>) {
    match (config.balance, &config.hash_by) {
        (Balance::Hash, None) => {
            errors
                .push(ctx.invalid("balance", "balance is `hash`, expected `hash_by` beside it, such as `hash_by = \"address\"`"));
        }
        (Balance::Hash, Some(_)) | (_, None) => {}
        (_, Some(_)) => errors.push(ctx.invalid("hash_by", "hash_by stands there, expected `balance = \"hash\"` beside it")),
    }
}

fn path_rule(config: &UpstreamConfig, ctx: &BuildContext) -> Result<PathRule, BuildError> {
    match (&config.strip_prefix, &config.rewrite) {
        (None, None) => Ok(PathRule::Keep),
        (Some(prefix), None) => PathRule::strip(prefix).map_err(|message| ctx.invalid("strip_prefix", message)),
        (None, Some(template)) => PathRule::rewrite(template).map_err(|message| ctx.invalid("rewrite", message)),
        (Some(_), Some(_)) => Err(ctx.invalid("rewrite", "`rewrite` stands beside `strip_prefix`, expected one of the two")),
    }
}

/// The leaf of `upstream = "name"`.
pub struct UpstreamLeaf(Upstream);

impl UpstreamLeaf {
    /// What the upstream answers.
    ///
    /// # Errors
    /// When it gives no answer: the refusal that the client gets in its place.
    pub(crate) async fn answer(&self, request: Request) -> Result<Response, Response> {
        let subject = Subject::of(&request);
        self.0.0.forward(request).await.map_err(|failure| failure.refusal(&subject))
    }

    /// The path and query that the upstream is asked for.
    pub(crate) fn asked(&self, request: &Request) -> PathAndQuery {
        self.0.0.path.apply(request.uri(), request.extensions().get())
    }
}

impl Service for UpstreamLeaf {
    fn call(&self, request: Request) -> Answer<'_> {
        Box::pin(self.answer(request).map(|answer| answer.unwrap_or_else(|refusal| refusal)))
    }
}
