//! The paths of a document. Templates that differ only in the names of their parameters are one
//! path to OpenAPI (section 4.8.8.2): the first spelling stands for all of them.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The methods that OpenAPI has a key for (section 4.8.9).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The key of a method.
pub(super) fn key_of(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|key| key.eq_ignore_ascii_case(method))
}

/// All paths, in order.
#[derive(Debug, Default)]
pub(super) struct Paths {
    items: Vec<Item>,
    /// The number of the path of a shape, which is a template without names.
    known: HashMap<String, usize>,
}

#[derive(Debug)]
struct Item {
    template: String,
    operations: Map<String, Value>,
    /// Who has which method.
    owners: HashMap<&'static str, String>,
}

impl Paths {
    /// The place of a template.
    pub(super) fn place(&mut self, template: &str) -> usize {
        let number = *self.known.entry(shape(template)).or_insert(self.items.len());
        if number == self.items.len() {
            self.items.push(Item { template: template.to_owned(), operations: Map::new(), owners: HashMap::new() });
        }
        number
    }

    /// How the path at a place is spelt.
    pub(super) fn template(&self, place: usize) -> &str {
        &self.items[place].template
    }

    /// Who has the method already.
    pub(super) fn taken(&self, place: usize, method: &str) -> Option<&str> {
        self.items[place].owners.get(method).map(String::as_str)
    }

    /// What the parameters of `template` are called at a place: pairs of its own name and that of the place.
    pub(super) fn renamed(&self, place: usize, template: &str) -> Vec<(String, String)> {
        names(template).map(str::to_owned).zip(names(&self.items[place].template).map(str::to_owned)).collect()
    }

    /// Puts an operation to its place.
    pub(super) fn put(&mut self, place: usize, method: &'static str, operation: Value, owner: String) {
        let item = &mut self.items[place];
        item.operations.insert(method.to_owned(), operation);
        item.owners.insert(method, owner);
    }

    /// The tags of all operations, each once, in order.
    pub(super) fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let of_operation = |operation: &Value| operation["tags"].as_array().cloned().unwrap_or_default();
        for tag in self.items.iter().flat_map(|item| item.operations.values()).flat_map(of_operation) {
            if let Value::String(tag) = tag
                && !tags.contains(&tag)
            {
                tags.push(tag);
            }
        }
        tags
    }

    pub(super) fn into_value(self) -> Value {
        let filled = self.items.into_iter().filter(|item| !item.operations.is_empty());
        filled.map(|item| (item.template, Value::Object(item.operations))).collect::<Map<_, _>>().into()
    }
}

/// The names of the parameters of a template.
fn names(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

fn shape(template: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for one in template.chars() {
        inside &= one != '}';
        if !inside {
            shape.push(one);
        }
        inside |= one == '{';
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_differ_in_names_only_are_one_path() {
        let mut paths = Paths::default();
        let first = paths.place("/users/{id}/posts/{post}");
        assert_eq!(paths.place("/users/{user}/posts/{number}"), first);
        assert_ne!(paths.place("/users/{id}"), first);
        let renamed = paths.renamed(first, "/users/{user}/posts/{number}");
        assert_eq!(renamed, [("user".into(), "id".into()), ("number".into(), "post".into())]);
    }
}
