//! The configuration: its structs, and how files become them.

mod model;
mod route;

pub use model::ServerConfig;
pub use route::{RedirectConfig, ResponseConfig, RouteConfig};
