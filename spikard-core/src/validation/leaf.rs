//! From what the JSON Schema crate reports to errors about one value each.
//!
//! `anyOf` and `oneOf` come as one error with the errors of every branch inside. Here it becomes
//! the errors of one branch: the one that the discriminator names, else the only one whose type
//! fits the value, else the one whose first error lies deepest. If no type fits, it is one error
//! that names the types.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{JsonTypeSet, ValidationError};
use serde_json::Value;

/// One value that breaks one rule.
pub(crate) struct Leaf {
    /// Where the value stands. For a missing key, the object that lacks it.
    pub path: Location,
    /// The rule.
    pub rule: Rule,
}

/// What is broken.
pub(crate) enum Rule {
    /// A keyword of the schema.
    Keyword(ValidationErrorKind),
    /// None of these types is the value's.
    Types(JsonTypeSet),
    /// No branch is called like this; these are.
    Tag(Vec<Value>),
}

/// The value of a key of the object at a place.
pub(crate) type Member<'d> = dyn Fn(&Location, &str) -> Option<Value> + 'd;

/// The single errors, in the order in which they were reported. `schema` is the whole schema;
/// `member` looks into the document.
pub(crate) fn leaves<'i>(errors: impl Iterator<Item = ValidationError<'i>>, schema: &Value, member: &Member<'_>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for error in errors {
        add(error, schema, member, &mut leaves);
    }
    leaves
}

fn add(error: ValidationError<'_>, schema: &Value, member: &Member<'_>, leaves: &mut Vec<Leaf>) {
    let parts = error.into_parts();
    let path = parts.instance_path;
    match parts.kind {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let keyword = parts.schema_path.as_str();
            let parent = keyword.rsplit_once('/').and_then(|(parent, _)| schema.pointer(parent));
            let discriminator = parent.and_then(|parent| Discriminator::of(parent, schema, keyword.ends_with("/anyOf")));
            match choice(&context, &path, member, discriminator.as_ref()) {
                Choice::Branch(index) => {
                    let branch = context.into_iter().nth(index).unwrap_or_default();
                    for error in branch {
                        add(error, schema, member, leaves);
                    }
                }
                Choice::Types(types) => leaves.push(Leaf { path, rule: Rule::Types(types) }),
                Choice::Tag(property, tags) => {
                    leaves.push(Leaf { path: path.join(property), rule: Rule::Tag(tags) });
                }
            }
        }
        ValidationErrorKind::Type { kind } => leaves.push(Leaf { path, rule: Rule::Types(types(&kind)) }),
        kind => leaves.push(Leaf { path, rule: Rule::Keyword(kind) }),
    }
}

enum Choice<'s> {
    Branch(usize),
    Types(JsonTypeSet),
    Tag(&'s str, Vec<Value>),
}

fn choice<'s>(
    branches: &[Vec<ValidationError<'static>>],
    path: &Location,
    member: &Member<'_>,
    discriminator: Option<&Discriminator<'s>>,
) -> Choice<'s> {
    if let Some(discriminator) = discriminator
        && let Some(tag) = member(path, discriminator.property)
    {
        let named = discriminator.tags.iter().find(|(known, _)| *known == tag);
        return match named {
            Some(&(_, index)) => Choice::Branch(index),
            None => Choice::Tag(discriminator.property, discriminator.tags.iter().map(|(tag, _)| tag.clone()).collect()),
        };
    }
    let mut wanted = JsonTypeSet::empty();
    let mut fitting = Vec::new();
    for (index, errors) in branches.iter().enumerate() {
        match wrong_type(errors, path) {
            Some(types) => wanted = wanted.union(types),
            None => fitting.push(index),
        }
    }
    let depth = |index: &usize| branches[*index].first().map_or(0, |error| error.instance_path().iter().count());
    // `max_by_key` takes the last of equals; the first is wanted.
    match fitting.into_iter().rev().max_by_key(depth) {
        Some(index) => Choice::Branch(index),
        None => Choice::Types(wanted),
    }
}

/// The types that a branch wants, if the value at `path` has none of them.
fn wrong_type(errors: &[ValidationError<'static>], path: &Location) -> Option<JsonTypeSet> {
    errors.iter().filter(|error| error.instance_path() == path).find_map(|error| match error.kind() {
        ValidationErrorKind::Type { kind } => Some(types(kind)),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let inner = context.iter().map(|branch| wrong_type(branch, path));
            inner.collect::<Option<Vec<_>>>().map(|sets| sets.into_iter().fold(JsonTypeSet::empty(), JsonTypeSet::union))
        }
        _ => None,
    })
}

fn types(kind: &TypeKind) -> JsonTypeSet {
    match kind {
        TypeKind::Single(single) => (*single).into(),
        TypeKind::Multiple(set) => *set,
    }
}

/// The property that tells the branches apart (OpenAPI 3.1, discriminator object), and which of its
/// values belongs to which branch.
struct Discriminator<'s> {
    property: &'s str,
    tags: Vec<(Value, usize)>,
}

impl<'s> Discriminator<'s> {
    fn of(parent: &'s Value, schema: &'s Value, is_any: bool) -> Option<Self> {
        let discriminator = parent.get("discriminator")?;
        let property = discriminator.get("propertyName")?.as_str()?;
        let branches = parent.get(if is_any { "anyOf" } else { "oneOf" })?.as_array()?;
        let position = |target: &str| {
            let is_meant = |name: &str| name == target || name.rsplit('/').next() == Some(target);
            branches.iter().position(|branch| branch.get("$ref").and_then(Value::as_str).is_some_and(is_meant))
        };
        let mapped = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
        let mut tags: Vec<_> =
            mapped.filter_map(|(tag, target)| Some((Value::String(tag.clone()), position(target.as_str()?)?))).collect();
        // Tags need not be texts, and `mapping` may be left out: the branches say which are theirs.
        for (index, branch) in branches.iter().enumerate() {
            let own = resolved(branch, schema)?.get("properties").and_then(|properties| properties.get(property));
            let single = own.and_then(|own| own.get("const")).into_iter();
            let several = own.and_then(|own| own.get("enum")).and_then(Value::as_array).into_iter().flatten();
            for tag in single.chain(several) {
                if tags.iter().all(|(known, _)| known != tag) {
                    tags.push((tag.clone(), index));
                }
            }
        }
        (!tags.is_empty()).then_some(Self { property, tags })
    }
}

/// What a chain of references inside the document leads to.
pub(super) fn resolved<'s>(mut node: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    // No honest chain is longer; one that leads back to itself ends here.
    for _ in 0..16 {
        let Some(target) = node.get("$ref").and_then(Value::as_str) else { return Some(node) };
        node = schema.pointer(target.strip_prefix('#')?)?;
    }
    None
}

/// The steps of a path as texts.
pub(super) fn steps(path: &Location) -> impl Iterator<Item = String> {
    path.segments().map(|segment| match segment {
        LocationSegment::Property(key) => key.into_owned(),
        LocationSegment::Index(index) => index.to_string(),
    })
}
