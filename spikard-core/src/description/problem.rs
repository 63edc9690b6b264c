//! What the bodies of refusals look like, for the document. The tests hold real refusals against it.

use serde_json::{Value, json};
use spikard_openapi::ProblemSchemas;

/// The schemas of problems (RFC 9457), and of a request that does not fit its schema.
pub(super) fn schemas() -> ProblemSchemas {
    ProblemSchemas { problem: problem(), validation: validation() }
}

fn problem() -> Value {
    json!({
        "type": "object",
        "title": "Problem",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "What kind of problem it is." },
            "title": { "type": "string", "description": "The same in words, the same for all problems of the kind." },
            "status": { "type": "integer", "description": "The status of the answer." },
            "detail": { "type": "string", "description": "What is wrong with this request." },
            "instance": { "type": "string", "format": "uri-reference", "description": "The path of the request." },
            "request_id": { "type": "string", "description": "The id of the request, which logs name." },
        },
    })
}

fn validation() -> Value {
    let mut schema = problem();
    schema["title"] = "ValidationProblem".into();
    schema["description"] = "Problem details (RFC 9457) of a request that does not fit its schema.".into();
    schema["properties"]["errors"] = json!({
        "type": "array",
        "description": "Everything that does not fit.",
        "items": { "$ref": "#/$defs/ValidationError" },
    });
    schema["$defs"] = json!({
        "ValidationError": {
            "type": "object",
            "title": "ValidationError",
            "description": "One thing that does not fit.",
            "required": ["type", "loc", "msg", "input"],
            "properties": {
                "type": { "type": "string", "description": "What kind of violation it is." },
                "loc": {
                    "type": "array",
                    "items": { "type": "string" },
                    "description": "Where it is: `body`, `query`, `path`, `headers` or `cookie`, then the way to the value.",
                },
                "msg": { "type": "string", "description": "What was expected, for people." },
                "input": { "description": "The value that does not fit." },
                "ctx": { "type": "object", "description": "What was expected, for programs." },
            },
        },
    });
    schema
}
