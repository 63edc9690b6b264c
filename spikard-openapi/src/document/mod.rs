//! From routes to an OpenAPI 3.1 document.
//!
//! A route says what its function takes and gives; [`Surroundings`] say what stands around it. Keys
//! stand in the order in which things were declared, so equal routes give equal bytes.

mod components;
mod endpoint;
mod ids;
mod paths;
mod render;

use serde_json::{Map, Value, json};

use crate::info::Head;
use components::Components;
pub use endpoint::{Endpoint, Problem, ProblemSchemas, SecurityScheme, Surroundings, When};
use ids::Ids;
use paths::Paths;
use render::Renderer;

/// The version of the specification that documents are written in.
const VERSION: &str = "3.1.1";

/// A document in the making.
#[derive(Debug, Default)]
pub struct Document {
    head: Head,
    problems: ProblemSchemas,
    endpoints: Vec<Endpoint>,
}

/// A document, and what of the routes is not in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// The document.
    pub value: Value,
    /// Why something was left out, one sentence each.
    pub remarks: Vec<String>,
}

impl Document {
    /// A document without operations.
    pub fn new(head: Head) -> Self {
        Self { head, ..Self::default() }
    }

    /// Sets what the bodies of refusals look like.
    #[must_use]
    pub fn problems(self, problems: ProblemSchemas) -> Self {
        Self { problems, ..self }
    }

    /// Adds the operations of a route.
    pub fn add(&mut self, endpoint: Endpoint) {
        self.endpoints.push(endpoint);
    }

    /// Writes the document.
    pub fn finish(self) -> Written {
        let Self { head, problems, endpoints } = self;
        let mut components = Components::new(&head.security_schemes);
        let mut paths = Paths::default();
        let mut remarks = Vec::new();
        let mut ids = Ids::reserving(endpoints.iter().filter_map(|endpoint| endpoint.operation.id.as_deref()));
        let mut renderer = Renderer { components: &mut components, problems: &problems };
        for endpoint in &endpoints {
            let place = paths.place(&endpoint.path);
            for (number, method) in endpoint.methods.iter().enumerate() {
                let Some(key) = paths::key_of(method) else {
                    remarks.push(format!("{method} {} is left out: OpenAPI has no such method", endpoint.path));
                    continue;
                };
                if let Some(other) = paths.taken(place, key) {
                    remarks.push(format!("{method} {} is left out: it is {other} for whoever reads paths", endpoint.named()));
                    continue;
                }
                let id = match &endpoint.operation.id {
                    Some(id) if number == 0 => ids.given(id),
                    Some(id) => ids.free(&format!("{id}_{key}")),
                    None => ids.made(key, paths.template(place)),
                };
                let operation = renderer.operation(endpoint, key, &id, &paths.renamed(place, &endpoint.path));
                paths.put(place, key, operation, endpoint.named());
            }
        }
        let tags = paths.tags();
        let value = document(&head, tags, paths.into_value(), components.into_value());
        Written { value, remarks }
    }
}

fn document(head: &Head, tags: Vec<String>, paths: Value, components: Value) -> Value {
    let mut info = Map::new();
    info.insert("title".into(), head.title.clone().into());
    info.insert("version".into(), head.version.clone().into());
    if let Some(description) = &head.description {
        info.insert("description".into(), description.clone().into());
    }
    // Structs of texts: neither of these fails.
    if let Some(contact) = &head.contact {
        info.insert("contact".into(), json!(contact));
    }
    if let Some(license) = &head.license {
        info.insert("license".into(), json!(license));
    }
    let mut document = Map::new();
    document.insert("openapi".into(), VERSION.into());
    document.insert("info".into(), info.into());
    let here = [json!({ "url": "/" })];
    document.insert("servers".into(), if head.servers.is_empty() { json!(here) } else { json!(head.servers) });
    document.insert("paths".into(), paths);
    document.insert("components".into(), components);
    // Each operation says for itself what it asks for; what says nothing asks for nothing.
    document.insert("security".into(), json!([]));
    if !tags.is_empty() {
        document.insert("tags".into(), tags.into_iter().map(|name| json!({ "name": name })).collect());
    }
    document.into()
}

#[cfg(test)]
mod tests;
