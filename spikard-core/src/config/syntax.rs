//! What the readers of TOML, YAML and JSON have in common.

use std::ops::Range;
use std::path::Path;

use super::tree::{Node, Value};
use super::{json, number, toml, yaml};

/// How deep tables and lists may be nested in a file.
pub(super) const MAX_DEPTH: usize = 64;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// YAML 1.2, core schema, one document.
    Yaml,
    /// JSON (RFC 8259).
    Json,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Toml, Self::Yaml, Self::Json];

    /// The format that the extension of a file says.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn parse(self, text: &str) -> Parsed {
        match self {
            Self::Toml => toml::parse(text),
            Self::Yaml => yaml::parse(text),
            Self::Json => json::parse(text),
        }
    }
}

/// What reading a text gives.
pub(super) struct Parsed {
    /// The tree; none if so much is wrong that looking further would only confuse.
    pub(super) tree: Option<Node>,
    /// Everything that is wrong with the syntax.
    pub(super) problems: Vec<Problem>,
}

/// One thing that is wrong with the syntax.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    /// Another place that belongs to it, and what is there.
    pub(super) related: Option<(Range<usize>, &'static str)>,
}

impl Problem {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), related: None }
    }

    pub(super) fn duplicate_key(key: &str, span: Range<usize>, first: Option<Range<usize>>) -> Self {
        let message = format!("key `{key}` is given twice, expected once");
        Self { span, message, related: first.map(|first| (first, "first given here")) }
    }

    pub(super) fn too_deep(span: Range<usize>) -> Self {
        Self::new(span, format!("nesting is deeper than {MAX_DEPTH} levels, expected at most {MAX_DEPTH}"))
    }
}

/// A number of the tree, refused if it is not finite.
pub(super) fn number_node(text: &str, span: Range<usize>, problems: &mut Vec<Problem>) -> Node {
    if number::literal(text).is_none() && number::float(text).is_none() {
        problems.push(Problem::new(span.clone(), format!("number is {text}, expected a finite number")));
    }
    Node::in_file(Value::Number(text.to_owned()), span)
}
