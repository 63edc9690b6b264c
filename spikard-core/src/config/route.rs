//! One route of the configuration: what it matches, its policies and its one leaf.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::{DirectoryConfig, units, with_policies};

with_policies! {
    /// A route: a path, the methods and host it answers, policies of its own, and exactly one of
    /// `upstream`, `static_files`, `response`, `redirect` and `python`.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct RouteConfig {
        /// The path: `/users/{id}` takes one segment, `/users/{id:int}` a whole number (or `str`, `float`, `bool`, `uuid`,
        /// `date`, `datetime`), `/files/{*rest}` all that is left.
        pub path: String,
        /// The methods; none are all, and `GET` for `static_files`. `GET` answers `HEAD` too.
        #[serde(default)]
        pub methods: Vec<String>,
        /// The host name, exact or with a wildcard label in front: `*.example.com`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub host: Option<String>,
        /// The name of an entry of `upstreams`, which answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub upstream: Option<String>,
        /// A directory that answers; the path ends in `{*rest}`, which names the file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub static_files: Option<DirectoryConfig>,
        /// A fixed answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub response: Option<ResponseConfig>,
        /// Another place to which the client is sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub redirect: Option<RedirectConfig>,
        /// A Python application, `module:app`; its routes stand below the path, which ends in `{*rest}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub python: Option<String>,
        /// A file with the OpenAPI document of the upstream (3.0 or 3.1, YAML or JSON), in place of the one that the
        /// upstream has. Its paths are those that the upstream is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = units::PATH_FORMAT))]
        pub openapi: Option<PathBuf>,
        /// What is held to that document: `request`, or `both` requests and answers. A request that does not fit is
        /// answered 422 (400, 413, 415), and the upstream does not see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub validate: Option<Validate>,
        /// With `validate`, what becomes of requests for which the document has no path or method: `refuse`, the
        /// default, answers 404 or 405, `pass` asks the upstream.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub undescribed_requests: Option<UndescribedRequests>,
        /// With `validate = "both"`, what becomes of answers that break the document: `log`, the default, passes them
        /// on, `refuse` answers 502. Both write a line to the log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub broken_responses: Option<BrokenResponses>,
    }
}

/// What is held to the OpenAPI document of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Validate {
    /// Requests.
    Request,
    /// Requests and answers.
    Both,
}

/// What becomes of requests for which the document of an upstream has no path or method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum UndescribedRequests {
    /// They are answered 404 or 405.
    #[default]
    Refuse,
    /// The upstream answers them, unchecked.
    Pass,
}

/// What becomes of answers that break the document of their upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum BrokenResponses {
    /// The client gets them, and the log says so.
    #[default]
    Log,
    /// The client gets a 502, and the log says why.
    Refuse,
}

/// A fixed answer: a status, headers, and text or JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseConfig {
    /// The status.
    #[schemars(range(min = 200, max = 599))]
    pub status: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body as text; `text/plain; charset=utf-8` unless `headers` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as a value that is written as JSON. Not together with `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
}

impl Default for ResponseConfig {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: None, json: None }
    }
}

/// A redirect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectConfig {
    /// Where to: a path or a URL. `{name}` stands for what a parameter of the route's path matched.
    pub to: String,
    /// The status: 301, 302, 303, 307 or 308 (RFC 9110 section 15.4).
    #[serde(default = "RedirectConfig::default_status")]
    #[schemars(range(min = 301, max = 308))]
    pub status: u16,
    /// Whether the query of the request is kept.
    #[serde(default = "RedirectConfig::default_keep_query")]
    pub keep_query: bool,
}

impl RedirectConfig {
    /// A redirect with the defaults: 307, query kept.
    pub fn to(to: impl Into<String>) -> Self {
        Self { to: to.into(), status: Self::default_status(), keep_query: Self::default_keep_query() }
    }

    fn default_status() -> u16 {
        307
    }

    fn default_keep_query() -> bool {
        true
    }
}
