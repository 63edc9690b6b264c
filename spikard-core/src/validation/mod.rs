//! Whether a request fits its schema, and everything about it that does not.
//!
//! [`Schema`] is a JSON Schema (2020-12), compiled once; [`Parameters`] reads path, query, headers
//! and cookies; [`coerce`] makes data of the texts of a form. What does not fit is a
//! [`Violation`], and [`refuse`] makes the 422 of all of them. Reading bodies is the business of
//! [`handler`](crate::handler).
//!
//! ```
//! use serde_json::json;
//! use spikard_core::validation::{Location, Schema};
//!
//! # fn main() -> Result<(), spikard_core::validation::SchemaError> {
//! let schema = Schema::compile(&json!({
//!     "type": "object",
//!     "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}},
//!     "required": ["name"],
//! }))?;
//! let violations = schema.violations(&json!({"age": -1}), &Location::body());
//! assert_eq!(
//!     serde_json::to_value(&violations).unwrap(),
//!     json!([
//!         {"type": "missing", "loc": ["body", "name"], "msg": "Field required", "input": {"age": -1}},
//!         {
//!             "type": "greater_than_equal",
//!             "loc": ["body", "age"],
//!             "msg": "Input should be greater than or equal to 0",
//!             "input": -1,
//!             "ctx": {"ge": 0},
//!         },
//!     ])
//! );
//! # Ok(())
//! # }
//! ```

mod coerce;
mod formats;
mod head;
pub(crate) mod leaf;
mod node;
mod object;
mod order;
mod parameter;
mod parameters;
mod plain;
mod schema;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod violation;
mod wording;

pub use coerce::coerce;
pub use head::RequestHead;
pub use parameter::{Parameter, ParameterForm, ParameterSpec};
pub use parameters::Parameters;
pub use schema::{Schema, SchemaError};
pub(crate) use shape::{Sort, sort_of};
pub use violation::{Location, Source, Violation, refuse};
pub(crate) use wording::or;
