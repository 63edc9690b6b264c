//! Documents of upstreams and of the program, merged.

use serde_json::{Value, json};
use spikard_middleware::{ApiKeyConfig, JwtConfig, Override};

use crate::config::{OpenApiConfig, ResponseConfig, RouteConfig, ServerConfig, UpstreamConfig};
use crate::{App, Gateway};

const ORDERS: &str = "
openapi: 3.0.3
info: { title: Orders, version: '1' }
servers: [{ url: 'https://orders.internal/v2' }]
tags: [{ name: orders, description: What was bought. }]
security: [{ bearerAuth: [] }]
paths:
  /orders/{order}:
    parameters:
    - $ref: '#/components/parameters/Order'
    get:
      operationId: show
      tags: [orders]
      responses:
        '200': { $ref: '#/components/responses/Order' }
        '400': { $ref: '#/components/responses/Bad' }
    delete:
      operationId: show
      security: []
      responses: { '204': { description: Gone } }
components:
  parameters:
    Order: { name: order, in: path, required: true, schema: { type: string, nullable: true } }
  responses:
    Order: { description: An order, content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } } }
    Bad: { description: Not an order }
  schemas:
    Order: { type: object, properties: { parts: { type: array, items: { $ref: '#/components/schemas/Order' } } } }
  securitySchemes:
    bearerAuth: { type: http, scheme: bearer, bearerFormat: JWT }
";

/// A server whose upstream has that document.
fn config(folder: &tempfile::TempDir, routes: Vec<RouteConfig>) -> ServerConfig {
    let file = folder.path().join("orders.yaml");
    std::fs::write(&file, ORDERS).unwrap();
    let upstream =
        UpstreamConfig { strip_prefix: Some("/shop".into()), openapi: Some(file), ..UpstreamConfig::to("http://127.0.0.1:9") };
    ServerConfig {
        routes,
        upstreams: [("orders".to_owned(), upstream)].into(),
        openapi: Some(OpenApiConfig { enabled: true, ..Default::default() }),
        ..Default::default()
    }
}

fn proxied(path: &str) -> RouteConfig {
    RouteConfig { path: path.into(), upstream: Some("orders".into()), ..Default::default() }
}

fn described(config: &ServerConfig) -> Value {
    let gateway = Gateway::build(config).unwrap_or_else(|error| panic!("{error}"));
    gateway.describe(&OpenApiConfig::default()).value
}

fn errors(config: &ServerConfig) -> Vec<String> {
    let errors = Gateway::build(config).err().map(spikard_middleware::BuildError::each).unwrap_or_default();
    errors.into_iter().map(|(at, message)| format!("{at}: {message}")).collect()
}

#[test]
fn what_an_upstream_says_stands_under_the_paths_that_clients_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let document = described(&config(&folder, vec![proxied("/shop/{*rest}")]));
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/shop/v2/orders/{order}"]);
    let operation = &document["paths"]["/shop/v2/orders/{order}"]["get"];
    let parameter = json!({ "name": "order", "in": "path", "required": true, "schema": { "type": ["string", "null"] } });
    assert_eq!((&operation["operationId"], &operation["parameters"]), (&json!("show"), &json!([parameter])));
    assert_eq!(document["paths"]["/shop/v2/orders/{order}"]["delete"]["operationId"], "show_2");
    assert_eq!(operation["responses"]["200"], json!({ "$ref": "#/components/responses/Order" }));
    assert_eq!(operation["responses"]["502"], json!({ "$ref": "#/components/responses/BadGateway" }));
    let bad = &operation["responses"]["400"];
    assert_eq!((&bad["description"], bad["content"]["application/problem+json"].is_object()), (&json!("Not an order"), true));
    let items = &document["components"]["schemas"]["Order"]["properties"]["parts"]["items"];
    assert_eq!(items, &json!({ "$ref": "#/components/schemas/Order" }));
    assert_eq!(document["tags"], json!([{ "name": "orders", "description": "What was bought." }]));
}

#[test]
fn a_client_satisfies_the_route_and_what_is_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let security = |config: &ServerConfig| {
        let document = described(config);
        let of = |method: &str| document["paths"]["/shop/v2/orders/{order}"][method]["security"].clone();
        (of("get"), of("delete"))
    };
    let mut config = config(&folder, vec![proxied("/shop/{*rest}")]);
    assert_eq!(security(&config), (json!([{ "bearerAuth": [] }]), Value::Null));
    // The token that the route checks is the one that the upstream wants.
    config.jwt_auth = Some(JwtConfig::new("a shared secret of 32 bytes, or more"));
    assert_eq!(security(&config), (json!([{ "bearerAuth": [] }]), json!([{ "bearerAuth": [] }])));
    config.jwt_auth = None;
    let keys = ApiKeyConfig { query_parameter: String::new(), ..ApiKeyConfig::new(["a key of some length"]) };
    config.routes[0].api_key_auth = Override::On(keys);
    let both = json!([{ "api_key_auth": [], "bearerAuth": [] }]);
    assert_eq!(security(&config), (both, json!([{ "api_key_auth": [] }])));
}

#[test]
fn what_a_route_does_not_answer_is_left_out_and_what_another_answers_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let reading = RouteConfig { methods: vec!["GET".into()], ..proxied("/shop/v2/{*rest}") };
    let document = described(&config(&folder, vec![reading]));
    let item = document["paths"]["/shop/v2/orders/{order}"].as_object().unwrap();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["get"]);

    let other = RouteConfig {
        methods: vec!["DELETE".into()],
        response: Some(ResponseConfig::default()),
        upstream: None,
        ..proxied("/shop/v2/orders/{id}")
    };
    let config = config(&folder, vec![proxied("/shop/{*rest}"), other]);
    let file = folder.path().join("orders.yaml");
    let expected = format!(
        "routes[0].upstream: DELETE /shop/v2/orders/{{order}} of {}:17:5 is answered by DELETE /shop/v2/orders/{{id}}, expected by this route",
        file.display()
    );
    assert_eq!(errors(&config), [expected]);
}

#[test]
fn of_two_routes_to_one_upstream_the_one_that_answers_has_the_operation() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ApiKeyConfig { query_parameter: String::new(), ..ApiKeyConfig::new(["a key of some length"]) };
    let guarded =
        RouteConfig { methods: vec!["DELETE".into()], api_key_auth: Override::On(keys), ..proxied("/shop/v2/orders/{id}") };
    let document = described(&config(&folder, vec![proxied("/shop/{*rest}"), guarded]));
    let item = &document["paths"]["/shop/v2/orders/{order}"];
    assert_eq!(item["delete"]["security"], json!([{ "api_key_auth": [] }]));
    assert_eq!(item["get"]["security"], json!([{ "bearerAuth": [] }]));
}

#[test]
fn a_document_of_the_program_describes_its_routes() {
    let config = ServerConfig {
        jwt_auth: Some(JwtConfig::new("a shared secret of 32 bytes, or more")),
        openapi: Some(OpenApiConfig { enabled: true, ..Default::default() }),
        ..Default::default()
    };
    let document = |path: &str| {
        let operation = json!({ "operationId": "show", "responses": { "200": { "description": "It is so" } } });
        json!({ "openapi": "3.1.0", "info": { "title": "a", "version": "1" }, "paths": { path: { "get": operation } } })
    };
    let app = |path: &str| App::new(config.clone()).get("/a", || async { "a" }).openapi(document(path));
    let gateway = app("/a").gateway().unwrap_or_else(|error| panic!("{error}"));
    let written = gateway.describe(&OpenApiConfig::default()).value;
    assert_eq!(written["paths"]["/a"]["get"]["security"], json!([{ "jwt_auth": [] }]));
    assert!(written["paths"]["/a"]["get"]["responses"]["401"].is_object(), "{written}");
    let said = |app: App| app.gateway().err().map(|error| error.to_string());
    assert_eq!(said(app("/b")).as_deref(), Some("openapi: GET /b of the program's document is answered by no route"));
    let broken = said(app("/a").openapi(json!({ "openapi": "2.0" }))).unwrap_or_default();
    assert!(broken.contains("openapi: document of the program: openapi is \"2.0\""), "{broken}");
}
