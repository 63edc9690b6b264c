//! From OpenAPI 3.0 to 3.1: its schemas become JSON Schemas (2020-12).
//!
//! What 3.0 says otherwise is `nullable`, the booleans `exclusiveMinimum` and `exclusiveMaximum`,
//! `example`, the formats `byte` and `binary`, and that nothing counts beside a `$ref`.

use serde_json::{Map, Value, json};

use super::walk::{Kind, change};

/// The version that documents are given.
const VERSION: &str = "3.1.0";

/// Translates a document of 3.0.
pub(super) fn upgrade(document: &mut Value) {
    document["openapi"] = VERSION.into();
    change(document, Kind::Document, &mut |kind, object| {
        if kind == Kind::Schema {
            schema(object);
        }
    });
}

fn schema(schema: &mut Map<String, Value>) {
    let nullable = schema.shift_remove("nullable") == Some(Value::Bool(true));
    if schema.contains_key("$ref") {
        schema.retain(|key, _| key == "$ref");
    }
    exclusive(schema, "exclusiveMinimum", "minimum");
    exclusive(schema, "exclusiveMaximum", "maximum");
    if let Some(example) = schema.shift_remove("example") {
        schema.entry("examples").or_insert_with(|| json!([example]));
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("byte") => drop(replace(schema, "format", "contentEncoding", "base64".into())),
        Some("binary") => drop(replace(schema, "format", "contentMediaType", "application/octet-stream".into())),
        _ => {}
    }
    if nullable {
        allow_null(schema);
    }
}

/// `minimum: 1, exclusiveMinimum: true` is `exclusiveMinimum: 1`.
fn exclusive(schema: &mut Map<String, Value>, exclusive: &str, inclusive: &str) {
    let Some(Value::Bool(is_exclusive)) = schema.get(exclusive) else { return };
    if *is_exclusive && let Some(limit) = schema.shift_remove(inclusive) {
        schema.insert(exclusive.to_owned(), limit);
    } else {
        schema.shift_remove(exclusive);
    }
}

/// Puts a member in the place of another.
fn replace(schema: &mut Map<String, Value>, old: &str, new: &str, value: Value) -> Option<Value> {
    let index = schema.keys().position(|key| key == old)?;
    schema.shift_remove(old);
    schema.shift_insert(index, new.to_owned(), value)
}

/// With a `type`, null is one more (3.0.3, section 4.7.24.2); an `enum` beside it still has the last
/// word. Without, 3.0 says that `nullable` means nothing; who writes it beside `$ref` or `allOf`
/// means that null is taken, and generators do write it there.
fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get("type") {
        Some(Value::String(name)) => {
            let both = json!([name, "null"]);
            schema.insert("type".into(), both);
        }
        None if ["$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| schema.contains_key(*key)) => {
            let inner = Value::Object(std::mem::take(schema));
            schema.insert("anyOf".into(), json!([inner, {"type": "null"}]));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgraded(schema: Value) -> Value {
        let mut document = json!({"openapi": "3.0.3", "paths": {}, "components": {"schemas": {"S": schema}}});
        upgrade(&mut document);
        assert_eq!(document["openapi"], VERSION);
        document["components"]["schemas"]["S"].take()
    }

    #[test]
    fn null_is_one_more_type() {
        assert_eq!(upgraded(json!({"type": "string", "nullable": true})), json!({"type": ["string", "null"]}));
        assert_eq!(upgraded(json!({"type": "string", "nullable": false})), json!({"type": "string"}));
        assert_eq!(upgraded(json!({"nullable": true, "description": "d"})), json!({"description": "d"}));
        let either = json!({"anyOf": [{"$ref": "#/components/schemas/S"}, {"type": "null"}]});
        assert_eq!(upgraded(json!({"$ref": "#/components/schemas/S", "nullable": true})), either);
        let all = upgraded(json!({"allOf": [{"type": "string", "nullable": true}], "nullable": true}));
        assert_eq!(all, json!({"anyOf": [{"allOf": [{"type": ["string", "null"]}]}, {"type": "null"}]}));
    }

    #[test]
    fn exclusive_limits_are_numbers() {
        let bounds = json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false});
        assert_eq!(upgraded(bounds), json!({"exclusiveMinimum": 1, "maximum": 9}));
        assert_eq!(upgraded(json!({"exclusiveMinimum": 3})), json!({"exclusiveMinimum": 3}), "3.1 already");
    }

    #[test]
    fn beside_a_reference_nothing_counts() {
        let property = json!({"properties": {"a": {"$ref": "#/x", "minLength": 5}, "$ref": {"type": "string"}}});
        let expected = json!({"properties": {"a": {"$ref": "#/x"}, "$ref": {"type": "string"}}});
        assert_eq!(upgraded(property), expected);
    }

    #[test]
    fn keys_keep_their_order_and_examples_their_content() {
        let schema = json!({
            "type": "object",
            "properties": {"z": {"format": "byte", "type": "string", "example": {"nullable": true}}, "a": {"type": "integer"}},
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "z": {"contentEncoding": "base64", "type": "string", "examples": [{"nullable": true}]}, "a": {"type": "integer"},
            },
        });
        assert_eq!(upgraded(schema).to_string(), expected.to_string());
    }
}
