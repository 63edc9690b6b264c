//! OpenAPI documents of others: read, brought to version 3.1, and asked about their operations.
//!
//! A document comes as data, whatever the file format was. Everything in it that cannot be relied
//! on is an error with its place: references that lead nowhere or to other documents, members of
//! the wrong JSON type, parameters and paths that contradict themselves.

mod complete;
mod operation;
mod parameter;
mod paths;
mod pointer;
mod read;
mod servers;
mod template;
#[cfg(test)]
mod tests;
mod upgrade;
mod walk;

use std::fmt;

use serde_json::Value;

pub use complete::Direction;
pub use operation::ForeignOperation;
pub use parameter::{ForeignParameter, Style};
pub use paths::{PathMatch, Paths};
pub use pointer::Pointer;
pub use template::{Piece, Template};
pub use walk::{Kind, METHODS, change};

/// An OpenAPI document of somebody else, as version 3.1.
///
/// ```
/// use serde_json::json;
/// use spikard_openapi::foreign::{Direction, Foreign};
///
/// # fn main() -> Result<(), Vec<spikard_openapi::foreign::ForeignError>> {
/// let orders = Foreign::read(json!({
///     "openapi": "3.0.3",
///     "servers": [{"url": "https://shop.example/v2"}],
///     "paths": {"/orders/{id}": {"get": {
///         "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}}],
///         "responses": {},
///     }}},
///     "components": {"schemas": {"Id": {"type": "integer", "minimum": 0, "exclusiveMinimum": true}}},
/// }))?;
/// let operation = orders.operations().next().unwrap();
/// assert_eq!((operation.method, operation.path), ("get", "/orders/{id}"));
/// assert_eq!(orders.bases(&operation), ["/v2", ""]);
/// let id = &orders.parameters(&operation)[0];
/// let schema = orders.complete(id.schema.unwrap(), Direction::Request);
/// assert_eq!(schema, json!({"type": "integer", "exclusiveMinimum": 0}));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    document: Value,
}

impl Foreign {
    /// The document, as version 3.1; its keys are in the order in which they came.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What a part of the document is, references followed.
    pub fn resolve<'d>(&'d self, mut part: &'d Value) -> &'d Value {
        // A document whose references go round in a circle is not read.
        while let Some(target) = part.get("$ref").and_then(Value::as_str).and_then(|target| self.at(target)) {
            part = target;
        }
        part
    }

    /// What a `$ref` leads to.
    fn at(&self, reference: &str) -> Option<&Value> {
        self.document.pointer(Pointer::of_reference(reference)?.as_str())
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {pointer})")]
pub struct ForeignError {
    /// Where.
    pub pointer: Pointer,
    /// The value and then the expectation.
    pub message: String,
}

impl ForeignError {
    fn new(pointer: &Pointer, message: impl fmt::Display) -> Self {
        Self { pointer: pointer.clone(), message: message.to_string() }
    }
}
