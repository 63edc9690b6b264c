//! OpenAPI documents in files: YAML and JSON are read as strictly as a configuration, and what is
//! wrong with the document is said with file, line and column.

use std::path::Path;

use spikard_middleware::ConfigPath;
use spikard_openapi::foreign::{Foreign, Pointer};

use super::source::Source;
use super::syntax::Format;
use super::tree::{Node, Value};

/// An OpenAPI document that was read from a file.
#[derive(Debug)]
pub struct OpenApiFile {
    source: Source,
    tree: Node,
    foreign: Foreign,
}

impl OpenApiFile {
    /// Reads a file; messages call it `name`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(path: &Path, name: &str) -> Result<Self, Vec<String>> {
        let format = Format::of(path).filter(|format| *format != Format::Toml);
        let format =
            format.ok_or_else(|| vec![format!("{name} is no document, expected a file that ends in .yaml, .yml or .json")])?;
        let text = std::fs::read_to_string(path).map_err(|error| vec![format!("{name} cannot be read: {error}")])?;
        Self::of_text(name, text.strip_prefix('\u{feff}').unwrap_or(&text), format)
    }

    pub(crate) fn of_text(name: &str, text: &str, format: Format) -> Result<Self, Vec<String>> {
        let source = Source::new(name, text);
        let parsed = format.parse(text);
        let problems = parsed.problems.iter().map(|problem| (problem.span.start, problem.message.clone()));
        let merges = parsed.tree.as_ref().map(merge_keys).unwrap_or_default();
        let problems: Vec<String> =
            problems.chain(merges).map(|(offset, message)| format!("{}: {message}", place(&source, offset))).collect();
        let Some(tree) = parsed.tree.filter(|_| problems.is_empty()) else { return Err(problems) };
        match Foreign::read(tree.to_json()) {
            Ok(foreign) => Ok(Self { source, tree, foreign }),
            Err(errors) => {
                let located = |pointer: &Pointer| place(&source, offset_of(&tree, pointer));
                Err(errors.iter().map(|error| format!("{}: {error}", located(&error.pointer))).collect())
            }
        }
    }

    /// The document, as version 3.1.
    pub fn foreign(&self) -> &Foreign {
        &self.foreign
    }

    /// What messages call the file.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Where a part of the document is written: `orders.yaml:12:5`.
    pub fn place(&self, pointer: &Pointer) -> String {
        place(&self.source, offset_of(&self.tree, pointer))
    }
}

fn place(source: &Source, offset: usize) -> String {
    let position = source.position(offset);
    format!("{}:{}:{}", source.name(), position.line, position.column)
}

/// Where that which a pointer names begins, or the nearest thing around it: the key, if it has one.
fn offset_of(tree: &Node, pointer: &Pointer) -> usize {
    let mut node = tree;
    let mut offset = 0;
    for step in pointer.steps() {
        let place = ConfigPath::root();
        let (place, key) = match (&node.value, step.parse()) {
            (Value::Sequence(_), Ok(index)) => (place.index(index), None),
            _ => (place.key(&step), node.entry(&place.key(&step)).map(|entry| &entry.origin)),
        };
        let Some(next) = node.at(&place) else { break };
        let origin = key.unwrap_or(&next.origin);
        offset = origin.span().map_or(offset, |span| span.start);
        node = next;
    }
    offset
}

/// YAML 1.2 has no merge keys: what stands behind one would be missing without a word.
fn merge_keys(tree: &Node) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut left = vec![tree];
    while let Some(node) = left.pop() {
        match &node.value {
            Value::Sequence(nodes) => left.extend(nodes),
            Value::Table(table) => {
                for entry in table.entries() {
                    if entry.key == "<<" {
                        let offset = entry.origin.span().map_or(0, |span| span.start);
                        found.push((
                            offset,
                            "key `<<` merges in YAML 1.1 only, expected the keys themselves or a `$ref`".to_owned(),
                        ));
                    }
                    left.push(&entry.node);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str, format: Format) -> Vec<String> {
        OpenApiFile::of_text("api", text, format).map(|_| ()).expect_err("the file is wrong")
    }

    #[test]
    fn yaml_and_json_are_one_document() {
        let yaml = "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      responses:\n        200: {description: \"no\"}\n";
        let json = r#"{"openapi": "3.0.3", "paths": {"/a": {"get": {"responses": {"200": {"description": "no"}}}}}}"#;
        let read = |text, format| OpenApiFile::of_text("api", text, format).unwrap();
        let yaml = read(yaml, Format::Yaml);
        assert_eq!(yaml.foreign(), read(json, Format::Json).foreign());
        let operation = yaml.foreign().operations().next().unwrap();
        assert_eq!(yaml.place(&operation.pointer), "api:4:5");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let yaml =
            "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      parameters:\n      - $ref: '#/x'\n      - {name: q, in: body}\n";
        let reference = "api:6:9: $ref is `#/x`, expected something that is there (at #/paths/~1a/get/parameters/0/$ref)";
        assert_eq!(errors(yaml, Format::Yaml), [reference]);
        let location = "expected `path`, `query`, `header` or `cookie` (at #/paths/~1a/get/parameters/0/in)";
        let yaml = yaml.replace("      - $ref: '#/x'\n", "");
        assert_eq!(errors(&yaml, Format::Yaml), [format!("api:6:19: in is `body`, {location}")]);
        assert_eq!(errors("{\"openapi\": \"3.1.0\", \"openapi\": \"3.1.0\"}", Format::Json).len(), 1);
        assert_eq!(errors("openapi: [", Format::Yaml)[0].split(": ").next(), Some("api:1:11"));
        let merged = errors("openapi: 3.1.0\nx-a: &a {b: 1}\nx-c:\n  <<: *a\n", Format::Yaml);
        assert!(merged[0].starts_with("api:4:3: key `<<` merges"), "{merged:?}");
    }
}
