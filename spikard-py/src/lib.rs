//! The PyO3 bridge between `spikard-core` and the Python package `spikard`.
//!
//! This crate is empty: the issue "Python core" fills it. Until then there is no Python package,
//! and a route with the leaf `python` is an error at start. What will live here hands a
//! `ServerConfig` on as a whole and names no policy; nothing depends on this crate.
