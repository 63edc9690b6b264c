//! What a schema wants at one place of a value, as far as texts need it to become data.
//!
//! A place is governed by several schemas at once: behind references, in `allOf`, and in every
//! branch of `anyOf` and `oneOf`. Which branch counts is for the validator to say; here it is
//! enough that a type is wanted somewhere.

use jsonschema::{JsonType, JsonTypeSet};
use serde_json::Value;

use super::leaf::resolved;

/// What the text of a parameter is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Single,
    List,
    Object,
}

/// What a schema wants as a whole; a single value, if it says nothing.
pub(crate) fn sort_of(schema: &Value) -> Sort {
    let types = Shape::root(schema).types();
    if types.contains(JsonType::Array) {
        Sort::List
    } else if types.contains(JsonType::Object) {
        Sort::Object
    } else {
        Sort::Single
    }
}

/// The schemas that govern a place.
#[derive(Clone)]
pub(super) struct Shape<'s> {
    document: &'s Value,
    schemas: Vec<&'s Value>,
}

impl<'s> Shape<'s> {
    pub(super) fn root(document: &'s Value) -> Self {
        let mut shape = Self { document, schemas: Vec::new() };
        shape.add(document, 0);
        shape
    }

    fn add(&mut self, schema: &'s Value, depth: usize) {
        // A schema that leads back to itself says nothing more.
        let Some(schema) = resolved(schema, self.document).filter(|_| depth < 16) else { return };
        self.schemas.push(schema);
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                self.add(branch, depth + 1);
            }
        }
        for keyword in ["then", "else"] {
            if let Some(branch) = schema.get(keyword) {
                self.add(branch, depth + 1);
            }
        }
    }

    /// The types that are wanted; empty if any will do.
    pub(super) fn types(&self) -> JsonTypeSet {
        let mut types = JsonTypeSet::empty();
        for schema in &self.schemas {
            let single = schema.get("type").and_then(Value::as_str).into_iter();
            let several = schema.get("type").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            for name in single.chain(several) {
                types = name.parse().map_or(types, |name: JsonType| types.insert(name));
            }
        }
        if types.is_empty() { self.options().fold(types, |types, option| types.insert(type_of(option))) } else { types }
    }

    /// The values that are listed.
    pub(super) fn options(&self) -> impl Iterator<Item = &'s Value> {
        self.schemas.iter().flat_map(|schema| {
            let several = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            several.chain(schema.get("const"))
        })
    }

    /// What is wanted of a key of an object.
    pub(super) fn property(&self, key: &str) -> Self {
        self.inner(|schema| {
            let property = schema.get("properties").and_then(|properties| properties.get(key));
            property.or_else(|| schema.get("additionalProperties"))
        })
    }

    /// What is wanted of an element of a list.
    pub(super) fn element(&self, index: usize) -> Self {
        self.inner(|schema| {
            let prefix = schema.get("prefixItems").and_then(|prefix| prefix.get(index));
            prefix.or_else(|| schema.get("items"))
        })
    }

    fn inner(&self, step: impl Fn(&'s Value) -> Option<&'s Value>) -> Self {
        let mut inner = Self { document: self.document, schemas: Vec::new() };
        for schema in self.schemas.iter().filter_map(|schema| step(schema)) {
            inner.add(schema, 0);
        }
        inner
    }
}

fn type_of(value: &Value) -> JsonType {
    match value {
        Value::Number(number) if !number.is_f64() => JsonType::Integer,
        value => value.into(),
    }
}
