//! Descriptions of routes in, OpenAPI 3.1 documents and their offline pages out.
//!
//! This crate is empty: the issue "OpenAPI" fills it. Until then no configuration has an `openapi`
//! key and no crate depends on this one. What will live here knows routes and schemas as data; it
//! knows no socket, no file format and no policy. `spikard-core` will depend on it, never the
//! other way round.
