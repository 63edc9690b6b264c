//! A fixed answer: made once, sent as often as it is asked for.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use spikard_middleware::headers::is_reserved;
use spikard_middleware::{Answer, Body, BuildContext, BuildError, Request, Response, Service};
use spikard_openapi::{self as described, Describe, Operation};

use crate::config::ResponseConfig;

/// The leaf of `response = {...}`.
#[derive(Debug, Clone)]
pub struct FixedResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl FixedResponse {
    /// Makes the answer.
    ///
    /// # Errors
    /// When the status or a header is not valid, when a header belongs to the server, or when
    /// both `body` and `json` are given.
    pub fn build(config: &ResponseConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        let status = StatusCode::from_u16(config.status).ok().filter(|status| (200..=599).contains(&status.as_u16()));
        if status.is_none() {
            errors.push(ctx.invalid("status", format!("status is {}, expected 200 to 599", config.status)));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            match header_of(name, value) {
                Ok((name, value)) => drop(headers.append(name, value)),
                Err(message) => errors.push(ctx.invalid("headers", message).under(name)),
            }
        }
        let (body, media_type) = match (&config.body, &config.json) {
            (Some(_), Some(_)) => {
                errors.push(ctx.invalid("json", "`json` stands beside `body`, expected one of the two"));
                (Bytes::new(), None)
            }
            (Some(text), None) => (Bytes::from(text.clone()), Some("text/plain; charset=utf-8")),
            (None, Some(value)) => (Bytes::from(value.to_string()), Some("application/json")),
            (None, None) => (Bytes::new(), None),
        };
        if let Some(media_type) = media_type {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
        }
        if matches!(config.status, 204 | 205 | 304) && !body.is_empty() {
            // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5.
            let field = if config.json.is_some() { "json" } else { "body" };
            errors.push(ctx.invalid(field, format!("`{field}` stands beside status {}, expected no content", config.status)));
        }
        BuildError::all(errors)?;
        Ok(Self { status: status.unwrap_or_default(), headers, body })
    }
}

impl Service for FixedResponse {
    fn call(&self, _: Request) -> Answer<'_> {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        Box::pin(std::future::ready(response))
    }
}

impl Describe for FixedResponse {
    fn describe(&self) -> Option<Operation> {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let others = self.headers.iter().filter(|(name, _)| *name != header::CONTENT_TYPE);
        let header = |(name, value)| described::Header {
            name: HeaderName::to_string(name),
            description: None,
            required: true,
            schema: json!({ "type": "string", "examples": [text(value)] }),
        };
        let media_type = self.headers.get(header::CONTENT_TYPE).filter(|_| !self.body.is_empty()).map(text);
        let content = media_type.map(|media_type| {
            let schema = schema_of(&media_type, &self.body);
            described::Content::new(media_type, Some(schema))
        });
        let response = described::Response {
            headers: others.map(header).collect(),
            content: content.into_iter().collect(),
            ..described::Response::new(self.status.as_str(), self.status.canonical_reason().unwrap_or("The answer"))
        };
        Some(Operation { responses: vec![response], ..Operation::default() })
    }
}

/// What a fixed body is; it is its own example.
fn schema_of(media_type: &str, body: &[u8]) -> Value {
    let text = || Value::from(String::from_utf8_lossy(body));
    let value = if media_type == "application/json" { serde_json::from_slice(body).unwrap_or_else(|_| text()) } else { text() };
    let kind = match &value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    json!({ "type": kind, "examples": [value] })
}

fn header_of(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed: HeaderName = name.parse().map_err(|_| format!("`{name}` is not a header name"))?;
    if is_reserved(&parsed) {
        return Err(format!("`{name}` is made by the server, expected no such header"));
    }
    let value = value.parse().map_err(|_| format!("`{value}` is not a header value, expected visible ASCII"))?;
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn built(toml: &str) -> Result<FixedResponse, BuildError> {
        let config: ResponseConfig = toml::from_str(toml).unwrap();
        FixedResponse::build(&config, &BuildContext::default())
    }

    #[tokio::test]
    async fn answers_with_what_the_config_says() {
        let leaf = built("status = 201\njson = { ok = true }\nheaders = { X-A = \"1\" }").unwrap();
        let response = leaf.call(Request::new(Body::empty())).await;
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["x-a"], "1");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), r#"{"ok":true}"#);
    }

    #[test]
    fn refuses_what_could_not_be_sent() {
        for toml in [
            "status = 199",
            "status = 600",
            "status = 204\nbody = \"a\"",
            "status = 304\njson = 1",
            "headers = { \"a b\" = \"1\" }",
            "headers = { Content-Length = \"1\" }",
            "body = \"a\"\njson = 1",
        ] {
            assert!(built(toml).is_err(), "{toml}");
        }
    }
}
