//! The configuration: its structs, and how files become them.

mod limits;
mod model;
mod route;
mod upstream;

pub use limits::LimitsConfig;
pub use model::ServerConfig;
pub use route::{RedirectConfig, ResponseConfig, RouteConfig};
pub use upstream::UpstreamConfig;
