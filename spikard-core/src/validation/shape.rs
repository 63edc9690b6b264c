//! What a schema wants at one place of a value, as far as texts need it to become data.
//!
//! A place is governed by several schemas at once: behind references, in `allOf`, and in every
//! branch of `anyOf` and `oneOf`. Which branch counts is for the validator to say; here it is
//! enough that a type is wanted somewhere.

use std::collections::HashMap;
use std::ptr;

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
    let types = Shapes::of(schema).root().types();
    if types.contains(JsonType::Array) {
        Sort::List
    } else if types.contains(JsonType::Object) {
        Sort::Object
    } else {
        Sort::Single
    }
}

/// The places of a value, told apart by the schemas that govern them. Made once for a schema: the
/// texts of each form are looked up in it.
pub(super) struct Shapes(Vec<Shape>);

/// What is wanted at a place. The places inside it are numbers of shapes.
struct Shape {
    types: JsonTypeSet,
    texts: Vec<String>,
    properties: HashMap<String, usize>,
    other_properties: usize,
    prefix: Vec<usize>,
    items: usize,
}

/// A place of a value.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    shapes: &'s Shapes,
    shape: &'s Shape,
}

impl Shapes {
    pub(super) fn of(document: &Value) -> Self {
        let mut sets = Sets { document, known: HashMap::new(), list: Vec::new() };
        sets.number([document]);
        let mut shapes = Vec::new();
        while let Some(set) = sets.list.get(shapes.len()).cloned() {
            shapes.push(sets.shape(&set));
        }
        Self(shapes)
    }

    /// The whole value.
    pub(super) fn root(&self) -> Place<'_> {
        Place { shapes: self, shape: &self.0[0] }
    }
}

impl Place<'_> {
    /// The types that are wanted; empty if any will do.
    pub(super) fn types(&self) -> JsonTypeSet {
        self.shape.types
    }

    /// Whether this text is one of the values that are listed.
    pub(super) fn lists(&self, text: &str) -> bool {
        self.shape.texts.iter().any(|listed| listed == text)
    }

    /// The place of a key of an object.
    pub(super) fn property(&self, key: &str) -> Self {
        self.inner(self.shape.properties.get(key).copied().unwrap_or(self.shape.other_properties))
    }

    /// The place of an element of a list.
    pub(super) fn element(&self, index: usize) -> Self {
        self.inner(self.shape.prefix.get(index).copied().unwrap_or(self.shape.items))
    }

    fn inner(&self, number: usize) -> Self {
        Self { shapes: self.shapes, shape: &self.shapes.0[number] }
    }
}

/// The sets of schemas that govern a place together, numbered as they are found.
struct Sets<'d> {
    document: &'d Value,
    known: HashMap<Vec<*const Value>, usize>,
    list: Vec<Vec<&'d Value>>,
}

impl<'d> Sets<'d> {
    /// The number of the place that these schemas govern, with what they refer to and consist of.
    fn number(&mut self, schemas: impl IntoIterator<Item = &'d Value>) -> usize {
        let mut set = Vec::new();
        for schema in schemas {
            self.add(schema, &mut set);
        }
        let next = self.list.len();
        let number = *self.known.entry(set.iter().map(|schema| ptr::from_ref(*schema)).collect()).or_insert(next);
        if number == next {
            self.list.push(set);
        }
        number
    }

    fn add(&self, schema: &'d Value, set: &mut Vec<&'d Value>) {
        // A schema that leads back to itself says nothing more.
        let Some(schema) = resolved(schema, self.document) else { return };
        if set.iter().any(|known| ptr::eq(*known, schema)) {
            return;
        }
        set.push(schema);
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                self.add(branch, set);
            }
        }
        for keyword in ["then", "else"] {
            if let Some(branch) = schema.get(keyword) {
                self.add(branch, set);
            }
        }
    }

    fn shape(&mut self, set: &[&'d Value]) -> Shape {
        let properties = |schema: &&'d Value| schema.get("properties").and_then(Value::as_object);
        let names: Vec<&String> = set.iter().filter_map(properties).flat_map(serde_json::Map::keys).collect();
        let property = |key: &str| {
            let key = key.to_owned();
            move |schema: &&'d Value| {
                properties(schema).and_then(|known| known.get(&key)).or_else(|| schema.get("additionalProperties"))
            }
        };
        let prefixes = |schema: &&'d Value| schema.get("prefixItems").and_then(Value::as_array);
        let longest = set.iter().filter_map(prefixes).map(Vec::len).max().unwrap_or_default();
        let element =
            |schema: &&'d Value, index| prefixes(schema).and_then(|prefix| prefix.get(index)).or_else(|| schema.get("items"));
        Shape {
            types: types(set),
            texts: options(set).filter_map(Value::as_str).map(str::to_owned).collect(),
            properties: names
                .into_iter()
                .map(|name| (name.clone(), self.number(set.iter().filter_map(property(name)))))
                .collect(),
            other_properties: self.number(set.iter().filter_map(|schema| schema.get("additionalProperties"))),
            prefix: (0..longest).map(|index| self.number(set.iter().filter_map(|schema| element(schema, index)))).collect(),
            items: self.number(set.iter().filter_map(|schema| schema.get("items"))),
        }
    }
}

fn types(set: &[&Value]) -> JsonTypeSet {
    let mut types = JsonTypeSet::empty();
    for schema in set {
        let single = schema.get("type").and_then(Value::as_str).into_iter();
        let several = schema.get("type").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for name in single.chain(several) {
            types = name.parse().map_or(types, |name: JsonType| types.insert(name));
        }
    }
    if types.is_empty() { options(set).fold(types, |types, option| types.insert(type_of(option))) } else { types }
}

/// The values that are listed.
fn options<'d>(set: &[&'d Value]) -> impl Iterator<Item = &'d Value> {
    set.iter().flat_map(|schema| {
        let several = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        several.chain(schema.get("const"))
    })
}

fn type_of(value: &Value) -> JsonType {
    match value {
        Value::Number(number) if !number.is_f64() => JsonType::Integer,
        value => value.into(),
    }
}
