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
        body: body(plan, &signature)?,
        checks_more: checks_more(&signature)?,
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
    if spec.required {
        fill(&mut schema);
    }
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

/// Whether Python looks at values of parameters after their schemas did.
fn checks_more(signature: &Bound<'_, PyAny>) -> PyResult<bool> {
    for plan in parameters::plans(signature)? {
        if !plan.getattr("convert")?.is_none() {
            return Ok(true);
        }
    }
    for group in signature.getattr("groups")?.try_iter()? {
        if !group?.getattr("make")?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the function takes of the body. Forms are taken where JSON is, too; JSON is what an API shows.
fn body(route: &Bound<'_, PyAny>, signature: &Bound<'_, PyAny>) -> PyResult<Option<RequestBody>> {
    let plan = signature.getattr("body")?;
    if plan.is_none() {
        return itself_read(route, signature);
    }
    let mut schema = match plan.getattr("schema")? {
        none if none.is_none() => None,
        schema => Some(json::of(&schema)?),
    };
    // Beside a reference stands what the marker says, not what the type says.
    let is_named = schema.as_ref().is_some_and(|schema| schema.get("$ref").is_some());
    let description = schema.as_mut().filter(|_| is_named).and_then(|schema| taken(schema, "description"));
    let description = description.and_then(|said| said.as_str().map(str::to_owned));
    let kind = plan.getattr("kind")?.extract::<String>()?;
    let files = match signature.getattr("files")? {
        none if none.is_none() => Value::Null,
        rules => json::of(&rules)?,
    };
    if let Some(form) = schema.as_mut().filter(|_| kind == "form") {
        fill_required(form);
        count_files(form, &files);
    }
    let media_types: &[&str] = match kind.as_str() {
        "json" => &["application/json"],
        "form" if schema.as_ref().is_some_and(holds_file) => &["multipart/form-data"],
        "form" => &["application/x-www-form-urlencoded", "multipart/form-data"],
        _ => return Ok(Some(anything("application/octet-stream", description))),
    };
    let mut content: Vec<Content> = media_types.iter().map(|&media_type| Content::new(media_type, schema.clone())).collect();
    if let Some(form) = content.last_mut().filter(|last| last.media_type == "multipart/form-data") {
        form.encoding = file_types(&files);
    }
    Ok(Some(RequestBody { description, required: plan.getattr("required")?.extract()?, content, is_checked: true }))
}

/// A body that the function may read itself: in pieces, or of the request on a method that has one.
fn itself_read(route: &Bound<'_, PyAny>, signature: &Bound<'_, PyAny>) -> PyResult<Option<RequestBody>> {
    if !signature.getattr("stream")?.is_none() {
        return Ok(Some(anything("application/octet-stream", None)));
    }
    let methods: Vec<String> = route.getattr("methods")?.extract()?;
    let request: Option<String> = signature.getattr("request")?.extract()?;
    // Dependencies get the request under a name that no function has.
    let is_own = request.is_some_and(|name| !name.contains('@'));
    let may_have_body = methods.iter().all(|method| matches!(method.as_str(), "POST" | "PUT" | "PATCH"));
    Ok((is_own && may_have_body).then(|| anything("*/*", None)))
}

/// The media types that files may have, by the names of their fields.
fn file_types(rules: &Value) -> Vec<(String, String)> {
    let types = |rule: &Value| {
        let types: Vec<&str> = rule.get("content_types")?.as_array()?.iter().filter_map(Value::as_str).collect();
        Some(types.join(", "))
    };
    rules.as_object().into_iter().flatten().filter_map(|(name, rule)| Some((name.clone(), types(rule)?))).collect()
}

/// Says of lists of files how many they may have.
fn count_files(form: &mut Value, rules: &Value) {
    for (name, rule) in rules.as_object().into_iter().flatten() {
        let field = form.get_mut("properties").and_then(|fields| fields.get_mut(name)).and_then(Value::as_object_mut);
        let list = field.filter(|field| field.get("type").is_some_and(|kind| kind == "array"));
        if let (Some(list), Some(most)) = (list, rule.get("max_count")) {
            list.insert("maxItems".into(), most.clone());
        }
    }
}

/// A body that is taken as it comes, an empty one too.
fn anything(media_type: &str, description: Option<String>) -> RequestBody {
    RequestBody { description, required: false, content: vec![Content::new(media_type, None)], is_checked: false }
}

/// Says of a list that it is not empty: in a query or a form, a list without a value is not there.
fn fill(schema: &mut Value) {
    if let Some(keywords) = schema.as_object_mut().filter(|keywords| keywords.get("type").is_some_and(|kind| kind == "array")) {
        keywords.entry("minItems").or_insert_with(|| json!(1));
    }
}

/// The same of the required fields of a form.
fn fill_required(form: &mut Value) {
    let names: Vec<String> =
        form["required"].as_array().into_iter().flatten().filter_map(|name| Some(name.as_str()?.into())).collect();
    for name in names {
        if let Some(field) = form.get_mut("properties").and_then(|fields| fields.get_mut(name)) {
            fill(field);
        }
    }
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
    Ok(Content::new(said.getattr("media_type")?.extract::<String>()?, schema))
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
