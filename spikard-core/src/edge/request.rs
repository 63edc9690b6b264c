//! Holds a request against an operation, before the upstream sees it.

use http::header::{CONTENT_TYPE, EXPECT};
use http_body::Body as _;
use serde_json::Value;
use spikard_middleware::problem::Subject;
use spikard_middleware::{Body, Request, Response};

use super::compile::{BodyRule, Operation};
use super::media::{FORM, best, essence_of, is_json};
use crate::handler::{self, BodyReadingConfig, Refused, RequestBody};
use crate::routes::PathParams;
use crate::validation::{Location, RequestHead, Violation, refuse};

impl Operation {
    /// Checks a request. A body that has to be checked is read, and the request gets back the very
    /// bytes that were checked; any other streams on.
    ///
    /// # Errors
    /// The refusal that the client is answered.
    pub(super) async fn check(
        &self,
        request: &mut Request,
        path: &PathParams,
        limits: &BodyReadingConfig,
        subject: &Subject,
    ) -> Result<(), Response> {
        let body = match &self.body {
            None => Vec::new(),
            Some(rule) => rule.check(request, limits).await.map_err(|refused| refused.response(subject))?,
        };
        let query = request.uri().query().unwrap_or_default();
        let head = RequestHead { path: Some(path), query, headers: request.headers() };
        let mut violations = self.parameters.read(&head).err().unwrap_or_default();
        violations.extend(body);
        if violations.is_empty() { Ok(()) } else { Err(refuse(&violations, subject)) }
    }
}

impl BodyRule {
    async fn check(&self, request: &mut Request, limits: &BodyReadingConfig) -> Result<Vec<Violation>, Refused> {
        let missing = || if self.required { vec![Violation::missing(Location::body(), Value::Null)] } else { Vec::new() };
        if request.body().is_end_stream() {
            return Ok(missing());
        }
        let essence = match essence_of(request.headers()) {
            Some(essence) => essence,
            None if !request.headers().contains_key(CONTENT_TYPE) => "application/json".to_owned(),
            None => return Err(Refused::unsupported_media_type()),
        };
        let content = best(&self.content, &essence).ok_or_else(Refused::unsupported_media_type)?;
        let Some(schema) = content.schema.as_ref().filter(|_| is_json(&essence) || essence == FORM) else {
            return Ok(Vec::new());
        };
        let takes_json = self.content.iter().any(|(range, _)| range.is_json());
        let mut body = RequestBody::read_text(request, takes_json, limits).await?;
        // It is here: the upstream need not be asked whether it wants it.
        request.headers_mut().remove(EXPECT);
        if body.content == handler::Content::Empty {
            return Ok(missing());
        }
        if let handler::Content::Form(form) = &mut body.content {
            split(&mut form.fields, &content.separators);
        }
        let (body, violations) = handler::judge(body, schema).await;
        *request.body_mut() = Body::from(body.bytes);
        Ok(violations)
    }
}

/// Makes lists of the fields that hold several elements in one text.
fn split(fields: &mut Value, separators: &[(String, char)]) {
    for (field, separator) in separators {
        if let Some(value) = fields.get_mut(field)
            && let Some(text) = value.as_str()
        {
            *value = text.split(*separator).map(Value::from).collect();
        }
    }
}
