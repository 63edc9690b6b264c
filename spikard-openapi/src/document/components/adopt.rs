//! Bringing parts of other documents in: what they refer to becomes components of this one.
//!
//! A part is a schema that is complete in itself, with its `$defs`, or an operation of somebody
//! else's document.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use serde_json::Value;

use super::Components;
use crate::foreign::{Kind, change};

/// Where the references of parts lead.
pub(in crate::document) struct Origin<'o> {
    root: &'o Value,
    /// The references that were met, and what they are here.
    known: HashMap<String, String>,
}

impl<'o> Origin<'o> {
    /// Parts of `root`, which is a schema or a document.
    pub(in crate::document) fn new(root: &'o Value) -> Self {
        Self { root, known: HashMap::new() }
    }

    /// What a reference leads to, and what it is called. `#` is a schema that refers to itself as a whole.
    fn target(&self, reference: &str) -> Option<(String, Value)> {
        let pointer = reference.strip_prefix('#')?;
        let target = self.root.pointer(pointer)?;
        if pointer.is_empty() {
            let name = target.get("title").and_then(Value::as_str).unwrap_or("Schema");
            return Some((name.to_owned(), without_definitions(target)));
        }
        let name = pointer.rsplit('/').next().unwrap_or_default();
        Some((name.replace("~1", "/").replace("~0", "~"), target.clone()))
    }

    /// A part, and all that it refers to, as text.
    fn content(&self, part: &Value, kind: Kind) -> String {
        let mut content = part.to_string();
        let mut met = BTreeSet::new();
        let mut left = vec![(part.clone(), kind)];
        while let Some((mut part, kind)) = left.pop() {
            each_reference(&mut part, kind, &mut |reference, kind| {
                if met.insert(reference.clone())
                    && let Some((_, target)) = self.target(reference)
                {
                    // Writing to a String does not fail.
                    let _ = write!(content, "\n{reference} {target}");
                    left.push((target, kind));
                }
            });
        }
        content
    }
}

impl Components {
    /// Brings in what a part refers to, and makes it refer to that.
    pub(in crate::document) fn adopt(&mut self, origin: &mut Origin<'_>, part: &mut Value, kind: Kind) {
        each_reference(part, kind, &mut |reference, kind| {
            if let Some(here) = self.adopted(origin, reference, kind) {
                *reference = here;
            }
        });
    }

    /// The reference to the component that stands for what a reference of `origin` leads to.
    fn adopted(&mut self, origin: &mut Origin<'_>, reference: &str, kind: Kind) -> Option<String> {
        if let Some(here) = origin.known.get(reference) {
            return Some(here.clone());
        }
        let section = section_of(kind)?;
        let (wanted, mut target) = origin.target(reference)?;
        let (name, is_new) = self.section(section).name(&wanted, origin.content(&target, kind));
        let here = format!("#/components/{section}/{name}");
        // Known before what it refers to is looked at: that may be itself.
        origin.known.insert(reference.to_owned(), here.clone());
        if is_new {
            self.adopt(origin, &mut target, kind);
            self.section(section).entries.insert(name, target);
        }
        Some(here)
    }
}

/// A schema without its `$defs`.
pub(super) fn without_definitions(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(keywords) = &mut schema {
        keywords.shift_remove("$defs");
    }
    schema
}

/// Calls `visit` with every reference in a part, and with what it stands for.
fn each_reference(part: &mut Value, kind: Kind, visit: &mut dyn FnMut(&mut String, Kind)) {
    change(part, kind, &mut |kind, object| {
        if let Some(Value::String(reference)) = object.get_mut("$ref") {
            visit(reference, kind);
        }
        let mapping = object.get_mut("discriminator").and_then(|discriminator| discriminator.get_mut("mapping"));
        for target in mapping.and_then(Value::as_object_mut).into_iter().flat_map(|mapping| mapping.values_mut()) {
            if let Value::String(reference) = target
                && reference.starts_with('#')
            {
                visit(reference, Kind::Schema);
            }
        }
    });
}

/// Where components of a kind stand (OpenAPI 3.1 section 4.8.7).
fn section_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Schema => Some("schemas"),
        Kind::Response => Some("responses"),
        Kind::Parameter => Some("parameters"),
        Kind::Example => Some("examples"),
        Kind::RequestBody => Some("requestBodies"),
        Kind::Header => Some("headers"),
        Kind::Link => Some("links"),
        Kind::Callback => Some("callbacks"),
        Kind::PathItem => Some("pathItems"),
        _ => None,
    }
}
