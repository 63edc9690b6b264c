//! From routes to an OpenAPI 3.1 document.
//!
//! A route says what its function takes and gives; [`Surroundings`] say what stands around it. Keys
//! stand in the order in which things were declared, so equal routes give equal bytes.

mod components;
mod endpoint;
mod ids;
mod merged;
mod paths;
mod render;

use serde_json::{Map, Value, json};

use crate::info::Head;
use components::Components;
pub use endpoint::{Endpoint, Problem, ProblemSchemas, SecurityScheme, Surroundings, When};
use ids::Ids;
pub use merged::Merged;
use paths::Paths;
use render::Renderer;

/// The version of the specification that documents are written in.
const VERSION: &str = "3.1.1";

/// A document in the making.
#[derive(Debug, Default)]
pub struct Document<'f> {
    head: Head,
    problems: ProblemSchemas,
    entries: Vec<Entry<'f>>,
}

/// What has operations.
#[derive(Debug)]
enum Entry<'f> {
    Own(Endpoint),
    Merged(Merged<'f>),
}

/// A document, and what of the routes is not in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// The document.
    pub value: Value,
    /// Why something was left out, one sentence each.
    pub remarks: Vec<String>,
}

impl<'f> Document<'f> {
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
        self.entries.push(Entry::Own(endpoint));
    }

    /// Adds an operation of somebody else's document, which a route leads to.
    pub fn merge(&mut self, merged: Merged<'f>) {
        self.entries.push(Entry::Merged(merged));
    }

    /// Writes the document.
    pub fn finish(self) -> Written {
        let Self { head, problems, entries } = self;
        let mut components = Components::new(&head.security_schemes);
        let mut paths = Paths::default();
        let mut remarks = Vec::new();
        let mut ids = Ids::reserving(entries.iter().filter_map(Entry::id));
        let mut renderer = Renderer { components: &mut components, problems: &problems };
        for entry in &entries {
            let place = paths.place(entry.path());
            for (number, method) in entry.methods().into_iter().enumerate() {
                let Some(key) = paths::key_of(method) else {
                    remarks.push(format!("{method} {} is left out: OpenAPI has no such method", entry.path()));
                    continue;
                };
                if let Some(other) = paths.taken(place, key) {
                    remarks.push(format!("{method} {} is left out: it is {other} for whoever reads paths", entry.name()));
                    continue;
                }
                let id = match entry.id() {
                    Some(id) if number == 0 => ids.given(id),
                    Some(id) => ids.free(&format!("{id}_{key}")),
                    None => ids.made(key, paths.template(place)),
                };
                let renamed = paths.renamed(place, entry.path());
                let operation = match entry {
                    Entry::Own(endpoint) => renderer.operation(endpoint, key, &id, &renamed),
                    Entry::Merged(merged) => renderer.merged(merged, &id, &renamed),
                };
                paths.put(place, key, operation, entry.name());
            }
        }
        let tags = paths.tags().iter().filter_map(|name| tag(&entries, name)).cloned().collect();
        let value = document(&head, tags, paths.into_value(), components.into_value());
        Written { value, remarks }
    }
}

impl Entry<'_> {
    fn path(&self) -> &str {
        match self {
            Self::Own(endpoint) => &endpoint.path,
            Self::Merged(merged) => &merged.path,
        }
    }

    fn methods(&self) -> Vec<&str> {
        match self {
            Self::Own(endpoint) => endpoint.methods.iter().map(String::as_str).collect(),
            Self::Merged(merged) => vec![merged.operation.method],
        }
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Own(endpoint) => endpoint.operation.id.as_deref(),
            Self::Merged(merged) => merged.id(),
        }
    }

    /// Host and path, for messages.
    fn name(&self) -> String {
        let host = match self {
            Self::Own(endpoint) => &endpoint.host,
            Self::Merged(merged) => &merged.host,
        };
        format!("{}{}", host.as_deref().unwrap_or_default(), self.path())
    }
}

/// What a merged document says of a tag. A name alone says no more than the operations do.
fn tag<'e>(entries: &'e [Entry<'_>], name: &str) -> Option<&'e Value> {
    entries.iter().find_map(|entry| match entry {
        Entry::Own(_) => None,
        Entry::Merged(merged) => merged.tag(name),
    })
}

fn document(head: &Head, tags: Vec<Value>, paths: Value, components: Value) -> Value {
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
        document.insert("tags".into(), tags.into());
    }
    document.into()
}

#[cfg(test)]
mod tests;
