//! The configuration: its structs, and how files become them.

mod limits;
mod model;
mod route;

pub use limits::LimitsConfig;
pub use model::ServerConfig;
pub use route::{RedirectConfig, ResponseConfig, RouteConfig};
