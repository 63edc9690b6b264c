//! Text that nobody gets to see: keys, tokens, passwords.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A secret. In a file it is text, `{ file = "/run/secrets/jwt" }` or `{ env = "JWT_SECRET" }`.
///
/// `Debug`, `Serialize` and every message show `****`; [`Secret::expose`] is the only way to the
/// text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// What is shown instead of a secret.
pub const MASK: &str = "****";

impl Secret {
    /// Makes a secret of text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every caller is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// The `format` of a secret in the schema: the loader masks values of this format everywhere.
pub const FORMAT: &str = "spikard-secret";

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "object"],
            "format": FORMAT,
            "properties": {
                "file": { "type": "string", "description": "A file that holds the secret; one trailing newline is dropped." },
                "env": { "type": "string", "description": "An environment variable that holds the secret." }
            },
            "additionalProperties": false
        })
    }
}
