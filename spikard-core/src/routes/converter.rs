//! What a parameter of a path may be held to: `{id:int}`.

use std::fmt;

use serde_json::{Value, json};

/// What the segment of a parameter has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Converter {
    /// `str`: any text.
    Str,
    /// `int`: a whole number.
    Int,
    /// `float`: a number.
    Float,
    /// `bool`: `true`, `false`, `1` or `0`.
    Bool,
    /// `uuid`: a UUID (RFC 9562).
    Uuid,
    /// `date`: a date (RFC 3339).
    Date,
    /// `datetime`: a date with a time (RFC 3339).
    Datetime,
}

impl Converter {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Str, Self::Int, Self::Float, Self::Bool, Self::Uuid, Self::Date, Self::Datetime];

    /// The converter of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|converter| converter.name() == name)
    }

    /// The JSON Schema of what fits.
    pub(crate) fn schema(self) -> Value {
        match self {
            Self::Str => json!({ "type": "string" }),
            Self::Int => json!({ "type": "integer" }),
            Self::Float => json!({ "type": "number" }),
            Self::Bool => json!({ "type": "boolean" }),
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::Date => json!({ "type": "string", "format": "date" }),
            Self::Datetime => json!({ "type": "string", "format": "date-time" }),
        }
    }

    /// The name, as it stands in a path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Uuid => "uuid",
            Self::Date => "date",
            Self::Datetime => "datetime",
        }
    }
}

impl fmt::Display for Converter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
