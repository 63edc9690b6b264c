//! Case files: a configuration, requests, and what a client sees. The format is described for
//! people in `tests/cases/README.md`; this is its structs, and below them what runs it.

mod content;
mod expect;
mod pattern;
mod request;
mod run;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

pub use content::Content;
pub use pattern::{Pattern, Patterns};
pub use run::run;

/// Header fields by their names.
type Fields<T> = BTreeMap<String, T>;

/// One case file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What the cases show, with the section of the RFC.
    pub about: String,
    /// The configuration as TOML, or
    pub config: Option<String>,
    /// as YAML.
    pub config_yaml: Option<String>,
    /// Files beside the configuration.
    #[serde(default)]
    pub files: BTreeMap<String, Content>,
    /// What `{name}` stands for in the cases.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Starts an upstream: what it answers, by path.
    pub upstream: Option<BTreeMap<String, Reply>>,
    /// The cases, run one after the other against one server.
    pub cases: Vec<Case>,
}

impl CaseFile {
    /// Reads a case file.
    ///
    /// # Errors
    /// When it cannot be read or is not one; the error shows the place.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// One case: a connection with one exchange or several.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence.
    pub name: String,
    /// Runs the case for each of these, which `{each}` stands for.
    #[serde(default)]
    pub each: Vec<String>,
    /// The same with the lines of a file beside the case file; `#` begins a comment line.
    pub each_line_of: Option<String>,
    /// How often the case runs.
    #[serde(default = "once")]
    pub repeat: usize,
    /// The one exchange of most cases, or
    pub request: Option<Request>,
    /// its bytes as they are;
    pub raw: Option<Content>,
    /// and what is expected of it.
    pub expect: Option<Expect>,
    /// Several exchanges on one connection.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What the upstream has seen after the case, exactly.
    pub upstream: Option<Vec<Seen>>,
    /// Lines that the server writes, in any order.
    #[serde(default)]
    pub log: Vec<Pattern>,
}

fn once() -> usize {
    1
}

/// One exchange of several. Without a request, one more answer is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A request, or
    pub request: Option<Request>,
    /// bytes as they are.
    pub raw: Option<Content>,
    /// What is expected of the answer.
    pub expect: Expect,
    /// Header fields of the answer to be kept: `{name}` stands for the value from then on.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

/// A request that is well formed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The request target, sent as it is.
    pub path: String,
    /// Header fields. `Host` and what frames the body are added where they are not given.
    pub headers: Fields<Values>,
    /// The body.
    pub body: Option<Content>,
    /// Whether the body is sent in chunks.
    pub chunked: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self { method: "GET".into(), path: "/".into(), headers: BTreeMap::new(), body: None, chunked: false }
    }
}

/// One value or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One line.
    One(String),
    /// A line for each.
    Many(Vec<String>),
}

/// What is expected of an answer. What is not named may be anything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// The status.
    pub status: Option<Status>,
    /// Interim answers (1xx) before it, exactly.
    pub interim: Option<Vec<u16>>,
    /// Header fields.
    pub headers: Fields<Patterns>,
    /// Names of header fields that are not there.
    pub absent: Vec<String>,
    /// The body, decoded if it has a `Content-Encoding`.
    pub body: Option<Content>,
    /// Patterns of which the body, decoded, has each.
    pub body_has: Vec<Pattern>,
    /// Patterns of which the body, decoded, has none.
    pub body_lacks: Vec<Pattern>,
    /// The body as JSON: objects may have more, everything else is equal.
    pub json: Option<Value>,
    /// The largest size of the body as it was sent.
    pub at_most: Option<usize>,
    /// The smallest size of the body as it was sent.
    pub at_least: Option<usize>,
    /// The connection ends without an answer.
    pub nothing: bool,
    /// The connection ends before the answer does.
    pub cut: bool,
    /// The connection ends after the answer, and nothing follows it.
    pub closed: bool,
}

/// A status, or several that are all right.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Status {
    /// This one.
    Is(u16),
    /// `{ one_of: [400, 404] }`
    OneOf {
        /// The statuses.
        one_of: Vec<u16>,
    },
}

impl Status {
    fn fits(&self, status: u16) -> bool {
        match self {
            Self::Is(expected) => *expected == status,
            Self::OneOf { one_of } => one_of.contains(&status),
        }
    }
}

/// What the upstream answers; 200 if nothing is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The status.
    pub status: Option<u16>,
    /// Header fields.
    pub headers: Fields<Values>,
    /// The body.
    pub body: Option<Content>,
    /// All bytes of the answer instead.
    pub raw: Option<Content>,
    /// Whether the connection is closed then.
    pub close: bool,
    /// Whether all that comes then is sent back.
    pub echo: bool,
    /// Whether no answer is given.
    pub silent: bool,
}

/// A request as the upstream is expected to see it. What is not named may be anything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The method.
    pub method: Option<String>,
    /// The request target.
    pub path: Option<Pattern>,
    /// Header fields.
    #[serde(default)]
    pub headers: Fields<Patterns>,
    /// Names of header fields that are not there.
    #[serde(default)]
    pub absent: Vec<String>,
    /// The body.
    pub body: Option<Content>,
    /// Whether the connection ended before the request did.
    #[serde(default)]
    pub incomplete: bool,
}
