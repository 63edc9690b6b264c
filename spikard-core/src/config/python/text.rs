//! Types, values and docstrings as Python writes them.

use std::fmt::Write as _;

use serde_json::Value;
use spikard_middleware::units::{self, duration};

use super::super::shape::Shape;

/// How wide a line may be.
pub(super) const WIDTH: usize = 120;

/// `"a", "b",`, with the comma that a tuple of one needs.
pub(super) fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("\"{name}\",")).collect();
    if let [single] = quoted.as_slice() { single.clone() } else { quoted.join(" ").trim_end_matches(',').to_owned() }
}

/// The types of what stands at a place.
pub(super) fn type_of(shape: Shape<'_>) -> String {
    if shape.is_free() {
        return "Any".into();
    }
    if let Some(listed) = shape.target.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = listed.iter().map(|value| literal(value, None)).collect();
        return format!("Literal[{}]", values.join(", "));
    }
    if shape.is_secret() {
        return "str | Mapping[str, str]".into();
    }
    let mut types = Vec::new();
    for kind in shape.types() {
        types.push(match kind {
            "boolean" => "bool".to_owned(),
            "integer" => "int".to_owned(),
            "number" => "float".to_owned(),
            "string" if shape.format() == Some(units::PATH_FORMAT) => "str | PathLike[str]".to_owned(),
            "string" => "str".to_owned(),
            "array" => format!("Sequence[{}]", shape.item().map_or("Any".into(), type_of)),
            _ => format!("Mapping[str, {}]", shape.values().map_or("Any".into(), type_of)),
        });
    }
    types.join(" | ")
}

/// A value of JSON as Python writes it; a duration is a number of seconds.
pub(super) fn literal(value: &Value, format: Option<&str>) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) if format == Some(units::DURATION_FORMAT) => {
            duration::parse(text).map_or_else(|_| format!("{text:?}"), |duration| duration.as_secs_f64().to_string())
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(item, None)).collect();
            format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
        }
        other => other.to_string(),
    }
}

/// What a schema says of itself.
pub(super) fn describe(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Writes a docstring, its paragraphs broken into lines.
pub(super) fn docstring(text: &mut String, documentation: &str, indent: &str) {
    if documentation.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for paragraph in documentation.split("\n\n") {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent.len() + line.len() + word.len() + 7 > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let body = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") });
    let body = body.collect::<Vec<_>>().join("\n");
    let end = if lines.len() > 1 { format!("\n{indent}") } else { String::new() };
    let _ = writeln!(text, "{indent}\"\"\"{}{end}\"\"\"", body.trim_start());
}
