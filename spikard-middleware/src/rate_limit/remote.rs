//! A limit that is counted in a store on the network, for all gateways that ask the same one.
//!
//! The store does the counting, in one step and by its own clock (`gcra.lua`), so that gateways
//! need neither a lock nor clocks that agree. What a key of the store looks like is told here.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::config::{OnError, RateLimitConfig, RateLimitKey};
use super::gcra::{Decision, Quota, gcra};
use crate::context::{BuildContext, BuildError};
use crate::store::{Access, Script, Store, Unanswered};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));

/// The longest window: numbers of Lua are whole up to 2^53, and a window is added to parts of a second.
const LONGEST_WINDOW: u64 = 1 << 52;
/// Keys of clients stand in the store as they are up to this length.
const LONGEST_KEY: usize = 64;

/// A limit at a store.
pub(super) struct Remote {
    store: Arc<Store>,
    /// What all keys of this limit begin with.
    prefix: String,
    patience: Duration,
    pub(super) on_error: OnError,
    asked: Asked,
}

/// How often a store was asked, and how that went.
struct Asked {
    answered: Counter,
    late: Counter,
    failed: Counter,
    away: Counter,
}

impl Remote {
    /// The limit `name` at the store of its settings; none if they name none.
    pub(super) fn of(config: &RateLimitConfig, name: &str, quota: Quota, ctx: &BuildContext) -> Result<Option<Self>, BuildError> {
        let Some(url) = &config.store else { return Ok(None) };
        if quota.window() >= LONGEST_WINDOW {
            let message = format!(
                "per_second is {}, expected to bring back the burst of {} within 52 days where a store counts",
                config.per_second, config.burst
            );
            return Err(ctx.invalid("per_second", message));
        }
        let access = Access {
            url,
            ca: config.store_ca.as_deref(),
            certificate: config.store_certificate.as_deref(),
            key: config.store_key.as_deref(),
        };
        Ok(Some(Self {
            store: Store::of(ctx, &access)?,
            prefix: format!("spikard:rate_limit:{{{name}:"),
            patience: config.store_timeout,
            on_error: config.on_error,
            asked: Asked::of(name, ctx),
        }))
    }

    /// Counts a request; none if the store does not say whether it passes.
    pub(super) async fn count(&self, kind: &RateLimitKey, key: &[u8], quota: Quota) -> Option<Decision> {
        let key = self.key(kind, key);
        let (interval, tolerance) = quota.times();
        let ahead = self.store.run::<u64>(&SCRIPT, &key, &[interval, tolerance], self.patience).await;
        let counter = match ahead {
            Ok(_) => &self.asked.answered,
            Err(Unanswered::Late) => &self.asked.late,
            Err(Unanswered::Failed) => &self.asked.failed,
            Err(Unanswered::Away) => &self.asked.away,
        };
        counter.inc();
        // The store has decided by the same comparison.
        ahead.ok().map(|ahead| gcra(ahead, 0, quota).0)
    }

    /// The key of a counter. The part in braces decides which node of a cluster has it.
    fn key(&self, kind: &RateLimitKey, key: &[u8]) -> String {
        format!("{}{}}}", self.prefix, shown(kind, key))
    }
}

/// What a client is called in the store: in words where people look for it. Header values may be
/// secrets, and long ones would fill the store.
fn shown(kind: &RateLimitKey, key: &[u8]) -> String {
    if let (RateLimitKey::Address, Ok(octets)) = (kind, <[u8; 4]>::try_from(key)) {
        return Ipv4Addr::from(octets).to_string();
    }
    if let (RateLimitKey::Address, Ok(network)) = (kind, <[u8; 8]>::try_from(key)) {
        return format!("{}/64", Ipv6Addr::from(u128::from(u64::from_be_bytes(network)) << 64));
    }
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
    match std::str::from_utf8(key) {
        Ok(text) if !matches!(kind, RateLimitKey::Header(_)) && key.len() <= LONGEST_KEY && key.iter().all(is_plain) => {
            format!("={text}")
        }
        _ => aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key).as_ref()[..16].iter().fold(
            String::from("sha256:"),
            |mut text, byte| {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            },
        ),
    }
}

impl Asked {
    fn of(limit: &str, ctx: &BuildContext) -> Self {
        let family = ctx.metrics().metric(
            "rate_limit_store_requests",
            "Requests that a store was to count",
            Family::<[(&'static str, String); 2], Counter>::default,
        );
        let of = |outcome: &str| family.get_or_create_owned(&[("limit", limit.to_owned()), ("outcome", outcome.to_owned())]);
        Self { answered: of("answered"), late: of("late"), failed: of("failed"), away: of("away") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_found_in_the_store_by_what_it_is_called() {
        let header = RateLimitKey::Header(http::header::AUTHORIZATION);
        for (kind, key, expected) in [
            (&RateLimitKey::Address, &[192, 0, 2, 1][..], "192.0.2.1"),
            (&RateLimitKey::Address, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 1], "2001:db8:0:1::/64"),
            (&RateLimitKey::Global, b"", "="),
            (&RateLimitKey::ApiKey, b"mobile", "=mobile"),
            (&RateLimitKey::Jwt("sub".into()), "bücher".as_bytes(), "sha256:958ec9bf5354447c690990f6d5e734d3"),
            (&header, b"hidden", "sha256:e564b4081d7a9ea4b00dada53bdae70c"),
        ] {
            assert_eq!(shown(kind, key), expected, "{kind}");
        }
        let long = shown(&RateLimitKey::ApiKey, &[b'a'; 10_000]);
        assert_eq!(long.len(), "sha256:".len() + 32);
    }
}
