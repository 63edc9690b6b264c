//! Finds what of a file must not be shown: the values of secrets, under misspelt keys too.

use std::collections::HashSet;

use super::schema::schema;
use super::shape::Shape;
use super::source::Source;
use super::suggest::nearest;
use super::tree::{Node, Reference, Value};

/// Masks every secret of the tree in its source.
pub(super) fn hide(tree: &Node, source: &mut Source) {
    let names = names();
    hide_in(tree, Some(Shape::root(schema())), &names, source);
}

/// The names of all secrets of the schema.
pub(super) fn names() -> HashSet<&'static str> {
    let mut names = HashSet::new();
    collect(schema(), &mut names);
    names
}

fn collect(schema: &'static serde_json::Value, names: &mut HashSet<&'static str>) {
    let inner: Box<dyn Iterator<Item = &serde_json::Value>> = match schema {
        serde_json::Value::Object(object) => Box::new(object.values()),
        serde_json::Value::Array(items) => Box::new(items.iter()),
        _ => return,
    };
    names.extend(Shape::root(schema).properties().filter(|(_, shape)| shape.guards_directly()).map(|(name, _)| name));
    inner.for_each(|inner| collect(inner, names));
}

fn hide_in(node: &Node, shape: Option<Shape<'_>>, names: &HashSet<&str>, source: &mut Source) {
    match &node.value {
        Value::Table(table) => {
            for entry in table.entries() {
                let (inner, secret) = guess(&entry.key, shape, names);
                if secret {
                    hide_all(&entry.node, source);
                } else {
                    hide_in(&entry.node, inner, names, source);
                }
            }
        }
        Value::Sequence(nodes) => {
            for node in nodes {
                hide_in(node, shape.and_then(Shape::item).or(shape), names, source);
            }
        }
        Value::Number(_) | Value::String(_) if shape.is_some_and(Shape::guards_secrets) => hide_all(node, source),
        _ => {}
    }
}

/// What a key of a table was meant to be, and whether that is a secret.
fn guess<'s>(key: &str, shape: Option<Shape<'s>>, names: &HashSet<&str>) -> (Option<Shape<'s>>, bool) {
    let Some(shape) = shape else { return (None, !nearest(key, names.iter().copied()).is_empty()) };
    if shape.is_free() || shape.is_map() {
        return (shape.key(key), false);
    }
    if let Some(inner) = shape.key(key) {
        return (Some(inner), false);
    }
    let known: Vec<(&str, Shape<'_>)> = shape.properties().collect();
    let near = nearest(key, known.iter().map(|(key, _)| *key));
    let meant = near.iter().filter_map(|near| shape.key(near));
    let secret = if near.is_empty() {
        shape.holds_secrets() || !nearest(key, names.iter().copied()).is_empty()
    } else {
        meant.clone().any(Shape::guards_directly)
    };
    (meant.clone().next(), secret)
}

fn hide_all(node: &Node, source: &mut Source) {
    match &node.value {
        Value::Table(table) => table.entries().for_each(|entry| hide_all(&entry.node, source)),
        Value::Sequence(nodes) => nodes.iter().for_each(|node| hide_all(node, source)),
        Value::Number(_) | Value::String(_) => {
            // What names a file or a variable does not show what is in it.
            let names_a_place = matches!(node.reference, Some(Reference::Secret { .. }));
            if let Some(span) = node.origin.span().filter(|_| !names_a_place) {
                source.mask(span);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
