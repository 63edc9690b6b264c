//! Requests and answers against one document, without sockets; `tests/cases/openapi_validate.yaml` has those.

use std::sync::atomic::Ordering;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use spikard_middleware::Body;
use spikard_openapi::foreign::Paths;

use super::compile::Operation;
use super::*;
use crate::config::Format;

/// One operation with these members, compiled.
fn operation(members: Value) -> Operation {
    let mut paths = json!({"/a/{id}": {"post": {"parameters": [], "responses": {}}}});
    let own = &mut paths["/a/{id}"]["post"];
    for (key, value) in members.as_object().unwrap() {
        own[key] = value.clone();
    }
    let id = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}});
    own["parameters"].as_array_mut().unwrap().push(id);
    let text = json!({"openapi": "3.1.0", "paths": paths}).to_string();
    let file = OpenApiFile::of_text("api.json", &text, Format::Json).unwrap_or_else(|errors| panic!("{errors:?}"));
    let all = |operation: &ForeignOperation<'_>| vec![Template::parse(operation.path).unwrap()];
    let mut compiled = compile(&file, true, all).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(compiled.unchecked, [""; 0]);
    compiled.contract.paths = Paths::default();
    compiled.contract.operations.remove(0)
}

fn parameter(location: &str, members: Value) -> Operation {
    let mut parameter = json!({"name": "q", "in": location});
    for (key, value) in members.as_object().unwrap() {
        parameter[key] = value.clone();
    }
    operation(json!({ "parameters": [parameter] }))
}

/// The status, and the types and places of what does not fit.
async fn outcome(operation: &Operation, request: http::request::Builder, body: &'static str) -> (u16, Vec<String>) {
    let mut request = request.method("POST").body(Body::from(body)).unwrap();
    let path = PathParams::from_iter([("id".to_owned(), "7".to_owned())]);
    let subject = Subject::of(&request);
    match operation.check(&mut request, &path, &BodyReadingConfig::default(), &subject).await {
        Ok(()) => {
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(bytes, body, "what is handed on is what came");
            (200, Vec::new())
        }
        Err(refusal) => {
            let status = refusal.status().as_u16();
            let problem: Value = serde_json::from_slice(&refusal.into_body().collect().await.unwrap().to_bytes()).unwrap();
            let errors = problem["errors"].as_array().cloned().unwrap_or_default();
            let text = |error: &Value| {
                let steps: Vec<&str> = error["loc"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                format!("{} {}", error["type"].as_str().unwrap(), steps.join("."))
            };
            (status, errors.iter().map(text).collect())
        }
    }
}

async fn query(operation: &Operation, query: &str) -> Vec<String> {
    outcome(operation, http::Request::builder().uri(format!("/a/7?{query}")), "").await.1
}

#[tokio::test]
async fn lists_and_objects_are_read_as_their_style_says() {
    let numbers = json!({"type": "array", "items": {"type": "integer"}, "maxItems": 2});
    let object = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array"}}, "additionalProperties": false});
    let wrong_item = "int_parsing query.q.1";
    let wrong_property = "int_parsing query.q.a";
    for (style, explode, schema, fits, wrong, error) in [
        ("form", true, &numbers, "q=1&q=2", "q=1&q=x", wrong_item),
        ("form", false, &numbers, "q=1,2", "q=1,x", wrong_item),
        ("spaceDelimited", false, &numbers, "q=1%202", "q=1+x", wrong_item),
        ("pipeDelimited", false, &numbers, "q=1%7C2", "q=1|x", wrong_item),
        ("form", false, &object, "q=a,1", "q=a,x", wrong_property),
        ("form", false, &object, "q=a,1", "q=a", "type_error query.q"),
        ("form", true, &object, "a=1&b=x&b=y", "a=x", wrong_property),
        ("deepObject", true, &object, "q[a]=1&q%5Bb%5D=x", "q[a]=x", wrong_property),
        ("deepObject", true, &object, "c=1&q[a]=1", "q[c]=1", "validation_error query.q"),
    ] {
        let operation = parameter("query", json!({"style": style, "explode": explode, "schema": schema}));
        assert_eq!(query(&operation, fits).await, [""; 0], "{style} {fits}");
        assert_eq!(query(&operation, wrong).await, [error], "{style} {wrong}");
    }
}

#[tokio::test]
async fn headers_cookies_and_json_parameters_are_read() {
    let header = parameter("header", json!({"schema": {"type": "array", "items": {"type": "integer"}}, "required": true}));
    let request = |value: &str| http::Request::builder().uri("/a/7").header("Q", value);
    assert_eq!(outcome(&header, request("1, 2"), "").await.0, 200);
    assert_eq!(outcome(&header, request("1, x"), "").await.1, ["int_parsing headers.q.1"]);
    assert_eq!(outcome(&header, http::Request::builder().uri("/a/7"), "").await.1, ["missing headers.q"]);

    let cookie = parameter("cookie", json!({"schema": {"enum": ["a", "b"]}}));
    let request = |value: &str| http::Request::builder().uri("/a/7").header("cookie", value);
    assert_eq!(outcome(&cookie, request("p=x; q=a"), "").await.0, 200);
    assert_eq!(outcome(&cookie, request("q=c"), "").await.1, ["enum cookie.q"]);

    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let json = parameter("query", json!({"content": {"application/json": {"schema": schema}}}));
    assert_eq!(query(&json, "q=%7B%22a%22:1%7D").await, [""; 0]);
    assert_eq!(query(&json, "q=%7B%22a%22:%221%22%7D").await, ["int_parsing query.q.a"]);
    assert_eq!(query(&json, "q=%7B").await, ["type_error query.q"]);

    let empty = parameter("query", json!({"allowEmptyValue": true, "schema": {"type": "integer"}}));
    assert_eq!((query(&empty, "q").await, query(&empty, "q=7").await), (vec![], vec![]));
    assert_eq!(query(&empty, "q=x").await.len(), 1);
}

fn with_body(required: bool) -> Operation {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "array", "items": {"type": "integer"}}}, "required": ["n"]});
    let content = json!({
        "application/json": {"schema": schema},
        "application/x-www-form-urlencoded": {"schema": schema, "encoding": {"t": {"explode": false}}},
        "text/*": {"schema": {"type": "string", "maxLength": 1}},
    });
    operation(json!({"requestBody": {"required": required, "content": content}}))
}

#[tokio::test]
async fn bodies_are_held_to_the_schema_of_their_media_type() {
    let operation = with_body(true);
    for (media_type, body, status, errors) in [
        ("application/json", r#"{"n": 1}"#, 200, vec![]),
        ("application/json; charset=utf-8", r#"{"n": "x", "t": ["y"]}"#, 422, vec!["int_parsing body.n", "int_parsing body.t.0"]),
        ("application/json", "{", 400, vec![]),
        ("application/json; charset=utf-16", "{}", 415, vec![]),
        ("application/x-www-form-urlencoded", "n=1&t=1,2", 200, vec![]),
        ("application/x-www-form-urlencoded", "t=1,x", 422, vec!["missing body.n", "int_parsing body.t.1"]),
        ("text/csv", "what is not JSON is not looked at", 200, vec![]),
        ("application/xml", "<n/>", 415, vec![]),
        ("application/json", "", 422, vec!["missing body"]),
    ] {
        let request = http::Request::builder().uri("/a/7").header("content-type", media_type);
        let errors: Vec<String> = errors.into_iter().map(str::to_owned).collect();
        assert_eq!(outcome(&operation, request, body).await, (status, errors), "{media_type} {body}");
    }
    assert_eq!(outcome(&operation, http::Request::builder().uri("/a/7"), r#"{"n": 1}"#).await.0, 200, "it counts as JSON");
    assert_eq!(outcome(&with_body(false), http::Request::builder().uri("/a/7"), "").await.0, 200);
    let foreign = http::Request::builder().uri("/a/7").header("sec-fetch-site", "cross-site");
    assert_eq!(outcome(&operation, foreign, r#"{"n": 1}"#).await.0, 403);
}

#[tokio::test]
async fn everything_that_does_not_fit_is_said_at_once() {
    let mut operation = with_body(true);
    operation.parameters = parameter("query", json!({"required": true, "schema": {"type": "integer"}})).parameters;
    let request = http::Request::builder().uri("/a/7").header("content-type", "application/json");
    let errors = ["missing query.q".to_owned(), "missing body.n".to_owned()].to_vec();
    assert_eq!(outcome(&operation, request, "{}").await, (422, errors));
}

fn witness() -> Witness {
    Witness { subject: Subject::default(), document: "api".into(), operation: "POST /a/{id}".into(), count: Arc::default() }
}

fn answer(status: u16, media_type: &str, body: impl Into<Body>) -> Response {
    let response = http::Response::builder().status(status).header("content-type", media_type);
    response.body(body.into()).unwrap()
}

fn with_answers() -> Operation {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let json = |schema: &Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    operation(json!({"responses": {"2XX": json(&json!({"type": "array"})), "200": json(&schema), "204": {"description": ""}}}))
}

#[tokio::test]
async fn an_answer_that_breaks_the_document_is_counted_and_refused_if_asked() {
    let operation = with_answers();
    for (status, media_type, body, fits) in [
        (200, "application/json", r#"{"n": 1}"#, true),
        (200, "application/json", r#"{"n": "secret"}"#, false),
        (200, "application/json", "{", false),
        (200, "text/html", "<h1>", false),
        (201, "application/json", "[]", true),
        (201, "application/json", "{}", false),
        (204, "text/x", "", true),
        (304, "text/x", "", true),
        (404, "application/json", "{}", false),
    ] {
        let (logged, refused) = (witness(), witness());
        let passed = operation.watch(&Method::POST, answer(status, media_type, body), logged.clone());
        assert_eq!(passed.status().as_u16(), status);
        assert_eq!(passed.into_body().collect().await.unwrap().to_bytes(), body);
        // What is looked at behind the last byte has a task of its own.
        tokio::task::yield_now().await;
        let enforced = operation.enforce(&Method::POST, answer(status, media_type, body), refused.clone()).await;
        let counts = [logged, refused].map(|witness| witness.count.load(Ordering::Relaxed));
        assert_eq!(counts, [u64::from(!fits); 2], "{status} {media_type} {body}");
        assert_eq!(enforced.status().as_u16(), if fits { status } else { 502 }, "{status} {media_type} {body}");
        let text = enforced.into_body().collect().await.unwrap().to_bytes();
        assert!(if fits { text == body } else { !String::from_utf8_lossy(&text).contains("secret") });
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_passes_unchecked() {
    let operation = with_answers();
    let pieces = || {
        let piece = bytes::Bytes::from(vec![b'['; 1 << 20]);
        Body::from_stream(futures_util::stream::iter((0..11).map(move |_| Ok::<_, std::io::Error>(piece.clone()))))
    };
    let witness = witness();
    let watched = operation.watch(&Method::POST, answer(200, "application/json", pieces()), witness.clone());
    let enforced = operation.enforce(&Method::POST, answer(200, "application/json", pieces()), witness.clone()).await;
    for response in [watched, enforced] {
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), 11 << 20);
    }
    assert_eq!(witness.count.load(Ordering::Relaxed), 0);
}
