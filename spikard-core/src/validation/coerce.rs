//! Makes data of texts: what stands in a form or in a parameter, as its schema wants it.

use jsonschema::JsonType;
use serde_json::{Number, Value};

use super::schema::Schema;
use super::shape::Place;
use super::text;

/// Texts become what the schema wants at their place: numbers, booleans (by the rules of
/// parameters), and a list of one where a list is wanted. A text that cannot stays a text, and
/// [`Schema::violations`] says so. Where the schema also takes a text, one that reads as a number
/// or boolean becomes that, unless the schema lists it as a text.
///
/// ```
/// use serde_json::json;
/// use spikard_core::validation::{Schema, coerce};
///
/// # fn main() -> Result<(), spikard_core::validation::SchemaError> {
/// let schema = Schema::compile(&json!({
///     "properties": {"age": {"type": "integer"}, "tags": {"type": "array"}, "zip": {"type": "string"}},
/// }))?;
/// let fields = json!({"age": "36", "tags": "new", "zip": "01234"});
/// assert_eq!(coerce(fields, &schema), json!({"age": 36, "tags": ["new"], "zip": "01234"}));
/// # Ok(())
/// # }
/// ```
pub fn coerce(value: Value, schema: &Schema) -> Value {
    at_place(value, schema.places().root())
}

fn at_place(value: Value, place: Place<'_>) -> Value {
    match value {
        Value::String(text) => of_text(text, place),
        Value::Array(list) => {
            let elements = list.into_iter().enumerate();
            elements.map(|(index, element)| at_place(element, place.element(index))).collect()
        }
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| {
                let value = at_place(value, place.property(&key));
                (key, value)
            });
            Value::Object(entries.collect())
        }
        value => value,
    }
}

fn of_text(text: String, place: Place<'_>) -> Value {
    if place.lists(&text) {
        return Value::String(text);
    }
    let types = place.types();
    let wants = |kind| types.contains(kind);
    if wants(JsonType::Integer)
        && let Some(whole) = text::whole(&text).and_then(|whole| whole.value())
    {
        return whole;
    }
    if wants(JsonType::Number)
        && let Some(number) = text::number(&text).and_then(Number::from_f64)
    {
        return Value::Number(number);
    }
    if wants(JsonType::Boolean)
        && let Some(boolean) = text::boolean(&text)
        && !(text.is_empty() && wants(JsonType::String))
    {
        return Value::Bool(boolean);
    }
    if wants(JsonType::Array) && !wants(JsonType::String) {
        return Value::Array(vec![of_text(text, place.element(0))]);
    }
    Value::String(text)
}

#[cfg(test)]
mod tests {
    use super::super::Location;
    use super::*;
    use serde_json::json;

    fn coerced(schema: Value, value: Value) -> Value {
        coerce(value, &Schema::compile(&schema).unwrap())
    }

    #[test]
    fn texts_become_what_is_wanted_at_their_place() {
        let schema = json!({
            "$defs": {"Line": {"properties": {"count": {"type": "integer"}, "price": {"type": "number"}}}},
            "properties": {
                "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
                "paid": {"type": "boolean"},
                "note": {"type": "string"},
                "level": {"enum": [1, 2]},
                "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "pair": {"prefixItems": [{"type": "integer"}, {"type": "boolean"}]},
            },
            "additionalProperties": {"type": "integer"},
        });
        let fields = json!({
            "lines": [{"count": "2", "price": "1.5"}, {"count": "x"}],
            "paid": "", "note": "1", "level": "2", "size": "3", "pair": ["1", "true"], "other": "4", "": {"nested": "5"},
        });
        let expected = json!({
            "lines": [{"count": 2, "price": 1.5}, {"count": "x"}],
            "paid": false, "note": "1", "level": 2, "size": 3, "pair": [1, true], "other": 4, "": {"nested": "5"},
        });
        assert_eq!(coerced(schema, fields), expected);
    }

    #[test]
    fn a_single_value_becomes_a_list_where_only_a_list_is_wanted() {
        assert_eq!(coerced(json!({"type": "array", "items": {"type": "integer"}}), json!("1")), json!([1]));
        assert_eq!(coerced(json!({"type": ["array", "string"]}), json!("1")), json!("1"));
    }

    #[test]
    fn of_several_types_the_one_that_says_most_is_taken() {
        let either = |types: &[&str], text| coerced(json!({ "type": types }), json!(text));
        assert_eq!((either(&["string", "integer"], "1"), either(&["string", "integer"], "x")), (json!(1), json!("x")));
        assert_eq!((either(&["string", "boolean"], "true"), either(&["string", "boolean"], "")), (json!(true), json!("")));
        assert_eq!(coerced(json!({"anyOf": [{"const": "5"}, {"type": "integer"}]}), json!("5")), json!("5"));
    }

    #[test]
    fn what_cannot_be_read_is_said_by_the_schema() {
        let schema = Schema::compile(&json!({"properties": {"n": {"type": "integer"}, "b": {"type": "boolean"}}})).unwrap();
        let coerced = coerce(json!({"n": "x", "b": "maybe"}), &schema);
        let violations = schema.violations(&coerced, &Location::body());
        let found: Vec<_> = violations.iter().map(|violation| (&*violation.r#type, &violation.input)).collect();
        assert_eq!(found, [("int_parsing", &json!("x")), ("bool_parsing", &json!("maybe"))]);
    }
}
