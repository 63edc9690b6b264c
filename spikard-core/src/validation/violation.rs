//! What a client is told about a request that does not fit: `errors[]` of a 422.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use spikard_middleware::Response;
use spikard_middleware::problem::{Subject, VALIDATION_ERROR};

/// How many violations are looked for and listed: a body of 10 MiB can hold five million, which
/// would fill gigabytes before the first is sent.
pub(super) const LISTED: usize = 1000;

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
}

/// The place of a value in a request: the first part says where, the others lead to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Location(Vec<Cow<'static, str>>);

impl Location {
    /// The body as a whole.
    pub fn body() -> Self {
        Self(vec![Cow::Borrowed("body")])
    }

    /// A parameter. Names of headers are in lower case, with dashes.
    pub fn parameter(source: Source, key: &str) -> Self {
        let first = match source {
            Source::Path => "path",
            Source::Query => "query",
            Source::Header => "headers",
            Source::Cookie => "cookie",
        };
        Self(vec![Cow::Borrowed(first), Cow::Owned(key.to_owned())])
    }

    /// A place inside this one: the key of an object, or the index of an element.
    #[must_use]
    pub fn inside(&self, step: impl Into<String>) -> Self {
        let mut parts = self.0.clone();
        parts.push(Cow::Owned(step.into()));
        Self(parts)
    }

    /// The parts, the outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    pub(super) fn is_body(&self) -> bool {
        self.0.first().is_some_and(|first| first == "body")
    }
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// What kind of violation it is: `missing`, `int_parsing` ...
    pub r#type: Cow<'static, str>,
    /// Where it is.
    pub loc: Location,
    /// What was expected, for people.
    pub msg: Cow<'static, str>,
    /// The value that does not fit. For a missing field the object that lacks it, for a missing
    /// parameter null. Null as well where other violations have shown much of a large body already.
    pub input: Value,
    /// What was expected, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

impl Violation {
    /// A violation without `ctx`.
    pub fn new(kind: impl Into<Cow<'static, str>>, loc: Location, msg: impl Into<Cow<'static, str>>, input: Value) -> Self {
        Self { r#type: kind.into(), loc, msg: msg.into(), input, ctx: None }
    }

    /// A value that has to be there and is not.
    pub fn missing(loc: Location, input: Value) -> Self {
        Self::new("missing", loc, "Field required", input)
    }

    pub(super) fn with(self, ctx: Value) -> Self {
        Self { ctx: Some(ctx), ..self }
    }
}

/// The answer to a request that does not fit: 422 with all violations, the first thousand if there are more.
///
/// ```
/// use spikard_core::validation::{Location, Source, Violation, refuse};
/// use spikard_core::{Body, Request, problem::Subject};
///
/// let missing = Violation::missing(Location::parameter(Source::Query, "page"), serde_json::Value::Null);
/// assert_eq!(refuse(&[missing], &Subject::of(&Request::new(Body::empty()))).status(), 422);
/// ```
pub fn refuse(violations: &[Violation], subject: &Subject) -> Response {
    let detail = match violations.len() {
        1 => "1 validation error in request".to_owned(),
        count if count < LISTED => format!("{count} validation errors in request"),
        _ => format!("at least {LISTED} validation errors in request"),
    };
    VALIDATION_ERROR.with_errors(subject, &detail, Some(violations.get(..LISTED).unwrap_or(violations)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;
    use spikard_middleware::{Body, Request};

    async fn problem(violations: &[Violation]) -> Value {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static("/users?page=x");
        let response = refuse(violations, &Subject::of(&request));
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_answer_counts_and_lists_what_does_not_fit() {
        let page = Violation::missing(Location::parameter(Source::Header, "x-page"), Value::Null);
        let name = Violation::missing(Location::body().inside("name"), json!({})).with(json!({"why": 1}));
        assert_eq!(
            problem(&[page.clone(), name]).await,
            json!({
                "type": "https://spikard.dev/errors/validation-error",
                "title": "Request Validation Failed",
                "status": 422,
                "detail": "2 validation errors in request",
                "instance": "/users",
                "errors": [
                    {"type": "missing", "loc": ["headers", "x-page"], "msg": "Field required", "input": null},
                    {"type": "missing", "loc": ["body", "name"], "msg": "Field required", "input": {}, "ctx": {"why": 1}},
                ],
            })
        );
        assert_eq!(problem(std::slice::from_ref(&page)).await["detail"], "1 validation error in request");
        let many = problem(&vec![page; LISTED + 1]).await;
        assert_eq!(many["detail"], "at least 1000 validation errors in request");
        assert_eq!(many["errors"].as_array().map(Vec::len), Some(LISTED));
    }
}
