//! Sizes and durations written as text, as the numbers that the schema's bounds speak of.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Number, Value as Json};
use spikard_middleware::units::{self, Size};

use super::shape::Shape;
use super::tree::{Node, Value};

/// The tree for a JSON Schema validator: a size or a duration in text becomes its number, so that
/// `"1B"` is held against a minimum as `1` is.
pub(super) fn instance(node: &Node, shape: Option<Shape<'_>>) -> Json {
    match &node.value {
        Value::String(text) => {
            shape.and_then(|shape| number(text, shape.format()?)).map_or_else(|| text.as_str().into(), Json::Number)
        }
        Value::Sequence(nodes) => nodes.iter().map(|node| instance(node, shape.and_then(Shape::item))).collect(),
        Value::Table(table) => {
            let values = table.entries().map(|entry| {
                let inner = shape.and_then(|shape| shape.key(&entry.key));
                (entry.key.clone(), instance(&entry.node, inner))
            });
            values.collect()
        }
        _ => node.to_json(),
    }
}

/// A bound of a size or a duration as people write it; none for another format.
pub(super) fn bound(number: f64, format: &str) -> Option<String> {
    match format {
        // Bounds are whole bytes.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds of sizes are whole and not negative")]
        units::SIZE_FORMAT => Some(Size(number as u64).to_string()),
        units::DURATION_FORMAT => {
            Duration::try_from_secs_f64(number).ok().map(|duration| humantime::format_duration(duration).to_string())
        }
        _ => None,
    }
}

fn number(text: &str, format: &str) -> Option<Number> {
    match format {
        units::SIZE_FORMAT => Size::from_str(text).ok().map(|size| size.0.into()),
        units::DURATION_FORMAT => Number::from_f64(units::duration::parse(text).ok()?.as_secs_f64()),
        _ => None,
    }
}
