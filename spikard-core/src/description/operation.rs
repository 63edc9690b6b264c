//! What the table of routes and the reading of requests add to what a route says of itself: its path as
//! OpenAPI writes it, the parameters of the path that it did not mention, what is refused.

use serde_json::{Value, json};
use spikard_middleware::problem::{
    CROSS_ORIGIN, MALFORMED_BODY, Refusal, UNSUPPORTED_MEDIA_TYPE, UPGRADE_REQUIRED, VALIDATION_ERROR,
};
use spikard_openapi::{Operation, Parameter, ParameterLocation, Protocol, Response};

use crate::routes::{PathPattern, Segment};

/// The path with its parameters in braces, without converters: `/users/{id}`.
pub(super) fn template(path: &PathPattern) -> String {
    let written = path.text().split('/').skip(1).zip(path.segments());
    written.fold(String::new(), |text, (written, segment)| match segment {
        Segment::Fixed(_) => text + "/" + written,
        Segment::Converted(name, _) | Segment::Parameter(name) | Segment::Rest(name) => text + "/{" + name + "}",
    })
}

/// The operation with all parameters of its path, and with what a WebSocket answers.
pub(super) fn complete(mut operation: Operation, path: &PathPattern) -> Operation {
    let mut parameters: Vec<Parameter> = path.segments().iter().filter_map(parameter).collect();
    for described in operation.parameters {
        let same = parameters.iter_mut().find(|known| known.location == described.location && known.name == described.name);
        match same {
            Some(known) => *known = Parameter { description: described.description.or(known.description.take()), ..described },
            // OpenAPI takes no parameters of the path that are not in it.
            None if described.location == ParameterLocation::Path => {}
            None => parameters.push(described),
        }
    }
    operation.parameters = parameters;
    if operation.protocol == Protocol::WebSocket && operation.responses.is_empty() {
        operation.responses.push(Response::new("101", "The connection is a WebSocket from here on."));
    }
    operation
}

fn parameter(segment: &Segment) -> Option<Parameter> {
    let (name, schema, description) = match segment {
        Segment::Fixed(_) => return None,
        Segment::Converted(name, converter) => (name, converter.schema(), None),
        Segment::Parameter(name) => (name, json!({ "type": "string" }), None),
        Segment::Rest(name) => {
            (name, json!({ "type": "string" }), Some("All that is left of the path, slashes included.".into()))
        }
    };
    Some(Parameter {
        name: name.clone(),
        location: ParameterLocation::Path,
        description,
        required: true,
        deprecated: false,
        schema,
        separator: None,
    })
}

/// What is answered to a request that cannot be read or does not fit.
pub(super) fn refusals(operation: &Operation) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let reads_body = operation.body.as_ref().is_some_and(|body| body.is_checked);
    if reads_body {
        refusals.extend([MALFORMED_BODY, CROSS_ORIGIN, UNSUPPORTED_MEDIA_TYPE]);
    }
    if reads_body || operation.checks_more || has_checked_parameters(operation) {
        refusals.push(VALIDATION_ERROR);
    }
    if operation.protocol == Protocol::WebSocket {
        refusals.extend([CROSS_ORIGIN, UPGRADE_REQUIRED]);
    }
    refusals
}

/// Whether some value of the parameters, or none, is refused.
fn has_checked_parameters(operation: &Operation) -> bool {
    operation.parameters.iter().any(|parameter| {
        let may_be_missing = parameter.required && parameter.location != ParameterLocation::Path;
        may_be_missing || !takes_any_text(&parameter.schema)
    })
}

fn takes_any_text(schema: &Value) -> bool {
    let annotations = ["default", "deprecated", "description", "example", "examples", "title"];
    let of_type = |value: &Value| value == "string";
    schema.as_object().is_some_and(|keywords| {
        keywords.iter().all(|(keyword, value)| annotations.contains(&keyword.as_str()) || (keyword == "type" && of_type(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_without_converters_and_brings_its_parameters() {
        let path = PathPattern::parse("/caf%C3%A9/{id:int}/{name}/{*rest}").unwrap();
        assert_eq!(template(&path), "/caf%C3%A9/{id}/{name}/{rest}");
        let own = Parameter {
            name: "name".into(),
            location: ParameterLocation::Path,
            description: Some("Its name.".into()),
            required: true,
            deprecated: false,
            schema: json!({ "type": "string", "maxLength": 9 }),
            separator: None,
        };
        let gone = Parameter { name: "gone".into(), ..own.clone() };
        let operation = Operation { parameters: vec![gone, own.clone()], ..Operation::default() };
        let parameters = complete(operation, &path).parameters;
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!((names, &parameters[1]), (vec!["id", "name", "rest"], &own));
        assert_eq!(parameters[0].schema, json!({ "type": "integer" }));
    }

    #[test]
    fn parameters_that_take_any_text_are_never_refused() {
        let with = |path: &str| complete(Operation::default(), &PathPattern::parse(path).unwrap());
        assert!(!has_checked_parameters(&with("/{name}/{*rest}")));
        assert!(has_checked_parameters(&with("/{id:uuid}")));
    }
}
