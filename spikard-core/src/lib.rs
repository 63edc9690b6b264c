//! The server of Spikard: configuration, route table, leaves, proxy and the `spikard` program.
//!
//! An embedding service needs this crate alone: it re-exports the policies of
//! [`spikard_middleware`]. A server is a [`ServerConfig`] and the routes that the program adds:
//!
//! ```
//! use axum::extract::Path;
//! use spikard_core::{App, CompressionConfig, RateLimitConfig, ServerConfig, TestClient};
//!
//! async fn user(Path(id): Path<u64>) -> String {
//!     format!("user {id}")
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), spikard_core::BuildError> {
//!     let config = ServerConfig {
//!         compression: Some(CompressionConfig { quality: 5, ..Default::default() }),
//!         rate_limit: Some(RateLimitConfig::new(100.0, 200).into()),
//!         ..Default::default()
//!     };
//!     let app = App::new(config).get("/users/{id}", user);
//!
//!     // `app.serve().await` listens; a test asks the same stack without a socket.
//!     let client = TestClient::new(app.gateway()?);
//!     assert_eq!(client.get("/users/7").send().await.text(), "user 7");
//!     assert_eq!(client.get("/users/x").send().await.status(), 400);
//!     Ok(())
//! }
//! ```
//!
//! | to | start at |
//! |---|---|
//! | serve axum handlers and tower services | [`App`] |
//! | get requests taken apart, bodies read, data checked | [`Handler`], [`validation`] |
//! | describe routes as an OpenAPI document | [`App::openapi`], [`Gateway::describe`] |
//! | answer gRPC calls | [`grpc::Handler`], [`App::grpc`] |
//! | open WebSockets | [`App::websocket`], [`websocket`] |
//! | read a file | [`config::load`], [`config::load_text`] |
//! | say what stands before which route | [`ServerConfig`], [`RouteConfig`], [`Override`] |
//! | put the policies around a router of yours | [`ServerConfig::policies`], [`Policies::build`] |
//! | use one policy as a tower layer | [`PolicyConfig::layer`]; [`Policies`] lists them |
//! | write a policy of your own | [`Policy`], [`Layer::new`] |
//! | test without a socket | [`TestClient`] |
//! | build without serving, and serve by hand | [`Gateway`], [`server::Server`] |
//! | serve with several processes | [`workers`] |
//! | exchange the configuration while it is served | [`reload`] |
//!
//! The guide in `docs/guide/rust.md` of the repository has a page of programs.

pub mod admin;
pub mod app;
pub mod config;
pub mod description;
mod edge;
pub mod explain;
pub mod gateway;
pub mod grpc;
pub mod handler;
pub mod leaf;
pub mod program;
pub mod proxy;
pub mod python;
pub mod reload;
pub mod routes;
mod serve;
pub mod server;
mod service_manager;
pub mod suite;
pub mod testing;
pub mod tls;
mod traffic;
pub mod validation;
pub mod websocket;
pub mod workers;

pub use app::App;
pub use config::{
    AdminConfig, CaseConfig, CaseExpectConfig, CaseReceivedConfig, CaseRequestConfig, CircuitBreakerConfig, EjectionConfig,
    LimitsConfig, OpenApiConfig, RedirectConfig, ResponseConfig, RetriesConfig, RetryFailure, RetryMethod, RouteConfig,
    ServerConfig, TlsConfig, UpstreamConfig,
};
pub use gateway::Gateway;
pub use handler::{BodyKind, BodyReadingConfig, Handler, HandlerLeaf, HandlerResult, RequestData};
pub use serve::ServeError;
pub use spikard_middleware as middleware;
pub use spikard_middleware::*;
pub use spikard_openapi as openapi;
pub use testing::TestClient;

// The programs of the documentation, run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/rust.md")]
mod guide {}
