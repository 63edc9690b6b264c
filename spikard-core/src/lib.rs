//! The server of Spikard: configuration, route table, leaves, proxy and the `spikard` program.
//!
//! An embedding service needs this crate alone: it re-exports the policies.

pub mod app;
pub mod config;
pub mod explain;
pub mod gateway;
pub mod handler;
pub mod leaf;
pub mod program;
pub mod proxy;
pub mod routes;
mod serve;
pub mod server;
pub mod testing;

pub use app::App;
pub use config::{LimitsConfig, RedirectConfig, ResponseConfig, RouteConfig, ServerConfig, UpstreamConfig};
pub use gateway::Gateway;
pub use handler::{BodyKind, BodyReadingConfig, Handler, HandlerLeaf, HandlerResult, RequestData};
pub use serve::ServeError;
pub use spikard_middleware as middleware;
pub use spikard_middleware::*;
pub use testing::TestClient;
