//! What becomes of the parameters of a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::{Parameter, ParameterSpec, Parameters, RequestHead, Source, Violation};
use crate::routes::{HostPattern, PathPattern, RouteKey, Table};

fn spec(source: Source, key: &str, schema: Value) -> ParameterSpec {
    ParameterSpec { key: key.into(), source, schema, required: true, separator: None, form: None }
}

fn optional(spec: ParameterSpec) -> ParameterSpec {
    ParameterSpec { required: false, ..spec }
}

fn read_all(
    specs: Vec<ParameterSpec>,
    query: &str,
    headers: &[(&'static str, &[u8])],
) -> Result<Vec<Option<Parameter<'static>>>, Vec<Violation>> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    let parameters = Parameters::compile(specs).unwrap();
    let read = parameters.read(&RequestHead { path: None, query, headers: &map })?;
    Ok(read.into_iter().map(|value| value.map(Parameter::into_owned)).collect())
}

/// The one parameter `q` of a query.
fn read(schema: Value, query: &str) -> Result<Parameter<'static>, Value> {
    let read = read_all(vec![spec(Source::Query, "q", schema)], query, &[]);
    read.map(|mut values| values.remove(0).unwrap()).map_err(|found| serde_json::to_value(found).unwrap())
}

fn refusal(schema: Value, query: &str) -> (String, Value) {
    let found = read(schema, query).unwrap_err();
    (found[0]["type"].as_str().unwrap().to_owned(), found[0]["input"].clone())
}

#[test]
fn texts_become_what_their_schema_wants() {
    use Parameter::{Boolean, Integer, Json, Large, Number, Text};
    for (schema, query, expected) in [
        (json!({"type": "string"}), "q=a+b%20c%2B%C3%A9", Text("a b c+é".into())),
        (json!({"type": "string", "minLength": 2, "maxLength": 2}), "q=%C3%A9x", Text("éx".into())),
        (json!({"type": "string"}), "q", Text("".into())),
        (json!({"type": "string", "enum": ["a", "b"]}), "q=b", Text("b".into())),
        (
            json!({"type": "string", "format": "uuid"}),
            "q=6f0a9c1e-0c4b-4c8e-9d55-3f2f0c1f1a2b",
            Text("6f0a9c1e-0c4b-4c8e-9d55-3f2f0c1f1a2b".into()),
        ),
        (json!({}), "q=1", Text("1".into())),
        (json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 8}), "q=7", Integer(7)),
        (json!({"type": "integer", "multipleOf": 7}), "%71=14", Integer(14)),
        (json!({"type": "integer"}), "q=123456789012345678901234567890", Large("123456789012345678901234567890".into())),
        (json!({"type": "integer", "multipleOf": 1}), "q=18446744073709551616", Large("18446744073709551616".into())),
        (json!({"type": "number", "maximum": 5}), "q=5", Number(5.0)),
        (json!({"type": "number", "exclusiveMinimum": 0}), "q=2.5e-1", Number(0.25)),
        (json!({"type": "boolean"}), "q=TRUE", Boolean(true)),
        (json!({"type": "boolean"}), "q=", Boolean(false)),
        (json!({"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Q"}), "q=1", Integer(1)),
        (json!({"type": ["boolean", "null"]}), "q=0", Boolean(false)),
        (json!({"type": "array", "items": {"type": "integer"}}), "q=1&x=0&q=2", Json(json!([1, 2]))),
        (json!({"type": "array", "items": {"type": "integer"}}), "q=1", Json(json!([1]))),
        (json!({"$ref": "#/$defs/E", "$defs": {"E": {"enum": [1, 2]}}}), "q=2", Integer(2)),
    ] {
        assert_eq!(read(schema.clone(), query), Ok(expected), "{schema} {query}");
    }
}

#[test]
fn what_does_not_fit_is_said_in_the_words_of_the_schema() {
    let integer = || json!({"type": "integer", "minimum": 1, "maximum": 9});
    assert_eq!(
        read(integer(), "q=ten"),
        Err(json!([{
            "type": "int_parsing",
            "loc": ["query", "q"],
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "input": "ten",
        }]))
    );
    for (schema, query, kind, input) in [
        (integer(), "q=0", "greater_than_equal", json!(0)),
        (integer(), "q=10", "less_than_equal", json!(10)),
        (integer(), "q=99999999999999999999", "less_than_equal", json!(1e20)),
        (integer(), "q=-99999999999999999999999999999999999999999", "greater_than_equal", json!(-1e41)),
        (integer(), "q=", "int_parsing", json!("")),
        (integer(), "q=1.5", "int_parsing", json!("1.5")),
        (integer(), "q=1&q=2", "type_error", json!(["1", "2"])),
        (json!({"type": "number"}), "q=NaN", "float_parsing", json!("NaN")),
        (json!({"type": "boolean"}), "q=yes", "bool_parsing", json!("yes")),
        (json!({"type": "string", "maxLength": 1}), "q=ab", "string_too_long", json!("ab")),
        (json!({"type": "string", "enum": ["a"]}), "q=b", "enum", json!("b")),
        (json!({"type": "string"}), "q=%ff", "string_type", json!("%ff")),
        (json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}), "q=x", "int_parsing", json!("x")),
    ] {
        assert_eq!(refusal(schema.clone(), query), (kind.into(), input), "{schema} {query}");
    }
    let list = read(json!({"type": "array", "items": integer()}), "q=1&q=x").unwrap_err();
    assert_eq!((&list[0]["type"], &list[0]["loc"]), (&json!("int_parsing"), &json!(["query", "q", "1"])));
}

#[test]
fn a_separator_splits_one_value() {
    for (separator, query) in [("|", "q=1%7C2|3"), (";", "q=1;2;3"), (",", "q=1,2&q=3"), (" ", "q=1+2%203")] {
        let list = spec(Source::Query, "q", json!({"type": "array", "items": {"type": "integer"}}));
        let list = ParameterSpec { separator: Some(separator.into()), ..list };
        assert_eq!(read_all(vec![list], query, &[]), Ok(vec![Some(Parameter::Json(json!([1, 2, 3])))]), "{query}");
    }
}

#[test]
fn all_sources_are_read_in_the_order_of_the_specs() {
    let text = || json!({"type": "string"});
    let specs = vec![
        spec(Source::Header, "X-Page-Size", json!({"type": "integer"})),
        spec(Source::Cookie, "session", text()),
        optional(spec(Source::Query, "absent", text())),
        spec(Source::Header, "accept", json!({"type": "array"})),
    ];
    let headers: &[(&str, &[u8])] =
        &[("x-page-size", b"5"), ("cookie", b"a=1; session=\"x\"; session=y"), ("accept", b"a"), ("accept", b"b")];
    let read = read_all(specs, "", headers).unwrap();
    let expected =
        [Some(Parameter::Integer(5)), Some(Parameter::Text("\"x\"".into())), None, Some(Parameter::Json(json!(["a", "b"])))];
    assert_eq!(read, expected);
}

#[test]
fn the_path_gives_its_parameters_decoded() {
    let path = PathPattern::parse("/users/{id}/{name}").unwrap();
    let table = Table::new(vec![RouteKey { host: HostPattern::Any, path, methods: Vec::new() }]).unwrap();
    let crate::routes::Matched::Route(_, path) = table.find("", "/users/7/a%2Fb", &http::Method::GET) else { panic!() };
    let specs = vec![spec(Source::Path, "name", json!({"type": "string"})), spec(Source::Path, "id", json!({"type": "integer"}))];
    let head = RequestHead { path: path.as_ref(), query: "", headers: &HeaderMap::new() };
    let expected = vec![Some(Parameter::Text("a/b".into())), Some(Parameter::Integer(7))];
    assert_eq!(Parameters::compile(specs).unwrap().read(&head), Ok(expected));
}

#[test]
fn everything_missing_and_wrong_is_listed() {
    let specs = vec![
        spec(Source::Header, "X-Token", json!({"type": "string"})),
        spec(Source::Query, "page", json!({"type": "integer"})),
        spec(Source::Cookie, "session", json!({"type": "string"})),
        spec(Source::Header, "x-bytes", json!({"type": "string"})),
    ];
    let found = read_all(specs, "page=x", &[("x-bytes", b"\xff")]).unwrap_err();
    assert_eq!(
        serde_json::to_value(&found[0]).unwrap(),
        json!({"type": "missing", "loc": ["headers", "x-token"], "msg": "Field required", "input": null})
    );
    let found: Vec<_> =
        found.iter().map(|violation| (&*violation.r#type, violation.loc.parts().collect::<Vec<_>>().join("."))).collect();
    let expected = [
        ("missing", "headers.x-token"),
        ("int_parsing", "query.page"),
        ("missing", "cookie.session"),
        ("string_type", "headers.x-bytes"),
    ];
    assert_eq!(found, expected.map(|(kind, place)| (kind, place.to_owned())));
}

#[test]
fn more_pairs_than_fit_on_the_stack_are_read_too() {
    let query = (0..100).map(|number| format!("q={number}")).collect::<Vec<_>>().join("&");
    let list = read(json!({"type": "array", "items": {"type": "integer"}}), &query);
    assert_eq!(list, Ok(Parameter::Json((0..100).collect())));
}

#[test]
fn a_name_that_is_none_and_a_schema_that_is_none_are_errors() {
    for spec in [spec(Source::Header, "a b", json!({})), spec(Source::Query, "q", json!({"type": "int"}))] {
        assert!(Parameters::compile(vec![spec]).is_err());
    }
}

proptest::proptest! {
    /// The fast path and the schema give the same answer: a keyword that says nothing takes the
    /// fast path away.
    #[test]
    fn a_plain_parameter_is_read_as_its_schema_says(
        kind in proptest::sample::select(vec!["integer", "number", "boolean", "string"]),
        least in -3_i64..3,
        most in -3_i64..12,
        text in "[-+]?[0-9]{0,3}(\\.[0-9]{0,2})?(e[0-9])?|[tT]rue|false|[a-zé ]{0,3}|[0-9]{18,40}",
    ) {
        let mut schema = json!({"type": kind});
        match kind {
            "string" => schema["minLength"] = least.max(0).into(),
            "boolean" => {}
            _ => {
                schema["minimum"] = least.into();
                schema["maximum"] = most.into();
            }
        }
        let query: String = format!("q={}", percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC));
        let plain = read(schema.clone(), &query);
        schema["allOf"] = json!([true]);
        proptest::prop_assert_eq!(plain, read(schema, &query));
    }
}
