//! What is left of a configuration without the parts that are wrong, so that the rest of it can be
//! built and its errors be told in the same run.
//!
//! A wrong route or upstream is replaced by a harmless one, so that the others keep their numbers
//! and references keep their targets; any other wrong key is left out.

use spikard_middleware::{ConfigPath, Step};

use super::tree::{Entry, Node, Table, Value};

/// The tree without what stands at `wrong`, or none if a place says nothing about the part.
pub(super) fn salvage(tree: &Node, wrong: &[&ConfigPath]) -> Option<Node> {
    let mut tree = tree.clone();
    for path in wrong {
        let Value::Table(table) = &mut tree.value else { return None };
        let [Step::Key(key), inner @ ..] = path.steps() else { return None };
        let part = table.get_mut(key).map(|node| &mut node.value);
        match (key.as_str(), part, inner) {
            ("routes", Some(Value::Sequence(routes)), [Step::Index(number), ..]) => {
                *routes.get_mut(*number)? = harmless_route(*number);
            }
            ("upstreams", Some(Value::Table(upstreams)), [Step::Key(name), ..]) => {
                *upstreams.get_mut(name)? = harmless_upstream();
            }
            _ => drop(table.remove(key)),
        }
    }
    Some(tree)
}

fn harmless_route(number: usize) -> Node {
    table([("path", text(&format!("/left out {number}"))), ("response", table([]))])
}

fn harmless_upstream() -> Node {
    table([("targets", Node::new(Value::Sequence(vec![text("http://127.0.0.1:1")])))])
}

fn table<const N: usize>(entries: [(&str, Node); N]) -> Node {
    let entry = |(key, node): (&str, Node)| Entry::new(key, node);
    Node::new(Value::Table(entries.into_iter().map(entry).collect::<Table>()))
}

fn text(text: &str) -> Node {
    Node::new(Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Gateway;
    use crate::config::{Format, load_text};

    #[test]
    fn errors_of_the_build_are_told_beside_those_of_the_form() {
        let text = "
            compression = { qualty = 5 }
            [upstreams.broken]
            targets = 5
            [[routes]]
            path = '/a'
            upstream = 'broken'
            [[routes]]
            path = 7
            [[routes]]
            path = '/b'
            upstream = 'brken'";
        let report = load_text("spikard.toml", text, Format::Toml, Path::new(""), &|_| None).expect_err("three mistakes of form");
        let report = report.and_of_the_rest(|rest| Gateway::build_with(&rest.config, &rest.directory, Vec::new()).map(drop));
        let places: Vec<String> = report.diagnostics.iter().map(|diagnostic| diagnostic.at.to_string()).collect();
        assert_eq!(places, ["compression.qualty", "upstreams.broken.targets", "routes[1].path", "routes[2].upstream"]);
    }
}
