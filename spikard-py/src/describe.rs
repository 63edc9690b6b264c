//! What a route of Python says of itself: its plan and its signature as an operation.
//!
//! Nothing is read before the description of the API is asked for.

use std::sync::Arc;

use pyo3::prelude::*;
use serde_json::{Value, json};
use spikard_core::openapi::{
    Content, Describe, Header, Operation, Parameter, ParameterLocation, Protocol, RequestBody, Response,
};
use spikard_core::validation::{ParameterSpec, Source};

use crate::json;
use crate::parameters;

/// A route: its `_plan.Route`.
struct Described {
    plan: Py<PyAny>,
    /// The name for the log.
    name: String,
}

/// The description of a route called `name`; none: it is left out of that of the API.
pub(crate) fn read(plan: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Arc<dyn Describe>>> {
    if plan.getattr("describe")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Described { plan: plan.clone().unbind(), name: name.to_owned() })))
}

impl Describe for Described {
    fn describe(&self) -> Option<Operation> {
        Python::attach(|py| {
            let said = operation(self.plan.bind(py));
            // What can be wrong was looked for when the server started.
            said.map_err(|error| tracing::error!("{} cannot be described: {error}", self.name)).ok()
        })
    }
}

fn operation(plan: &Bound<'_, PyAny>) -> PyResult<Operation> {
    let said = plan.getattr("describe")?.call0()?;
    let signature = plan.getattr("signature")?;
    Ok(Operation {
        id: said.getattr("operation_id")?.extract()?,
        summary: said.getattr("summary")?.extract()?,
        description: said.getattr("description")?.extract()?,
        tags: said.getattr("tags")?.extract()?,
        deprecated: said.getattr("deprecated")?.extract()?,
        parameters: all_parameters(&signature)?,
        body: body(&signature)?,
        responses: said.getattr("answers")?.try_iter()?.map(|answer| response(&answer?)).collect::<PyResult<_>>()?,
        protocol: match plan.getattr("kind")?.extract::<&str>()? {
            "websocket" => Protocol::WebSocket,
            "events" => Protocol::Events,
            _ => Protocol::Http,
        },
    })
}

/// The parameters, those of dependencies among them. What is read twice must fit both.
fn all_parameters(signature: &Bound<'_, PyAny>) -> PyResult<Vec<Parameter>> {
    let mut found: Vec<Parameter> = Vec::new();
    for plan in parameters::plans(signature)? {
        let next = parameter(parameters::spec(&plan)?);
        let known = found.iter_mut().find(|known| known.location == next.location && known.name == next.name);
        match known {
            None => found.push(next),
            Some(known) => {
                known.required |= next.required;
                known.deprecated &= next.deprecated;
                known.description = known.description.take().or(next.description);
                if known.schema != next.schema {
                    known.schema = json!({ "allOf": [known.schema.take(), next.schema] });
                }
            }
        }
    }
    Ok(found)
}

fn parameter(spec: ParameterSpec) -> Parameter {
    let mut schema = spec.schema;
    Parameter {
        name: spec.key,
        location: match spec.source {
            Source::Path => ParameterLocation::Path,
            Source::Query => ParameterLocation::Query,
            Source::Header => ParameterLocation::Header,
            Source::Cookie => ParameterLocation::Cookie,
        },
        description: taken(&mut schema, "description").and_then(|said| said.as_str().map(str::to_owned)),
        required: spec.required,
        deprecated: taken(&mut schema, "deprecated") == Some(Value::Bool(true)),
        schema,
        separator: spec.separator,
    }
}

/// What the function takes of the body. Forms are taken where JSON is, too; JSON is what an API shows.
fn body(signature: &Bound<'_, PyAny>) -> PyResult<Option<RequestBody>> {
    let plan = signature.getattr("body")?;
    if plan.is_none() {
        let is_streamed = !signature.getattr("stream")?.is_none();
        return Ok(is_streamed.then(|| anything(None)));
    }
    let mut schema = match plan.getattr("schema")? {
        none if none.is_none() => None,
        schema => Some(json::of(&schema)?),
    };
    // Beside a reference stands what the marker says, not what the type says.
    let is_named = schema.as_ref().is_some_and(|schema| schema.get("$ref").is_some());
    let description = schema.as_mut().filter(|_| is_named).and_then(|schema| taken(schema, "description"));
    let description = description.and_then(|said| said.as_str().map(str::to_owned));
    let media_types: &[&str] = match plan.getattr("kind")?.extract::<&str>()? {
        "json" => &["application/json"],
        "form" if schema.as_ref().is_some_and(holds_file) => &["multipart/form-data"],
        "form" => &["application/x-www-form-urlencoded", "multipart/form-data"],
        _ => return Ok(Some(anything(description))),
    };
    let content = |media_type: &&str| Content { media_type: (*media_type).to_owned(), schema: schema.clone() };
    Ok(Some(RequestBody {
        description,
        required: plan.getattr("required")?.extract()?,
        content: media_types.iter().map(content).collect(),
        is_checked: true,
    }))
}

/// A body that is taken as it comes, an empty one too.
fn anything(description: Option<String>) -> RequestBody {
    let content = vec![Content { media_type: "application/octet-stream".into(), schema: None }];
    RequestBody { description, required: false, content, is_checked: false }
}

/// Whether a file is anywhere in a schema.
fn holds_file(schema: &Value) -> bool {
    match schema {
        Value::Object(keys) => keys.get("format").is_some_and(|format| format == "binary") || keys.values().any(holds_file),
        Value::Array(items) => items.iter().any(holds_file),
        _ => false,
    }
}

fn response(answer: &Bound<'_, PyAny>) -> PyResult<Response> {
    Ok(Response {
        status: answer.getattr("status")?.extract()?,
        description: answer.getattr("description")?.extract()?,
        headers: answer.getattr("headers")?.try_iter()?.map(|said| header(&said?)).collect::<PyResult<_>>()?,
        content: answer.getattr("content")?.try_iter()?.map(|said| content(&said?)).collect::<PyResult<_>>()?,
    })
}

fn content(said: &Bound<'_, PyAny>) -> PyResult<Content> {
    let schema = said.getattr("schema")?;
    let schema = if schema.is_none() { None } else { Some(json::of(&schema)?) };
    Ok(Content { media_type: said.getattr("media_type")?.extract()?, schema })
}

fn header(said: &Bound<'_, PyAny>) -> PyResult<Header> {
    Ok(Header {
        name: said.getattr("name")?.extract()?,
        description: said.getattr("description")?.extract()?,
        required: said.getattr("required")?.extract()?,
        schema: json::of(&said.getattr("schema")?)?,
    })
}

/// Takes a keyword out of a schema.
fn taken(schema: &mut Value, keyword: &str) -> Option<Value> {
    schema.as_object_mut()?.shift_remove(keyword)
}
