//! The overlay: what a route says about a policy is laid over what the server says, on the tree,
//! before there are structs.
//!
//! | a route says | and it gets |
//! |---|---|
//! | nothing, or `true` | the server's policy, state included |
//! | `false` | no such policy |
//! | a table | that table over the server's, key by key; plain values, lists and maps are replaced |
//! | a plain value | the same as a table with the policy's one shorthand field |
//!
//! A program's routes come with several layers of this (those of its routers, its own): they are
//! laid over each other first, by [`stack`]. A table that is [whole](Table::whole) takes nothing
//! from below.
//!
//! Nodes keep their origins, so that every setting of a route can say where it was written.

use spikard_middleware::ConfigPath;
use spikard_middleware::stack::{KEYS, Key};

use super::diagnostic::Diagnostic;
use super::schema::schema;
use super::shape::Shape;
use super::tree::{Entry, Node, Table, Value};

/// Lays the policies of every route over those of the server. Afterwards a policy is `Null` (off),
/// a table or a list, or it is absent.
pub(super) fn apply(tree: &mut Node) -> Vec<Diagnostic> {
    let mut overlay = Overlay { server: Table::default(), diagnostics: Vec::new() };
    if let Value::Table(table) = &mut tree.value {
        for key in KEYS {
            if let Some(node) = table.get_mut(key.name) {
                normalise(node, key);
            }
        }
        overlay.server = table.entries().filter(|entry| KEYS.iter().any(|key| key.name == entry.key)).cloned().collect();
    }
    overlay.walk(tree, Shape::root(schema()), &ConfigPath::root());
    overlay.diagnostics
}

/// Lays tables of policies over each other, the outermost first.
///
/// What the outer ones switch off or say in a list is not taken from the server either, by a
/// policy that an inner one switches on again with a table. `true` is what is below, and where
/// that is off the server's.
pub(super) fn stack(layers: Vec<Table>) -> Table {
    let mut layers = layers.into_iter();
    let outermost = layers.next().unwrap_or_default();
    layers.fold(outermost, |below, own| over(own, &below))
}

fn over(mut own: Table, below: &Table) -> Table {
    for entry in below.entries() {
        let key = KEYS.iter().find(|key| key.name == entry.key);
        let Some(node) = own.get_mut(&entry.key) else {
            own.push(entry.clone());
            continue;
        };
        let Some(key) = key else { continue };
        match (&node.value, &entry.node.value) {
            (Value::Bool(false), _) | (Value::Bool(true), Value::Bool(_)) => continue,
            (Value::Bool(true), _) => {
                *node = entry.node.clone();
                continue;
            }
            _ => {}
        }
        let mut under = entry.node.clone();
        normalise(node, key);
        normalise(&mut under, key);
        let Value::Table(table) = &mut node.value else { continue };
        match &under.value {
            Value::Table(under) => {
                merge(table, under, Shape::root(schema()).key(key.name));
                if under.is_whole() && !table.is_whole() {
                    *table = std::mem::take(table).whole();
                }
            }
            _ => *table = std::mem::take(table).whole(),
        }
    }
    own
}

/// One spelling for all: `false` is nothing, `true` is an empty table, a plain value is a table.
fn normalise(node: &mut Node, key: &Key) {
    node.value = match (&node.value, key.shorthand) {
        (Value::Bool(true), _) => Value::Table(Table::default()),
        (Value::Bool(false), _) => Value::Null,
        (Value::Number(_) | Value::String(_), Some(field)) => {
            let entry = Entry { key: field.to_owned(), origin: node.origin.clone(), node: node.clone() };
            Value::Table(Table::from_iter([entry]))
        }
        _ => return,
    };
}

struct Overlay {
    server: Table,
    diagnostics: Vec<Diagnostic>,
}

impl Overlay {
    fn walk(&mut self, node: &mut Node, shape: Shape<'_>, path: &ConfigPath) {
        match &mut node.value {
            Value::Table(table) => {
                if shape.is_route() && !path.steps().is_empty() {
                    for key in KEYS {
                        self.lay(table, key, path);
                    }
                }
                for entry in table.entries_mut().filter(|entry| KEYS.iter().all(|key| key.name != entry.key)) {
                    if let Some(inner) = shape.key(&entry.key) {
                        self.walk(&mut entry.node, inner, &path.key(&entry.key));
                    }
                }
            }
            Value::Sequence(nodes) => {
                let Some(inner) = shape.item() else { return };
                for (index, node) in nodes.iter_mut().enumerate() {
                    self.walk(node, inner, &path.index(index));
                }
            }
            _ => {}
        }
    }

    fn lay(&mut self, route: &mut Table, key: &Key, path: &ConfigPath) {
        let server = self.server.get(key.name);
        let Some(node) = route.get_mut(key.name) else { return };
        if node.value == Value::Bool(true) {
            let is_on = server.map_or(key.on, |server| server.value != Value::Null);
            if !is_on {
                let message =
                    format!("{0} is true, expected a table: the server has no `{0}` that the route could take", key.name);
                self.diagnostics.push(Diagnostic::error(path.key(key.name), node.origin.clone(), message));
            }
            route.remove(key.name);
            return;
        }
        normalise(node, key);
        if let (Value::Table(own), Some(Value::Table(below))) = (&mut node.value, server.map(|server| &server.value)) {
            merge(own, below, Shape::root(schema()).key(key.name));
        }
    }
}

/// Adds what only `below` has, in the structs inside too. A map, whose keys are made up, is a
/// value like a list: what the server has in it is not added to what the route says.
fn merge(own: &mut Table, below: &Table, shape: Option<Shape<'_>>) {
    if own.is_whole() {
        return;
    }
    for entry in below.entries() {
        let inner = shape.and_then(|shape| shape.key(&entry.key));
        match (own.get_mut(&entry.key).map(|node| &mut node.value), &entry.node.value) {
            (None, _) => own.push(entry.clone()),
            (Some(Value::Table(own)), Value::Table(below)) if inner.is_some_and(|inner| !inner.is_map()) => {
                merge(own, below, inner);
            }
            (Some(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::syntax::Format;

    fn overlaid(text: &str) -> (Node, Vec<String>) {
        let mut tree = Format::Toml.parse(text).tree.unwrap_or_else(|| panic!("{text}"));
        let errors =
            apply(&mut tree).into_iter().map(|diagnostic| format!("{}: {}", diagnostic.at, diagnostic.message)).collect();
        (tree, errors)
    }

    fn route_policy(server: &str, route: &str) -> Option<serde_json::Value> {
        let (tree, errors) = overlaid(&format!("{server}\n[[routes]]\npath = '/'\n{route}"));
        assert!(errors.is_empty(), "{errors:?}");
        let key = route.split(['=', '.']).next()?.trim();
        Some(tree.at(&ConfigPath::root().key("routes").index(0).key(key))?.to_json())
    }

    #[test]
    fn a_table_is_laid_over_the_servers_key_by_key() {
        let server = "rate_limit = { per_second = 5, burst = 10 }";
        let over = |route| route_policy(server, route);
        assert_eq!(over("rate_limit.burst = 20"), Some(serde_json::json!({ "burst": 20, "per_second": 5 })));
        assert_eq!(
            over("rate_limit = [{ per_second = 1, burst = 1 }]"),
            Some(serde_json::json!([{ "per_second": 1, "burst": 1 }]))
        );
        let keys = |names| serde_json::json!({ "keys": names, "header_name": "X-Key" });
        let server_keys = "api_key_auth = { keys = { a = '1' }, header_name = 'X-Key' }";
        assert_eq!(route_policy(server_keys, "api_key_auth.keys = { b = '2' }"), Some(keys(serde_json::json!({ "b": "2" }))));
        assert_eq!(over("rate_limit = false"), Some(serde_json::Value::Null));
        assert_eq!(over("rate_limit = true"), None);
        assert_eq!(over("max_body_size = '1MiB'"), Some(serde_json::json!({ "limit": "1MiB" })));
        assert_eq!(route_policy("rate_limit = false", "rate_limit.burst = 20"), Some(serde_json::json!({ "burst": 20 })));
    }

    #[test]
    fn true_is_an_error_where_the_server_has_no_such_policy() {
        let route = "[[routes]]\npath = '/'\nrate_limit = true\nmax_body_size = true";
        let expected = "routes[0].rate_limit: rate_limit is true, expected a table: the server has no `rate_limit` that the route could take";
        assert_eq!(overlaid(route).1, [expected]);
        assert_eq!(overlaid(&format!("rate_limit = false\nmax_body_size = false\n{route}")).1.len(), 2);
    }
}
