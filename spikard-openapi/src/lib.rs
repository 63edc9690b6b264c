//! Descriptions of routes in, OpenAPI 3.1 documents and their offline pages out.
//!
//! This crate knows routes and schemas as data; it knows no socket, no file format and no policy.
//! `spikard-core` depends on it, never the other way round.

mod config;
mod operation;
pub mod pages;

pub use config::{
    ContactInfo, LicenseInfo, OpenApiConfig, SecuritySchemeInfo, SecuritySchemeLocation, SecuritySchemeType, ServerInfo,
};
pub use operation::{Content, Describe, Header, Operation, Parameter, ParameterLocation, Protocol, RequestBody, Response};
