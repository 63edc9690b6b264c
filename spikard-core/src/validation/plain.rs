//! Parameters of plain types, checked without a value or a validator: this is the way of nearly
//! every request. A check only says that a text fits; what is wrong with one that does not is for
//! the schema to say, so that there is one wording.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::parameter::Parameter;
use super::text::{self, Whole};

/// A schema of one plain type with bounds.
pub(super) enum Plain {
    Text { least: usize, most: usize, options: Option<Vec<String>> },
    Integer { least: i128, most: i128 },
    Number { least: f64, most: f64 },
    Boolean,
}

/// Keywords that say nothing about values.
const NOTES: &[&str] = &[
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "$defs",
    "source",
    "optional",
    "separator",
];

/// Whether a keyword says nothing about values.
pub(super) fn is_note(keyword: &str) -> bool {
    NOTES.contains(&keyword)
}

impl Plain {
    /// None if the schema says more than is checked here.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let schema = schema.as_object()?;
        let knows = |known: &[&str]| schema.keys().all(|key| key == "type" || known.contains(&key.as_str()) || is_note(key));
        match schema.get("type")?.as_str()? {
            "string" if knows(&["minLength", "maxLength", "enum"]) => {
                let length = |key: &str, otherwise| match schema.get(key) {
                    Some(length) => length.as_u64().and_then(|length| usize::try_from(length).ok()),
                    None => Some(otherwise),
                };
                let texts = |options: &Value| -> Option<Vec<String>> {
                    options.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
                };
                let options = match schema.get("enum") {
                    Some(options) => Some(texts(options)?),
                    None => None,
                };
                Some(Self::Text { least: length("minLength", 0)?, most: length("maxLength", usize::MAX)?, options })
            }
            "integer" if knows(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) => {
                let bound = |key: &str, over: i128, otherwise| match schema.get(key) {
                    Some(limit) => limit.as_i64().map(|limit| i128::from(limit) + over),
                    None => Some(otherwise),
                };
                let least = bound("minimum", 0, i128::MIN)?.max(bound("exclusiveMinimum", 1, i128::MIN)?);
                let most = bound("maximum", 0, i128::MAX)?.min(bound("exclusiveMaximum", -1, i128::MAX)?);
                Some(Self::Integer { least, most })
            }
            "number" if knows(&["minimum", "maximum"]) => {
                Some(Self::Number { least: exact(schema, "minimum", f64::MIN)?, most: exact(schema, "maximum", f64::MAX)? })
            }
            "boolean" if knows(&[]) => Some(Self::Boolean),
            _ => None,
        }
    }

    /// The value of a text that fits.
    pub(super) fn read<'a>(&self, text: &Cow<'a, str>) -> Option<Parameter<'a>> {
        match self {
            Self::Text { least, most, options } => {
                let fits = (*least == 0 && *most == usize::MAX) || (*least..=*most).contains(&text.chars().count());
                let is_listed = options.as_ref().is_none_or(|options| options.iter().any(|option| option == text));
                (fits && is_listed).then(|| Parameter::Text(text.clone()))
            }
            Self::Integer { least, most } => {
                let (exact, parameter) = match text::whole(text)? {
                    Whole::Small(small) => (i128::from(small), Parameter::Integer(small)),
                    // Bounds have 64 bits: beyond 128 bits it is enough to know the side.
                    Whole::Large(digits) => {
                        let beyond = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
                        (digits.parse().unwrap_or(beyond), Parameter::Large(digits.into()))
                    }
                };
                (*least..=*most).contains(&exact).then_some(parameter)
            }
            Self::Number { least, most } => {
                text::number(text).filter(|number| (*least..=*most).contains(number)).map(Parameter::Number)
            }
            Self::Boolean => text::boolean(text).map(Parameter::Boolean),
        }
    }
}

/// A bound that a double holds exactly.
#[allow(clippy::cast_precision_loss)] // just this is what is asked
fn exact(schema: &Map<String, Value>, key: &str, otherwise: f64) -> Option<f64> {
    let Some(limit) = schema.get(key) else { return Some(otherwise) };
    match limit.as_i64() {
        Some(whole) => (whole.unsigned_abs() <= 1 << 53).then_some(whole as f64),
        None if limit.is_f64() => limit.as_f64(),
        None => None,
    }
}
