//! One parameter: where it stands, what it may be, and what it is in a request.

use std::borrow::Cow;

use serde_json::Value;

use super::Source;

/// What a program says about a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// Its name in the request. Headers are found whatever their case.
    pub key: String,
    /// Where it stands.
    pub source: Source,
    /// The JSON Schema of its value. A type beside `null` counts as that type alone: null cannot
    /// be sent.
    pub schema: Value,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What stands between the elements of a list within one value. Without it, every occurrence
    /// of the key is an element.
    pub separator: Option<String>,
    /// How its text is data: an object, or JSON; none: a single value or a list.
    pub form: Option<ParameterForm>,
}

/// How a parameter that is an object is written, in the words of OpenAPI 3.1 (section 4.8.12.4). Values
/// become what the schema wants of the properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterForm {
    /// `name[key]=value`, in a query.
    Deep,
    /// `key=value`, in a query: all keys but these, which are other parameters.
    Exploded(Vec<String>),
    /// `key,value,key,value`, with this between them.
    Flat(char),
    /// `key=value,key=value`.
    Pairs,
    /// JSON, of which any value may be written.
    Json,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A whole number beyond 64 bits: its digits, as JSON writes them.
    Large(Cow<'a, str>),
    /// A number of a schema that takes fractions.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// A list or table.
    Json(Value),
}

impl Parameter<'_> {
    /// The same value, borrowed from nothing.
    pub fn into_owned(self) -> Parameter<'static> {
        match self {
            Self::Text(text) => Parameter::Text(Cow::Owned(text.into_owned())),
            Self::Integer(whole) => Parameter::Integer(whole),
            Self::Large(digits) => Parameter::Large(Cow::Owned(digits.into_owned())),
            Self::Number(number) => Parameter::Number(number),
            Self::Boolean(boolean) => Parameter::Boolean(boolean),
            Self::Json(value) => Parameter::Json(value),
        }
    }
}

impl From<Value> for Parameter<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Bool(boolean) => Self::Boolean(boolean),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Integer(whole),
                (None, Some(double)) if number.is_f64() => Self::Number(double),
                _ => Self::Large(Cow::Owned(number.to_string())),
            },
            value => Self::Json(value),
        }
    }
}
