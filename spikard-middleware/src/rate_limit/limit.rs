//! One limit: what it counts by, what it admits, and where it counts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::config::{OnError, RateLimitConfig, RateLimitKey};
use super::gcra::{Decision, Quota, gcra};
use super::headers::Fields;
use super::remote::Remote;
use super::shared::Home;
use super::table::Table;
use crate::client::Client;
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::identity::Identity;
use crate::service::Request;

/// A limit that is ready to count.
pub(super) struct Limit {
    key: RateLimitKey,
    quota: Quota,
    /// The counters of this server. Where there is a store, they are for the time without it.
    table: Arc<Table>,
    remote: Option<Remote>,
    pub(super) fields: Fields,
    /// What a refusal says.
    pub(super) detail: String,
}

/// What a limit says of a request.
pub(super) enum Outcome {
    /// Nothing.
    Uncounted,
    Counted(Decision),
    /// The store does not answer, and without it no request passes.
    Unknown,
}

/// Settings that can be built.
pub(super) struct Checked<'a> {
    config: &'a RateLimitConfig,
    pub(super) key: RateLimitKey,
    quota: Quota,
    max_keys: usize,
    name: Option<&'a str>,
}

impl<'a> Checked<'a> {
    pub(super) fn new(config: &'a RateLimitConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let (key, quota) = (config.checked_key(ctx)?, config.quota(ctx)?);
        config.check_store(ctx)?;
        Ok(Self { config, key, quota, max_keys: config.checked_max_keys(ctx)?, name: config.checked_name(ctx)? })
    }

    pub(super) fn limit(self, ctx: &BuildContext) -> Result<Limit, BuildError> {
        let Self { config, key, quota, max_keys, name } = self;
        let max_keys = if key == RateLimitKey::Global { 1 } else { max_keys };
        let home = Home::of(ctx);
        let called = if let Some(name) = name {
            Named::of(ctx).agree(name, &key, quota, ctx)?;
            name.to_owned()
        } else {
            home.numbered(&unnamed(ctx.route(), &key))
        };
        // The next configuration counts on where it has a limit of this name, whatever it admits.
        let table = ctx.shared(&format!("rate_limit {called} {max_keys}"), || {
            let (table, alone) = home.table(&called, max_keys);
            if let Some(error) = alone {
                ctx.warn("", format!("each worker counts for itself, expected room in the memory that they share: {error}"));
            }
            table
        });
        let remote = Remote::of(config, &called, quota, ctx)?;
        let detail = format!("Over the limit of {} requests per second, burst {}", config.per_second, config.burst);
        let fields = Fields::new(name.unwrap_or(&key.to_string()), config.burst, quota);
        Ok(Limit { key, quota, table, remote, fields, detail })
    }
}

/// What a limit without a name is called: `GET:/users/<id>:rate_limit:address`. It does not change
/// when routes move in the file.
fn unnamed(route: Option<&str>, key: &RateLimitKey) -> String {
    let route = route.map(|route| route.replace(' ', ":").replace('{', "<").replace('}', ">"));
    let before = route.map_or_else(String::new, |route| route + ":");
    format!("{before}rate_limit:{key}")
}

/// The names of one configuration, and what limits of a name have in common.
#[derive(Default)]
struct Named(Mutex<HashMap<String, (RateLimitKey, Quota)>>);

impl Named {
    fn of(ctx: &BuildContext) -> Arc<Self> {
        ctx.shared("rate_limit names", Self::default)
    }

    /// Limits of one name count together, and so have to count the same.
    fn agree(&self, name: &str, key: &RateLimitKey, quota: Quota, ctx: &BuildContext) -> Result<(), BuildError> {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (same_key, same_quota) = named.entry(name.to_owned()).or_insert_with(|| (key.clone(), quota));
        if (&*same_key, *same_quota) == (key, quota) {
            return Ok(());
        }
        let message = format!("name is `{name}`, as of a limit with another rate, burst or key, expected a name of its own");
        Err(ctx.invalid("name", message))
    }
}

impl Limit {
    pub(super) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Hands on what the request is counted by, if it has that.
    pub(super) fn with_key<T>(&self, request: &Request, then: impl FnOnce(&[u8]) -> T) -> Option<T> {
        Some(match &self.key {
            RateLimitKey::Global => then(b""),
            RateLimitKey::Address => match request.extensions().get::<Client>().map(|client| client.address.to_canonical()) {
                Some(IpAddr::V4(address)) => then(&address.octets()),
                Some(IpAddr::V6(address)) => then(&address.octets()[..8]),
                None => then(b""),
            },
            RateLimitKey::Header(name) => then(request.headers().get(name).map_or(b"", |value| value.as_bytes())),
            RateLimitKey::ApiKey => then(identity(request)?.consumer.as_deref()?.as_bytes()),
            RateLimitKey::Jwt(claim) => {
                let claims = identity(request)?.claims.as_ref()?;
                // Nobody escapes by way of a token that does not have the claim.
                then(claims.get(claim).map(text).unwrap_or_default().as_bytes())
            }
        })
    }

    /// Counts a request in this server.
    pub(super) fn count(&self, key: &[u8], now: u64) -> Decision {
        self.table.update(key, now, |tat| gcra(tat, now, self.quota))
    }

    /// Counts a request in the store, if there is one.
    pub(super) async fn ask(&self, key: &[u8], clock: &Clock) -> Outcome {
        let here = || Outcome::Counted(self.count(key, clock.monotonic()));
        let Some(remote) = &self.remote else { return here() };
        match remote.count(&self.key, key, self.quota).await {
            Some(decision) => Outcome::Counted(decision),
            None => match remote.on_error {
                OnError::Local => here(),
                OnError::Open => Outcome::Uncounted,
                OnError::Closed => Outcome::Unknown,
            },
        }
    }
}

fn identity(request: &Request) -> Option<&Identity> {
    request.extensions().get()
}

/// A claim as the key of a counter.
fn text(claim: &Value) -> Cow<'_, str> {
    match claim {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
