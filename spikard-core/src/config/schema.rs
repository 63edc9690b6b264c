//! The JSON Schema of the configuration, as the structs yield it and as the loader needs it.
//!
//! The schema holds no `anyOf`, `oneOf`, `allOf`, `not` or `if`: with them a mistake deep inside
//! would become one useless message at the top. An optional value is a key that may be left out,
//! an enum is a plain list of names, and a policy is one node of several types: `true`, `false`,
//! a table, and the plain value that stands for one of its fields, if it has such a shorthand.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use spikard_middleware::stack::{KEYS, Key};

use super::ServerConfig;

/// The schema that the loader holds a tree against.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
        let mut schema = generator.into_root_schema_for::<ServerConfig>().to_value();
        plain(&mut schema);
        for key in KEYS {
            open_policy(&mut schema, key);
        }
        schema
    });
    &SCHEMA
}

/// The schema for editors: the same, and `${NAME}` wherever a number or a boolean stands.
pub fn published() -> Value {
    let mut schema = schema().clone();
    allow_references(&mut schema);
    schema
}

/// Rewrites what schemars makes of `Option` and of enums with documented variants.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            strip_null(object);
            flatten_enum(object);
            flatten_single(object);
            // Formats such as `uint16` repeat what `minimum` and `maximum` say.
            if object.get("format").and_then(Value::as_str).is_some_and(|format| !format.contains('-')) {
                object.remove("format");
            }
            object.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

fn strip_null(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            object.insert("type".into(), single);
        }
    }
    if let Some(Value::Array(names)) = object.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    let Some(Value::Array(branches)) = object.get_mut("anyOf") else { return };
    branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(single)] = branches.as_slice() {
        let single = single.clone();
        object.remove("anyOf");
        merge_missing(object, single);
    }
}

/// `oneOf` of constants, each with a description, becomes `enum`; the descriptions go to
/// `x-spikard-values`, where the documentation finds them.
fn flatten_enum(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get("oneOf") else { return };
    let mut names = Vec::new();
    let mut described = Map::new();
    for branch in branches {
        let constants: Vec<&Value> = match (branch.get("const"), branch.get("enum")) {
            (Some(constant), _) => vec![constant],
            (None, Some(Value::Array(constants))) => constants.iter().collect(),
            _ => return,
        };
        for constant in constants {
            if let (Some(name), Some(description)) = (constant.as_str(), branch.get("description")) {
                described.insert(name.to_owned(), description.clone());
            }
            names.push(constant.clone());
        }
    }
    object.remove("oneOf");
    object.insert("type".into(), "string".into());
    object.insert("enum".into(), names.into());
    if !described.is_empty() {
        object.insert("x-spikard-values".into(), described.into());
    }
}

/// schemars wraps a `$ref` in `allOf` where it stands beside other keywords.
fn flatten_single(object: &mut Map<String, Value>) {
    if let Some([Value::Object(single)]) = object.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        let single = single.clone();
        object.remove("allOf");
        merge_missing(object, single);
    }
}

fn merge_missing(object: &mut Map<String, Value>, other: Map<String, Value>) {
    for (keyword, value) in other {
        object.entry(keyword).or_insert(value);
    }
}

/// Lets a policy be `true`, `false` and its shorthand beside a table, wherever it is a key.
fn open_policy(schema: &mut Value, key: &Key) {
    let mut owners = vec![String::new()];
    if let Some(Value::Object(definitions)) = schema.get("$defs") {
        owners.extend(definitions.keys().map(|name| format!("/$defs/{name}")));
    }
    let is_route = |owner: &String| {
        let properties = schema.pointer(&format!("{owner}/properties"));
        properties.is_some_and(|properties| KEYS.iter().all(|key| properties.get(key.name).is_some()))
    };
    owners.retain(is_route);
    for owner in owners {
        let mention = format!("{owner}/properties/{}", key.name);
        let target = target_of(schema, &mention);
        let shorthand = key.shorthand.and_then(|field| {
            let field = target_of(schema, &format!("{target}/properties/{field}"));
            schema.pointer(&field).cloned()
        });
        if let Some(Value::Object(policy)) = schema.pointer_mut(&target) {
            open(policy, shorthand);
        }
        // The field says of itself only which struct it is; the struct says what it does. Of one
        // struct or a list of them, that is the struct of the list.
        let home = if target == mention { format!("{target}/items") } else { target };
        let description = schema.pointer(&home).and_then(|policy| policy.get("description")).cloned();
        if let (Some(Value::Object(field)), Some(description)) = (schema.pointer_mut(&mention), description) {
            field.insert("description".into(), description);
        }
    }
}

fn open(policy: &mut Map<String, Value>, shorthand: Option<Value>) {
    let mut types = vec![json!("boolean")];
    types.extend(type_names(policy.get("type")));
    if let Some(Value::Object(mut field)) = shorthand {
        types.extend(type_names(field.get("type")));
        for keyword in ["type", "description", "default"] {
            field.remove(keyword);
        }
        merge_missing(policy, field);
    }
    // A struct that several keys refer to is opened once.
    let mut unique: Vec<Value> = Vec::new();
    for name in types {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    policy.insert("type".into(), unique.into());
}

/// Follows the references from a place of the schema.
fn target_of(schema: &Value, pointer: &str) -> String {
    let mut pointer = pointer.to_owned();
    while let Some(reference) = schema.pointer(&pointer).and_then(|place| place.get("$ref")).and_then(Value::as_str) {
        pointer = reference.trim_start_matches('#').to_owned();
    }
    pointer
}

fn type_names(types: Option<&Value>) -> Vec<Value> {
    match types {
        Some(Value::Array(names)) => names.clone(),
        Some(name) => vec![name.clone()],
        None => vec![],
    }
}

fn allow_references(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let types = type_names(object.get("type"));
            let scalar = types.iter().any(|name| name == "boolean" || name == "integer" || name == "number");
            if scalar && !types.iter().any(|name| name == "string") {
                let types: Vec<Value> = types.into_iter().chain([json!("string")]).collect();
                object.insert("type".into(), types.into());
                object.insert("pattern".into(), r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$".into());
            }
            object.values_mut().for_each(allow_references);
        }
        Value::Array(items) => items.iter_mut().for_each(allow_references),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::shape::Shape;

    fn walk(value: &Value, at: &str, visit: &mut dyn FnMut(&str, &Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                visit(at, object);
                for (key, value) in object {
                    walk(value, &format!("{at}/{key}"), visit);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, at, visit)),
            _ => {}
        }
    }

    #[test]
    fn holds_no_choice_between_schemas_and_no_null() {
        for schema in [schema(), &published()] {
            walk(schema, "", &mut |at, object| {
                if at.ends_with("/properties") {
                    return;
                }
                for keyword in ["anyOf", "oneOf", "allOf", "not", "if"] {
                    assert!(!object.contains_key(keyword), "{keyword} at {at}");
                }
                assert!(!type_names(object.get("type")).contains(&json!("null")), "null at {at}");
            });
        }
    }

    #[test]
    fn takes_no_unknown_key_in_any_struct() {
        walk(schema(), "", &mut |at, object| {
            if object.contains_key("properties") && !at.ends_with("/properties") {
                assert_eq!(object.get("additionalProperties"), Some(&json!(false)), "{at}");
            }
        });
    }

    #[test]
    fn every_policy_can_be_switched_and_describes_itself() {
        for key in KEYS {
            let policy = Shape::root(schema()).key(key.name).unwrap_or_else(|| panic!("{} has no schema", key.name));
            assert!(policy.allows("boolean") && policy.allows("object"), "{}", key.name);
            let described = policy.mention.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(!described.is_empty() && !described.starts_with("See "), "{}: {described}", key.name);
            if let Some(field) = key.shorthand {
                assert!(policy.key(field).is_some(), "{} has no {field}", key.name);
            }
        }
    }
}
