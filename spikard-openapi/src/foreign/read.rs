//! Reading a document: the version, the shape of its parts, and where its references lead.

use std::collections::HashSet;

use serde_json::Value;

use super::operation::{check_parameters, check_paths};
use super::pointer::Pointer;
use super::upgrade::upgrade;
use super::walk::{Kind, walk};
use super::{Foreign, ForeignError};

/// The dialects whose keywords are those of JSON Schema 2020-12.
const DIALECTS: [&str; 3] = [
    "https://spec.openapis.org/oas/3.1/dialect/base",
    "https://spec.openapis.org/oas/3.1/dialect/2024-11-10",
    "https://json-schema.org/draft/2020-12/schema",
];

impl Foreign {
    /// Reads a document of version 3.0 or 3.1.
    ///
    /// # Errors
    /// Everything about it that cannot be relied on. Places are those of the document as it came,
    /// except below schemas of 3.0 that are `nullable`.
    pub fn read(mut document: Value) -> Result<Self, Vec<ForeignError>> {
        let whole = Pointer::default();
        match version(&document).map_err(|message| vec![ForeignError::new(&whole, message)])? {
            Version::V30 => upgrade(&mut document),
            Version::V31 => {}
        }
        if let Some(dialect) = document.get("jsonSchemaDialect")
            && !dialect.as_str().is_some_and(|dialect| DIALECTS.contains(&dialect))
        {
            let message = format!("jsonSchemaDialect is {dialect}, expected \"{}\" or none", DIALECTS[0]);
            return Err(vec![ForeignError::new(&whole.join("jsonSchemaDialect"), message)]);
        }
        let foreign = Self { document };
        let mut errors = check_paths(&foreign);
        errors.extend(foreign.check_references());
        if errors.is_empty() {
            // Where references lead nowhere, more would only confuse.
            errors = check_parameters(&foreign);
        }
        if errors.is_empty() { Ok(foreign) } else { Err(errors) }
    }

    fn check_references(&self) -> Vec<ForeignError> {
        let mut wrong = Vec::new();
        let mut references = Vec::new();
        let walked = walk(&self.document, Kind::Document, &mut |kind, at, object| {
            if kind == Kind::Schema && object.contains_key("$dynamicRef") {
                wrong.push(ForeignError::new(&at.join("$dynamicRef"), "$dynamicRef is given, expected `$ref`"));
            }
            if let Some(reference) = object.get("$ref").filter(|_| kind.may_refer()) {
                references.push((at.join("$ref"), reference));
            }
        });
        wrong.extend(walked.err().into_iter().flatten());
        for (at, reference) in references {
            if let Err(message) = self.check_reference(reference) {
                wrong.push(ForeignError::new(&at, message));
            }
        }
        wrong
    }

    fn check_reference(&self, reference: &Value) -> Result<(), String> {
        let expected = "expected `#/` and a pointer into this document";
        let text = reference.as_str().ok_or_else(|| format!("$ref is {reference}, {expected}"))?;
        let mut seen = HashSet::from([text]);
        let mut next = text;
        loop {
            let target = match (Pointer::of_reference(next), self.at(next)) {
                (None, _) if next.starts_with('#') => return Err(format!("$ref is `{text}`, {expected}")),
                (None, _) => return Err(format!("$ref is `{text}`, {expected}: other documents are not read")),
                (Some(_), None) => return Err(format!("$ref is `{text}`, expected something that is there")),
                (Some(_), Some(target)) => target,
            };
            match target.get("$ref").and_then(Value::as_str) {
                // A schema may say more beside the reference; alone it says nothing but the circle.
                Some(further) if !seen.insert(further) => return Err(format!("$ref is `{text}`, which leads back to itself")),
                Some(further) => next = further,
                None => return Ok(()),
            }
        }
    }
}

enum Version {
    V30,
    V31,
}

fn version(document: &Value) -> Result<Version, String> {
    let expected = "expected 3.0 or 3.1";
    if let Some(swagger) = document.get("swagger") {
        return Err(format!("swagger is {swagger}, {expected} as `openapi`: a converter makes that of it"));
    }
    match document.get("openapi") {
        Some(Value::String(text)) if text.starts_with("3.0.") => Ok(Version::V30),
        Some(Value::String(text)) if text.starts_with("3.1.") => Ok(Version::V31),
        // YAML reads `openapi: 3.1` as a number.
        Some(other) => Err(format!("openapi is {other}, {expected} as text such as \"3.1.0\"")),
        None if document.is_object() => Err(format!("key `openapi` is missing, {expected}.x")),
        None => Err("document is no object, expected an OpenAPI document".into()),
    }
}
