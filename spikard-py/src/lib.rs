//! The bridge between the server and Python: handlers as leaves, an event loop with tokio in it.
//!
//! What a client sees and what a setting means is decided in `spikard-core`; how a function is to
//! be called is decided by the Python package. Here the two meet: `turn` runs tokio inside asyncio,
//! `engine` brings requests to handlers, `arguments` and `respond` convert.

// What Python sees is documented by the stub `_spikard.pyi`.
#![allow(missing_docs)]

mod after;
mod app;
mod applications;
mod arguments;
mod asked;
mod body;
mod call;
mod changes;
mod config;
mod context;
mod describe;
mod document;
mod engine;
mod events;
mod exchange;
mod failure;
mod file;
mod file_rules;
mod group;
mod grpc;
mod json;
mod leaf;
mod lock;
mod log;
mod panics;
mod parameters;
mod pool;
mod program;
mod promise;
mod queue;
mod request;
mod request_stream;
mod respond;
mod route;
mod server;
mod slot;
mod socket;
mod source;
mod standing;
mod step;
mod stream;
mod task;
mod thread;
mod turn;
mod upload;
mod websocket;
mod wire;
mod workers;

/// The extension module. An interpreter without a lock takes one for it: state of a thread that
/// tokio and asyncio share is not made for several threads of Python at once.
#[pyo3::pymodule(gil_used = true)]
pub mod _spikard {
    #[pymodule_export]
    use crate::after::{Scope, open_scopes};
    #[pymodule_export]
    use crate::config::launch_settings;
    #[pymodule_export]
    use crate::document::document;
    #[pymodule_export]
    use crate::file_rules::check_file_params;
    #[pymodule_export]
    use crate::grpc::Requests;
    #[cfg(debug_assertions)]
    #[pymodule_export]
    use crate::panics::panic_at;
    #[pymodule_export]
    use crate::program::main;
    #[pymodule_export]
    use crate::request::Request;
    #[pymodule_export]
    use crate::server::Server;
    #[pymodule_export]
    use crate::turn::Turns;
    #[pymodule_export]
    use crate::wire::{Messages, WebSocketCodec};
    #[pymodule_export]
    use crate::workers::{is_worker, supervise};
}
