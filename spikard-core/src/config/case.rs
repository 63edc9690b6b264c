//! The tests of a configuration: requests, and what is expected of the answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route::ResponseConfig;

/// A test of the configuration, which `spikard test` runs. A server that is started takes no notice
/// of it.
///
/// Each test meets a gateway of its own: no test counts towards the rate limit of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseConfig {
    /// What is tested, in a sentence.
    pub name: String,
    /// What is sent.
    pub request: CaseRequestConfig,
    /// What is expected.
    pub expect: CaseExpectConfig,
    /// What upstreams answer in this test, by their names. One that is not named answers 200, with
    /// what it received as JSON.
    #[serde(default)]
    pub upstreams: BTreeMap<String, ResponseConfig>,
    /// The time at which the test takes place, `2026-11-21T09:00:00Z`: tokens are valid or not then.
    /// Without it, that is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// The request of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseRequestConfig {
    /// A URL, or a path with its query: then the host is `localhost` and the scheme `http`.
    pub url: String,
    /// The method.
    #[serde(default = "CaseRequestConfig::default_method")]
    pub method: String,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as a value that is written as JSON; brings `content-type: application/json`. Not
    /// together with `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
    /// The address at the other end of the connection.
    #[serde(default = "CaseRequestConfig::default_client")]
    pub client: String,
    /// How often it is sent; the last answer is the one that is looked at.
    #[serde(default = "CaseRequestConfig::default_repeat")]
    #[schemars(range(min = 1, max = 100_000))]
    pub repeat: u32,
}

impl CaseRequestConfig {
    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: Self::default_method(),
            headers: BTreeMap::new(),
            body: None,
            json: None,
            client: Self::default_client(),
            repeat: Self::default_repeat(),
        }
    }

    fn default_method() -> String {
        "GET".into()
    }

    fn default_client() -> String {
        "127.0.0.1".into()
    }

    fn default_repeat() -> u32 {
        1
    }
}

/// What is expected of an answer, and of what an upstream received; at least one thing. In text, `*`
/// stands for any text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaseExpectConfig {
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// Headers with their values; `"*"` is any value. Of a header that comes several times, one has
    /// to fit.
    pub headers: BTreeMap<String, String>,
    /// Headers that the answer must not have.
    pub absent_headers: Vec<String>,
    /// The body as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as JSON, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
    /// What the body has as JSON: tables may have more keys than these, lists have no more elements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_includes: Option<serde_json::Value>,
    /// The path of the route that answers, as the configuration has it: `/users/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How many requests reached upstreams, all of a `repeat` together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_calls: Option<u32>,
    /// The last request that reached an upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<CaseReceivedConfig>,
}

/// What is expected of a request that reached an upstream. In text, `*` stands for any text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaseReceivedConfig {
    /// The name of the upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path with its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers with their values; `"*"` is any value.
    pub headers: BTreeMap<String, String>,
    /// Headers that the request must not have.
    pub absent_headers: Vec<String>,
    /// The body as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as JSON, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
}
