//! Descriptions of routes in, OpenAPI 3.1 documents and their offline pages out.
//!
//! So far here are the settings; the issue "OpenAPI" adds what they ask for. This crate knows
//! routes and schemas as data; it knows no socket, no file format and no policy. `spikard-core`
//! depends on it, never the other way round.

mod config;

pub use config::{
    ContactInfo, LicenseInfo, OpenApiConfig, SecuritySchemeInfo, SecuritySchemeLocation, SecuritySchemeType, ServerInfo,
};
