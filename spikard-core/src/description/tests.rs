//! What is said of routes and of the policies in force before each, and how it is served.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use spikard_middleware::problem::{NOT_FOUND, Subject};
use spikard_middleware::{
    ApiKeyConfig, Body, CompressionConfig, CsrfConfig, DirectoryConfig, JwtConfig, Override, RateLimitConfig, Request,
    RequireConfig, Tower,
};
use spikard_openapi::{Protocol, RequestBody};

use super::*;
use crate::config::{ResponseConfig, RouteConfig, ServerConfig};
use crate::gateway::Leaf;
use crate::validation::{Location, Violation, refuse};
use crate::{Gateway, TestClient};

fn route(path: &str, methods: &[&str]) -> RouteConfig {
    RouteConfig {
        path: path.into(),
        methods: methods.iter().map(|&method| method.into()).collect(),
        response: Some(ResponseConfig { json: Some(json!({ "ok": true })), ..Default::default() }),
        ..Default::default()
    }
}

fn served(routes: Vec<RouteConfig>) -> ServerConfig {
    let openapi = OpenApiConfig { enabled: true, title: "Shop".into(), ..Default::default() };
    ServerConfig { routes, openapi: Some(openapi), ..Default::default() }
}

fn client(config: &ServerConfig) -> TestClient {
    TestClient::new(Gateway::build(config).unwrap_or_else(|error| panic!("{error}")))
}

async fn document(config: &ServerConfig) -> Value {
    let answer = client(config).get("/openapi.json").send().await;
    assert_eq!((answer.status().as_u16(), answer.header("content-type")), (200, "application/json"));
    answer.json()
}

#[tokio::test]
async fn a_fixed_answer_is_described_with_all_that_stands_around_it() {
    let document = document(&served(vec![route("/status/{id:int}", &["GET"])])).await;
    let operation = &document["paths"]["/status/{id}"]["get"];
    assert_eq!(operation["operationId"], "get_status_by_id");
    let parameter = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } });
    assert_eq!(operation["parameters"], json!([parameter]));
    let statuses: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200", "400", "408", "422", "500"]);
    let schema = json!({ "type": "object", "examples": [{ "ok": true }] });
    assert_eq!(operation["responses"]["200"]["content"]["application/json"]["schema"], schema);
    assert_eq!((&document["info"]["title"], &document["openapi"]), (&json!("Shop"), &json!("3.1.1")));
}

#[tokio::test]
async fn security_and_refusals_are_those_of_the_policies_in_force() {
    let keys = || ApiKeyConfig::new(["a key of some length"]);
    let open = RouteConfig { jwt_auth: Override::Off, ..route("/open", &["GET"]) };
    let both = RouteConfig { api_key_auth: Override::On(keys()), ..route("/both", &["GET"]) };
    let require = RequireConfig { scopes: vec!["write".into()], ..Default::default() };
    let limit = RateLimitConfig::new(1.0, 1);
    let writing = RouteConfig {
        csrf: Override::On(CsrfConfig::default()),
        require: Override::On(require),
        rate_limit: Override::On(limit.into()),
        request_timeout: Override::Off,
        ..route("/writing", &["GET", "POST"])
    };
    let config = ServerConfig {
        jwt_auth: Some(JwtConfig::new("a shared secret of 32 bytes, or more")),
        openapi: Some(OpenApiConfig { enabled: true, jwt_auth: Override::Off, ..Default::default() }),
        ..served(vec![route("/closed", &["GET"]), open, both, writing])
    };
    let document = document(&config).await;
    let of = |path: &str, method: &str| {
        let operation = &document["paths"][path][method];
        let statuses: Vec<String> = operation["responses"].as_object().unwrap().keys().cloned().collect();
        (operation["security"].clone(), statuses.join(" "))
    };
    let jwt = json!({ "jwt_auth": [] });
    assert_eq!(of("/closed", "get"), (json!([jwt]), "200 400 401 408 500".into()));
    assert_eq!(of("/open", "get"), (Value::Null, "200 400 408 500".into()));
    let all = json!([jwt, { "api_key_auth": [] }, { "api_key_auth_query": [] }]);
    assert_eq!(of("/both", "get"), (all, "200 400 401 408 500".into()));
    assert_eq!(of("/writing", "get"), (json!([jwt]), "200 400 401 403 429 500".into()));
    let forbidden = |method: &str| {
        let reference = document["paths"]["/writing"][method]["responses"]["403"]["$ref"].as_str().unwrap_or_default();
        document.pointer(reference.trim_start_matches('#')).unwrap()["description"].clone()
    };
    assert_eq!((forbidden("get"), forbidden("post")), (json!("Forbidden"), json!("Cross-Origin Request Refused; Forbidden")));
    let key = json!({ "type": "apiKey", "name": "X-API-Key", "in": "header" });
    assert_eq!(document["components"]["securitySchemes"]["api_key_auth"], key);
}

#[tokio::test]
async fn the_document_stands_behind_the_policies_of_openapi() {
    let mut config = ServerConfig { jwt_auth: Some(JwtConfig::new("a shared secret of 32 bytes, or more")), ..served(vec![]) };
    assert_eq!(client(&config).get("/openapi.json").send().await.status(), 401);
    config.openapi.as_mut().unwrap().jwt_auth = Override::Off;
    assert_eq!(client(&config).get("/openapi.yaml").send().await.status(), 200);
}

#[tokio::test]
async fn yaml_is_the_same_document() {
    let described = ResponseConfig { body: Some("no".into()), ..Default::default() };
    let config = served(vec![RouteConfig { response: Some(described), ..route("/a", &["GET"]) }]);
    let answer = client(&config).get("/openapi.yaml").send().await;
    assert_eq!(answer.header("content-type"), "application/yaml");
    let parsed: Value = serde_saphyr::from_str(&answer.text()).unwrap_or_else(|error| panic!("{error}\n{}", answer.text()));
    assert_eq!(parsed, document(&config).await);
}

#[tokio::test]
async fn a_client_that_has_the_document_is_told_so_compressed_or_not() {
    let routes = (0..20).map(|number| route(&format!("/{number}"), &["GET"])).collect();
    let client = client(&served(routes));
    let plain = client.get("/openapi.json").send().await;
    let packed = client.get("/openapi.json").header("accept-encoding", "gzip").send().await;
    assert_eq!(packed.header("etag"), format!("W/{}", plain.header("etag")));
    for tag in [plain.header("etag"), packed.header("etag"), "*", &format!("\"x\", {}", plain.header("etag"))] {
        let answer = client.get("/openapi.json").header("if-none-match", tag).send().await;
        assert_eq!((answer.status().as_u16(), answer.text().as_str()), (304, ""), "{tag}");
    }
    assert_eq!(client.get("/openapi.json").header("if-none-match", "\"x\"").send().await.status(), 200);
    let yaml = client.get("/openapi.yaml").send().await;
    assert_ne!(yaml.header("etag"), plain.header("etag"));
    assert_eq!(client.request(Method::HEAD, "/openapi.json").send().await.header("etag"), plain.header("etag"));
}

#[tokio::test]
async fn every_method_that_is_answered_is_described_and_files_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let files =
        RouteConfig { static_files: Some(DirectoryConfig::new(directory.path())), response: None, ..route("/{*rest}", &[]) };
    let document = document(&served(vec![route("/any", &[]), files])).await;
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/any"]);
    let methods: Vec<&String> = document["paths"]["/any"].as_object().unwrap().keys().collect();
    assert_eq!(methods, ["get", "post", "put", "patch", "delete"]);
}

#[test]
fn a_path_that_another_route_has_is_the_usual_error() {
    for (path, expected) in [
        (
            "/api.json",
            "GET /api.json answers the same requests as GET /api.json at routes[0], expected another path, host or method",
        ),
        ("openapi.json", "path is `openapi.json`, expected it to start with `/`"),
        ("/{name}", "path is `/{name}`, expected one without parameters"),
    ] {
        let mut config = served(vec![route("/api.json", &["GET"])]);
        config.openapi.as_mut().unwrap().openapi_json_path = path.into();
        let errors = Gateway::build(&config).err().map(spikard_middleware::BuildError::each).unwrap_or_default();
        assert_eq!(errors.first().map(|(_, message)| message.as_str()), Some(expected));
    }
}

#[tokio::test]
async fn real_refusals_have_the_form_that_the_document_promises() {
    let subject = Subject::of(&Request::new(Body::empty()));
    let violations = [Violation::missing(Location::body().inside("name"), json!({}))];
    let schemas = problem::schemas();
    for (schema, answer) in
        [(schemas.problem, NOT_FOUND.response(&subject, "not here")), (schemas.validation, refuse(&violations, &subject))]
    {
        let mut strict = schema;
        strict["additionalProperties"] = false.into();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let errors: Vec<String> =
            jsonschema::validator_for(&strict).unwrap().iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn compression_and_what_else_refuses_nothing_says_nothing() {
    use spikard_middleware::PolicyConfig;
    use spikard_middleware::description::Description;
    assert_eq!(CompressionConfig::default().description(), Description::default());
    assert_eq!(RequireConfig::default().description(), Description::default());
}

/// Counts how often it is asked.
struct Asked(AtomicUsize, Operation);

impl Describe for Asked {
    fn describe(&self) -> Option<Operation> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(self.1.clone())
    }
}

/// A gateway with one route of the program that says this.
fn saying(operation: Operation) -> (TestClient, Arc<Asked>) {
    let asked = Arc::new(Asked(AtomicUsize::new(0), operation));
    (described_by(asked.clone()), asked)
}

fn described_by(description: Arc<dyn Describe>) -> TestClient {
    let leaf = Leaf {
        route: RouteConfig { response: None, ..route("/said", &["POST"]) },
        name: "test".into(),
        service: Arc::new(Tower::new(axum::Router::new())),
        description: Some(description),
    };
    let gateway = Gateway::build_with(&served(vec![]), Path::new(""), vec![leaf]);
    TestClient::new(gateway.unwrap_or_else(|error| panic!("{error}")))
}

/// Says something once others were answered.
struct Waits(Mutex<mpsc::Receiver<()>>);

impl Describe for Waits {
    fn describe(&self) -> Option<Operation> {
        let others = self.0.lock().unwrap();
        others.recv_timeout(Duration::from_secs(20)).expect("others are answered while the document is made");
        Some(Operation::default())
    }
}

#[tokio::test]
async fn others_are_answered_while_the_document_is_made() {
    let (answered, others) = mpsc::channel();
    let client = described_by(Arc::new(Waits(Mutex::new(others))));
    let other = async {
        let status = client.get("/nowhere").send().await.status();
        answered.send(()).unwrap();
        status
    };
    let (document, other) = tokio::join!(client.get("/openapi.json").send(), other);
    assert_eq!((document.status().as_u16(), other.as_u16()), (200, 404));
}

#[tokio::test]
async fn a_route_is_asked_once_and_only_if_somebody_wants_to_know() {
    let (client, asked) = saying(Operation::default());
    client.post("/said").send().await;
    assert_eq!(asked.0.load(Ordering::Relaxed), 0);
    for path in ["/openapi.json", "/openapi.yaml", "/openapi.json"] {
        assert_eq!(client.get(path).send().await.status(), 200);
    }
    assert_eq!(asked.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_read_and_checked_may_be_refused() {
    let body = |is_checked| Some(RequestBody { description: None, required: true, content: Vec::new(), is_checked });
    for (operation, expected) in [
        (Operation::default(), "400 408 500"),
        (Operation { body: body(false), ..Operation::default() }, "400 408 413 500"),
        (Operation { body: body(true), ..Operation::default() }, "400 403 408 413 415 422 500"),
        (Operation { protocol: Protocol::WebSocket, ..Operation::default() }, "101 400 403 408 426 500"),
    ] {
        let document = saying(operation).0.get("/openapi.json").send().await.json();
        let responses = document["paths"]["/said"]["post"]["responses"].as_object().unwrap();
        assert_eq!(responses.keys().cloned().collect::<Vec<_>>().join(" "), expected);
    }
}
