//! The property that a configuration is the same in TOML, in YAML, in JSON and as a Rust value:
//! equal structs, and an equal description of what is built from them.
//!
//! The configurations are made from the schema, so a new policy is part of this by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use spikard_middleware::Override;
use spikard_middleware::secret::MASK;
use spikard_middleware::stack::KEYS;

use super::schema::schema;
use super::shape::Shape;
use super::{Format, OpenApiConfig, ResponseConfig, RouteConfig, ServerConfig, load_text, print};
use crate::Gateway;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn three_formats_and_a_rust_value_are_one_configuration(document in any_table(Shape::root(schema())).prop_map(sensible)) {
        let read = |text: &str, format| load_text("twin", text, format, Path::new(""), &|_| None)
            .map(|loaded| loaded.config)
            .map_err(|report| report.diagnostics.iter().map(|one| format!("{}: {}", one.at, one.message)).collect::<Vec<_>>());

        let from_json = read(&document.to_string(), Format::Json);
        let yaml = serde_saphyr::to_string(&document).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read(&yaml, Format::Yaml), &from_json, "{}", yaml);
        let toml = ::toml::to_string(&document).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read(&toml, Format::Toml), &from_json, "{}", toml);

        let config = from_json.map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{document:#}")))?;
        for format in Format::ALL {
            let printed = print(&config, format).map_err(TestCaseError::fail)?;
            let again = read(&printed, format).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{printed}")))?;
            prop_assert_eq!(&again, &config, "{}", printed);
            prop_assert_eq!(description(&again), description(&config));
        }
    }
}

/// What is built: the stack of the server and of each route, or all that forbids it.
fn description(config: &ServerConfig) -> String {
    // Made-up directories do not exist and made-up logs should not; the policies are what is built.
    let routes = (0..config.routes.len()).map(|number| RouteConfig {
        path: format!("/{number}"),
        methods: Vec::new(),
        host: None,
        upstream: None,
        static_files: None,
        redirect: None,
        python: None,
        response: Some(ResponseConfig::default()),
        access_log: Override::Inherit,
        ..config.routes[number].clone()
    });
    let config = ServerConfig {
        routes: routes.collect(),
        static_files: Vec::new(),
        upstreams: BTreeMap::new(),
        access_log: None,
        openapi: config.openapi.clone().map(|openapi| OpenApiConfig { access_log: Override::Inherit, ..openapi }),
        ..config.clone()
    };
    let gateway = match Gateway::build(&config) {
        Ok(gateway) => gateway,
        Err(error) => return format!("{:?}", error.each()),
    };
    let mut text = format!("{:?}\n", gateway.stack().names().collect::<Vec<_>>());
    for route in gateway.routes() {
        let _ = writeln!(text, "{} {:?} {:?}", route.name(), route.stack().names().collect::<Vec<_>>(), route.effective());
    }
    text
}

/// Any value that the schema allows at a place.
fn any_value(shape: Shape<'static>) -> BoxedStrategy<Value> {
    if let Some(listed) = shape.target.get("enum").and_then(Value::as_array) {
        return prop::sample::select(listed.as_slice()).boxed();
    }
    if shape.is_free() {
        return prop::sample::select(vec![json!({ "a": [1, 2.5, "no"] }), json!("text"), json!(true)]).boxed();
    }
    let mut choices: Vec<BoxedStrategy<Value>> = shape.format().map(examples).unwrap_or_default().into_iter().map(one).collect();
    let has_format = !choices.is_empty();
    for kind in shape.types() {
        match kind {
            "boolean" => choices.push(any::<bool>().prop_map(Value::from).boxed()),
            "integer" | "number" if !has_format => choices.push(any_number(shape, kind)),
            "string" if !has_format => choices.push(prop::sample::select(TEXTS).prop_map(Value::from).boxed()),
            "array" => {
                let least = usize::from(shape.target.get("minItems").is_some());
                if let Some(item) = shape.item() {
                    let items = prop::collection::vec(any_value(item), least..least + 2);
                    choices.push(items.prop_map(Value::from).boxed());
                }
            }
            "object" if !shape.is_secret() => choices.push(any_table(shape)),
            _ => {}
        }
    }
    prop::strategy::Union::new(choices).boxed()
}

fn any_table(shape: Shape<'static>) -> BoxedStrategy<Value> {
    if let Some(values) = shape.values() {
        let least = usize::from(shape.target.get("minProperties").is_some());
        let entries = prop::collection::btree_map("[a-z]{1,3}", any_value(values), least..least + 2);
        return entries.prop_map(|entries| entries.into_iter().collect()).boxed();
    }
    let required = shape.target.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let fields: Vec<BoxedStrategy<Option<(&'static str, Value)>>> = shape
        .properties()
        .map(|(key, inner)| {
            let entry = any_value(inner).prop_map(move |value| (key, value));
            let is_required = required.iter().any(|required| required == key);
            if is_required { entry.prop_map(Some).boxed() } else { prop::option::weighted(0.3, entry).boxed() }
        })
        .collect();
    let table =
        |fields: Vec<Option<(&str, Value)>>| fields.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect();
    fields.prop_map(table).boxed()
}

fn any_number(shape: Shape<'static>, kind: &str) -> BoxedStrategy<Value> {
    let bound = |keyword: &str| shape.target.get(keyword).and_then(Value::as_f64);
    let least = bound("minimum").or(bound("exclusiveMinimum")).unwrap_or(0.0) + 1.0;
    let most = bound("maximum").unwrap_or(1e6);
    let numbers = [least.min(most), most, (least + 10.0).min(most)];
    #[allow(clippy::cast_possible_truncation)]
    let number = move |number: f64| if number.fract() == 0.0 { json!(number as i64) } else { json!(number) };
    let fraction = (kind == "number").then(|| json!((least + most) / 3.0));
    prop::sample::select(numbers.into_iter().map(number).chain(fraction).collect::<Vec<_>>()).boxed()
}

const TEXTS: &[&str] = &["no", "017", "1e3", "a: b # c", " x ", "'\"\\", "line\nbreak", "ünï", "~", "$${A}", "-", "null"];

fn examples(format: &str) -> Vec<Value> {
    match format {
        "spikard-duration" => vec![json!(5), json!(0.5), json!("1m 30s"), json!("250ms")],
        "spikard-size" => vec![json!(16_384), json!("16KiB"), json!("32kB"), json!("8192")],
        "spikard-cidr" => vec![json!("10.0.0.0/8"), json!("fd00::/8")],
        "spikard-secret" => vec![json!(MASK)],
        "spikard-rate-limit-key" => vec![json!("address"), json!("header:X-Tenant"), json!("jwt:sub")],
        "spikard-moment" => vec![json!("2099-01-31"), json!("2099-01-31T12:34:56Z")],
        "spikard-hash-by" => vec![json!("address"), json!("header:x-tenant"), json!("cookie:Id")],
        "spikard-header-name" => vec![json!("X-User"), json!("x-other")],
        _ => Vec::new(),
    }
}

fn one(value: Value) -> BoxedStrategy<Value> {
    Just(value).boxed()
}

/// Mends what no schema can say: a route's `true` needs a policy of the server, policies that
/// need a setting have no `true`, and a route has one leaf.
fn sensible(mut document: Value) -> Value {
    let Some(server) = document.as_object_mut() else { return document };
    for key in KEYS {
        let needs_settings = Shape::root(schema()).key(key.name).is_some_and(|shape| shape.target.get("required").is_some());
        if needs_settings && server.get(key.name) == Some(&json!(true)) {
            server.remove(key.name);
        }
    }
    let policies = server.clone();
    mend_routes(&mut document, Shape::root(schema()), &policies, true);
    document
}

fn mend_routes(value: &mut Value, shape: Shape<'_>, server: &Map<String, Value>, is_server: bool) {
    match value {
        Value::Object(object) => {
            if shape.is_route() && !is_server {
                for key in KEYS {
                    mend_policy(object, server, key.name);
                }
            }
            for (key, value) in object.iter_mut() {
                if let Some(inner) = shape.key(key) {
                    mend_routes(value, inner, server, false);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if let Some(inner) = shape.item() {
                    mend_routes(item, inner, server, false);
                }
            }
        }
        _ => {}
    }
}

/// A route that says less than the server inherits the rest, and a Rust value that has none of it
/// cannot be written; so a route takes all or nothing here.
fn mend_policy(route: &mut Map<String, Value>, server: &Map<String, Value>, key: &str) {
    match route.get(key) {
        Some(Value::Bool(true)) => {
            route.remove(key);
        }
        Some(Value::Object(_)) if server.get(key).is_some_and(Value::is_object) => {
            route.insert(key.to_owned(), server[key].clone());
        }
        _ => {}
    }
}
