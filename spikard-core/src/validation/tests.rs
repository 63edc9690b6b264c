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

/// Schema, a value that does not fit, type, message and context.
#[rustfmt::skip] // one row a line
const TABLE: &[[&str; 5]] = &[
    [r#"{"minLength": 3}"#, r#""é😀""#, "string_too_short", "String should have at least 3 characters", r#"{"min_length": 3}"#],
    [r#"{"maxLength": 1}"#, r#""ab""#, "string_too_long", "String should have at most 1 characters", r#"{"max_length": 1}"#],
    [r#"{"exclusiveMinimum": 1.5}"#, "1.5", "greater_than", "Input should be greater than 1.5", r#"{"gt": 1.5}"#],
    [r#"{"minimum": 1}"#, "0", "greater_than_equal", "Input should be greater than or equal to 1", r#"{"ge": 1}"#],
    [r#"{"exclusiveMaximum": 1}"#, "1", "less_than", "Input should be less than 1", r#"{"lt": 1}"#],
    [r#"{"maximum": 1}"#, "1.5", "less_than_equal", "Input should be less than or equal to 1", r#"{"le": 1}"#],
    [r#"{"enum": ["a", "b", "c"]}"#, r#""d""#, "enum", "Input should be 'a', 'b' or 'c'", r#"{"expected": "'a', 'b' or 'c'"}"#],
    [r#"{"const": 1}"#, "2", "enum", "Input should be 1", r#"{"expected": "1"}"#],
    [r#"{"pattern": "^a$"}"#, r#""b""#, "string_pattern_mismatch", "String should match pattern '^a$'", r#"{"pattern": "^a$"}"#],
    [r#"{"format": "uuid"}"#, r#""x""#, "uuid_parsing", "Input should be a valid UUID", "null"],
    [r#"{"format": "date"}"#, r#""2026-02-30""#, "date_parsing", "Input should be a valid date", "null"],
    [r#"{"format": "date-time"}"#, r#""2026-02-03 10:00""#, "datetime_parsing", "Input should be a valid datetime", "null"],
    [r#"{"format": "time"}"#, r#""25:00:00Z""#, "time_parsing", "Input should be a valid time", "null"],
    [r#"{"format": "duration"}"#, r#""1 day""#, "duration_parsing", "Input should be a valid duration", "null"],
    [r#"{"format": "ipv4"}"#, r#""x""#, "validation_error", "Input should be a valid ipv4", r#"{"format": "ipv4"}"#],
    [r#"{"type": "integer"}"#, r#""x""#, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", "null"],
    [r#"{"type": "number"}"#, r#""x""#, "float_parsing", "Input should be a valid number, unable to parse string as a number", "null"],
    [r#"{"type": "boolean"}"#, "1", "bool_parsing", "Input should be a valid boolean", "null"],
    [r#"{"type": "string"}"#, "1", "string_type", "Input should be a valid string", "null"],
    [r#"{"type": "integer"}"#, "1.5", "type_error", "Input should be a valid integer", "null"],
    [r#"{"type": "object"}"#, "[]", "type_error", "Input should be a valid object", "null"],
    [r#"{"type": ["array", "null"]}"#, "1", "type_error", "Input should be a valid null or array", "null"],
    [r#"{"minItems": 1}"#, "[]", "too_short", "List should have at least 1 item after validation", r#"{"min_length": 1}"#],
    [r#"{"minItems": 2}"#, "[1]", "too_short", "List should have at least 2 items after validation", r#"{"min_length": 2}"#],
    [r#"{"maxItems": 1}"#, "[1, 2]", "too_long", "List should have at most 1 item after validation", r#"{"max_length": 1}"#],
    [r#"{"multipleOf": 5}"#, "7", "multiple_of", "Input should be a multiple of 5", r#"{"multiple_of": 5}"#],
    [r#"{"uniqueItems": true}"#, "[1, 1.0]", "validation_error", "List should not have the same item twice", r#"{"unique_items": true}"#],
    [r#"{"properties": {"a": {}}, "additionalProperties": false}"#, r#"{"a": 1, "b": 2}"#, "validation_error",
        "Additional properties are not allowed", r#"{"additional_properties": false, "unexpected_field": "b"}"#],
];

#[test]
fn every_row_of_the_contract_has_its_words() {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for [schema, value, kind, msg, ctx] in TABLE {
        let expected = ((*kind).to_owned(), (*msg).to_owned(), json(ctx));
        assert_eq!(only(&json(schema), &json(value)), expected, "{schema} {value}");
    }
    let (kind, _, ctx) = only(&json!({"format": "email"}), &json!("ada"));
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
fn a_large_object_is_not_sent_back_for_each_key_that_it_lacks() {
    let required: Vec<String> = (0..50).map(|key| format!("k{key}")).collect();
    let found = Schema::compile(&json!({ "required": required })).unwrap();
    let found = found.violations(&json!({"x": "y".repeat(100_000)}), &Location::body());
    let shown = found.iter().filter(|violation| violation.input.is_object()).count();
    assert_eq!((found.len(), shown), (50, 2));
    assert!(found[2..].iter().all(|violation| violation.input.is_null()));
}

#[test]
fn of_too_many_violations_a_thousand_are_listed() {
    let numbers = Schema::compile(&json!({"items": {"type": "integer"}})).unwrap();
    let found = |count: usize| numbers.violations(&vec!["x"; count].into(), &Location::body()).len();
    assert_eq!((found(999), found(1000), found(1001)), (999, 1000, 1000));
    // The array is a value, too.
    assert_eq!((found(99_999), found(100_000)), (1000, 1));
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
fn numbers_beyond_64_bits_count_with_all_their_digits() {
    let fits = |schema: Value, text: &str| {
        Schema::compile(&schema).unwrap().violations_in(text.as_bytes(), &Location::body()).is_empty()
    };
    assert!(fits(json!({"uniqueItems": true}), "[18446744073709551616, 18446744073709551617]"));
    assert!(!fits(json!({"uniqueItems": true}), "[18446744073709551616, 18446744073709551616.0]"));
    assert!(!fits(json!({"type": "integer"}), "18446744073709551616.5"));
    assert!(!fits(json!({"maximum": u64::MAX}), "18446744073709551616"));
    assert!(!fits(json!({"enum": [9_007_199_254_740_993_u64]}), "9007199254740992.0"));
    assert!(fits(json!({"const": {"a": [1.0, "x"]}}), r#"{"a": [10e-1, "x"]}"#));
}

#[test]
fn a_text_that_was_not_scanned_is_not_valid() {
    let found = Schema::compile(&json!({})).unwrap().violations_in(b"{", &Location::body());
    assert_eq!(found[0].r#type, "json_invalid");
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
