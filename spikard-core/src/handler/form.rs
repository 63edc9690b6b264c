//! Form fields: flat names become nested data.
//!
//! `a[b]` is a key in a table, `tags[]` adds to a list, and a name that comes twice makes a list.
//! `rows[][x]` adds to the last row until that row has an `x`. A name whose brackets do not pair
//! is a name like any other. Values are text, and empty text stays.

use serde_json::{Map, Value};
use spikard_middleware::problem::MALFORMED_BODY;

use super::limits::BodyReadingConfig;
use super::params;
use super::refused::Refused;
use super::upload::Upload;

/// How many brackets a name may have.
pub const FORM_DEPTH: usize = 10;

/// A form that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The fields: a table of texts, lists and tables.
    pub fields: Value,
    /// The files, in their order. Only `multipart/form-data` has any.
    pub files: Vec<Upload>,
}

impl Default for Form {
    fn default() -> Self {
        Self { fields: Value::Object(Map::new()), files: Vec::new() }
    }
}

impl Form {
    /// Whether it has neither fields nor files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.fields.as_object().is_none_or(Map::is_empty)
    }

    /// Reads `application/x-www-form-urlencoded`.
    pub(super) fn urlencoded(bytes: &[u8], limits: &BodyReadingConfig) -> Result<Self, Refused> {
        let mut fields = Fields::new(limits);
        for pair in params::pairs(bytes) {
            let (name, value) = pair.map_err(|_| Refused::new(MALFORMED_BODY, "form fields are not UTF-8"))?;
            fields.add(&name, value)?;
        }
        Ok(Self { fields: fields.into_value(), files: Vec::new() })
    }
}

/// The fields of a form that is being read.
pub(super) struct Fields {
    left: usize,
    limit: usize,
    map: Map<String, Value>,
}

impl Fields {
    pub(super) fn new(limits: &BodyReadingConfig) -> Self {
        Self { left: limits.form_fields, limit: limits.form_fields, map: Map::new() }
    }

    pub(super) fn add(&mut self, name: &str, value: String) -> Result<(), Refused> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(Refused::new(MALFORMED_BODY, format!("form has more fields than the limit of {}", self.limit)));
        };
        self.left = left;
        let (root, steps) = split(name).unwrap_or((name, Vec::new()));
        if steps.len() > FORM_DEPTH {
            let detail = format!("form field is nested deeper than the limit of {FORM_DEPTH} levels");
            return Err(Refused::new(MALFORMED_BODY, detail));
        }
        // Null stands for a place that nothing was put in yet: values are never null.
        let place = self.map.entry(root).or_insert(Value::Null);
        put(place, &steps, value)
            .map_err(|Clash| Refused::new(MALFORMED_BODY, format!("form field `{name}` is both a value and a table of values")))
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.map)
    }
}

/// `a[b][]` as `a` and `["b", ""]`; none if the brackets do not pair.
fn split(name: &str) -> Option<(&str, Vec<&str>)> {
    let (root, inner) = name.strip_suffix(']')?.split_once('[')?;
    let steps: Vec<&str> = inner.split("][").collect();
    let paired = !root.is_empty() && steps.iter().all(|step| !step.contains(['[', ']']));
    paired.then_some((root, steps))
}

struct Clash;

fn put(place: &mut Value, steps: &[&str], value: String) -> Result<(), Clash> {
    match steps.split_first() {
        None => match place {
            Value::Null => *place = Value::String(value),
            Value::Object(_) => return Err(Clash),
            several => list(several)?.push(Value::String(value)),
        },
        Some((&"", rest)) => {
            let elements = list(place)?;
            let continues = |last: &Value| match (last, rest.first()) {
                (Value::Object(table), Some(key)) => !table.contains_key(*key),
                _ => false,
            };
            if !elements.last().is_some_and(continues) {
                elements.push(Value::Null);
            }
            return elements.last_mut().map_or(Ok(()), |last| put(last, rest, value));
        }
        Some((key, rest)) => {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let table = place.as_object_mut().ok_or(Clash)?;
            return put(table.entry(*key).or_insert(Value::Null), rest, value);
        }
    }
    Ok(())
}

/// The list at a place; a single value there becomes its first element.
fn list(place: &mut Value) -> Result<&mut Vec<Value>, Clash> {
    if !place.is_array() {
        *place = match place.take() {
            Value::Null => Value::Array(Vec::new()),
            Value::Object(_) => return Err(Clash),
            single => Value::Array(vec![single]),
        };
    }
    place.as_array_mut().ok_or(Clash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(text: &str) -> Result<Value, String> {
        let form = Form::urlencoded(text.as_bytes(), &BodyReadingConfig::default());
        form.map(|form| form.fields).map_err(|refused| refused.to_string())
    }

    #[test]
    fn names_become_tables_and_lists() {
        for (text, expected) in [
            ("", json!({})),
            ("a=1&b=&c", json!({"a": "1", "b": "", "c": ""})),
            ("a=1&a=2&a=", json!({"a": ["1", "2", ""]})),
            ("tags[]=x", json!({"tags": ["x"]})),
            ("tags%5B%5D=x&tags=y&tags[]=z", json!({"tags": ["x", "y", "z"]})),
            ("a[b]=1&a[c][d]=2&a[b]=3", json!({"a": {"b": ["1", "3"], "c": {"d": "2"}}})),
            ("r[][x]=1&r[][y]=2&r[][x]=3", json!({"r": [{"x": "1", "y": "2"}, {"x": "3"}]})),
            ("a[=1&]b=2&[c]=3&d[e]f=4&g[[h]]=5", json!({"a[": "1", "]b": "2", "[c]": "3", "d[e]f": "4", "g[[h]]": "5"})),
        ] {
            assert_eq!(fields(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_would_lose_a_value() {
        for text in ["a=1&a[b]=2", "a[b]=1&a=2", "a[]=1&a[b]=2", "a[b]=1&a[]=2"] {
            assert!(fields(text).is_err_and(|error| error.contains("both a value and a table")), "{text}");
        }
        assert_eq!(fields("a=%ff"), Err("Malformed Request Body: form fields are not UTF-8".into()));
    }

    #[test]
    fn takes_ten_levels_and_a_thousand_fields_and_not_one_more() {
        assert!(fields(&format!("a{}=1", "[b]".repeat(10))).is_ok());
        assert_eq!(
            fields(&format!("a{}=1", "[b]".repeat(11))),
            Err("Malformed Request Body: form field is nested deeper than the limit of 10 levels".into())
        );
        assert!(fields(&"a=1&".repeat(1000)).is_ok());
        assert_eq!(
            fields(&"a=1&".repeat(1001)),
            Err("Malformed Request Body: form has more fields than the limit of 1000".into())
        );
    }
}
