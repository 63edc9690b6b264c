//! What is written of a route, and of several beside each other.

use serde_json::{Value, json};

use super::*;
use crate::info::{SecuritySchemeInfo, SecuritySchemeType};
use crate::operation::{Content, Header, Operation, Parameter, ParameterLocation, RequestBody, Response};

fn endpoint(method: &str, path: &str, operation: Operation) -> Endpoint {
    Endpoint { path: path.into(), methods: vec![method.into()], operation, ..Endpoint::default() }
}

fn answering(status: &str) -> Operation {
    Operation { responses: vec![Response::new(status, "It is so")], ..Operation::default() }
}

fn written(endpoints: Vec<Endpoint>) -> Written {
    let problems = ProblemSchemas { problem: json!({ "title": "P" }), validation: json!({ "title": "V" }) };
    let mut document = Document::new(Head::default()).problems(problems);
    for endpoint in endpoints {
        document.add(endpoint);
    }
    document.finish()
}

fn problem(status: u16, title: &str, when: When) -> Problem {
    Problem { status, name: format!("P{status}"), title: title.into(), headers: Vec::new(), when, is_outside: false }
}

fn path_parameter(name: &str) -> Parameter {
    Parameter {
        name: name.into(),
        location: ParameterLocation::Path,
        description: None,
        required: true,
        deprecated: false,
        schema: json!({ "type": "string" }),
        separator: None,
    }
}

#[test]
fn an_operation_has_all_that_its_route_says() {
    let order = json!({ "$ref": "#/$defs/Order", "$defs": { "Order": { "type": "object" } } });
    let json_of = |schema: &Value| vec![Content::new("application/json", Some(schema.clone()))];
    let listed = Parameter {
        location: ParameterLocation::Query,
        required: false,
        schema: json!({ "type": "array" }),
        separator: Some("|".into()),
        ..path_parameter("tags")
    };
    let location = Header { name: "Location".into(), description: None, required: true, schema: json!({ "type": "string" }) };
    let operation = Operation {
        id: Some("replace".into()),
        summary: Some("Replace an order".into()),
        description: Some("All of it.".into()),
        tags: vec!["orders".into()],
        deprecated: true,
        parameters: vec![path_parameter("id"), listed],
        body: Some(RequestBody { description: None, required: true, content: json_of(&order), is_checked: true }),
        responses: vec![Response { headers: vec![location], content: json_of(&order), ..Response::new("200", "The order") }],
        ..Operation::default()
    };
    let document = written(vec![endpoint("PUT", "/orders/{id}", operation)]).value;
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } });
    let expected = json!({
        "tags": ["orders"],
        "summary": "Replace an order",
        "description": "All of it.",
        "operationId": "replace",
        "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
            { "name": "tags", "in": "query", "style": "pipeDelimited", "explode": false, "schema": { "type": "array" } },
        ],
        "requestBody": { "content": content, "required": true },
        "responses": {
            "200": {
                "description": "The order",
                "headers": { "Location": { "required": true, "schema": { "type": "string" } } },
                "content": content,
            },
        },
        "deprecated": true,
    });
    assert_eq!(document["paths"]["/orders/{id}"]["put"], expected);
    assert_eq!(document["components"]["schemas"], json!({ "Order": { "type": "object" } }));
}

#[test]
fn refusals_of_one_status_are_one_response_that_operations_share() {
    let problems = vec![
        problem(422, "Does Not Fit", When::Always),
        problem(413, "Too Large", When::Body),
        problem(403, "Forbidden", When::Always),
        problem(403, "Elsewhere", When::Unsafe),
    ];
    let with = |method: &str| {
        let endpoint = endpoint(method, "/a", answering("200"));
        Endpoint { surroundings: Surroundings { problems: problems.clone(), ..Surroundings::default() }, ..endpoint }
    };
    let document = written(vec![with("GET"), with("POST")]).value;
    let responses = |method: &str| document["paths"]["/a"][method]["responses"].clone();
    let there = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    let own = json!({ "description": "It is so" });
    assert_eq!(responses("get"), json!({ "200": own, "403": there("P403"), "422": there("P422") }));
    assert_eq!(responses("post"), json!({ "200": own, "403": there("P403_2"), "422": there("P422") }));
    assert_eq!(document["components"]["responses"]["P403_2"]["description"], "Forbidden; Elsewhere");
    let content = &document["components"]["responses"]["P422"]["content"]["application/problem+json"];
    assert_eq!(content["schema"], json!({ "$ref": "#/components/schemas/ValidationProblem" }));
}

#[test]
fn a_refusal_stands_beside_what_the_function_answers_with_its_status() {
    let mut known = endpoint("GET", "/a", answering("404"));
    known.surroundings.problems = vec![problem(404, "Not There", When::Always)];
    let document = written(vec![known]).value;
    let response = &document["paths"]["/a"]["get"]["responses"]["404"];
    assert_eq!(response["description"], "It is so");
    assert!(response["content"]["application/problem+json"].is_object(), "{response}");
}

#[test]
fn what_policies_add_is_certain_only_where_they_stand_before_the_answer() {
    let id = Header { name: "x-id".into(), description: None, required: true, schema: json!({ "type": "string" }) };
    let mut known = endpoint("GET", "/a", answering("200"));
    let outside = Problem { is_outside: true, ..problem(400, "Bad", When::Always) };
    known.surroundings =
        Surroundings { headers: vec![id], problems: vec![outside, problem(401, "Who", When::Always)], ..Default::default() };
    let document = written(vec![known]).value;
    let of = |name: &str| document["components"]["responses"][name]["headers"]["x-id"].clone();
    assert_eq!(
        (of("P400"), of("P401")),
        (json!({ "schema": { "type": "string" } }), json!({ "$ref": "#/components/headers/x-id" }))
    );
    assert_eq!(document["components"]["headers"]["x-id"]["required"], true);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let content = vec![Content::new("text/plain", None)];
    let body = Response { content, ..Response::new("200", "It is so") };
    let both = Operation { responses: vec![body], ..Operation::default() };
    let both = Endpoint { methods: vec!["GET".into(), "HEAD".into()], ..endpoint("", "/a", both) };
    let document = written(vec![both]).value;
    let content = |method: &str| document["paths"]["/a"][method]["responses"]["200"]["content"].clone();
    assert_eq!((content("get"), content("head")), (json!({ "text/plain": {} }), Value::Null));
}

#[test]
fn each_scheme_is_enough_and_a_public_operation_has_none() {
    let bearer = SecuritySchemeInfo {
        kind: SecuritySchemeType::Http,
        scheme: Some("bearer".into()),
        bearer_format: Some("JWT".into()),
        location: None,
        name: None,
    };
    let basic = SecuritySchemeInfo { scheme: Some("basic".into()), bearer_format: None, ..bearer.clone() };
    let scheme = |name: &str, info| SecurityScheme { name: name.into(), info };
    let mut guarded = endpoint("GET", "/a", answering("200"));
    guarded.surroundings.security = vec![scheme("jwt_auth", bearer), scheme("basic", basic)];
    let document = written(vec![guarded, endpoint("GET", "/b", answering("200"))]).value;
    assert_eq!(document["paths"]["/a"]["get"]["security"], json!([{ "jwt_auth": [] }, { "basic": [] }]));
    assert_eq!((&document["paths"]["/b"]["get"]["security"], &document["security"]), (&Value::Null, &json!([])));
    let expected = json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" });
    assert_eq!(document["components"]["securitySchemes"]["jwt_auth"], expected);
}

#[test]
fn one_path_of_several_spellings_has_one_name_for_each_parameter() {
    let with =
        |method, path, name| endpoint(method, path, Operation { parameters: vec![path_parameter(name)], ..answering("200") });
    let Written { value, remarks } = written(vec![
        with("GET", "/users/{id}", "id"),
        with("DELETE", "/users/{user}", "user"),
        with("GET", "/users/{name}", "name"),
        endpoint("PROPFIND", "/users", answering("207")),
    ]);
    let paths: Vec<&String> = value["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/users/{id}"]);
    assert_eq!(value["paths"]["/users/{id}"]["delete"]["parameters"][0]["name"], "id");
    let expected = [
        "GET /users/{name} is left out: it is /users/{id} for whoever reads paths",
        "PROPFIND /users is left out: OpenAPI has no such method",
    ];
    assert_eq!(remarks, expected);
}

#[test]
fn several_methods_of_one_route_are_operations_of_their_own() {
    let named = Operation { id: Some("stock".into()), ..answering("200") };
    let both = Endpoint { methods: vec!["GET".into(), "PUT".into()], ..endpoint("", "/stock", named) };
    let document = written(vec![both]).value;
    let id = |method: &str| document["paths"]["/stock"][method]["operationId"].clone();
    assert_eq!((id("get"), id("put")), (json!("stock"), json!("stock_put")));
    assert_eq!(document["paths"]["/stock"]["put"]["summary"], "Stock put");
}
