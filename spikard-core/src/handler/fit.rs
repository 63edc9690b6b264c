//! Holds a request against the schemas of its route, before a handler sees it.

use bytes::Bytes;
use http::Uri;
use serde_json::Value;

use super::body::RequestBody;
use super::content::{Content, aside};
use super::data::RequestData;
use crate::validation::{Location, Parameter, Parameters, RequestHead, Schema, Violation, coerce};

/// What a route says about its requests.
#[derive(Default)]
pub(super) struct Schemas {
    pub(super) parameters: Option<Parameters>,
    pub(super) body: Option<Schema>,
}

impl Schemas {
    /// Puts what was read for the parameters, and a form's fields as their schema wants them, into
    /// `data`.
    ///
    /// # Errors
    /// Everything that does not fit, parameters first.
    pub(super) async fn apply(&self, uri: &Uri, data: &mut RequestData) -> Result<(), Vec<Violation>> {
        let mut violations = Vec::new();
        if let Some(parameters) = &self.parameters {
            let query = uri.query().unwrap_or_default();
            let read = parameters.read(&RequestHead { path: Some(&data.path_params), query, headers: &data.headers });
            match read {
                Ok(values) => data.parameters = values.into_iter().map(|value| value.map(Parameter::into_owned)).collect(),
                Err(found) => violations = found,
            }
        }
        if let Some(schema) = &self.body {
            let (body, found) = judge(std::mem::take(&mut data.body), schema).await;
            data.body = body;
            violations.extend(found);
        }
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

/// A body, the fields of a form as its schema wants them, and everything about it that does not fit.
pub(crate) async fn judge(body: RequestBody, schema: &Schema) -> (RequestBody, Vec<Violation>) {
    let RequestBody { bytes, content } = body;
    let (schema, length) = (schema.clone(), bytes.len());
    aside(length, move || judged(bytes, content, &schema)).await
}

fn judged(bytes: Bytes, mut content: Content, schema: &Schema) -> (RequestBody, Vec<Violation>) {
    let body = Location::body();
    let violations = match &mut content {
        Content::Json(value) => schema.violations(value, &body),
        Content::JsonText => schema.violations_in(&bytes, &body),
        Content::Form(form) => {
            form.fields = coerce(form.fields.take(), schema);
            schema.violations(&form.fields, &body)
        }
        Content::Empty => vec![Violation::missing(body, Value::Null)],
        Content::Unread | Content::Raw => Vec::new(),
    };
    (RequestBody { bytes, content }, violations)
}
