//! An operation of somebody else's document among ours: its own words, with what stands around the
//! route that leads to it.

use serde_json::{Map, Value, json};

use super::components::Origin;
use super::endpoint::Surroundings;
use super::render::{Renderer, in_words};
use crate::foreign::{Foreign, ForeignOperation, Kind};

/// An operation of a document, and the route that leads to it.
#[derive(Debug, Clone)]
pub struct Merged<'f> {
    /// The document.
    pub foreign: &'f Foreign,
    /// The operation.
    pub operation: ForeignOperation<'f>,
    /// The path under which clients ask for it, with the document's names of its parameters.
    pub path: String,
    /// The host, if the route answers for one only.
    pub host: Option<String>,
    /// What the policies of the route and the server add.
    pub surroundings: Surroundings,
}

impl Merged<'_> {
    pub(super) fn id(&self) -> Option<&str> {
        self.operation.value.get("operationId")?.as_str()
    }

    /// What the document says of a tag.
    pub(super) fn tag(&self, name: &str) -> Option<&Value> {
        self.foreign.document().get("tags")?.as_array()?.iter().find(|tag| tag["name"] == name)
    }

    /// The parameters as they are written, those of the path item too.
    fn parameters(&self, renamed: &[(String, String)]) -> Vec<Value> {
        let written = self.foreign.parameters(&self.operation).into_iter().filter_map(|parameter| {
            let mut written = self.foreign.document().pointer(parameter.pointer.as_str())?.clone();
            let new = renamed.iter().find(|(old, _)| written["in"] == "path" && written["name"] == **old);
            if let Some((_, new)) = new {
                written["name"] = new.clone().into();
            }
            Some(written)
        });
        written.collect()
    }

    /// What the document asks of clients: alternatives, each of schemes by its names.
    fn security(&self) -> Vec<Map<String, Value>> {
        let own = self.operation.value.get("security").or_else(|| self.foreign.document().get("security"));
        own.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).cloned().collect()
    }
}

impl Renderer<'_> {
    /// The operation object. `renamed` says what the parameters of the path are called here.
    pub(super) fn merged(&mut self, merged: &Merged<'_>, id: &str, renamed: &[(String, String)]) -> Value {
        let Merged { foreign, operation, surroundings, .. } = merged;
        let mut object = operation.value.clone();
        let problems = surroundings.problems_of(operation.method, object.contains_key("requestBody"));
        // Where it is served is said by this document; `security` is put together below.
        for key in ["servers", "security"] {
            object.shift_remove(key);
        }
        object.entry("summary").or_insert_with(|| in_words(id).into());
        object.insert("operationId".into(), id.into());
        let parameters = merged.parameters(renamed);
        if !parameters.is_empty() {
            object.insert("parameters".into(), parameters.into());
        }
        let responses = object.entry("responses").or_insert_with(|| json!({}));
        for (status, response) in responses.as_object_mut().into_iter().flatten() {
            // What is said beside it has to be said here.
            if status.parse().is_ok_and(|status: u16| problems.contains_key(&status)) {
                *response = foreign.resolve(response).clone();
            }
        }
        let mut written = Value::Object(object);
        self.components.adopt(&mut Origin::new(foreign.document()), &mut written, Kind::Operation);
        if let Some(responses) = written["responses"].as_object_mut() {
            for (status, problems) in problems {
                let status = status.to_string();
                if let Some(response) = responses.get_mut(&status) {
                    self.join(response, &problems);
                } else {
                    responses.insert(status, self.problem(&problems, &surroundings.headers));
                }
            }
        }
        let security = self.security(merged);
        if !security.is_empty() {
            written["security"] = security.into();
        }
        written
    }

    /// What is asked of clients: a scheme of the route, beside what the document asks for.
    fn security(&mut self, merged: &Merged<'_>) -> Vec<Value> {
        let schemes = &merged.foreign.document()["components"]["securitySchemes"];
        let mut of_document: Vec<Map<String, Value>> = Vec::new();
        for alternative in merged.security() {
            let named = alternative
                .into_iter()
                .map(|(name, scopes)| (self.components.security(&name, merged.foreign.resolve(&schemes[&name])), scopes));
            of_document.push(named.collect());
        }
        let of_route: Vec<String> = self.schemes(&merged.surroundings).collect();
        if of_route.is_empty() {
            return of_document.into_iter().map(Value::Object).collect();
        }
        if of_document.is_empty() {
            of_document.push(Map::new());
        }
        let mut both: Vec<Value> = Vec::new();
        for (scheme, alternative) in of_route.iter().flat_map(|scheme| of_document.iter().map(move |other| (scheme, other))) {
            let mut all = Map::from_iter([(scheme.clone(), json!([]))]);
            all.extend(alternative.clone());
            if !both.contains(&Value::Object(all.clone())) {
                both.push(all.into());
            }
        }
        both
    }
}
