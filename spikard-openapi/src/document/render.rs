//! From a route to an operation object (OpenAPI 3.1 section 4.8.10).

use serde_json::{Map, Value, json};

use super::components::Components;
use super::endpoint::{Endpoint, Problem, ProblemSchemas, Surroundings};
use crate::operation::{Content, Header, Operation, Parameter, ParameterLocation, Protocol, RequestBody, Response};

/// The media type of refusals.
const PROBLEM: &str = "application/problem+json";

/// Writes operations; what they share goes to the components.
pub(super) struct Renderer<'r> {
    pub(super) components: &'r mut Components,
    pub(super) problems: &'r ProblemSchemas,
}

impl Renderer<'_> {
    /// The operation of one method of a route. `renamed` says what the parameters of its path are
    /// called in the document.
    pub(super) fn operation(&mut self, endpoint: &Endpoint, method: &str, id: &str, renamed: &[(String, String)]) -> Value {
        let Operation { summary, description, tags, deprecated, parameters, body, protocol, .. } = &endpoint.operation;
        let parameters: Vec<Value> = parameters.iter().map(|parameter| self.parameter(parameter, renamed)).collect();
        let body = body.as_ref().map(|body| self.body(body));
        let responses = self.responses(endpoint, method);
        let security: Vec<Value> = self.schemes(&endpoint.surroundings).map(|name| json!({ name: [] })).collect();
        let mut operation = Map::new();
        put(&mut operation, "tags", (!tags.is_empty()).then(|| json!(tags)));
        put(&mut operation, "summary", Some(summary.clone().unwrap_or_else(|| in_words(id)).into()));
        put(&mut operation, "description", description.clone().map(Into::into));
        put(&mut operation, "operationId", Some(id.into()));
        put(&mut operation, "parameters", (!parameters.is_empty()).then(|| parameters.into()));
        put(&mut operation, "requestBody", body);
        put(&mut operation, "responses", Some(responses));
        put(&mut operation, "deprecated", deprecated.then_some(true.into()));
        put(&mut operation, "security", (!security.is_empty()).then(|| security.into()));
        put(&mut operation, "x-websocket", (*protocol == Protocol::WebSocket).then_some(true.into()));
        operation.into()
    }

    /// The names of the schemes of a route, each of which is enough.
    pub(super) fn schemes(&mut self, surroundings: &Surroundings) -> impl Iterator<Item = String> {
        surroundings.security.iter().map(|scheme| self.components.security(&scheme.name, &scheme.info.object()))
    }

    fn parameter(&mut self, parameter: &Parameter, renamed: &[(String, String)]) -> Value {
        let Parameter { name, location, description, required, deprecated, schema, separator } = parameter;
        let mut object = Map::new();
        let of_path = |name: &String| renamed.iter().find(|(own, _)| own == name).map(|(_, name)| name.clone());
        let is_path = *location == ParameterLocation::Path;
        object.insert("name".into(), of_path(name).filter(|_| is_path).unwrap_or_else(|| name.clone()).into());
        object.insert("in".into(), location.key().into());
        put(&mut object, "description", description.clone().map(Into::into));
        put(&mut object, "required", (*required || is_path).then_some(true.into()));
        put(&mut object, "deprecated", deprecated.then_some(true.into()));
        if let Some((style, explode)) = separator.as_deref().and_then(|separator| style(*location, separator)) {
            object.insert("style".into(), style.into());
            object.insert("explode".into(), explode.into());
        }
        object.insert("schema".into(), self.components.schema(schema));
        object.into()
    }

    fn body(&mut self, body: &RequestBody) -> Value {
        let mut object = Map::new();
        put(&mut object, "description", body.description.clone().map(Into::into));
        object.insert("content".into(), self.content(&body.content));
        put(&mut object, "required", body.required.then_some(true.into()));
        object.into()
    }

    fn content(&mut self, content: &[Content]) -> Value {
        let media_type = |one: &Content| {
            let schema = match &one.schema {
                Some(schema) => Some(self.components.schema(schema)),
                // What it may be is known.
                None if one.media_type == PROBLEM => Some(self.components.named_schema("Problem", &self.problems.problem)),
                None => None,
            };
            let encoding = one.encoding.iter().map(|(name, types)| (name.clone(), json!({ "contentType": types })));
            let mut object = Map::new();
            put(&mut object, "schema", schema);
            put(&mut object, "encoding", (!one.encoding.is_empty()).then(|| encoding.collect()));
            (one.media_type.clone(), object.into())
        };
        content.iter().map(media_type).collect::<Map<_, _>>().into()
    }

    /// What the function answers, then what is answered in its place.
    fn responses(&mut self, endpoint: &Endpoint, method: &str) -> Value {
        let mut problems = endpoint.surroundings.problems_of(method, endpoint.operation.body.is_some());
        let mut responses = Map::new();
        for response in &endpoint.operation.responses {
            let also = response.status.parse().ok().and_then(|status: u16| problems.remove(&status));
            let mut written =
                self.response(response, &endpoint.surroundings.headers, is_certain(also.as_deref().unwrap_or_default()));
            if let Some(content) = written.as_object_mut().filter(|_| method == "head") {
                content.shift_remove("content");
            }
            if let Some(also) = also {
                self.join(&mut written, &also);
            }
            responses.insert(response.status.clone(), written);
        }
        for (status, problems) in problems {
            responses.insert(status.to_string(), self.problem(&problems, &endpoint.surroundings.headers));
        }
        responses.into()
    }

    /// `is_certain`: whether it has the common headers at any rate.
    fn response(&mut self, response: &Response, common: &[Header], is_certain: bool) -> Value {
        let mut object = Map::new();
        object.insert("description".into(), response.description.clone().into());
        let headers = self.headers(response.headers.iter(), common, is_certain);
        put(&mut object, "headers", (!headers.is_empty()).then(|| headers.into()));
        put(&mut object, "content", (!response.content.is_empty()).then(|| self.content(&response.content)));
        object.into()
    }

    fn headers<'h>(&mut self, own: impl Iterator<Item = &'h Header>, common: &[Header], is_certain: bool) -> Map<String, Value> {
        let mut headers = Map::new();
        for header in own {
            headers.insert(header.name.clone(), self.header(header));
        }
        for header in common {
            let written = self.header(&Header { required: header.required && is_certain, ..header.clone() });
            let written = if is_certain { self.components.header(&header.name, written) } else { written };
            headers.entry(header.name.clone()).or_insert(written);
        }
        headers
    }

    fn header(&mut self, header: &Header) -> Value {
        let mut object = Map::new();
        put(&mut object, "description", header.description.clone().map(Into::into));
        put(&mut object, "required", header.required.then_some(true.into()));
        object.insert("schema".into(), self.components.schema(&header.schema));
        object.into()
    }

    /// The refusals of one status, as one response.
    pub(super) fn problem(&mut self, problems: &[&Problem], common: &[Header]) -> Value {
        let mut object = Map::new();
        object.insert("description".into(), titles(problems).into());
        let headers = self.headers(problems.iter().flat_map(|problem| &problem.headers), common, is_certain(problems));
        put(&mut object, "headers", (!headers.is_empty()).then(|| headers.into()));
        object.insert("content".into(), json!({ PROBLEM: self.problem_content(problems) }));
        let name = problems.first().map_or("Problem", |problem| &problem.name);
        self.components.response(name, object.into())
    }

    /// Adds refusals to a response of the function with the same status.
    pub(super) fn join(&mut self, response: &mut Value, problems: &[&Problem]) {
        let content = self.problem_content(problems);
        let headers = self.headers(problems.iter().flat_map(|problem| &problem.headers), &[], true);
        let Some(response) = response.as_object_mut() else { return };
        for (key, added) in [("headers", headers), ("content", Map::from_iter([(PROBLEM.to_owned(), content)]))] {
            if added.is_empty() {
                continue;
            }
            let there = response.entry(key).or_insert_with(|| json!({}));
            for (name, value) in added {
                there.as_object_mut().map(|there| there.entry(name).or_insert(value));
            }
        }
    }

    fn problem_content(&mut self, problems: &[&Problem]) -> Value {
        let lists_errors = problems.iter().any(|problem| problem.status == 422);
        let (name, schema) =
            if lists_errors { ("ValidationProblem", &self.problems.validation) } else { ("Problem", &self.problems.problem) };
        json!({ "schema": self.components.named_schema(name, schema) })
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(key.into(), value);
    }
}

/// The name of an operation as a line: `Get users by id`. Readers of documents find operations by it.
pub(super) fn in_words(id: &str) -> String {
    let mut letters = id.trim_matches('_').chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.map(|letter| if letter == '_' { ' ' } else { letter })).collect()
}

/// Whether all of these come from behind the policies.
fn is_certain(problems: &[&Problem]) -> bool {
    problems.iter().all(|problem| !problem.is_outside)
}

/// The titles, each once.
fn titles(problems: &[&Problem]) -> String {
    let mut titles: Vec<&str> = Vec::new();
    for problem in problems {
        if !titles.contains(&problem.title.as_str()) {
            titles.push(&problem.title);
        }
    }
    titles.join("; ")
}

/// How a list within one value is written (OpenAPI 3.1 section 4.8.12.2); none: the document has no
/// word for the separator.
fn style(location: ParameterLocation, separator: &str) -> Option<(&'static str, bool)> {
    match (location, separator) {
        (ParameterLocation::Query, ",") => Some(("form", false)),
        (ParameterLocation::Query, "|") => Some(("pipeDelimited", false)),
        (ParameterLocation::Query, " ") => Some(("spaceDelimited", false)),
        _ => None,
    }
}

impl ParameterLocation {
    fn key(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}
