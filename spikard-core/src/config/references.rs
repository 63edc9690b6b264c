//! What a file refers to instead of saying it: the environment in `${NAME}` and
//! `${NAME:-default}`, files and the environment in a secret's `{ file = "..." }` and
//! `{ env = "..." }`.
//!
//! A value that is one whole reference is read as the type that the schema wants at its place;
//! inside longer text it stays text. `$${` is a literal `${`. As in a shell, `:-` gives the value
//! for a variable that is unset or empty.

use std::collections::HashSet;
use std::path::Path;

use spikard_middleware::ConfigPath;

use super::check::unknown_key;
use super::cover::Behind;
use super::diagnostic::Diagnostic;
use super::expectation::name_of;
use super::number;
use super::shape::Shape;
use super::tree::{Node, Reference, Table, Value};

/// Where the values of references come from.
pub(super) struct World<'a> {
    /// The environment.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The directory from which relative paths start.
    pub(super) directory: &'a Path,
}

/// What the references came to.
#[derive(Default)]
pub(super) struct Resolved {
    /// What went wrong.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The places at which nothing is left to be checked.
    pub(super) unresolved: HashSet<ConfigPath>,
    /// The values that were put in.
    pub(super) behind: Vec<Behind>,
}

/// Puts values in the place of all references.
pub(super) fn resolve(tree: &mut Node, shape: Shape<'_>, world: &World<'_>) -> Resolved {
    let mut resolver = Resolver { written: tree.clone(), world, resolved: Resolved::default() };
    resolver.node(tree, shape, &ConfigPath::root());
    resolver.resolved
}

struct Resolver<'a> {
    /// The tree as it was written, for messages.
    written: Node,
    world: &'a World<'a>,
    resolved: Resolved,
}

impl Resolver<'_> {
    fn node(&mut self, node: &mut Node, shape: Shape<'_>, path: &ConfigPath) {
        match &mut node.value {
            Value::String(text) if text.contains("${") => {
                let text = text.clone();
                self.text(node, &text, shape, path);
            }
            Value::Table(table) if shape.is_secret() => {
                let table = table.clone();
                self.secret(node, &table, path);
            }
            Value::Table(table) => {
                for entry in table.entries_mut() {
                    // An unknown key is reported as such; what it refers to does not matter.
                    if let Some(inner) = shape.key(&entry.key).or_else(|| shape.is_free().then_some(shape)) {
                        self.node(&mut entry.node, inner, &path.key(&entry.key));
                    }
                }
            }
            Value::Sequence(nodes) => {
                let inner = shape.item().unwrap_or(shape);
                for (index, node) in nodes.iter_mut().enumerate() {
                    self.node(node, inner, &path.index(index));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, node: &mut Node, text: &str, shape: Shape<'_>, path: &ConfigPath) {
        match expand(text, self.world.environment) {
            Ok(Expanded { text: value, references }) => {
                let whole = references.first().filter(|reference| reference.text == text);
                node.value = if whole.is_some() { typed(value, shape) } else { Value::String(value) };
                node.reference = match references.first() {
                    // A default may be the secret itself.
                    Some(reference) if shape.is_secret() => Some(Reference::Text(format!("${{{}}}", reference.name))),
                    Some(_) => Some(Reference::Text(text.to_owned())),
                    None => None,
                };
                let behind = |used: Used| Behind { at: path.clone(), name: used.name, value: used.value };
                self.resolved.behind.extend(references.into_iter().map(behind));
            }
            Err(problem) => self.fail(node, path, format!("{} {problem}", name_of(path)), None),
        }
    }

    fn secret(&mut self, node: &mut Node, table: &Table, path: &ConfigPath) {
        for entry in table.entries().filter(|entry| !["file", "env"].contains(&entry.key.as_str())) {
            self.resolved.diagnostics.push(unknown_key(&self.written, path, &entry.key));
        }
        let name = name_of(path);
        let (kind, source) = match (table.get("file"), table.get("env")) {
            (Some(file), None) => ("file", file),
            (None, Some(env)) => ("env", env),
            (both, _) => {
                let found = if both.is_some() { "both `file` and `env`" } else { "neither `file` nor `env`" };
                return self.fail(node, path, format!("{name} has {found}, expected one of the two"), None);
            }
        };
        let Some(text) = source.as_str() else {
            return self.fail(node, path, format!("{kind} of {name} is no text, expected text"), None);
        };
        node.reference = Some(Reference::Secret { kind, name: text.to_owned() });
        let value = if kind == "file" { self.read(text) } else { self.variable(text) };
        match value {
            Ok(value) => node.value = Value::String(value),
            Err(problem) => self.fail(node, path, format!("{name} names the {kind} {text:?}, {problem}"), None),
        }
    }

    fn read(&self, file: &str) -> Result<String, String> {
        let text =
            std::fs::read_to_string(self.world.directory.join(file)).map_err(|error| format!("which cannot be read: {error}"))?;
        let line = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
        Ok(line.unwrap_or(&text).to_owned())
    }

    fn variable(&self, name: &str) -> Result<String, String> {
        (self.world.environment)(name).ok_or_else(|| "which is not set in the environment".to_owned())
    }

    fn fail(&mut self, node: &mut Node, path: &ConfigPath, message: String, help: Option<String>) {
        let diagnostic = Diagnostic::error(path.clone(), node.origin.clone(), message);
        self.resolved.diagnostics.push(Diagnostic { help, ..diagnostic });
        self.resolved.unresolved.insert(path.clone());
        node.value = Value::Null;
    }
}

struct Expanded {
    text: String,
    references: Vec<Used>,
}

/// One reference of a text.
struct Used {
    name: String,
    value: String,
    text: String,
}

/// Replaces the references in text.
fn expand(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Expanded, String> {
    let mut expanded = Expanded { text: String::new(), references: Vec::new() };
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('$') {
            expanded.text.push_str(before);
            expanded.text.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        expanded.text.push_str(&rest[..start]);
        let end = rest[start..].find('}').map_or(rest.len(), |end| start + end + 1);
        let reference = &rest[start..end];
        let inside = reference.strip_suffix('}').unwrap_or(reference).get(2..).unwrap_or_default();
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
        if !reference.ends_with('}') || !is_name(name) {
            return Err(format!("holds `${{{name}`, expected ${{NAME}} or ${{NAME:-default}}; a literal ${{ is written $${{"));
        }
        let value = environment(name).filter(|value| default.is_none() || !value.is_empty());
        let Some(value) = value.or_else(|| default.map(str::to_owned)) else {
            return Err(format!(
                "refers to ${{{name}}}, which is not set in the environment; ${{{name}:-default}} gives a default"
            ));
        };
        expanded.text.push_str(&value);
        expanded.references.push(Used { name: name.to_owned(), value, text: reference.to_owned() });
        rest = &rest[end..];
    }
    expanded.text.push_str(rest);
    Ok(expanded)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The value as the schema wants it: a number or a boolean, if it reads as one.
fn typed(text: String, shape: Shape<'_>) -> Value {
    if shape.is_free() {
        return Value::String(text);
    }
    let is_number = number::literal(&text).is_some() || number::float(&text).is_some();
    match text.as_str() {
        "true" if shape.allows("boolean") => Value::Bool(true),
        "false" if shape.allows("boolean") => Value::Bool(false),
        _ if is_number && (shape.allows("integer") || shape.allows("number")) => Value::Number(text),
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let environment = |name: &str| match name {
            "NAME" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        expand(text, &environment).map(|expanded| expanded.text)
    }

    #[test]
    fn references_are_replaced_and_escapes_kept() {
        for (text, value) in [
            ("${NAME}", "value"),
            ("a ${NAME} b ${NAME:-x}", "a value b value"),
            ("${OTHER:-a:-b}", "a:-b"),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY}", ""),
            ("$${NAME} $NAME $", "${NAME} $NAME $"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_or_not_set_is_an_error() {
        for text in ["${", "${}", "${1A}", "${A B}", "${NAME", "${OTHER}"] {
            assert!(expanded(text).is_err(), "{text}");
        }
    }
}
