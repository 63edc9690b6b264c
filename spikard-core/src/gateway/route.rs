//! One route as it is in force.

use std::sync::Arc;

use spikard_middleware::{ConfigPath, Effective, Service, Stack};
use spikard_openapi::Describe;

use super::leaves::BuiltLeaf;
use super::pages::PAGE;
use super::upstream_api::UpstreamApi;
use crate::leaf::Options;
use crate::routes::{HostPattern, RouteKey};
use crate::traffic::Requests;

/// A route: what it answers to, its effective policies, its stack and its leaf.
pub struct Route {
    key: RouteKey,
    place: ConfigPath,
    leaf: BuiltLeaf,
    effective: Arc<Effective>,
    stack: Stack,
    service: Arc<dyn Service>,
    preflight: Arc<dyn Service>,
}

impl Route {
    pub(super) fn new(key: RouteKey, place: ConfigPath, effective: Effective, stack: Stack, leaf: BuiltLeaf) -> Self {
        let service = stack.around(Arc::clone(&leaf.service));
        let preflight = stack.around(Arc::new(Options));
        Self { key, place, leaf, effective: Arc::new(effective), stack, service, preflight }
    }

    /// The same route with its requests counted, under host and path.
    pub(super) fn counted(self, requests: &Requests) -> Self {
        let host = if self.key.host == HostPattern::Any { String::new() } else { self.key.host.to_string() };
        let counting = requests.counting(&format!("{host}{}", self.key.path), "leaf");
        Self { service: counting.around(self.service), preflight: counting.around(self.preflight), ..self }
    }

    /// What the route answers to.
    pub fn key(&self) -> &RouteKey {
        &self.key
    }

    /// Where the route stands in the configuration; the root if it exists in the program only.
    pub fn place(&self) -> &ConfigPath {
        &self.place
    }

    /// What answers: `upstream api`, `static_files ./public`, `response`, `redirect` ...
    pub fn leaf(&self) -> &str {
        &self.leaf.name
    }

    /// Where what answers is written, if that is not the configuration: `shop.users, shop.py:12`.
    pub fn source(&self) -> Option<&str> {
        self.leaf.source.as_deref()
    }

    /// What answers, for another gateway.
    pub(super) fn built_leaf(&self) -> &BuiltLeaf {
        &self.leaf
    }

    /// What the leaf says of itself in the description of the API; none: it has nothing to say.
    pub fn description(&self) -> Option<&Arc<dyn Describe>> {
        self.leaf.description.as_ref()
    }

    /// Whether something has been said of it already, in whatever way.
    pub(crate) fn is_described(&self) -> bool {
        self.leaf.description.is_some() || self.leaf.api.is_some()
    }

    /// What the document of its upstream says of what the route leads to; none if there is no such
    /// document.
    pub fn upstream_api(&self) -> Option<&UpstreamApi> {
        self.leaf.api.as_ref()
    }

    /// The policies in force, and which of them are the server's.
    pub fn effective(&self) -> &Effective {
        &self.effective
    }

    /// The same, to be kept.
    pub(crate) fn effective_shared(&self) -> &Arc<Effective> {
        &self.effective
    }

    /// The layers in front of the leaf.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The route in one line: `GET api.example.com/users/{id}`.
    pub fn name(&self) -> String {
        self.key.to_string()
    }

    /// Whether the route asks for no credentials.
    pub fn is_public(&self) -> bool {
        self.stack.names().all(|layer| layer != "authentication")
    }

    /// Whether the route has a part of a page that `other` has, too: a page of the description of the
    /// API is several files.
    pub(crate) fn is_page_of(&self, other: &Self) -> bool {
        self.leaf() == PAGE && other.leaf() == PAGE && self.source() == other.source()
    }

    /// Whether preflights are answered by the policy `cors`.
    pub(super) fn has_cors(&self) -> bool {
        self.stack.names().any(|layer| layer == "cors")
    }

    /// The stack around the leaf, or around what answers a preflight for this route.
    pub(super) fn service(&self, preflight: bool) -> &dyn Service {
        if preflight { &*self.preflight } else { &*self.service }
    }
}
