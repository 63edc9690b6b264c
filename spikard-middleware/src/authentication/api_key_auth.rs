//! The settings of API keys in a header or in the query. What a request presents is looked up in
//! `key_ring`; a key in the query is taken out of the URI before anything below sees it.
//!
//! ```
//! use spikard_middleware::{ApiKeyConfig, PolicyConfig};
//! let keys = ApiKeyConfig::new(["a plain key", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]);
//! let app: axum::Router = axum::Router::new().layer(keys.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use http::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Serialize, Serializer};

pub use super::consumer::{ConsumerConfig, Consumers};
use crate::context::{BuildContext, BuildError};
use crate::description::{Credentials, Description, Requests};
use crate::policy::{PolicyConfig, Setting};
use crate::problem::{FORBIDDEN, INVALID_API_KEY, NO_API_KEY, TOO_MANY_REQUESTS};
use crate::rate_limit::consumers::DESCRIBED as RATE_LIMIT_HEADERS;
use crate::secret::Secret;
use crate::service::Layer;
use crate::units;

/// Lets requests through that carry one of the API keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// The keys: a list, or a table of names and keys. A key is plain text or `sha256:` and the
    /// digest in hexadecimal. Keys without names are called `key-1`, `key-2` and so on.
    #[serde(default)]
    pub keys: ApiKeys,
    /// The request header that carries a key.
    #[serde(default = "ApiKeyConfig::default_header_name")]
    #[schemars(with = "units::HeaderNameText")]
    pub header_name: String,
    /// The query parameter that carries a key; empty: none does.
    #[serde(default = "ApiKeyConfig::default_query_parameter")]
    pub query_parameter: String,
    /// The header in which an upstream gets the name of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<units::HeaderNameText>")]
    pub consumer_header: Option<String>,
    /// Keys by the names of those who have them, with what the keys are good for.
    #[serde(default)]
    pub consumers: Consumers,
    /// A JSON file with further consumers: a table of names, each with the same keys as in
    /// `consumers`. It is read again when it changes; `spikard keys new` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub consumers_file: Option<PathBuf>,
}

impl ApiKeyConfig {
    /// These keys, in the header `X-API-Key` or the query parameter `api_key`.
    pub fn new(keys: impl Into<ApiKeys>) -> Self {
        Self {
            keys: keys.into(),
            header_name: Self::default_header_name(),
            query_parameter: Self::default_query_parameter(),
            consumer_header: None,
            consumers: Consumers::new(),
            consumers_file: None,
        }
    }

    fn default_header_name() -> String {
        "X-API-Key".into()
    }

    fn default_query_parameter() -> String {
        "api_key".into()
    }
}

impl PolicyConfig for ApiKeyConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        super::build(Setting { config: None, ctx }, Setting { config: Some(self), ctx })
    }

    fn upstream_headers(&self) -> Vec<HeaderName> {
        self.consumer_header.iter().filter_map(|name| name.parse().ok()).collect()
    }

    fn description(&self) -> Description {
        let query = Some(&self.query_parameter).filter(|name| !name.is_empty()).cloned().map(Credentials::Query);
        let places = [Credentials::Header(self.header_name.clone())].into_iter().chain(query);
        let mut described = super::described(places.collect(), NO_API_KEY).and(INVALID_API_KEY, Requests::All, &[]);
        // What a file says may change at any time.
        let any = |says: &dyn Fn(&ConsumerConfig) -> bool| self.consumers_file.is_some() || self.consumers.values().any(says);
        if any(&|consumer| !consumer.routes.is_empty()) {
            described = described.and(FORBIDDEN, Requests::All, &[]);
        }
        if any(&|consumer| consumer.rate_limit.is_some()) {
            described = described.and(TOO_MANY_REQUESTS, Requests::All, &RATE_LIMIT_HEADERS);
        }
        described
    }
}

/// API keys, with or without names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiKeys {
    /// Keys that are called `key-1`, `key-2` and so on.
    List(Vec<Secret>),
    /// Keys by their names.
    Named(BTreeMap<String, Secret>),
}

impl<K: Into<Secret>, const N: usize> From<[K; N]> for ApiKeys {
    fn from(keys: [K; N]) -> Self {
        Self::List(keys.into_iter().map(Into::into).collect())
    }
}

impl Default for ApiKeys {
    /// None.
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl From<BTreeMap<String, Secret>> for ApiKeys {
    fn from(keys: BTreeMap<String, Secret>) -> Self {
        Self::Named(keys)
    }
}

impl ApiKeys {
    /// Each key with its name and its place in the settings.
    pub(super) fn each(&self) -> Vec<(String, String, &Secret)> {
        match self {
            Self::List(keys) => {
                keys.iter().enumerate().map(|(index, key)| (format!("key-{}", index + 1), format!("keys.{index}"), key)).collect()
            }
            Self::Named(keys) => keys.iter().map(|(name, key)| (name.clone(), format!("keys.{name}"), key)).collect(),
        }
    }
}

impl Serialize for ApiKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(keys) => keys.serialize(serializer),
            Self::Named(keys) => keys.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ApiKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ApiKeys;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of keys or a table of names and keys")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ApiKeys, A::Error> {
                Vec::deserialize(value::SeqAccessDeserializer::new(list)).map(ApiKeys::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<ApiKeys, A::Error> {
                BTreeMap::deserialize(value::MapAccessDeserializer::new(table)).map(ApiKeys::Named)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for ApiKeys {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ApiKeys".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let key = Secret::json_schema(generator);
        json_schema!({ "type": ["array", "object"], "items": key, "additionalProperties": key })
    }
}
