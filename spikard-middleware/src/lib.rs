//! Every policy of Spikard: a typed config struct that builds one Tower layer.
//!
//! ```
//! use spikard_middleware::{BodyLimitConfig, PolicyConfig};
//!
//! let layer = BodyLimitConfig::from(64 * 1024).layer()?;
//! let app: axum::Router = axum::Router::new().layer(layer);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```
//!
//! The settings are plain structs with [`Default`]s; [`PolicyConfig::layer`] checks and prepares all
//! of them, once. Several policies in their right order are [`Policies`]:
//!
//! ```
//! use spikard_middleware::{ApiKeyConfig, BuildContext, Policies, RateLimitConfig};
//!
//! let policies = Policies {
//!     rate_limit: Some(RateLimitConfig::new(10.0, 20).into()),
//!     api_key_auth: Some(ApiKeyConfig::new(["a key of one's own"])),
//!     ..Default::default()
//! };
//! let stack = policies.build(&BuildContext::default(), None)?;
//! let names: Vec<_> = stack.names().collect();
//! assert_eq!(names[..3], ["request_id", "catch_panic", "compression"]);
//! let app: axum::Router = axum::Router::new().layer(stack);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```
//!
//! One policy is one file and one line of the table in [`stack`]; [`Policies`] lists them, outermost
//! first, each with its settings and the reason for its place. This crate listens on no socket, and
//! knows no file format and no route: `spikard-core` brings those. A policy of your own is a [`Policy`], and
//! [`Layer::new`] makes a tower layer of it.

// The macros name this crate by its own name, wherever they are used.
extern crate self as spikard_middleware;

pub mod access_log;
pub mod authentication;
pub mod background;
pub mod body_limit;
pub mod cache;
pub mod catch_panic;
pub mod client;
pub mod clock;
pub mod coding;
pub mod compression;
mod conditions;
pub mod context;
pub mod cors;
pub mod csrf;
pub mod decompression;
pub mod description;
pub mod grpc;
pub mod headers;
pub mod host;
pub mod http_client;
pub mod identity;
mod looking;
pub mod metrics;
pub mod moment;
pub mod one_or_many;
pub mod origin;
pub mod overrides;
pub mod policy;
pub mod problem;
mod range;
pub mod rate_limit;
pub mod request_id;
pub mod require;
pub mod secret;
pub mod security_headers;
pub mod service;
pub mod stack;
pub mod static_files;
pub mod store;
pub mod timeout;
pub mod units;
mod vary;
mod watched_file;

#[cfg(test)]
mod testing;

pub use axum_core::body::Body;

pub use access_log::AccessLogConfig;
pub use authentication::api_key_auth::{ApiKeyConfig, ApiKeys, ConsumerConfig, Consumers};
pub use authentication::jwt_auth::{Algorithm, FetchConfig, IssuerConfig, JwtConfig};
pub use authentication::new_key::NewKey;
pub use background::{Background, Task};
pub use body_limit::BodyLimitConfig;
pub use cache::{CacheConfig, Caches, Purge};
pub use catch_panic::CatchPanicConfig;
pub use client::{Client, ClientCertificate, MatchedRoute, SubjectName};
pub use clock::Clock;
pub use compression::CompressionConfig;
pub use context::{BuildContext, BuildError, ConfigPath, Step, Warning};
pub use cors::CorsConfig;
pub use csrf::CsrfConfig;
pub use decompression::DecompressionConfig;
pub use headers::HeadersConfig;
pub use host::Host;
pub use http_client::HttpClient;
pub use identity::Identity;
pub use looking::waits;
pub use metrics::Metrics;
pub use moment::Moment;
pub use one_or_many::OneOrMany;
pub use origin::AllowedOrigin;
pub use overrides::{Effective, Override};
pub use policy::{PolicyConfig, Setting};
pub use rate_limit::RateLimits;
pub use rate_limit::config::{OnError, RateLimitConfig, RateLimitKey};
pub use rate_limit::consumers::ConsumerLimitConfig;
pub use request_id::{RequestId, RequestIdConfig};
pub use require::RequireConfig;
pub use secret::Secret;
pub use security_headers::SecurityHeadersConfig;
pub use service::{Answer, Layer, Policy, Request, Response, Rim, Service, Tower, Wrapper};
pub use stack::{Policies, Stack};
pub use static_files::{DirectoryConfig, RestPath, StaticFiles, StaticFilesConfig};
pub use store::StoreUrl;
pub use timeout::{TimeoutConfig, is_overdue};
pub use units::Size;
