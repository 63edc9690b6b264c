//! The description of an API: from the routes of a gateway, and the policies in force before each, to
//! an OpenAPI document.
//!
//! Nothing is made at start: the document is made when it is asked for, and then kept.

mod leaf;
mod operation;
mod problem;
mod surroundings;
mod text;

use std::sync::Arc;

use http::Method;
use spikard_middleware::Effective;
use spikard_openapi::{Describe, Document, Endpoint, Written};

use crate::config::OpenApiConfig;
use crate::gateway::Route;
use crate::routes::{HostPattern, RouteKey};

pub(crate) use leaf::{DocumentLeaf, Shared};
pub use text::{DocumentFormat, text};

/// What a document is made of.
pub(crate) struct Api {
    config: OpenApiConfig,
    routes: Vec<Described>,
}

/// A route that has something to say of itself.
struct Described {
    key: RouteKey,
    description: Arc<dyn Describe>,
    effective: Arc<Effective>,
}

impl Api {
    /// The API of these routes. None of them is asked yet.
    pub(crate) fn new<'r>(config: &OpenApiConfig, routes: impl IntoIterator<Item = &'r Route>) -> Self {
        let described = routes.into_iter().filter_map(|route| {
            let (description, effective) = (Arc::clone(route.description()?), Arc::clone(route.effective_shared()));
            Some(Described { key: route.key().clone(), description, effective })
        });
        Self { config: config.clone(), routes: described.collect() }
    }

    /// The document. Every route is asked.
    pub(crate) fn document(&self) -> Written {
        let mut document = Document::new(self.config.head()).problems(problem::schemas());
        for route in &self.routes {
            if let Some(endpoint) = route.endpoint() {
                document.add(endpoint);
            }
        }
        document.finish()
    }
}

impl Described {
    fn endpoint(&self) -> Option<Endpoint> {
        let operation = operation::complete(self.description.describe()?, &self.key.path);
        let host = match &self.key.host {
            HostPattern::Any => None,
            host => Some(host.to_string()),
        };
        let surroundings = surroundings::of(&self.effective.policies, &operation);
        let methods = self.key.listed().iter().map(Method::to_string).collect();
        Some(Endpoint { path: operation::template(&self.key.path), host, methods, operation, surroundings })
    }
}

#[cfg(test)]
mod tests;
