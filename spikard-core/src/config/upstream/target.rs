//! A server of an upstream, as it is written: its URL, or a table.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The most that a target may weigh.
const MAX_WEIGHT: u32 = 1000;

/// A server of an upstream. Its URL alone stands for a table with nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schemars(extend("type" = ["string", "object"]))]
pub struct TargetConfig {
    /// Where it listens: `http://host:port`, `https://host:port` or `unix:/path/to.sock`.
    pub url: String,
    /// How many requests it gets in proportion to the others.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = MAX_WEIGHT))]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

impl TargetConfig {
    /// A server of the weight 1.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), weight: one() }
    }

    /// What is wrong with the weight.
    pub(crate) fn check_weight(&self) -> Result<(), String> {
        match self.weight {
            1..=MAX_WEIGHT => Ok(()),
            weight => Err(format!("weight is {weight}, expected 1 to {MAX_WEIGHT}")),
        }
    }
}

impl<T: Into<String>> From<T> for TargetConfig {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

impl Serialize for TargetConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::new(self.url.as_str()) { self.url.serialize(serializer) } else { Self::serialize(self, serializer) }
    }
}

impl<'de> Deserialize<'de> for TargetConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TargetConfig;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a URL or a table")
            }

            fn visit_str<E: Error>(self, url: &str) -> Result<TargetConfig, E> {
                Ok(TargetConfig::new(url))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<TargetConfig, A::Error> {
                TargetConfig::deserialize(MapAccessDeserializer::new(table))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_stands_for_a_table_of_it() {
        for (json, weight, printed) in [
            (r#""http://a""#, 1, r#""http://a""#),
            (r#"{"url":"http://a"}"#, 1, r#""http://a""#),
            (r#"{"url":"http://a","weight":3}"#, 3, r#"{"url":"http://a","weight":3}"#),
        ] {
            let target: TargetConfig = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!((target.url.as_str(), target.weight), ("http://a", weight), "{json}");
            assert_eq!(serde_json::to_string(&target).ok().as_deref(), Some(printed));
        }
        for json in ["1", "{}", r#"{"url":"http://a","wieght":3}"#] {
            assert!(serde_json::from_str::<TargetConfig>(json).is_err(), "{json}");
        }
    }
}
