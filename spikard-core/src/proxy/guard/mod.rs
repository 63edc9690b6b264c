//! What stands between the requests of clients and an upstream, so that it is not sent more than it
//! can bear: how many requests at once, whether any at all, and which of them once more.
//!
//! Nothing here sends a request. It belongs to an upstream and lives as long as that.

mod breaker;
mod budget;
mod places;
mod retries;
mod sockets;
mod window;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use spikard_middleware::{BuildContext, BuildError, Step};

pub(super) use self::breaker::Permit;
use self::breaker::{Breaker, Change};
pub(super) use self::places::Place;
use self::places::{Full, Places};
pub(super) use self::retries::Retries;
pub(super) use self::sockets::Socket;
use self::sockets::Sockets;
use crate::config::UpstreamConfig;

/// What guards an upstream, as far as its configuration says so.
pub(super) struct Guard {
    /// What the configuration calls the upstream.
    pub(super) name: Arc<str>,
    places: Option<Places>,
    sockets: Option<Arc<Sockets>>,
    breaker: Option<Arc<Breaker>>,
    /// When a request is sent once more.
    pub(super) retries: Option<Retries>,
    refused: Refused,
}

/// Why a request is not sent at all, and after how many seconds it may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// As many as may wait for the upstream already.
    #[error("as many requests wait as `max_pending` allows")]
    Queue,
    /// The upstream took no more for too long.
    #[error("none of `max_connections` became free in time")]
    Late,
    /// The upstream is left alone.
    #[error("the circuit breaker is open")]
    Open(u64),
}

/// There is no place at the moment.
#[derive(Debug)]
pub(super) struct MustWait;

/// How many requests were refused, for each reason.
struct Refused {
    queue: Counter,
    late: Counter,
    open: Counter,
}

impl Guard {
    /// Reads the settings.
    ///
    /// # Errors
    /// All settings that cannot work, each with its place.
    pub(super) fn build(config: &UpstreamConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        if config.max_connections == Some(0) {
            errors.push(ctx.invalid("max_connections", "max_connections is 0, expected at least 1"));
        }
        if config.max_connections.is_none() && config.max_pending != UpstreamConfig::default().max_pending {
            ctx.warn("max_pending", "nothing waits where `max_connections` does not limit anything");
        }
        let name = name(ctx);
        let breaker = config.circuit_breaker.as_ref().map(|breaker| {
            let inner = ctx.at(ctx.place().key("circuit_breaker"));
            errors.extend(breaker::errors(breaker, &inner));
            let gauge = gauge("upstream_circuit_open", "Whether the circuit breaker of an upstream keeps requests from it", ctx);
            let (name, open_time) = (name.clone(), breaker.open_time);
            Breaker::new(breaker, ctx.clock().clone(), move |change| announce(&name, open_time, change, &gauge))
        });
        let retries = config.retries.as_ref().map(|retries| {
            Retries::build(retries, &name, &ctx.at(ctx.place().key("retries"))).map_err(|error| errors.push(error)).ok()
        });
        BuildError::all(errors)?;
        let refused = Refused::of(&name, ctx);
        let places = config.max_connections.map(|most| {
            let pending = gauge("upstream_pending", "Requests that wait until their upstream takes them", ctx);
            Places::new(most, config.max_pending, pending)
        });
        let sockets = config.max_connections.map(Sockets::new);
        Ok(Self { name: name.into(), places, sockets, breaker, retries: retries.flatten(), refused })
    }

    /// Counts a request of a client.
    pub(super) fn count(&self) {
        if let Some(retries) = &self.retries {
            retries.count();
        }
    }

    /// A place for a request (none where there is no limit), if it need not be waited for.
    ///
    /// # Errors
    /// When it has to be.
    pub(super) fn try_place(&self) -> Result<Option<Place>, MustWait> {
        let Some(places) = &self.places else { return Ok(None) };
        places.try_take().map(Some).ok_or(MustWait)
    }

    /// A place for a request, waited for at most for `limit`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn place(&self, limit: Duration) -> Result<Option<Place>, Refusal> {
        let Some(places) = &self.places else { return Ok(None) };
        places.take(limit).await.map(Some).map_err(|full| match full {
            Full::Queue => self.refused.count(Refusal::Queue),
            Full::Late => self.refused.count(Refusal::Late),
        })
    }

    /// Counts a connection that is about to be opened; `close_idle` makes room for it.
    pub(super) fn socket(&self, close_idle: impl Fn() -> bool) -> Option<Socket> {
        self.sockets.as_ref().map(|sockets| sockets.open(close_idle))
    }

    /// Lets a request through to the upstream, or not.
    ///
    /// # Errors
    /// When the circuit breaker is open.
    pub(super) fn admit(&self) -> Result<Option<Permit>, Refusal> {
        let Some(breaker) = &self.breaker else { return Ok(None) };
        breaker.admit().map(Some).map_err(|wait| {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            self.refused.count(Refusal::Open(seconds))
        })
    }
}

impl Refusal {
    /// For `Retry-After`.
    pub(super) fn seconds(self) -> u64 {
        match self {
            Self::Queue | Self::Late => 1,
            Self::Open(seconds) => seconds.max(1),
        }
    }
}

impl Refused {
    fn of(name: &str, ctx: &BuildContext) -> Self {
        let all = ctx.metrics().metric(
            "upstream_refusals",
            "Requests that were not sent because their upstream takes no more",
            Family::<[(&str, String); 2], Counter>::default,
        );
        let of = |reason: &str| all.get_or_create_owned(&[("upstream", name.to_owned()), ("reason", reason.to_owned())]);
        Self { queue: of("queue_full"), late: of("queue_timeout"), open: of("circuit_open") }
    }

    fn count(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Queue => self.queue.inc(),
            Refusal::Late => self.late.inc(),
            Refusal::Open(_) => self.open.inc(),
        };
        refusal
    }
}

/// What is wrong with statuses that stand for failures.
fn errors_of_statuses(statuses: &[u16], ctx: &BuildContext) -> Vec<BuildError> {
    let wrong = statuses.iter().enumerate().filter(|(_, status)| !(400..600).contains(*status));
    wrong.map(|(at, status)| ctx.invalid(&format!("statuses.{at}"), format!("status is {status}, expected 400 to 599"))).collect()
}

/// What the configuration calls the upstream.
fn name(ctx: &BuildContext) -> String {
    match ctx.place().steps().last() {
        Some(Step::Key(name)) => name.clone(),
        _ => String::new(),
    }
}

/// The gauge of the upstream at the place of `ctx`.
fn gauge(metric: &'static str, help: &str, ctx: &BuildContext) -> Gauge {
    let all = ctx.metrics().metric(metric, help, Family::<[(&str, String); 1], Gauge>::default);
    all.get_or_create_owned(&[("upstream", name(ctx))])
}

fn announce(name: &str, open_time: Duration, change: Change, gauge: &Gauge) {
    let pause = humantime::format_duration(open_time);
    match change {
        Change::Opened { failed, of } => {
            tracing::warn!("upstream {name}: circuit breaker open: {failed} of {of} requests failed; none for {pause}");
        }
        Change::OpenedAgain => tracing::warn!("upstream {name}: circuit breaker stays open: it still fails; none for {pause}"),
        Change::Closed => tracing::info!("upstream {name}: circuit breaker closed: requests succeed again"),
    }
    gauge.set(i64::from(change != Change::Closed));
}
