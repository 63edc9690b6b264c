//! Which target of an upstream a request goes to.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use spikard_middleware::units::Format;

/// How a target is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Balance {
    /// in turn, as often as the weights say
    #[default]
    RoundRobin,
    /// the target with the fewest requests in flight for its weight
    LeastConnections,
    /// of two targets that are drawn by their weights, the one with fewer requests in flight; better
    /// than `least_connections` where several gateways share the targets
    TwoChoices,
    /// always the same target for the same `hash_by`, as long as that target takes part
    Hash,
}

impl fmt::Display for Balance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RoundRobin => "round_robin",
            Self::LeastConnections => "least_connections",
            Self::TwoChoices => "two_choices",
            Self::Hash => "hash",
        })
    }
}

/// What becomes of requests while no target takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AllDown {
    /// the targets are tried all the same
    #[default]
    Try,
    /// 503 at once
    Refuse,
}

/// What tells requests apart. In a file it is text, as [`FromStr`] and [`Display`](fmt::Display) have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashBy {
    /// `address`: the address of the client; the /64 network of IPv6.
    Address,
    /// `header:NAME`: the value of a request header.
    Header(HeaderName),
    /// `cookie:NAME`: the value of a cookie.
    Cookie(String),
}

/// The format of a [`HashBy`] in the schema.
pub(in crate::config) const HASH_BY: Format = Format {
    name: "spikard-hash-by",
    check: |text| text.parse::<HashBy>().is_ok(),
    expected: "`address`, `header:NAME` or `cookie:NAME`",
};

impl FromStr for HashBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match (text, text.split_once(':')) {
            ("address", _) => Some(Self::Address),
            (_, Some(("header", name))) => name.parse().ok().map(Self::Header),
            // The name of a cookie is made of the same characters (RFC 6265 section 4.1.1), but in
            // the case in which it is written.
            (_, Some(("cookie", name))) => name.parse::<HeaderName>().ok().map(|_| Self::Cookie(name.to_owned())),
            _ => None,
        };
        parsed.ok_or_else(|| format!("hash_by is `{text}`, expected {}", HASH_BY.expected))
    }
}

impl fmt::Display for HashBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("address"),
            Self::Header(name) => write!(formatter, "header:{name}"),
            Self::Cookie(name) => write!(formatter, "cookie:{name}"),
        }
    }
}

impl Serialize for HashBy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HashBy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for HashBy {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HashBy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": HASH_BY.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_requests_apart_is_read_as_it_is_shown() {
        for text in ["address", "header:x-tenant", "cookie:SID", "cookie:__Host-id"] {
            assert_eq!(text.parse::<HashBy>().map(|by| by.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "ip", "header:", "header:a b", "cookie:", "cookie:a=b", "Address"] {
            assert!(text.parse::<HashBy>().is_err(), "{text}");
        }
    }
}
