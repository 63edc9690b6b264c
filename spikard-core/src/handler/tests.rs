//! What a client sees of routes that read data.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use spikard_middleware::{Body, Identity};

use super::{BodyKind, BodyReadingConfig, Content, Handler, HandlerLeaf, HandlerResult, Params, RequestData};
use crate::gateway::{Gateway, Leaf};
use crate::testing::TestRequest;
use crate::{RouteConfig, ServerConfig, TestClient};

/// Answers with what it was given.
struct Echo(BodyKind);

impl Handler for Echo {
    fn call(
        &self,
        request: Request<Body>,
        request_data: RequestData,
    ) -> Pin<Box<dyn Future<Output = HandlerResult> + Send + '_>> {
        Box::pin(async move {
            if request_data.query_params.get("fail").is_some() {
                return Err((StatusCode::INTERNAL_SERVER_ERROR, "secret of the log".into()));
            }
            let left = request.into_body().collect().await.map(|body| body.to_bytes().len());
            let pairs = |params: &Params| params.iter().map(|(name, value)| json!([name, value])).collect::<Value>();
            let RequestData { body, .. } = &request_data;
            let files = if let Content::Form(form) = &body.content { form.files.len() } else { 0 };
            let seen = json!({
                "method": request_data.method.as_str(),
                "path": request_data.path,
                "id": request_data.path_params.get("id"),
                "query": pairs(&request_data.query_params),
                "cookies": pairs(&request_data.cookies),
                "accept": request_data.headers.get("accept").and_then(|value| value.to_str().ok()),
                "value": body.value(),
                "empty": body.content == Content::Empty,
                "files": files,
                "bytes": body.bytes.len(),
                "left": left.unwrap_or_default(),
            });
            Ok(Response::new(Body::from(seen.to_string())))
        })
    }

    fn body_kind(&self) -> BodyKind {
        self.0
    }
}

fn client(kind: BodyKind) -> TestClient {
    let route = RouteConfig { path: "/items/{id}".into(), ..Default::default() };
    let leaf = Leaf { route, name: "echo".into(), service: Arc::new(HandlerLeaf::new(Echo(kind))), description: None };
    TestClient::new(Gateway::build_with(&ServerConfig::default(), Path::new(""), vec![leaf]).unwrap())
}

fn post(kind: BodyKind) -> TestRequest {
    client(kind).post("/items/7")
}

fn chunked(text: &'static str) -> Body {
    Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(text))]))
}

#[tokio::test]
async fn a_handler_gets_the_request_taken_apart() {
    let request = client(BodyKind::Json).request(Method::PUT, "/items/a%20b?tag=x&tag=y+z");
    let request = request.header("accept", "text/html").header("cookie", "s=1; t=2").json(&json!({"n": [1, 2.5]}));
    let seen = request.send().await.json();

    assert_eq!((&seen["method"], &seen["path"], &seen["id"]), (&json!("PUT"), &json!("/items/a%20b"), &json!("a b")));
    assert_eq!(seen["query"], json!([["tag", "x"], ["tag", "y z"]]));
    assert_eq!((&seen["cookies"], &seen["accept"]), (&json!([["s", "1"], ["t", "2"]]), &json!("text/html")));
    assert_eq!((&seen["value"], &seen["bytes"], &seen["left"]), (&json!({"n": [1, 2.5]}), &json!(13), &json!(0)));
}

#[tokio::test]
async fn a_body_is_read_only_as_far_as_it_is_asked_for() {
    let unread = post(BodyKind::None).header("content-type", "text/plain").body("{").send().await.json();
    assert_eq!((&unread["bytes"], &unread["left"], &unread["value"]), (&json!(0), &json!(1), &json!(null)));

    let raw = post(BodyKind::Raw).header("content-type", "text/plain").body("{").send().await.json();
    assert_eq!((&raw["bytes"], &raw["left"], &raw["value"]), (&json!(1), &json!(0), &json!(null)));

    let empty = client(BodyKind::Json).get("/items/7").send().await.json();
    assert_eq!((&empty["empty"], &empty["value"]), (&json!(true), &json!(null)));
}

#[tokio::test]
async fn forms_are_data_like_json() {
    let form = post(BodyKind::Json).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.body("a[b]=1&c=").send().await.json()["value"], json!({"a": {"b": "1"}, "c": ""}));

    let body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                --x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nbytes\r\n--x--\r\n";
    let seen = post(BodyKind::Json).header("content-type", "multipart/form-data; boundary=x").body(body).send().await.json();
    assert_eq!((&seen["value"], &seen["files"], &seen["bytes"]), (&json!({"a": "1"}), &json!(1), &json!(0)));
}

#[tokio::test]
async fn refuses_what_cannot_be_read_in_the_words_of_the_contract() {
    let json = || post(BodyKind::Json);
    let typed = |content_type| json().header("content-type", content_type).body("a=1");
    for (request, status, slug, title, detail) in [
        (json().body("{\"a\":"), 400, "malformed-body", "Malformed Request Body", "Invalid request format"),
        (
            json().body("[".repeat(129)),
            400,
            "malformed-body",
            "Malformed Request Body",
            "JSON is nested deeper than the limit of 128 levels",
        ),
        (
            typed("multipart/form-data"),
            400,
            "malformed-body",
            "Malformed Request Body",
            "multipart/form-data requires 'boundary' parameter",
        ),
        (typed("text/plain"), 415, "unsupported-media-type", "Unsupported Media Type", "Unsupported media type"),
        (
            typed("application/json; charset=utf-16"),
            415,
            "unsupported-charset",
            "Unsupported Charset",
            "Unsupported charset 'utf-16' for JSON. Only UTF-8 is supported.",
        ),
        (
            typed("application/x-www-form-urlencoded").header("sec-fetch-site", "cross-site"),
            403,
            "cross-origin",
            "Cross-Origin Request Refused",
            "forms and bodies without Content-Type are not taken from another site",
        ),
        (client(BodyKind::None).get("/items/7?q=%ff"), 400, "bad-request", "Bad Request", "query parameters are not UTF-8"),
        (
            client(BodyKind::None).get("/items/7?fail=1"),
            500,
            "internal-server-error",
            "Internal Server Error",
            "Internal server error",
        ),
    ] {
        let response = request.send().await;
        let problem = response.json();
        assert_eq!(response.header("content-type"), "application/problem+json");
        assert_eq!((response.status().as_u16(), &problem["detail"]), (status, &json!(detail)));
        assert_eq!((&problem["title"], &problem["instance"]), (&json!(title), &json!("/items/7")));
        assert_eq!(problem["type"], format!("https://spikard.dev/errors/{slug}"));
    }
}

#[tokio::test]
async fn holds_content_length_against_the_real_length() {
    for kind in [BodyKind::None, BodyKind::Raw, BodyKind::Json] {
        let right = post(kind).header("content-length", "2").body("{}").send().await;
        assert_eq!(right.status(), 200, "{kind:?}");
        for length in ["1", "3", "x"] {
            let wrong = post(kind).header("content-length", length).body("{}").send().await;
            let problem = wrong.json();
            assert_eq!((wrong.status().as_u16(), &problem["title"]), (400, &json!("Content-Length header mismatch")));
            assert_eq!(problem["detail"], "Content-Length header does not match actual body size");
        }
    }
    assert_eq!(post(BodyKind::Raw).header("content-length", "3").body(chunked("{}")).send().await.status(), 400);
    assert_eq!(post(BodyKind::Raw).header("content-length", "2").body(chunked("{}")).send().await.status(), 200);
}

#[tokio::test]
async fn only_bodies_that_need_no_preflight_are_bound_to_the_own_site() {
    let foreign = || post(BodyKind::Json).header("origin", "https://evil.example");
    assert_eq!(foreign().body("{}").send().await.status(), 403);
    assert_eq!(foreign().json(&json!({})).send().await.status(), 200);
    assert_eq!(foreign().send().await.status(), 200, "nothing is sent");
    assert_eq!(post(BodyKind::Raw).header("origin", "https://evil.example").body("{}").send().await.status(), 200);
}

#[tokio::test]
async fn large_bodies_are_read_like_small_ones() {
    let list = json!(vec![json!({"name": "x".repeat(100)}); 1000]);
    let seen = post(BodyKind::Json).json(&list).send().await.json();
    assert_eq!((&seen["value"], &seen["bytes"]), (&list, &json!(list.to_string().len())));
    let broken = post(BodyKind::Json).body(" ".repeat(100_000)).send().await;
    assert_eq!(broken.json()["detail"], "Invalid request format");
}

#[tokio::test]
async fn the_limits_are_those_of_the_leaf() {
    let limits = BodyReadingConfig { json_depth: 1, ..Default::default() };
    let client = TestClient::new(HandlerLeaf::new(Echo(BodyKind::Json)).limits(limits));
    assert_eq!(client.post("/").body("[1]").send().await.status(), 200);
    assert_eq!(client.post("/").body("[[1]]").send().await.status(), 400);

    let limits = BodyReadingConfig { json_depth: usize::MAX, ..Default::default() };
    let client = TestClient::new(HandlerLeaf::new(Echo(BodyKind::Json)).limits(limits));
    let nested = |depth: usize| client.post("/").body("[".repeat(depth) + &"]".repeat(depth)).send();
    assert_eq!((nested(512).await.status().as_u16(), nested(513).await.status().as_u16()), (200, 400));
}

#[tokio::test]
async fn a_handler_knows_who_was_authenticated() {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(Identity { consumer: Some("billing".into()), claims: None });
    let data = RequestData::extract(&mut request, BodyKind::None, &BodyReadingConfig::default()).await.unwrap();
    assert_eq!(data.identity.and_then(|identity| identity.consumer).as_deref(), Some("billing"));
}
