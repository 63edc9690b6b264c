//! JSON Schemas that refer to their own `$defs`, and the same schemas referring elsewhere.
//!
//! Only places where JSON Schema has a schema are looked at: a `$ref` in an example is data.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const HERE: &str = "#/$defs/";

/// Keywords whose values are a schema.
const ONE: [&str; 12] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalItems",
];
/// Keywords whose values are lists of schemas.
const MANY: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose values are schemas by name.
const NAMED: [&str; 4] = ["$defs", "dependentSchemas", "patternProperties", "properties"];

/// A schema and its definitions.
pub(super) struct Definitions<'s> {
    root: &'s Value,
    definitions: Option<&'s Map<String, Value>>,
}

impl<'s> Definitions<'s> {
    pub(super) fn of(root: &'s Value) -> Self {
        Self { root, definitions: root.get("$defs").and_then(Value::as_object) }
    }

    /// The definitions that are in use, with their content: their own text, and that of all that they refer to.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'s str, String)> + '_ {
        let used = self.reached(self.root);
        let definitions = self.definitions.into_iter().flatten();
        definitions.filter(move |(name, _)| used.contains(name.as_str())).map(|(name, definition)| {
            let others = self.reached(definition);
            let others = others.iter().filter_map(|name| Some(format!("\n{name} {}", self.definitions?.get(*name)?)));
            (name.as_str(), others.fold(definition.to_string(), |content, other| content + &other))
        })
    }

    /// The names of the definitions that a schema refers to, directly or not.
    fn reached(&self, schema: &'s Value) -> BTreeSet<&'s str> {
        let mut reached = BTreeSet::new();
        let mut left = vec![schema];
        while let Some(schema) = left.pop() {
            references(schema, &mut |reference| {
                let known = self.definitions.and_then(|definitions| {
                    let (name, definition) = definitions.get_key_value(&*named(reference)?)?;
                    Some((name.as_str(), definition))
                });
                if let Some((name, definition)) = known
                    && reached.insert(name)
                {
                    left.push(definition);
                }
            });
        }
        reached
    }

    /// A definition that refers to where `place` says that definitions are.
    pub(super) fn referring(&self, name: &str, place: &dyn Fn(&str) -> Option<String>) -> Value {
        let mut definition = self.definitions.and_then(|definitions| definitions.get(name)).cloned().unwrap_or_default();
        redirect(&mut definition, place);
        definition
    }

    /// The schema without its definitions, referring to where `place` says that they are.
    pub(super) fn root_referring(&self, place: &dyn Fn(&str) -> Option<String>) -> Value {
        let mut root = self.root.clone();
        if let Value::Object(keywords) = &mut root {
            keywords.shift_remove("$defs");
        }
        redirect(&mut root, place);
        root
    }
}

/// A schema that refers to itself as a whole, `#`, as a definition that it refers to: in a document
/// `#` is the document.
pub(super) fn without_own_reference(schema: &Value) -> Value {
    let mut whole = schema.clone();
    let mut refers = false;
    each_reference(&mut whole, &mut |reference| refers |= reference == "#");
    if !refers {
        return whole;
    }
    let name = schema.get("title").and_then(Value::as_str).unwrap_or("Schema").to_owned();
    each_reference(&mut whole, &mut |reference| {
        if reference == "#" {
            *reference = format!("{HERE}{name}");
        }
    });
    let definitions = whole.as_object_mut().and_then(|keywords| keywords.shift_remove("$defs"));
    let mut definitions = definitions.and_then(|defs| defs.as_object().cloned()).unwrap_or_default();
    definitions.insert(name.clone(), whole);
    json!({ "$ref": format!("{HERE}{name}"), "$defs": definitions })
}

fn references<'s>(schema: &'s Value, visit: &mut dyn FnMut(&'s str)) {
    let Some(keywords) = schema.as_object() else { return };
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(reference)) => visit(reference),
            ("discriminator", Value::Object(discriminator)) => {
                let mapping = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
                mapping.filter_map(|(_, reference)| reference.as_str()).for_each(&mut *visit);
            }
            // What a definition says counts where it is referred to.
            ("$defs", _) => {}
            (keyword, Value::Object(named)) if NAMED.contains(&keyword) => named.values().for_each(|one| references(one, visit)),
            (keyword, Value::Array(many)) if MANY.contains(&keyword) => many.iter().for_each(|one| references(one, visit)),
            (keyword, one) if ONE.contains(&keyword) => references(one, visit),
            _ => {}
        }
    }
}

fn redirect(schema: &mut Value, place: &dyn Fn(&str) -> Option<String>) {
    each_reference(schema, &mut |reference| {
        if let Some(elsewhere) = named(reference).and_then(|name| place(&name)) {
            *reference = elsewhere;
        }
    });
}

fn each_reference(schema: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, value) in keywords.iter_mut() {
        match (keyword.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(reference)) => visit(reference),
            ("discriminator", Value::Object(discriminator)) => {
                let mapping = discriminator.get_mut("mapping").and_then(Value::as_object_mut);
                for reference in mapping.into_iter().flat_map(|mapping| mapping.values_mut()) {
                    if let Value::String(reference) = reference {
                        visit(reference);
                    }
                }
            }
            (keyword, Value::Object(named)) if NAMED.contains(&keyword) => {
                named.values_mut().for_each(|one| each_reference(one, visit));
            }
            (keyword, Value::Array(many)) if MANY.contains(&keyword) => {
                many.iter_mut().for_each(|one| each_reference(one, visit));
            }
            (keyword, one) if ONE.contains(&keyword) => each_reference(one, visit),
            _ => {}
        }
    }
}

/// The name of the definition that a reference means; `~0` and `~1` are `~` and `/` (RFC 6901).
fn named(reference: &str) -> Option<String> {
    let name = reference.strip_prefix(HERE).filter(|name| !name.contains('/'))?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(schema: &Value) -> Value {
        Definitions::of(schema).root_referring(&|name| Some(format!("#/there/{name}")))
    }

    #[test]
    fn references_are_redirected_where_schemas_stand_and_nowhere_else() {
        let schema = json!({
            "properties": {
                "$ref": { "$ref": "#/$defs/A" },
                "examples": { "type": "object", "examples": [{ "$ref": "#/$defs/A" }] },
            },
            "oneOf": [{ "items": { "$ref": "#/$defs/a~1b" } }, { "$ref": "https://other.example/#/$defs/A" }],
            "discriminator": { "propertyName": "kind", "mapping": { "a": "#/$defs/A" } },
            "$defs": { "A": {} },
        });
        let expected = json!({
            "properties": {
                "$ref": { "$ref": "#/there/A" },
                "examples": { "type": "object", "examples": [{ "$ref": "#/$defs/A" }] },
            },
            "oneOf": [{ "items": { "$ref": "#/there/a/b" } }, { "$ref": "https://other.example/#/$defs/A" }],
            "discriminator": { "propertyName": "kind", "mapping": { "a": "#/there/A" } },
        });
        assert_eq!(moved(&schema), expected);
    }

    #[test]
    fn definitions_that_nothing_refers_to_are_none() {
        let schema = json!({
            "$ref": "#/$defs/Tree",
            "$defs": { "Unused": {}, "Tree": { "items": { "$ref": "#/$defs/Leaf" } }, "Leaf": { "items": { "$ref": "#/$defs/Tree" } } },
        });
        let names: Vec<&str> = Definitions::of(&schema).each().map(|(name, _)| name).collect();
        assert_eq!(names, ["Tree", "Leaf"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_becomes_a_definition() {
        let tree = json!({ "title": "Tree", "type": "array", "items": { "$ref": "#" } });
        let expected = json!({ "title": "Tree", "type": "array", "items": { "$ref": "#/$defs/Tree" } });
        assert_eq!(without_own_reference(&tree), json!({ "$ref": "#/$defs/Tree", "$defs": { "Tree": expected } }));
    }
}
