//! Descriptions of routes in, OpenAPI 3.1 documents and their offline pages out.
//!
//! This crate knows routes and schemas as data; it knows no socket, no file format and no policy.
//! `spikard-core` depends on it, never the other way round.
//!
//! ```
//! use spikard_openapi::{Document, Endpoint, Head, Operation, Response};
//!
//! let mut document = Document::new(Head { title: "Shop".into(), version: "1.0.0".into(), ..Head::default() });
//! document.add(Endpoint {
//!     path: "/orders".into(),
//!     methods: vec!["GET".into()],
//!     operation: Operation { responses: vec![Response::new("200", "All orders")], ..Operation::default() },
//!     ..Endpoint::default()
//! });
//! let written = document.finish();
//! assert_eq!(written.value["paths"]["/orders"]["get"]["operationId"], "get_orders");
//! ```

mod document;
pub mod foreign;
mod info;
mod operation;
pub mod pages;

pub use document::{Document, Endpoint, Merged, Problem, ProblemSchemas, SecurityScheme, Surroundings, When, Written};
pub use info::{ContactInfo, Head, LicenseInfo, SecuritySchemeInfo, SecuritySchemeLocation, SecuritySchemeType, ServerInfo};
pub use operation::{Content, Describe, Header, Operation, Parameter, ParameterLocation, Protocol, RequestBody, Response};
