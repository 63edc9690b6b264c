//! The settings of a rate limit, and what they count by.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::gcra::Quota;
use crate::context::{BuildContext, BuildError};
use crate::store::StoreUrl;
use crate::units;

/// 1 GiB of counters.
pub(super) const MAX_KEYS: u32 = 1 << 26;

/// Admits a number of requests a second, and a burst at once, for each client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-spikard-struct" = "RateLimitConfig"))]
pub struct RateLimitConfig {
    /// How many requests a second come back; fractions are fine (`0.5` is one in two seconds).
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1e9))]
    pub per_second: f64,
    /// How many requests pass at once.
    #[schemars(range(min = 1))]
    pub burst: u32,
    /// What has a counter of its own: `address` (the default; IPv6 by its /64 network), `global`,
    /// `header:NAME`, or, once verified, `api_key` or `jwt:CLAIM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RateLimitKey>,
    /// Another spelling of `key`: true is `address`, false is `global`. Not together with `key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_based: Option<bool>,
    /// How many counters are kept, of 16 bytes each. One more than fit takes the place of the one
    /// that was used longest ago.
    #[serde(default = "RateLimitConfig::default_max_keys")]
    #[schemars(range(min = 1, max = MAX_KEYS))]
    pub max_keys: u32,
    /// What the limit is called in answers and in the store. Limits of one name count together, on
    /// whatever routes and gateways they stand, and have the same rate, burst and key. Without a
    /// name a limit counts alone, and the store knows it by the methods, host and path of its route,
    /// so that gateways which have this route count together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A Redis in which several gateways count together: `redis://:password@host:6379/0`, `rediss://` (TLS),
    /// `redis-cluster://host:6379?node=other:6379`, `rediss-cluster://` or `unix:/run/redis.sock`.
    /// Without one, the processes of one server count together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreUrl>,
    /// How long a request waits for the store; then `on_error` decides.
    #[serde(default = "RateLimitConfig::default_store_timeout", with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub store_timeout: Duration,
    /// What becomes of requests while the store does not answer: `local` counts in this server
    /// alone, `open` lets them pass, `closed` answers 503.
    #[serde(default)]
    pub on_error: OnError,
    /// A PEM file with the authorities that the store's certificate is checked against, in place of
    /// the ones that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub store_ca: Option<PathBuf>,
    /// A PEM file with the certificate that the store is shown, if it asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub store_certificate: Option<PathBuf>,
    /// A PEM file with the key of `store_certificate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub store_key: Option<PathBuf>,
}

/// What becomes of requests that a store cannot count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnError {
    /// Each server counts its own.
    #[default]
    Local,
    /// They pass.
    Open,
    /// They are answered 503.
    Closed,
}

impl RateLimitConfig {
    /// `per_second` requests a second after `burst` at once, for each client address.
    pub fn new(per_second: f64, burst: u32) -> Self {
        Self {
            per_second,
            burst,
            key: None,
            ip_based: None,
            max_keys: Self::default_max_keys(),
            name: None,
            store: None,
            store_timeout: Self::default_store_timeout(),
            on_error: OnError::default(),
            store_ca: None,
            store_certificate: None,
            store_key: None,
        }
    }

    fn default_max_keys() -> u32 {
        1 << 20
    }

    fn default_store_timeout() -> Duration {
        Duration::from_millis(20)
    }

    /// What is said of a store stands beside one, and can be meant.
    pub(super) fn check_store(&self, ctx: &BuildContext) -> Result<(), BuildError> {
        let said = [
            ("store_timeout", self.store_timeout != Self::default_store_timeout()),
            ("on_error", self.on_error != OnError::default()),
            ("store_ca", self.store_ca.is_some()),
            ("store_certificate", self.store_certificate.is_some()),
            ("store_key", self.store_key.is_some()),
        ];
        if let (None, Some((field, _))) = (&self.store, said.iter().find(|(_, is_said)| *is_said)) {
            return Err(ctx.invalid(field, format!("{field} stands alone, expected `store` beside it")));
        }
        if self.store_timeout.is_zero() {
            return Err(ctx.invalid("store_timeout", "store_timeout is 0s, expected the time that a request may wait"));
        }
        Ok(())
    }

    pub(super) fn checked_name(&self, ctx: &BuildContext) -> Result<Option<&str>, BuildError> {
        let is_good =
            |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_graphic() && !"{}\"\\".contains(letter));
        match self.name.as_deref() {
            Some(name) if !is_good(name) => {
                let message = format!("name is `{name}`, expected visible ASCII without spaces, braces, quotes and backslashes");
                Err(ctx.invalid("name", message))
            }
            name => Ok(name),
        }
    }

    pub(super) fn checked_max_keys(&self, ctx: &BuildContext) -> Result<usize, BuildError> {
        let Self { max_keys, .. } = self;
        if (1..=MAX_KEYS).contains(max_keys) {
            Ok(*max_keys as usize)
        } else {
            Err(ctx.invalid("max_keys", format!("max_keys is {max_keys}, expected 1 to {MAX_KEYS}")))
        }
    }

    pub(super) fn quota(&self, ctx: &BuildContext) -> Result<Quota, BuildError> {
        let Self { per_second, burst, .. } = self;
        if *burst == 0 {
            return Err(ctx.invalid("burst", "burst is 0, expected 1 or more"));
        }
        Quota::new(*per_second, *burst).ok_or_else(|| {
            let message = format!("per_second is {per_second}, expected above 0 to 1e9, and to bring back the burst of {burst}");
            ctx.invalid("per_second", message)
        })
    }

    pub(super) fn checked_key(&self, ctx: &BuildContext) -> Result<RateLimitKey, BuildError> {
        match (&self.key, self.ip_based) {
            (Some(key), None) => Ok(key.clone()),
            (None, Some(true) | None) => Ok(RateLimitKey::Address),
            (None, Some(false)) => Ok(RateLimitKey::Global),
            (Some(key), Some(_)) => {
                Err(ctx.invalid("ip_based", format!("ip_based stands beside key `{key}`, expected one of the two")))
            }
        }
    }
}

/// What has a counter of its own. In a file it is text, as [`FromStr`] and [`Display`](fmt::Display) have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateLimitKey {
    /// `address`: each client address; each /64 network of IPv6, since a client has all of it.
    Address,
    /// `global`: all requests together.
    Global,
    /// `header:NAME`: each value of a request header. Requests without it share a counter.
    Header(HeaderName),
    /// `api_key`: each API key that was verified.
    ApiKey,
    /// `jwt:CLAIM`: each value of a claim of a verified token. Tokens without it share a counter.
    Jwt(String),
}

/// The `format` of a [`RateLimitKey`] in the schema.
pub const KEY_FORMAT: &str = "spikard-rate-limit-key";
/// What a message says that was expected.
pub(crate) const EXPECTED_KEY: &str = "`address`, `global`, `header:NAME`, `api_key` or `jwt:CLAIM`";

impl RateLimitKey {
    /// Whether requests are counted after authentication, by who was verified.
    pub(super) fn is_identity(&self) -> bool {
        matches!(self, Self::ApiKey | Self::Jwt(_))
    }
}

impl FromStr for RateLimitKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = match (text, text.split_once(':')) {
            ("address", _) => Some(Self::Address),
            ("global", _) => Some(Self::Global),
            ("api_key", _) => Some(Self::ApiKey),
            (_, Some(("header", name))) => name.parse().ok().map(Self::Header),
            (_, Some(("jwt", claim))) if !claim.is_empty() => Some(Self::Jwt(claim.to_owned())),
            _ => None,
        };
        key.ok_or_else(|| format!("key is `{text}`, expected {EXPECTED_KEY}"))
    }
}

impl fmt::Display for RateLimitKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("address"),
            Self::Global => formatter.write_str("global"),
            Self::ApiKey => formatter.write_str("api_key"),
            Self::Header(name) => write!(formatter, "header:{name}"),
            Self::Jwt(claim) => write!(formatter, "jwt:{claim}"),
        }
    }
}

impl Serialize for RateLimitKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RateLimitKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for RateLimitKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RateLimitKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": KEY_FORMAT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        for text in ["address", "global", "api_key", "header:x-tenant", "jwt:sub", "jwt:https://example.com/tenant"] {
            assert_eq!(text.parse::<RateLimitKey>().map(|key| key.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "ip", "header:", "header:a b", "jwt:", "jwt", "Address"] {
            assert!(text.parse::<RateLimitKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn ip_based_is_a_spelling_of_the_key_and_never_beside_it() {
        let key = |key, ip_based| {
            RateLimitConfig { key, ip_based, ..RateLimitConfig::new(1.0, 1) }.checked_key(&BuildContext::default())
        };
        assert_eq!(key(None, None), Ok(RateLimitKey::Address));
        assert_eq!(key(None, Some(true)), Ok(RateLimitKey::Address));
        assert_eq!(key(None, Some(false)), Ok(RateLimitKey::Global));
        let both = key(Some(RateLimitKey::ApiKey), Some(true)).map_err(|error| error.to_string());
        assert_eq!(both, Err("ip_based: ip_based stands beside key `api_key`, expected one of the two".into()));
    }
}
