//! The order in which violations are listed: that of the document. What an object itself lacks or
//! has too much stands before what is wrong inside it.

use serde_json::Value;

/// Where a path leads in a document: the position of each step among its siblings.
pub(super) fn position(document: &Value, steps: &[String]) -> Vec<usize> {
    let mut node = Some(document);
    let mut positions = Vec::with_capacity(steps.len());
    for step in steps {
        let (position, next) = match node {
            Some(Value::Object(map)) => {
                let found = map.iter().enumerate().find(|(_, (key, _))| *key == step);
                found.map_or((0, None), |(position, (_, value))| (position + 1, Some(value)))
            }
            Some(Value::Array(list)) => {
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
        let position = |path: &[&str]| position(&document, &path.iter().map(ToString::to_string).collect::<Vec<_>>());
        let order = [&[][..], &["missing"], &["z"], &["z", "0"], &["z", "1"], &["z", "1", "gone"], &["z", "1", "y"], &["a"]];
        assert!(order.map(position).is_sorted());
    }
}
