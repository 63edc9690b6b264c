//! The generated documents: the schema for editors and the page that lists every key. Both come
//! from the schema of the structs, so they cannot say anything else than the server does.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value;
use spikard_middleware::stack::KEYS;

use super::expectation::expected;
use super::schema::{published, schema};
use super::shape::Shape;

/// `config-examples/spikard.schema.json`.
pub fn schema_document() -> String {
    format!("{:#}\n", published())
}

/// `docs/configuration.md`.
pub fn reference_page() -> String {
    let mut page = Page { text: INTRODUCTION.to_owned(), queue: Vec::new(), known: HashSet::new() };
    page.section("The server", Shape::root(schema()));
    let mut next = 0;
    while let Some((title, shape)) = page.queue.get(next).cloned() {
        page.section(&title, shape);
        next += 1;
    }
    page.text
}

const INTRODUCTION: &str = "\
<!-- Generated from the structs by `make generate`. -->
# Configuration

A file is TOML, YAML or JSON, by its extension; the keys are the same in all three. A value may be
`\"${NAME}\"` or `\"${NAME:-default}\"` from the environment; `$${` is a literal `${`. A secret may also be
`{ file = \"...\" }` or `{ env = \"...\" }`. Relative paths start at the directory of the file.

A policy is `true` (its defaults), `false` (off) or a table. A route takes every policy of the server;
its own table is laid over the server's key by key, `false` switches the policy off.
";

struct Page<'s> {
    text: String,
    queue: Vec<(String, Shape<'s>)>,
    known: HashSet<String>,
}

impl<'s> Page<'s> {
    fn section(&mut self, title: &str, shape: Shape<'s>) {
        let _ = write!(self.text, "\n## {title}\n\n");
        if let Some(description) = description(shape.target) {
            let _ = write!(self.text, "{description}\n\n");
        }
        self.text.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
        let has_policies = shape.is_route();
        let is_route = has_policies && title != "The server";
        let required: Vec<&str> =
            shape.target.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, inner) in shape.properties() {
            // Other tables have keys of the same names: `headers` of `cors` is no policy.
            let policy = KEYS.iter().find(|policy| has_policies && policy.name == key);
            if is_route && policy.is_some() {
                continue;
            }
            let default = match inner.mention.get("default") {
                _ if required.contains(&key) => "required".to_owned(),
                Some(_) if policy.is_some() => "`true`".to_owned(),
                Some(_) if inner.properties().next().is_some() => "as there".to_owned(),
                Some(default) => format!("`{}`", cell(&default.to_string())),
                None if policy.is_some_and(|policy| !policy.on) => "`false`".to_owned(),
                None => "none".to_owned(),
            };
            let meaning = description(inner.mention).or_else(|| description(inner.target)).unwrap_or_default();
            let value = self.value(key, inner);
            let _ = writeln!(self.text, "| `{key}` | {} | {default} | {} |", cell(&value), cell(&meaning));
        }
        if is_route {
            self.text.push_str("\nAnd every policy of the server, laid over it.\n");
        }
    }

    /// What may stand there, with a link to the section of a table.
    fn value(&mut self, key: &str, shape: Shape<'s>) -> String {
        if let Some(names) = shape.target.get("x-spikard-values").and_then(Value::as_object) {
            let names: Vec<String> =
                names.iter().map(|(name, meaning)| format!("`{name}`: {}", meaning.as_str().unwrap_or_default())).collect();
            return names.join("; ");
        }
        let mut value = if shape.is_free() { "any value".to_owned() } else { expected(shape, None) };
        if shape.is_secret() {
            value.push_str(", `{ file = \"...\" }` or `{ env = \"...\" }`");
        } else if shape.properties().next().is_some() {
            let link = self.link(key, shape);
            let _ = write!(value, ": {link}");
        } else if let Some(inner) = shape.item() {
            let inner = self.value(key, inner);
            let _ = write!(value, " of: {inner}");
        } else if let Some(inner) = shape.values() {
            let inner = self.value(key, inner);
            let _ = write!(value, " of: {inner}");
        }
        value
    }

    fn link(&mut self, key: &str, shape: Shape<'s>) -> String {
        let title = shape.struct_name().unwrap_or(key).to_owned();
        let link = format!("[{title}](#{})", title.to_lowercase());
        if self.known.insert(title.clone()) {
            self.queue.push((title, shape));
        }
        link
    }
}

fn description(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// Text that fits into a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_key_of_every_struct() {
        fn check(schema: &Value, page: &str) {
            match schema {
                Value::Object(object) => {
                    if let Some(Value::Object(properties)) = object.get("properties").filter(|_| object.get("format").is_none()) {
                        for key in properties.keys() {
                            assert!(page.contains(&format!("| `{key}` |")), "{key}");
                        }
                    }
                    object.values().for_each(|inner| check(inner, page));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, page)),
                _ => {}
            }
        }
        check(schema(), &reference_page());
    }
}
