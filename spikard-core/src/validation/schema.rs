//! A JSON Schema (2020-12), compiled once, that lists everything that does not fit.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::node::Texts;
use super::shape::Shapes;
use super::tree::Tree;
use super::violation::{LISTED, Location, Violation};
use super::{formats, leaf, order, wording};

/// How many bytes of a document all violations together show of it: an object that lacks many keys
/// would be sent back once for each.
const SHOWN: usize = 256 << 10;

/// How many values a document may have whose violations are listed one by one. The validator collects
/// all of them, half a kilobyte each, before it hands out the first.
const EXAMINED: usize = 100_000;

/// A compiled schema. Cloning is cheap.
///
/// Formats are asserted. A number without a fraction is an integer, however it is written.
/// References lead only to places inside the document.
#[derive(Clone)]
pub struct Schema(Arc<Compiled>);

struct Compiled {
    document: Value,
    validator: Validator<Texts>,
    /// Made for the first form.
    places: OnceLock<Shapes>,
}

/// A document that is no JSON Schema, or one that refers to other documents.
#[derive(Debug, thiserror::Error)]
#[error("schema{at} is wrong: {message}", at = if place.is_empty() { String::new() } else { format!(" at `{place}`") })]
pub struct SchemaError {
    place: String,
    message: String,
}

impl SchemaError {
    pub(super) fn new(message: String) -> Self {
        Self { place: String::new(), message }
    }
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// When it is none, or when a reference leads nowhere.
    pub fn compile(document: &Value) -> Result<Self, SchemaError> {
        let options = jsonschema::options_for::<Texts>().with_draft(Draft::Draft202012).should_validate_formats(true);
        let options = options.with_format("email", formats::is_email).with_format("time", formats::is_time).offline();
        let validator = options
            .build(document)
            .map_err(|error| SchemaError { place: error.instance_path().to_string(), message: error.to_string() })?;
        Ok(Self(Arc::new(Compiled { document: document.clone(), validator, places: OnceLock::new() })))
    }

    /// Everything about a value that does not fit, in the order of the value, up to a thousand
    /// violations; one for the whole, if it has more than 100,000 values. `location` is where the
    /// value stands in the request.
    pub fn violations(&self, value: &Value, location: &Location) -> Vec<Violation> {
        self.judge(&Tree::of(value), location)
    }

    /// As [`Schema::violations`], of a JSON text that [`scan`](crate::handler::scan) has taken: no
    /// [`Value`] is built, and numbers count with all their digits.
    ///
    /// ```
    /// use serde_json::json;
    /// use spikard_core::validation::{Location, Schema};
    ///
    /// # fn main() -> Result<(), spikard_core::validation::SchemaError> {
    /// let even = Schema::compile(&json!({"type": "integer", "multipleOf": 2}))?;
    /// assert!(even.violations_in(b"18446744073709551616", &Location::body()).is_empty());
    /// assert!(!even.violations_in(b"18446744073709551617", &Location::body()).is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn violations_in(&self, json: &[u8], location: &Location) -> Vec<Violation> {
        match simdutf8::basic::from_utf8(json).ok().and_then(Tree::read) {
            Some(tree) => self.judge(&tree, location),
            None => vec![Violation::new("json_invalid", location.clone(), "JSON decode error", Value::Null)],
        }
    }

    fn judge(&self, tree: &Tree<'_>, location: &Location) -> Vec<Violation> {
        if self.0.validator.is_valid(tree) {
            return Vec::new();
        }
        if tree.has_more_than(EXAMINED) {
            let message =
                format!("Input does not fit the schema; it has more than {EXAMINED} values, so its errors are not listed");
            return vec![Violation::new("validation_error", location.clone(), message, Value::Null)];
        }
        let member = |path: &jsonschema::paths::Location, key: &str| {
            let steps: Vec<String> = leaf::steps(path).collect();
            tree.at(steps.iter().map(String::as_str).chain([key])).map(Tree::value)
        };
        let errors = self.0.validator.iter_errors(tree).take(LISTED);
        let mut leaves = leaf::leaves(errors, &self.0.document, &member);
        leaves.truncate(LISTED);
        let mut left = SHOWN;
        let mut found = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let steps: Vec<String> = leaf::steps(&leaf.path).collect();
            let place = steps.iter().fold(location.clone(), |location, step| location.inside(step));
            let value = tree.at(steps.iter().map(String::as_str));
            let mut input = || {
                let Some((value, size)) = value.and_then(|value| Some((value, value.size(left)?))) else { return Value::Null };
                left -= size;
                value.value()
            };
            for violation in wording::violations(leaf.rule, place, &mut input) {
                let steps: Vec<String> = violation.loc.parts().skip(location.parts().count()).map(str::to_owned).collect();
                found.push((order::position(tree, &steps), violation));
            }
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        // Two branches of `allOf` may say the same.
        let mut violations: Vec<Violation> = Vec::with_capacity(found.len());
        for (_, violation) in found {
            if violations.last() != Some(&violation) {
                violations.push(violation);
            }
        }
        violations
    }

    /// What it wants at each place.
    pub(super) fn places(&self) -> &Shapes {
        self.0.places.get_or_init(|| Shapes::of(&self.0.document))
    }

    /// The document that was compiled.
    pub fn document(&self) -> &Value {
        &self.0.document
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Schema").field(&self.0.document).finish()
    }
}
