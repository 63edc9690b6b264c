//! Parameters that are objects: their properties, put together from the texts of a request. What
//! cannot be one is given back as the text that it was.

use serde_json::{Map, Value};

use super::head::Query;
use super::parameter::ParameterForm;
use super::text;
use crate::handler::{BodyReadingConfig, scan};

/// The object, if anything of it is there.
pub(super) type Found = Result<Option<Value>, String>;

/// `name[key]=value`.
pub(super) fn deep(name: &str, query: &Query<'_>) -> Found {
    collect(query, |key| Some(key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned()))
}

/// `key=value`, but for the keys of other parameters.
pub(super) fn exploded(others: &[String], query: &Query<'_>) -> Found {
    collect(query, |key| (!others.iter().any(|other| other == key)).then(|| key.to_owned()))
}

/// The pairs whose keys are those of properties. A key that comes twice is a list.
fn collect(query: &Query<'_>, property: impl Fn(&str) -> Option<String>) -> Found {
    let mut object = Map::new();
    for (key, value) in query.pairs() {
        let Some(property) = text::decoded(key).and_then(|key| property(&key)) else { continue };
        let value = text::decoded(value).ok_or_else(|| (*value).to_owned())?;
        add(&mut object, property, Value::from(value));
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

fn add(object: &mut Map<String, Value>, key: String, value: Value) {
    match object.get_mut(&key) {
        None => drop(object.insert(key, value)),
        Some(Value::Array(list)) => list.push(value),
        Some(single) => *single = Value::Array(vec![single.take(), value]),
    }
}

/// The value of one text.
pub(super) fn of_text(form: &ParameterForm, text: &str) -> Result<Value, String> {
    let whole = || text.to_owned();
    let mut object = Map::new();
    match form {
        ParameterForm::Json => {
            // As strictly as a body.
            scan(text.as_bytes(), BodyReadingConfig::default().json_depth).map_err(|_| whole())?;
            return serde_json::from_str(text).map_err(|_| whole());
        }
        ParameterForm::Flat(separator) => {
            let mut parts = text.split(*separator);
            while let Some(key) = parts.next() {
                add(&mut object, key.to_owned(), Value::from(parts.next().ok_or_else(whole)?));
            }
        }
        ParameterForm::Pairs => {
            for pair in text.split(',') {
                let (key, value) = pair.split_once('=').ok_or_else(whole)?;
                add(&mut object, key.trim().to_owned(), Value::from(value));
            }
        }
        ParameterForm::Deep | ParameterForm::Exploded(_) => return Err(whole()),
    }
    Ok(Value::Object(object))
}
