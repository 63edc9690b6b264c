//! A configuration as the text of a file. What is read back is the same configuration, but for
//! secrets, which are written as `****`.

use serde_json::{Map, Value, json};
use spikard_middleware::stack::KEYS;

use super::ServerConfig;
use super::schema::schema;
use super::shape::Shape;
use super::syntax::Format;
use super::tree::{self, Node, Reference};

/// Writes a configuration.
///
/// A route's policy that has no value where the server's has one cannot come from a file, and is
/// read back with the server's value.
///
/// # Errors
/// When the format has no word for a value: TOML knows no null, which the `json` of an answer may
/// hold.
pub fn print(config: &ServerConfig, format: Format) -> Result<String, String> {
    write(config, None, format)
}

/// Writes a configuration with the references of the tree that it was made from.
pub(super) fn print_tree(config: &ServerConfig, tree: &Node, format: Format) -> Result<String, String> {
    write(config, Some(tree), format)
}

fn write(config: &ServerConfig, tree: Option<&Node>, format: Format) -> Result<String, String> {
    let mut value = serde_json::to_value(config).map_err(|error| error.to_string())?;
    if let Value::Object(server) = &mut value {
        for key in KEYS.iter().filter(|key| key.on) {
            // What is on by default and is not there has been switched off.
            if let Some(policy @ Value::Null) = server.get_mut(key.name) {
                *policy = Value::Bool(false);
            }
        }
    }
    escape_references(&mut value);
    if let Some(tree) = tree {
        put_references(&mut value, tree);
    }
    leave_out_absent(&mut value, Shape::root(schema()), true);
    match format {
        Format::Toml => ::toml::to_string_pretty(&value).map_err(|error| error.to_string()),
        Format::Yaml => serde_saphyr::to_string(&value).map_err(|error| error.to_string()),
        Format::Json => serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(|error| error.to_string()),
    }
}

fn leave_out_absent(value: &mut Value, shape: Shape<'_>, is_server: bool) {
    match value {
        Value::Object(object) if !shape.is_free() => {
            object.retain(|_, value| !value.is_null());
            if shape.is_route() && !is_server {
                replace_whole(object, shape);
            }
            for (key, value) in object {
                if let Some(inner) = shape.key(key) {
                    leave_out_absent(value, inner, false);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = shape.item() {
                for item in items {
                    leave_out_absent(item, inner, false);
                }
            }
        }
        _ => {}
    }
}

/// A route's table would be laid over the server's; where a list is as good, it replaces it.
fn replace_whole(route: &mut Map<String, Value>, shape: Shape<'_>) {
    for key in KEYS.iter().filter(|key| shape.key(key.name).is_some_and(|policy| policy.allows("array"))) {
        if let Some(policy) = route.get_mut(key.name).filter(|policy| policy.is_object()) {
            *policy = Value::Array(vec![policy.take()]);
        }
    }
}

/// What looks like a reference in a configuration is text: it was one, or it was never in a file.
fn escape_references(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("${", "$${"),
        Value::Array(items) => {
            for item in items {
                escape_references(item);
            }
        }
        Value::Object(object) => {
            for (_, inner) in object {
                escape_references(inner);
            }
        }
        _ => {}
    }
}

/// Puts what the file says in the place of what it refers to.
fn put_references(value: &mut Value, node: &Node) {
    match &node.reference {
        Some(Reference::Text(text)) => *value = text.as_str().into(),
        Some(Reference::Secret { kind, name }) => *value = json!({ *kind: name }),
        None => match (&node.value, value) {
            (tree::Value::Table(table), Value::Object(object)) => {
                for entry in table.entries() {
                    if let Some(inner) = object.get_mut(&entry.key) {
                        put_references(inner, &entry.node);
                    }
                }
            }
            (tree::Value::Sequence(nodes), Value::Array(items)) => {
                for (item, node) in items.iter_mut().zip(nodes) {
                    put_references(item, node);
                }
            }
            // A list of one may be written without the list.
            (tree::Value::Sequence(nodes), value) => {
                if let [single] = nodes.as_slice() {
                    put_references(value, single);
                }
            }
            _ => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load_text;

    #[test]
    fn what_is_printed_is_read_back_as_it_was() {
        let text = r#"
            max_body_size = false
            compression = { quality = 3, min_size = "2KiB" }
            shutdown_timeout = "1m 30s"
            trusted_proxies = ["10.0.0.0/8"]
            [[routes]]
            path = "/"
            response = { status = 201, headers = { no = "017" }, json = { a = ["no", 1.5, true, "a: b\n'c'"] } }
            rate_limit = { per_second = 0.5, burst = 3 }
            compression = false
        "#;
        let read = |text: &str, format| {
            let loaded = load_text("x", text, format, Path::new(""), &|_| None);
            loaded.unwrap_or_else(|report| panic!("{report}\n{text}")).config
        };
        let config = read(text, Format::Toml);
        for config in [config, ServerConfig::default()] {
            for format in Format::ALL {
                let printed = print(&config, format).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(read(&printed, format), config, "{printed}");
            }
        }
    }

    #[test]
    fn what_the_file_refers_to_is_printed_as_the_reference() {
        let environment = |name: &str| (name == "NAME").then(|| "hidden".to_owned());
        let text = r#"
            host = "${NAME}"
            port = "${PORT:-80}"
            jwt_auth = { secret = { env = "NAME" } }
            rate_limit = [{ per_second = "${RATE:-5}", burst = 5 }]
            max_body_size = "${SIZE:-1MiB}"
            api_key_auth = { keys = ["written", "${NAME}"] }
        "#;
        let loaded = load_text("x", text, Format::Toml, Path::new(""), &environment).unwrap_or_else(|report| panic!("{report}"));
        for format in Format::ALL {
            let printed = loaded.print(format).unwrap_or_else(|error| panic!("{error}"));
            for hidden in ["hidden", "written"] {
                assert!(!printed.contains(hidden), "{printed}");
            }
            let again = load_text("x", &printed, format, Path::new(""), &environment).unwrap_or_else(|report| panic!("{report}"));
            let (mut again, mut first) = (again.config, loaded.config.clone());
            assert_eq!(again.jwt_auth, first.jwt_auth);
            (again.api_key_auth, first.api_key_auth) = (None, None);
            assert_eq!(again, first, "{printed}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let text = "jwt_auth = { secret = 'written' }";
        let loaded = load_text("x", text, Format::Toml, Path::new(""), &|_| None);
        let report = load_text("x", &text.replace("'}", "', x = 1 }"), Format::Toml, Path::new(""), &|_| None);
        for shown in [format!("{loaded:?}"), format!("{report:?}")] {
            assert!(!shown.contains("written"), "{shown}");
        }
    }
}
