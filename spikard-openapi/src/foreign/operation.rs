//! The operations of a document: each method of each path.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::parameter;
use super::pointer::Pointer;
use super::template::Template;
use super::walk::METHODS;
use super::{Foreign, ForeignError};

/// One method of one path (OpenAPI 3.1, section 4.8.10).
#[derive(Debug, Clone)]
pub struct ForeignOperation<'d> {
    /// The path as the document writes it: `/orders/{id}`.
    pub path: &'d str,
    /// The method in lower case.
    pub method: &'static str,
    /// Where it stands.
    pub pointer: Pointer,
    /// What the document says of it.
    pub value: &'d Map<String, Value>,
    /// What it says of its path.
    pub(super) path_item: &'d Map<String, Value>,
    /// Where that stands.
    pub(super) path_pointer: Pointer,
}

impl Foreign {
    /// The operations, in the order of the document.
    pub fn operations(&self) -> impl Iterator<Item = ForeignOperation<'_>> {
        let paths = self.document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let paths = paths.filter(|(path, _)| !path.starts_with("x-"));
        paths.flat_map(move |(path, item)| {
            let path_item = self.resolve(item).as_object();
            let named = path_item.into_iter().flat_map(|item| item.iter().map(move |member| (item, member)));
            named.filter_map(move |(path_item, (name, value))| {
                let method = METHODS.into_iter().find(|method| method == name)?;
                let path_pointer = self.place_of(item, &Pointer::default().join("paths").join(path));
                let pointer = path_pointer.join(method);
                Some(ForeignOperation { path, method, pointer, value: value.as_object()?, path_item, path_pointer })
            })
        })
    }

    /// Where that which stands at `pointer` is written: where its reference leads.
    pub(super) fn place_of<'d>(&'d self, mut part: &'d Value, pointer: &Pointer) -> Pointer {
        let mut place = pointer.clone();
        while let Some(reference) = part.get("$ref").and_then(Value::as_str)
            && let (Some(target), Some(next)) = (Pointer::of_reference(reference), self.at(reference))
        {
            (place, part) = (target, next);
        }
        place
    }
}

/// The paths that are no templates.
pub(super) fn check_paths(foreign: &Foreign) -> Vec<ForeignError> {
    let paths = foreign.document().get("paths").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let wrong = paths.filter(|path| !path.starts_with("x-")).filter_map(|path| {
        let message = Template::parse(path).err()?;
        Some(ForeignError::new(&Pointer::default().join("paths").join(path), message))
    });
    wrong.collect()
}

/// What of the parameters of all operations contradicts itself.
pub(super) fn check_parameters(foreign: &Foreign) -> Vec<ForeignError> {
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for operation in foreign.operations() {
        match parameter::parameters(foreign, &operation) {
            // Those of a path are found with each of its methods.
            Err(found) => errors.extend(found.into_iter().filter(|error| seen.insert(error.to_string()))),
            Ok(parameters) => errors.extend(parameter::missing_of_path(&operation, &parameters)),
        }
    }
    errors
}
