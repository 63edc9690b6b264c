//! The order in which violations are listed: that of the document. What an object itself lacks or
//! has too much stands before what is wrong inside it.

use super::tree::Tree;

/// Where a path leads in a document: the position of each step among its siblings.
pub(super) fn position(document: &Tree<'_>, steps: &[String]) -> Vec<usize> {
    let mut node = Some(document);
    let mut positions = Vec::with_capacity(steps.len());
    for step in steps {
        let (position, next) = match node {
            Some(Tree::Object(members)) => {
                members.position(step).map_or((0, None), |position| (position + 1, Some(&members.list[position].1)))
            }
            Some(Tree::Array(list)) => {
                let index: usize = step.parse().unwrap_or_default();
                (index + 1, list.get(index))
            }
            _ => (0, None),
        };
        positions.push(position);
        node = next;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn is_that_of_the_document_with_what_is_missing_in_front() {
        let document = json!({"z": [1, {"y": 2}], "a": 3});
        let tree = Tree::of(&document);
        let position = |path: &[&str]| position(&tree, &path.iter().map(ToString::to_string).collect::<Vec<_>>());
        let order = [&[][..], &["missing"], &["z"], &["z", "0"], &["z", "1"], &["z", "1", "gone"], &["z", "1", "y"], &["a"]];
        assert!(order.map(position).is_sorted());
    }
}
