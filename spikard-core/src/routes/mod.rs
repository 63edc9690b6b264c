//! The route table: which route answers a host, a path and a method.
//!
//! Paths match segment by segment on percent-decoded segments; `%2F` is data, `//` is an empty
//! segment, and a trailing slash matters. What is more specific wins, whatever the order in the
//! file: an exact host before a wildcard before none, then from left to right a fixed segment
//! before a parameter that has to be of a type, before any other, before the rest (docs/adr/0006-own-route-matcher.md).

mod converter;
mod host;
mod path;
mod table;

pub use converter::Converter;
pub use host::HostPattern;
pub use path::{PathPattern, Segment};
pub(crate) use table::with_implied;
pub use table::{Matched, PathParams, RouteKey, Table, TableError};
