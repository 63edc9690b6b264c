//! Holds a tree against the schema and says all that does not fit, each at its place.

use std::collections::HashSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::{Location, LocationSegment};
use spikard_middleware::stack::KEYS;
use spikard_middleware::{ConfigPath, Step};

use super::diagnostic::Diagnostic;
use super::expectation::{expected, name_of, or, shown};
use super::format::formats;
use super::schema::schema;
use super::shape::Shape;
use super::suggest::{did_you_mean, nearest};
use super::tree::{Node, Origin, Table, Value};
use super::unit::instance;
use crate::validation::leaf::{Rule, leaves};

/// How many keys a message lists where none is near.
const LISTED: usize = 12;

/// Everything in a tree as it was written that does not fit, but for keys that are missing: the
/// overlay may bring them yet. Places in `silent` have been reported already.
pub(super) fn misfits(tree: &Node, silent: &HashSet<ConfigPath>) -> Vec<Diagnostic> {
    let instance = instance(tree, Some(Shape::root(schema())));
    let mut seen = silent.clone();
    let mut diagnostics = Vec::new();
    for leaf in leaves(VALIDATOR.iter_errors(&instance), schema(), &no_branches) {
        let path = path_of(&leaf.path);
        match leaf.rule {
            Rule::Keyword(ValidationErrorKind::Required { .. }) => {}
            Rule::Keyword(ValidationErrorKind::AdditionalProperties { unexpected }) => {
                diagnostics.extend(unexpected.iter().map(|key| unknown_key(tree, &path, key)));
            }
            // One value may break several rules at once; the expectation names them all.
            _ if seen.insert(path.clone()) => diagnostics.push(misfit(tree, path)),
            _ => {}
        }
    }
    diagnostics
}

/// The schema of the structs has no branches that a value could choose between.
fn no_branches(_: &Location, _: &str) -> Option<serde_json::Value> {
    None
}

/// The keys that are missing once every route's policies lie over the server's.
pub(super) fn missing(overlaid: &Node) -> Vec<Diagnostic> {
    let instance = instance(overlaid, Some(Shape::root(schema())));
    let leaves = leaves(VALIDATOR.iter_errors(&instance), schema(), &no_branches);
    let missing = leaves.into_iter().filter_map(|leaf| match leaf.rule {
        Rule::Keyword(ValidationErrorKind::Required { property }) => Some((path_of(&leaf.path), property.as_str()?.to_owned())),
        _ => None,
    });
    missing
        .filter(|(path, key)| !is_misspelt(overlaid, path, key))
        .map(|(path, key)| missing_key(overlaid, &path, &key))
        .collect()
}

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let options = jsonschema::options().should_validate_formats(true);
    let options = formats().fold(options, |options, format| options.with_format(format.name, format.check));
    // The schema is made of our own structs, and a test compiles it.
    options.build(schema()).unwrap_or_else(|error| unreachable!("the schema of the structs is valid: {error}"))
});

fn misfit(tree: &Node, path: ConfigPath) -> Diagnostic {
    let node = tree.nearest(&path);
    let shape = Shape::root(schema()).at(&path);
    let secret = shape.is_some_and(Shape::guards_secrets);
    let expectation = shape.map_or("another value".to_owned(), |shape| expected(shape, Some(node)));
    let message = format!("{} is {}, expected {expectation}", name_of(&path), shown(node, secret));
    let help = shape.filter(|_| !secret).and_then(|shape| advice(shape, node));
    Diagnostic { help, ..Diagnostic::error(path, node.origin.clone(), message) }
}

fn advice(shape: Shape<'_>, node: &Node) -> Option<String> {
    if node.reference.is_some() {
        return None;
    }
    match &node.value {
        Value::String(text) => did_you_mean(text, shape.listed().unwrap_or_default().iter().map(String::as_str)),
        Value::Null => Some("leave the key out for the default".into()),
        Value::Number(text) if shape.allows("string") && !shape.allows("number") && !shape.allows("integer") => {
            Some(format!("write \"{text}\" for text"))
        }
        _ => None,
    }
}

/// A key that no struct has. Its value may be a secret under a misspelt name.
pub(super) fn unknown_key(tree: &Node, table: &ConfigPath, key: &str) -> Diagnostic {
    let path = table.key(key);
    let origin = match &tree.nearest(table).origin {
        // The object is what has no such attribute.
        attribute @ Origin::Attribute(_) => attribute.clone(),
        _ => tree.entry(&path).map_or(Origin::Default, |entry| entry.origin.clone()),
    };
    let message = format!("key `{key}` is unknown{}", if table.steps().is_empty() { String::new() } else { inside(tree, table) });
    let known: Vec<&str> = Shape::root(schema()).at(table).into_iter().flat_map(Shape::properties).map(|(key, _)| key).collect();
    let help = did_you_mean(key, known.iter().copied()).or_else(|| elsewhere(table, key)).or_else(|| {
        let listed: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
        (1..=LISTED).contains(&listed.len()).then(|| format!("expected {}", or(&listed)))
    });
    Diagnostic { help, ..Diagnostic::error(path, origin, message) }
}

/// Which table a message is about. An object of the program is named by its place already.
fn inside(tree: &Node, table: &ConfigPath) -> String {
    match tree.nearest(table).origin {
        Origin::Attribute(_) => String::new(),
        _ => format!(" in {}", name_of(table)),
    }
}

/// A key that belongs one level deeper: `quality` beside `compression`.
fn elsewhere(table: &ConfigPath, key: &str) -> Option<String> {
    let inner = Shape::root(schema()).at(table)?.properties();
    let homes: Vec<String> = inner
        .filter(|(_, shape)| shape.properties().any(|(known, _)| known == key))
        .map(|(home, _)| format!("`{home}.{key}`"))
        .collect();
    (!homes.is_empty() && homes.len() <= 3).then(|| format!("did you mean {}?", or(&homes)))
}

/// Whether a table has an unknown key that was probably meant for this one: then that is said.
fn is_misspelt(tree: &Node, table: &ConfigPath, key: &str) -> bool {
    let Some(shape) = Shape::root(schema()).at(table) else { return false };
    let entries = tree.at(table).and_then(Node::as_table).into_iter().flat_map(Table::entries);
    let mut unknown = entries.filter(|entry| shape.key(&entry.key).is_none());
    unknown.any(|entry| nearest(&entry.key, shape.properties().map(|(known, _)| known)).contains(&key))
}

fn missing_key(overlaid: &Node, table: &ConfigPath, key: &str) -> Diagnostic {
    let path = table.key(key);
    let expectation = Shape::root(schema()).at(&path).map_or("a value".to_owned(), |shape| expected(shape, None));
    let message = format!("key `{key}` is missing{}, expected {expectation}", inside(overlaid, table));
    let diagnostic = Diagnostic::error(path, header(overlaid, table), message);
    match servers(table) {
        Some(server) if overlaid.at(&server).is_some_and(|node| node.as_table().is_some()) => {
            diagnostic.related(header(overlaid, &server), "nor does the server's bring it")
        }
        Some(server) => diagnostic.help(format!("the server has no `{server}` that could bring it")),
        None => diagnostic,
    }
}

/// The server's table that lies under a route's.
fn servers(table: &ConfigPath) -> Option<ConfigPath> {
    let is_policy = |step: &Step| matches!(step, Step::Key(name) if KEYS.iter().any(|key| key.name == name));
    let start = table.steps().iter().position(is_policy).filter(|start| *start > 0)?;
    Some(table.steps()[start..].iter().fold(ConfigPath::root(), |path, step| match step {
        Step::Key(key) => path.key(key),
        Step::Index(index) => path.index(*index),
    }))
}

/// Where a table begins: its header in TOML, else the key that it belongs to.
pub(super) fn header(tree: &Node, table: &ConfigPath) -> Origin {
    let node = tree.nearest(table);
    match tree.entry(table) {
        // A TOML header encloses the key; an inline table or a mapping comes after it.
        Some(entry) if node.origin.span().map(|span| span.start) > entry.origin.span().map(|span| span.start) => {
            entry.origin.clone()
        }
        _ => node.origin.clone(),
    }
}

fn path_of(location: &Location) -> ConfigPath {
    location.segments().fold(ConfigPath::root(), |path, segment| match segment {
        LocationSegment::Property(key) => path.key(key),
        LocationSegment::Index(index) => path.index(index),
    })
}
