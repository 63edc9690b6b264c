//! The rows of the contract's table, the branch that is followed, and the order of what is listed.

use serde_json::{Value, json};

use super::{Location, Schema, Source};

fn listed(schema: &Value, value: &Value, location: &Location) -> Value {
    serde_json::to_value(Schema::compile(schema).unwrap().violations(value, location)).unwrap()
}

/// Type, message and context of the one violation; its place and input are held to be the value's.
fn only(schema: &Value, value: &Value) -> (String, String, Value) {
    let listed = listed(schema, value, &Location::body());
    let [violation] = &listed.as_array().unwrap()[..] else { panic!("{schema} {value}: {listed}") };
    assert_eq!((&violation["loc"], &violation["input"]), (&json!(["body"]), value), "{listed}");
    let text = |key: &str| violation[key].as_str().unwrap().to_owned();
    (text("type"), text("msg"), violation["ctx"].clone())
}

/// Type and place of each violation.
fn places(schema: &Value, value: &Value) -> Vec<String> {
    let listed = listed(schema, value, &Location::body());
    let place = |violation: &Value| {
        let loc: Vec<&str> = violation["loc"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect();
        format!("{} {}", violation["type"].as_str().unwrap(), loc.join("."))
    };
    listed.as_array().unwrap().iter().map(place).collect()
}

#[test]
fn every_row_of_the_contract_has_its_words() {
    let text = |keyword: &str, limit: Value| json!({"type": "string", keyword: limit});
    let format = |name: &str| text("format", json!(name));
    let kind = |name: &str| json!({ "type": name });
    for (schema, value, expected, msg, ctx) in [
        (
            text("minLength", json!(3)),
            json!("é😀"),
            "string_too_short",
            "String should have at least 3 characters",
            json!({"min_length": 3}),
        ),
        (
            text("maxLength", json!(1)),
            json!("ab"),
            "string_too_long",
            "String should have at most 1 characters",
            json!({"max_length": 1}),
        ),
        (json!({"exclusiveMinimum": 1.5}), json!(1.5), "greater_than", "Input should be greater than 1.5", json!({"gt": 1.5})),
        (json!({"minimum": 1}), json!(0), "greater_than_equal", "Input should be greater than or equal to 1", json!({"ge": 1})),
        (json!({"exclusiveMaximum": 1}), json!(1), "less_than", "Input should be less than 1", json!({"lt": 1})),
        (json!({"maximum": 1}), json!(1.5), "less_than_equal", "Input should be less than or equal to 1", json!({"le": 1})),
        (
            json!({"enum": ["a", "b", "c"]}),
            json!("d"),
            "enum",
            "Input should be 'a', 'b' or 'c'",
            json!({"expected": "'a', 'b' or 'c'"}),
        ),
        (json!({"const": 1}), json!(2), "enum", "Input should be 1", json!({"expected": "1"})),
        (
            text("pattern", json!("^a$")),
            json!("b"),
            "string_pattern_mismatch",
            "String should match pattern '^a$'",
            json!({"pattern": "^a$"}),
        ),
        (format("uuid"), json!("x"), "uuid_parsing", "Input should be a valid UUID", Value::Null),
        (format("date"), json!("2026-02-30"), "date_parsing", "Input should be a valid date", Value::Null),
        (format("date-time"), json!("2026-02-03 10:00"), "datetime_parsing", "Input should be a valid datetime", Value::Null),
        (format("time"), json!("25:00:00Z"), "time_parsing", "Input should be a valid time", Value::Null),
        (format("duration"), json!("1 day"), "duration_parsing", "Input should be a valid duration", Value::Null),
        (
            kind("integer"),
            json!("x"),
            "int_parsing",
            "Input should be a valid integer, unable to parse string as an integer",
            Value::Null,
        ),
        (
            kind("number"),
            json!("x"),
            "float_parsing",
            "Input should be a valid number, unable to parse string as a number",
            Value::Null,
        ),
        (kind("boolean"), json!(1), "bool_parsing", "Input should be a valid boolean", Value::Null),
        (kind("string"), json!(1), "string_type", "Input should be a valid string", Value::Null),
        (kind("integer"), json!(1.5), "type_error", "Input should be a valid integer", Value::Null),
        (kind("object"), json!([]), "type_error", "Input should be a valid object", Value::Null),
        (json!({"type": ["array", "null"]}), json!(1), "type_error", "Input should be a valid null or array", Value::Null),
        (
            json!({"minItems": 1}),
            json!([]),
            "too_short",
            "List should have at least 1 item after validation",
            json!({"min_length": 1}),
        ),
        (
            json!({"minItems": 2}),
            json!([1]),
            "too_short",
            "List should have at least 2 items after validation",
            json!({"min_length": 2}),
        ),
        (
            json!({"maxItems": 1}),
            json!([1, 2]),
            "too_long",
            "List should have at most 1 item after validation",
            json!({"max_length": 1}),
        ),
        (json!({"multipleOf": 5}), json!(7), "multiple_of", "Input should be a multiple of 5", json!({"multiple_of": 5})),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            json!({"a": 1, "b": 2}),
            "validation_error",
            "Additional properties are not allowed",
            json!({"additional_properties": false, "unexpected_field": "b"}),
        ),
        (
            json!({"uniqueItems": true}),
            json!([1, 1.0]),
            "validation_error",
            "List should not have the same item twice",
            json!({"unique_items": true}),
        ),
    ] {
        assert_eq!(only(&schema, &value), (expected.into(), msg.into(), ctx), "{schema} {value}");
    }
    let (kind, _, ctx) = only(&format("email"), &json!("ada"));
    assert_eq!((&*kind, ctx["pattern"].is_string()), ("string_pattern_mismatch", true));
}

#[test]
fn a_parameter_that_is_no_boolean_has_words_of_its_own() {
    let query = Location::parameter(Source::Query, "flag");
    assert_eq!(
        listed(&json!({"type": "boolean"}), &json!("maybe"), &query),
        json!([{
            "type": "bool_parsing",
            "loc": ["query", "flag"],
            "msg": "Input should be a valid boolean, unable to interpret input",
            "input": "maybe",
        }])
    );
}

#[test]
fn a_missing_field_shows_the_object_that_lacks_it() {
    let schema = json!({"properties": {"user": {"required": ["name"]}}});
    assert_eq!(
        listed(&schema, &json!({"user": {"age": 1}, "x": 2}), &Location::body()),
        json!([{"type": "missing", "loc": ["body", "user", "name"], "msg": "Field required", "input": {"age": 1}}])
    );
}

#[test]
fn takes_what_json_schema_takes() {
    for (schema, value) in [
        (json!({"type": "integer"}), json!(1.0)),
        (json!({"type": "string", "format": "binary"}), json!("\u{0}")),
        (json!({"type": "integer", "format": "int64"}), json!(1)),
        (json!({"type": "string", "pattern": "^\\d+$"}), json!("12")),
        (json!({"format": "date-time"}), json!("2026-02-03T10:00:00.5+01:00")),
        (json!({"enum": [1]}), json!(1.0)),
    ] {
        assert_eq!(listed(&schema, &value, &Location::body()), json!([]), "{schema} {value}");
    }
    assert_eq!(places(&json!({"pattern": "^\\d+$"}), &json!("١")), ["string_pattern_mismatch "], "digits of other scripts");
    assert_eq!(places(&json!({"pattern": "^abc$"}), &json!("abc\n")), ["string_pattern_mismatch "]);
}

#[test]
fn everything_is_listed_in_the_order_of_the_document() {
    let schema = json!({
        "required": ["a", "b"],
        "properties": {
            "a": {"type": "array", "items": {"type": "integer"}},
            "n": {"minimum": 5, "multipleOf": 2},
            "o": {"required": ["p"]},
        },
        "additionalProperties": false,
        "allOf": [{"required": ["b"]}],
    });
    let found = places(&schema, &json!({"o": {}, "n": 3, "x": 1, "a": [1, "x", 2, true], "y": 1}));
    let expected = [
        "validation_error ",
        "validation_error ",
        "missing b",
        "missing o.p",
        "greater_than_equal n",
        "multiple_of n",
        "int_parsing a.1",
        "type_error a.3",
    ];
    assert_eq!(
        {
            let mut found = found[..3].to_vec();
            found.sort();
            found
        },
        ["missing b", "validation_error ", "validation_error "]
    );
    assert_eq!(found[3..], expected[3..]);
}

#[test]
fn the_branch_of_the_discriminator_is_followed() {
    let branch = |name: &str, field: &str, kind: &str| {
        json!({
            "type": "object",
            "properties": {"kind": {"enum": [name]}, field: {"type": kind}},
            "required": ["kind", field],
        })
    };
    let schema = |discriminator: Value| {
        json!({
            "$defs": {"Cat": branch("cat", "lives", "integer"), "Dog": branch("dog", "name", "string")},
            "items": {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}], "discriminator": discriminator},
        })
    };
    let mapped = schema(json!({"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}}));
    let plain = schema(json!({"propertyName": "kind"}));
    let pets = json!([{"kind": "cat", "lives": "x"}, {"kind": "dog"}, {"kind": "cow"}, {"kind": "dog", "name": "Rex"}, 5]);
    for schema in [&mapped, &plain] {
        assert_eq!(places(schema, &pets), ["int_parsing 0.lives", "missing 1.name", "enum 2.kind", "type_error 4"]);
    }
    let cow = &listed(&mapped, &json!([{"kind": "cow"}]), &Location::body())[0];
    assert_eq!((&cow["msg"], &cow["input"]), (&json!("Input should be 'cat' or 'dog'"), &json!("cow")));
}

#[test]
fn without_a_discriminator_the_type_decides_then_the_depth() {
    let either = |branches: Value| json!({ "oneOf": branches });
    let nullable = either(json!([{"type": "integer", "minimum": 1}, {"type": "null"}]));
    assert_eq!(places(&nullable, &json!(0)), ["greater_than_equal "]);
    assert_eq!(only(&nullable, &json!("x")).1, "Input should be a valid null or integer");

    let shallow = json!({"properties": {"a": {"type": "integer"}}, "required": ["a"], "type": "object"});
    let deep = json!({"properties": {"a": {"properties": {"b": {"type": "integer"}}}}, "type": "object"});
    let objects = either(json!([shallow, deep]));
    assert_eq!(places(&objects, &json!({"a": {"b": "x"}})), ["int_parsing a.b"]);

    let nested = either(json!([{"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, {"type": "string", "minLength": 2}]));
    assert_eq!(places(&nested, &json!("x")), ["string_too_short "]);
    assert_eq!(only(&nested, &json!([])).1, "Input should be a valid boolean, integer or string");
    assert_eq!(places(&either(json!([{}, {"type": "string"}])), &json!("x")), ["validation_error "]);
}

#[test]
fn a_schema_that_is_none_is_an_error_that_names_the_place() {
    let error = Schema::compile(&json!({"properties": {"a": {"type": "int"}}})).unwrap_err().to_string();
    assert!(error.starts_with("schema at `/properties/a/type` is wrong: "), "{error}");
    assert!(Schema::compile(&json!({"$ref": "#/$defs/Missing"})).is_err());
    assert!(Schema::compile(&json!({"$ref": "https://example.com/schema.json"})).is_err());
}
