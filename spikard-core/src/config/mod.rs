//! The configuration: its structs, and how files and the objects of programs become them.
//!
//! Either becomes a [`tree`] whose values know where they were written; references are resolved
//! on it, it is held against the JSON Schema of the structs, the policies of routes are laid over
//! those of the server, and only then serde makes the structs. So everything that is wrong is
//! said at once, with file, line and column.
//!
//! ```
//! use spikard_core::config::{Format, load_text};
//!
//! let loaded = load_text("spikard.toml", "port = 8080", Format::Toml, ".".as_ref(), &|_| None)?;
//! assert_eq!(loaded.config.port, 8080);
//!
//! let report = load_text("spikard.toml", "prot = 8080", Format::Toml, ".".as_ref(), &|_| None).unwrap_err();
//! assert!(report.to_string().contains("did you mean `port`?"));
//! # Ok::<_, spikard_core::config::Report>(())
//! ```

mod admin;
mod case;
mod check;
mod cover;
mod decode;
mod diagnostic;
mod document;
mod duplicates;
mod expectation;
mod files;
mod format;
mod json;
mod limits;
mod load;
mod mask;
mod model;
mod mount;
mod number;
mod openapi;
mod openapi_file;
mod overlay;
mod print;
mod program;
mod python;
mod references;
mod route;
mod salvage;
mod schema;
mod secrets;
mod shape;
mod source;
mod suggest;
mod syntax;
mod tls;
mod toml;
pub mod tree;
#[cfg(test)]
mod twins;
mod unit;
mod upstream;
mod wording;
mod yaml;

pub use admin::AdminConfig;
pub use case::{CaseConfig, CaseExpectConfig, CaseReceivedConfig, CaseRequestConfig};
pub use diagnostic::{Diagnostic, Report, Severity};
pub use document::{reference_page, schema_document};
pub use files::{Content, Files};
pub use limits::LimitsConfig;
pub use load::{Environment, Loaded, load, load_text, load_tree, process_environment};
pub use model::ServerConfig;
pub use openapi::OpenApiConfig;
pub use openapi_file::OpenApiFile;
pub use print::print;
pub use program::{ProgramRoute, add_routes};
pub use python::python_module;
pub use route::{BrokenResponses, RedirectConfig, ResponseConfig, RouteConfig, UndescribedRequests, Validate};
pub use schema::{published, schema};
pub use source::{Position, Source};
pub use syntax::Format;
pub use tls::{CertificateConfig, ClientAuthConfig, ClientAuthMode, ClientCertificateHeadersConfig, TlsConfig, TlsVersion};
pub use upstream::{
    AllDown, Balance, CircuitBreakerConfig, EjectionConfig, HashBy, HealthConfig, RetriesConfig, RetryFailure, RetryMethod,
    TargetConfig, UpstreamConfig,
};
