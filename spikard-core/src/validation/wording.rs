//! What a broken rule is called: type, message and context of each violation.

use jsonschema::JsonType;
use jsonschema::JsonTypeSet;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Value, json};

use super::formats;
use super::leaf::Rule;
use super::violation::{Location, Violation};

/// The violations that a leaf stands for. Most are one; each key that may not be there is one.
/// `input` is asked for the value once for each.
pub(super) fn violations(rule: Rule, location: Location, input: &mut dyn FnMut() -> Value) -> Vec<Violation> {
    let kind = match rule {
        Rule::Keyword(Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected }) => {
            let unexpected = unexpected.into_iter();
            return unexpected.map(|key| additional(&key, input(), location.clone())).collect();
        }
        Rule::Keyword(kind) => kind,
        Rule::Types(types) => return vec![wrong_type(types, input(), location)],
        Rule::Tag(tags) => return vec![one_of(&tags, input(), location)],
    };
    let input = input();
    let new = |kind: &'static str, msg: String, input: Value| Violation::new(kind, location.clone(), msg, input);
    let bound = |kind, words: &str, key: &str, limit: &Value, input| {
        new(kind, format!("Input should be {words} {limit}"), input).with(json!({ key: limit }))
    };
    let length = |kind, limit: u64, words: &str, key: &str, input| {
        let noun = if !words.starts_with("List") {
            " characters"
        } else if limit == 1 {
            " item after validation"
        } else {
            " items after validation"
        };
        new(kind, format!("{words} {limit}{noun}"), input).with(json!({ key: limit }))
    };
    let other = |msg: &str, ctx: Value, input| new("validation_error", msg.to_owned(), input).with(ctx);
    vec![match kind {
        Kind::Required { property } => Violation::missing(location.inside(property.as_str().unwrap_or_default()), input),
        Kind::MinLength { limit } => length("string_too_short", limit, "String should have at least", "min_length", input),
        Kind::MaxLength { limit } => length("string_too_long", limit, "String should have at most", "max_length", input),
        Kind::MinItems { limit } => length("too_short", limit, "List should have at least", "min_length", input),
        Kind::MaxItems { limit } => length("too_long", limit, "List should have at most", "max_length", input),
        Kind::AdditionalItems { limit } => length("too_long", limit as u64, "List should have at most", "max_length", input),
        Kind::ExclusiveMinimum { limit } => bound("greater_than", "greater than", "gt", &limit, input),
        Kind::Minimum { limit } => bound("greater_than_equal", "greater than or equal to", "ge", &limit, input),
        Kind::ExclusiveMaximum { limit } => bound("less_than", "less than", "lt", &limit, input),
        Kind::Maximum { limit } => bound("less_than_equal", "less than or equal to", "le", &limit, input),
        Kind::MultipleOf { multiple_of } => bound("multiple_of", "a multiple of", "multiple_of", &shortest(multiple_of), input),
        Kind::Enum { options } => one_of(options.as_array().map_or(&[][..], Vec::as_slice), input, location),
        Kind::Constant { expected_value } => one_of(&[Value::clone(&expected_value)], input, location),
        Kind::Pattern { pattern } => mismatch(&pattern, input, location),
        Kind::Format { format } if format == "email" => mismatch(formats::EMAIL, input, location),
        Kind::Format { format } => match formats::violated(&format) {
            Some((kind, noun)) => new(kind, format!("Input should be a valid {noun}"), input),
            None => other(&format!("Input should be a valid {format}"), json!({ "format": format }), input),
        },
        Kind::UniqueItems => other("List should not have the same item twice", json!({"unique_items": true}), input),
        Kind::MinProperties { limit } => {
            other(&format!("Object should have at least {limit} properties"), json!({"min_properties": limit}), input)
        }
        Kind::MaxProperties { limit } => {
            other(&format!("Object should have at most {limit} properties"), json!({"max_properties": limit}), input)
        }
        Kind::PropertyNames { error } => {
            let key = error.instance().as_str().unwrap_or_default().to_owned();
            other(&format!("Key '{key}' is not allowed"), json!({ "unexpected_field": key }), input)
        }
        Kind::OneOfMultipleValid { .. } => other("Input should match exactly one schema", json!({"keyword": "oneOf"}), input),
        Kind::FalseSchema => new("validation_error", "Input is not allowed".into(), input),
        kind => other(&format!("Input does not fit '{}'", kind.keyword()), json!({"keyword": kind.keyword()}), input),
    }]
}

fn additional(key: &str, input: Value, location: Location) -> Violation {
    let ctx = json!({"additional_properties": false, "unexpected_field": key});
    Violation::new("validation_error", location, "Additional properties are not allowed", input).with(ctx)
}

fn mismatch(pattern: &str, input: Value, location: Location) -> Violation {
    let msg = format!("String should match pattern '{pattern}'");
    Violation::new("string_pattern_mismatch", location, msg, input).with(json!({ "pattern": pattern }))
}

fn one_of(options: &[Value], input: Value, location: Location) -> Violation {
    let quoted = |option: &Value| option.as_str().map_or_else(|| option.to_string(), |text| format!("'{text}'"));
    let expected = or(&options.iter().map(quoted).collect::<Vec<_>>());
    Violation::new("enum", location, format!("Input should be {expected}"), input).with(json!({ "expected": expected }))
}

fn wrong_type(types: JsonTypeSet, input: Value, location: Location) -> Violation {
    let names: Vec<String> = types.iter().map(|name| name.to_string()).collect();
    let is_only = |name: JsonType| types == name.into();
    let (kind, msg) = if is_only(JsonType::String) {
        ("string_type", "Input should be a valid string")
    } else if is_only(JsonType::Integer) && input.is_string() {
        ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
    } else if is_only(JsonType::Number) && input.is_string() {
        ("float_parsing", "Input should be a valid number, unable to parse string as a number")
    } else if is_only(JsonType::Boolean) && location.is_body() {
        ("bool_parsing", "Input should be a valid boolean")
    } else if is_only(JsonType::Boolean) {
        ("bool_parsing", "Input should be a valid boolean, unable to interpret input")
    } else {
        return Violation::new("type_error", location, format!("Input should be a valid {}", or(&names)), input);
    };
    Violation::new(kind, location, msg, input)
}

/// The validator keeps this limit as a double.
fn shortest(limit: f64) -> Value {
    super::text::whole(&limit.to_string()).and_then(|whole| whole.value()).unwrap_or_else(|| json!(limit))
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn or(choices: &[String]) -> String {
    match choices {
        [] => "nothing".into(),
        [single] => single.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
