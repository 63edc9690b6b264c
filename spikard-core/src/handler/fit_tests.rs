//! What a client sees of a handler that has schemas.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use serde_json::{Value, json};
use spikard_middleware::Body;

use super::{BodyKind, Content, Handler, HandlerLeaf, HandlerResult, RequestData};
use crate::gateway::{Gateway, Leaf};
use crate::testing::TestRequest;
use crate::validation::{ParameterSpec, Parameters, Schema, Source};
use crate::{RouteConfig, ServerConfig, TestClient};

/// Answers with the data that it was given.
struct Echo(BodyKind);

impl Handler for Echo {
    fn call(&self, _: Request<Body>, data: RequestData) -> Pin<Box<dyn Future<Output = HandlerResult> + Send + '_>> {
        Box::pin(async move {
            let text = (data.body.content == Content::JsonText).then(|| serde_json::from_slice(&data.body.bytes).unwrap());
            let value: Option<Value> = text.or_else(|| data.body.value().cloned());
            Ok(Response::new(Body::from(json!([format!("{:?}", data.parameters), value]).to_string())))
        })
    }

    fn body_kind(&self) -> BodyKind {
        self.0
    }

    fn body_schema(&self) -> Option<Schema> {
        let schema = json!({
            "type": "object",
            "properties": {"age": {"type": "integer", "minimum": 0}, "tags": {"type": "array", "items": {"type": "string"}}},
            "required": ["age"],
        });
        Some(Schema::compile(&schema).unwrap())
    }

    fn parameters(&self) -> Option<Parameters> {
        let integer = |source, key: &str, required| ParameterSpec {
            key: key.into(),
            source,
            schema: json!({"type": "integer"}),
            required,
            separator: None,
            form: None,
        };
        Some(Parameters::compile(vec![integer(Source::Path, "id", true), integer(Source::Query, "page", false)]).unwrap())
    }
}

fn post(kind: BodyKind, uri: &str) -> TestRequest {
    let route = RouteConfig { path: "/users/{id}".into(), ..Default::default() };
    let leaf = Leaf { route, name: "echo".into(), service: Arc::new(HandlerLeaf::new(Echo(kind))), description: None };
    TestClient::new(Gateway::build_with(&ServerConfig::default(), Path::new(""), vec![leaf]).unwrap()).post(uri)
}

const KINDS: [BodyKind; 3] = [BodyKind::None, BodyKind::Json, BodyKind::JsonText];

#[tokio::test]
async fn a_handler_gets_data_that_fit() {
    for kind in KINDS {
        let seen = post(kind, "/users/7?page=2").json(&json!({"age": 1.0})).send().await.json();
        assert_eq!(seen, json!(["[Some(Integer(7)), Some(Integer(2))]", {"age": 1.0}]), "{kind:?}");
        let form = post(kind, "/users/7").header("content-type", "application/x-www-form-urlencoded").body("age=36&tags=new");
        assert_eq!(form.send().await.json(), json!(["[Some(Integer(7)), None]", {"age": 36, "tags": ["new"]}]), "{kind:?}");
    }
}

#[tokio::test]
async fn everything_that_does_not_fit_is_one_answer() {
    for kind in KINDS {
        let response = post(kind, "/users/x?page=y").json(&json!({"age": -1})).send().await;
        let problem = response.json();
        assert_eq!((response.status().as_u16(), &problem["detail"]), (422, &json!("3 validation errors in request")));
        let kinds: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| (&error["type"], &error["loc"])).collect();
        let (parsing, bound) = (json!("int_parsing"), json!("greater_than_equal"));
        let places = [json!(["path", "id"]), json!(["query", "page"]), json!(["body", "age"])];
        assert_eq!(kinds, [(&parsing, &places[0]), (&parsing, &places[1]), (&bound, &places[2])]);

        let missing = post(kind, "/users/7").send().await.json();
        let expected = json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]);
        assert_eq!((&missing["errors"], &missing["detail"]), (&expected, &json!("1 validation error in request")));
    }
}

#[tokio::test]
async fn json_that_stays_text_is_refused_as_strictly() {
    for body in ["{", r#"{"age": 1, "age": 2}"#, "[1e999]"] {
        for kind in KINDS {
            assert_eq!(
                post(kind, "/users/7").body(body).send().await.json()["title"],
                "Malformed Request Body",
                "{kind:?} {body}"
            );
        }
    }
}

#[tokio::test]
async fn large_bodies_are_judged_like_small_ones() {
    for kind in KINDS {
        let tags = vec!["x".repeat(100); 5000];
        let large = post(kind, "/users/7").json(&json!({"age": 1, "tags": tags})).send().await;
        assert_eq!(large.json()[1]["tags"].as_array().unwrap().len(), 5000);
        let refused = post(kind, "/users/7").json(&json!({"age": "1", "tags": tags})).send().await;
        assert_eq!(refused.json()["errors"][0]["loc"], json!(["body", "age"]));
    }
}
