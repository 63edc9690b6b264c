//! What messages say: a value as it is shown, and what was expected in its place.

use serde_json::Value as Json;
use spikard_middleware::secret::MASK;
use spikard_middleware::{ConfigPath, Step, units};

use super::format::formats;
use super::shape::Shape;
use super::tree::{Node, Value};
use super::unit;
pub(super) use crate::validation::or;

/// How much of a text is shown.
const SHOWN: usize = 60;

/// The setting's name in a message: the last key, with the positions behind it.
pub(super) fn name_of(path: &ConfigPath) -> String {
    let steps = path.steps();
    let from = steps.iter().rposition(|step| matches!(step, Step::Key(_))).unwrap_or(0);
    let name = steps[from..].iter().fold(ConfigPath::root(), |path, step| match step {
        Step::Key(key) => path.key(key),
        Step::Index(index) => path.index(*index),
    });
    if steps.is_empty() { "configuration".into() } else { name.to_string() }
}

/// The value as a message shows it. What a reference stands for is never shown.
pub(super) fn shown(node: &Node, secret: bool) -> String {
    if let Some(reference) = &node.reference {
        return format!("`{reference}`");
    }
    match &node.value {
        Value::Sequence(nodes) if nodes.is_empty() => "an empty list".into(),
        Value::Sequence(_) => "a list".into(),
        Value::Table(table) if table.entries().len() == 0 => "an empty table".into(),
        Value::Table(_) => "a table".into(),
        Value::Number(_) | Value::String(_) if secret => MASK.into(),
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.clone(),
        Value::String(text) if text.chars().count() > SHOWN => {
            format!("{:?}...", text.chars().take(SHOWN).collect::<String>())
        }
        Value::String(text) => format!("{text:?}"),
    }
}

/// What may stand at a place, in view of the value that stands there.
pub(super) fn expected(shape: Shape<'_>, value: Option<&Node>) -> String {
    if let Some(values) = shape.listed() {
        return or(&values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>());
    }
    let mut choices = Vec::new();
    let format = shape.format().and_then(|name| formats().find(|format| format.name == name));
    if let Some(format) = format {
        choices.push(formatted(shape, format, value));
    }
    for name in shape.types() {
        match name {
            "boolean" => choices.push("true".into()),
            "integer" | "number" if format.is_none() => choices.push(number(shape, name, value)),
            "string" if format.is_none() => choices.push(text(shape)),
            "array" => choices.push(list(shape)),
            "object" if !shape.is_secret() => choices.push(table(shape)),
            _ => {}
        }
        if name == "boolean" {
            choices.push("false".into());
        }
    }
    choices.dedup();
    or(&choices)
}

/// Text with a format. A value that has it breaks a bound.
fn formatted(shape: Shape<'_>, format: &units::Format, value: Option<&Node>) -> String {
    let fits = value.is_some_and(|node| match &node.value {
        Value::Number(_) => true,
        Value::String(text) => (format.check)(text),
        _ => false,
    });
    range(shape).filter(|_| fits && unit::bound(0.0, format.name).is_some()).unwrap_or_else(|| format.expected.to_owned())
}

fn number(shape: Shape<'_>, kind: &str, value: Option<&Node>) -> String {
    let noun = if kind == "integer" { "a whole number" } else { "a number" };
    let fits_kind = value.is_some_and(|node| match &node.value {
        Value::Number(text) => kind == "number" || super::number::integer(text).is_some(),
        _ => false,
    });
    match range(shape) {
        Some(range) if fits_kind => range,
        Some(range) => format!("{noun}, {range}"),
        None => noun.to_owned(),
    }
}

/// The bounds of a number.
fn range(shape: Shape<'_>) -> Option<String> {
    let bound = |keyword: &str| {
        let bound = shape.target.get(keyword).and_then(Json::as_f64)?;
        Some(shape.format().and_then(|format| unit::bound(bound, format)).unwrap_or_else(|| bound.to_string()))
    };
    match (bound("minimum"), bound("maximum"), bound("exclusiveMinimum")) {
        (Some(minimum), Some(maximum), _) => Some(format!("{minimum} to {maximum}")),
        (Some(minimum), None, _) => Some(format!("{minimum} or more")),
        (None, Some(maximum), Some(minimum)) => Some(format!("above {minimum} to {maximum}")),
        (None, Some(maximum), None) => Some(format!("at most {maximum}")),
        (None, None, Some(minimum)) => Some(format!("above {minimum}")),
        (None, None, None) => None,
    }
}

fn text(shape: Shape<'_>) -> String {
    let length = |keyword: &str| shape.target.get(keyword).and_then(Json::as_u64);
    match (length("minLength"), shape.target.get("pattern").and_then(Json::as_str)) {
        (_, Some(pattern)) => format!("text that matches `{pattern}`"),
        (Some(1), None) => "text that is not empty".into(),
        (Some(least), None) => format!("text of at least {least} characters"),
        (None, None) => "text".into(),
    }
}

fn list(shape: Shape<'_>) -> String {
    match shape.target.get("minItems").and_then(Json::as_u64) {
        Some(least) if least > 0 => format!("a list of at least {least}"),
        _ if shape.target.get("uniqueItems").is_some() => "a list without repetitions".into(),
        _ => "a list".into(),
    }
}

fn table(shape: Shape<'_>) -> String {
    match shape.target.get("minProperties").and_then(Json::as_u64) {
        Some(least) if least > 0 => format!("a table of at least {least}"),
        _ => "a table".into(),
    }
}
