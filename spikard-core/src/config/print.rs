//! A configuration as the text of a file. What is read back is the same configuration, but for
//! secrets, which are written as `****`.

use serde_json::Value;
use spikard_middleware::stack::KEYS;

use super::ServerConfig;
use super::schema::schema;
use super::shape::Shape;
use super::syntax::Format;

/// Writes a configuration.
///
/// # Errors
/// When the format has no word for a value: TOML knows no null, which the `json` of an answer may
/// hold.
pub fn print(config: &ServerConfig, format: Format) -> Result<String, String> {
    let mut value = serde_json::to_value(config).map_err(|error| error.to_string())?;
    if let Value::Object(server) = &mut value {
        for key in KEYS.iter().filter(|key| key.on) {
            // What is on by default and is not there has been switched off.
            if let Some(policy @ Value::Null) = server.get_mut(key.name) {
                *policy = Value::Bool(false);
            }
        }
    }
    leave_out_absent(&mut value, Shape::root(schema()));
    match format {
        Format::Toml => ::toml::to_string_pretty(&value).map_err(|error| error.to_string()),
        Format::Yaml => serde_saphyr::to_string(&value).map_err(|error| error.to_string()),
        Format::Json => serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(|error| error.to_string()),
    }
}

fn leave_out_absent(value: &mut Value, shape: Shape<'_>) {
    match value {
        Value::Object(object) if !shape.is_free() => {
            object.retain(|_, value| !value.is_null());
            for (key, value) in object {
                if let Some(inner) = shape.key(key) {
                    leave_out_absent(value, inner);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = shape.item() {
                for item in items {
                    leave_out_absent(item, inner);
                }
            }
        }
        _ => {}
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
}
