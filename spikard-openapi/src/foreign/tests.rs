use serde_json::{Value, json};

use super::*;

fn document(version: &str, rest: &Value) -> Value {
    let mut document = json!({"openapi": version, "paths": {}});
    for (key, value) in rest.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

fn read(rest: Value) -> Foreign {
    Foreign::read(document("3.1.0", &rest)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn errors(rest: Value) -> Vec<String> {
    let errors = Foreign::read(document("3.1.0", &rest)).expect_err("the document is wrong");
    errors.iter().map(ToString::to_string).collect()
}

fn schemas(schemas: Value) -> Value {
    json!({"components": {"schemas": schemas}})
}

#[test]
fn only_the_versions_that_are_understood_are_read() {
    for (wrong, message) in [
        (json!({"swagger": "2.0"}), "swagger is \"2.0\", expected 3.0 or 3.1 as `openapi`: a converter makes that of it (at #)"),
        (json!({"openapi": 3.1}), "openapi is 3.1, expected 3.0 or 3.1 as text such as \"3.1.0\" (at #)"),
        (json!({"openapi": "4.0.0"}), "openapi is \"4.0.0\", expected 3.0 or 3.1 as text such as \"3.1.0\" (at #)"),
        (json!({}), "key `openapi` is missing, expected 3.0 or 3.1.x (at #)"),
        (json!([]), "document is no object, expected an OpenAPI document (at #)"),
    ] {
        assert_eq!(Foreign::read(wrong).unwrap_err()[0].to_string(), message);
    }
    let dialect = errors(json!({"jsonSchemaDialect": "http://json-schema.org/draft-07/schema#"}));
    assert!(dialect[0].starts_with("jsonSchemaDialect is \"http://json-schema.org/draft-07"), "{dialect:?}");
}

#[test]
fn references_lead_to_something_in_the_same_document() {
    let wrong = schemas(json!({
        "A": {"$ref": "other.yaml#/A"},
        "B": {"items": {"$ref": "#/components/schemas/None"}},
        "C": {"$ref": "#/components/schemas/D"},
        "D": {"$ref": "#/components/schemas/C"},
        "E": {"$ref": "#name"},
        "F": {"properties": {"$ref": {"type": "string"}}, "examples": [{"$ref": "nowhere"}]},
        "G": {"$ref": "#/components/schemas/F/properties/%24ref"},
    }));
    let expected = [
        "$ref is `other.yaml#/A`, expected `#/` and a pointer into this document: other documents are not read \
         (at #/components/schemas/A/$ref)",
        "$ref is `#/components/schemas/None`, expected something that is there (at #/components/schemas/B/items/$ref)",
        "$ref is `#/components/schemas/D`, which leads back to itself (at #/components/schemas/C/$ref)",
        "$ref is `#/components/schemas/C`, which leads back to itself (at #/components/schemas/D/$ref)",
        "$ref is `#name`, expected `#/` and a pointer into this document (at #/components/schemas/E/$ref)",
    ];
    assert_eq!(errors(wrong), expected);
}

#[test]
fn parts_have_the_types_that_their_places_ask_for() {
    let wrong = json!({"paths": {
        "/a": {"parameters": {}, "get": []},
        "/b": {"get": {"parameters": ["x"], "responses": {"200": "ok", "x-note": "ok"}}},
        "x-note": "ok",
        "orders": {},
    }});
    let expected = [
        "path is `orders`, expected it to start with `/` (at #/paths/orders)",
        "parameters is an object, expected a list (at #/paths/~1a/parameters)",
        "get is a list, expected an object (at #/paths/~1a/get)",
        "0 is text, expected an object (at #/paths/~1b/get/parameters/0)",
        "200 is text, expected an object (at #/paths/~1b/get/responses/200)",
    ];
    assert_eq!(errors(wrong), expected);
}

#[test]
fn parameters_say_where_they_stand_and_fit_their_path() {
    let wrong = json!({"paths": {
        "/a/{id}": {"get": {}, "put": {"parameters": [{"name": "id", "in": "path", "required": true}]}},
        "/b": {"parameters": [{"name": "q", "in": "body"}, {"in": "query"}], "get": {}, "put": {}},
        "/c": {"get": {"parameters": [
            {"name": "X", "in": "header", "style": "form"}, {"name": "y", "in": "query"}, {"name": "y", "in": "query"},
        ]}},
    }});
    let expected = [
        "`{id}` of the path is no parameter of get, expected one in `path` (at #/paths/~1a~1{id}/get)",
        "in is `body`, expected `path`, `query`, `header` or `cookie` (at #/paths/~1b/parameters/0/in)",
        "key `name` is missing, expected text (at #/paths/~1b/parameters/1)",
        "style is \"form\", expected `simple` in a header (at #/paths/~1c/get/parameters/0/style)",
        "parameter `y` stands here twice, expected once (at #/paths/~1c/get/parameters/2)",
    ];
    assert_eq!(errors(wrong), expected);
}

#[test]
fn an_operation_has_the_parameters_of_its_path_and_replaces_some() {
    let foreign = read(json!({
        "paths": {"/orders/{id}": {"$ref": "#/components/pathItems/Order"}},
        "components": {
            "parameters": {"Page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
            "pathItems": {"Order": {
                "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                    {"$ref": "#/components/parameters/Page"},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
                "get": {"parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
                    {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
                ]},
            }},
        },
    }));
    let operation = foreign.operations().next().unwrap();
    assert_eq!(operation.pointer.to_string(), "#/components/pathItems/Order/get");
    let parameters = foreign.parameters(&operation);
    let shown: Vec<_> = parameters.iter().map(|one| (one.name, one.required, one.schema.unwrap()["type"].as_str())).collect();
    assert_eq!(shown, [("id", true, Some("integer")), ("page", false, Some("integer")), ("filter", false, Some("object"))]);
    assert_eq!((parameters[0].style, parameters[0].explode), (Style::Simple, false));
    assert_eq!((parameters[1].style, parameters[1].explode), (Style::Form, true));
    assert_eq!((parameters[1].media_type, parameters[2].media_type), (None, Some("application/json")));
}

#[test]
fn a_schema_takes_along_what_it_refers_to() {
    let foreign = read(schemas(json!({
        "Order": {"properties": {"lines": {"items": {"$ref": "#/components/schemas/Line"}}, "next": {"$ref": "#/components/schemas/Order"}}},
        "Line": {"$id": "Line", "properties": {"pet": {
            "oneOf": [{"$ref": "#/components/schemas/a~1b"}],
            "discriminator": {"propertyName": "kind", "mapping": {"x": "#/components/schemas/a~1b"}},
        }}},
        "a/b": {"type": "object"},
        "Unused": {"type": "string"},
    })));
    let complete = foreign.complete(&json!({"$ref": "#/components/schemas/Order"}), Direction::Request);
    let expected = json!({
        "properties": {"lines": {"items": {"$ref": "#/$defs/Line"}}, "next": {"$ref": "#/$defs/Order"}},
        "$defs": {
            "Line": {"properties": {"pet": {
                "oneOf": [{"$ref": "#/$defs/a_b"}],
                "discriminator": {"propertyName": "kind", "mapping": {"x": "#/$defs/a_b"}},
            }}},
            "Order": {"properties": {"lines": {"items": {"$ref": "#/$defs/Line"}}, "next": {"$ref": "#/$defs/Order"}}},
            "a_b": {"type": "object"},
        },
    });
    assert_eq!(complete, expected);
    assert_eq!(foreign.complete(&json!({"type": "string"}), Direction::Request), json!({"type": "string"}));
}

#[test]
fn what_one_side_alone_knows_is_not_asked_of_the_other() {
    let foreign = read(schemas(json!({
        "Id": {"type": "integer", "readOnly": true},
        "User": {
            "properties": {"id": {"$ref": "#/components/schemas/Id"}, "password": {"writeOnly": true}, "name": {}},
            "required": ["id", "password", "name"],
        },
    })));
    let required = |direction| foreign.complete(&json!({"$ref": "#/components/schemas/User"}), direction)["required"].clone();
    assert_eq!(required(Direction::Request), json!(["password", "name"]));
    assert_eq!(required(Direction::Response), json!(["id", "name"]));
}

#[test]
fn branches_without_a_name_of_their_own_are_called_by_their_schemas() {
    let branch = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let foreign = read(schemas(json!({
        "Cat": {"properties": {"kind": {"type": "string"}}},
        "Dog": {"properties": {"kind": {"const": "dog"}}},
        "Cow": {},
        "Pet": {
            "oneOf": [branch("Cat"), branch("Dog"), branch("Cow")],
            "discriminator": {"propertyName": "kind", "mapping": {"moo": "Cow"}},
        },
    })));
    let pet = foreign.complete(&branch("Pet"), Direction::Request);
    assert_eq!(pet["discriminator"]["mapping"], json!({"moo": "Cow", "Cat": "#/$defs/Cat"}));
}
