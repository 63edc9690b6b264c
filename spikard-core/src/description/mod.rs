//! The description of an API: from the routes of a gateway, and the policies in force before each, to
//! an OpenAPI document.
//!
//! Nothing is made at start: the document is made when it is asked for, and then kept.

mod foreign;
mod leaf;
mod operation;
mod problem;
mod surroundings;
mod text;

use std::sync::Arc;

use http::Method;
use spikard_middleware::Effective;
use spikard_openapi::foreign::Foreign;
use spikard_openapi::{Describe, Document, Endpoint, Operation, Written};

use crate::config::OpenApiConfig;
use crate::gateway::{Route, UpstreamApi};
use crate::routes::{HostPattern, RouteKey, Table};

pub(crate) use foreign::unfit;
pub(crate) use leaf::{DocumentLeaf, Shared};
pub use text::{DocumentFormat, text};

/// What a document is made of.
pub(crate) struct Api {
    config: OpenApiConfig,
    routes: Vec<Described>,
    /// The documents of the program.
    documents: Vec<Arc<Foreign>>,
}

/// A route, and what has something to say of it.
struct Described {
    key: RouteKey,
    effective: Arc<Effective>,
    source: Source,
}

enum Source {
    /// Its leaf.
    Leaf(Arc<dyn Describe>),
    /// The document of its upstream.
    Upstream(Box<UpstreamApi>),
    /// Documents of others, if they name it; it may answer for another that they do.
    Others,
}

impl Api {
    /// The API of these routes, and of documents that the program brings. Nothing is asked yet.
    pub(crate) fn new<'r>(
        config: &OpenApiConfig,
        routes: impl IntoIterator<Item = &'r Route>,
        documents: &[Arc<Foreign>],
    ) -> Self {
        let routes: Vec<&Route> = routes.into_iter().collect();
        let has_others = !documents.is_empty() || routes.iter().any(|route| route.upstream_api().is_some());
        let described = routes.into_iter().filter_map(|route| {
            let source = match (route.description(), route.upstream_api()) {
                (Some(leaf), _) => Source::Leaf(Arc::clone(leaf)),
                (None, Some(api)) => Source::Upstream(Box::new(api.clone())),
                (None, None) if has_others => Source::Others,
                (None, None) => return None,
            };
            Some(Described { key: route.key().clone(), effective: Arc::clone(route.effective_shared()), source })
        });
        Self { config: config.clone(), routes: described.collect(), documents: documents.to_vec() }
    }

    /// The document. Every route is asked.
    pub(crate) fn document(&self) -> Written {
        let mut document = Document::new(self.config.head()).problems(problem::schemas());
        // The gateway was built, so no two of them collide.
        let table = Table::new(self.routes.iter().map(|route| route.key.clone()).collect()).unwrap_or_default();
        for (number, route) in self.routes.iter().enumerate() {
            match &route.source {
                Source::Leaf(leaf) => leaf.describe().into_iter().for_each(|operation| document.add(route.endpoint(operation))),
                Source::Upstream(api) => {
                    foreign::of_upstream((number, route), api, &table).for_each(|merged| document.merge(merged));
                }
                Source::Others => {}
            }
        }
        for (route, foreign, operation) in foreign::of_program(&self.routes, &self.documents, &table) {
            document.merge(foreign::merged(route, foreign, operation));
        }
        document.finish()
    }
}

impl Described {
    fn endpoint(&self, operation: Operation) -> Endpoint {
        let operation = operation::complete(operation, &self.key.path);
        let surroundings = surroundings::of(&self.effective.policies, &operation::refusals(&operation));
        let methods = self.key.listed().iter().map(Method::to_string).collect();
        Endpoint { path: operation::template(&self.key.path), host: self.host(), methods, operation, surroundings }
    }

    /// The host, if the route answers for one only.
    fn host(&self) -> Option<String> {
        match &self.key.host {
            HostPattern::Any => None,
            host => Some(host.to_string()),
        }
    }
}

#[cfg(test)]
mod foreign_tests;
#[cfg(test)]
mod tests;
