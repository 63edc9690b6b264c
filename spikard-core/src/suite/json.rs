//! Where one JSON value is not what another one says.

use serde_json::Value;

use super::expect::Difference;

/// How much of a value has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it, and nothing else.
    Whole,
    /// Tables may have more keys.
    Part,
}

/// All places where `got` is not as `expected`; the place of both is `at`.
pub(super) fn differences(at: &str, expected: &Value, got: &Value, extent: Extent, found: &mut Vec<Difference>) {
    match (expected, got) {
        (Value::Object(wanted), Value::Object(had)) => {
            for (key, value) in wanted {
                let at = format!("{at}.{key}");
                match had.get(key) {
                    Some(had) => differences(&at, value, had, extent, found),
                    None => found.push(Difference::absent(at, value)),
                }
            }
            if extent == Extent::Whole {
                let more = had.iter().filter(|(key, _)| !wanted.contains_key(*key));
                found.extend(more.map(|(key, value)| Difference::unexpected(format!("{at}.{key}"), value)));
            }
        }
        (Value::Array(wanted), Value::Array(had)) => {
            for (index, value) in wanted.iter().enumerate() {
                let at = format!("{at}[{index}]");
                match had.get(index) {
                    Some(had) => differences(&at, value, had, extent, found),
                    None => found.push(Difference::absent(at, value)),
                }
            }
            let more = had.iter().enumerate().skip(wanted.len());
            found.extend(more.map(|(index, value)| Difference::unexpected(format!("{at}[{index}]"), value)));
        }
        (expected, got) if expected == got => {}
        (expected, got) => found.push(Difference::new(at, expected, got)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(expected: &Value, got: &Value, extent: Extent) -> Vec<String> {
        let mut found = Vec::new();
        differences("json", expected, got, extent, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_place_is_named() {
        let expected = json!({ "id": 7, "tags": ["a", "b"], "owner": { "name": "Ada" }, "gone": null });
        let got = json!({ "id": "7", "tags": ["a", "c", "d"], "owner": { "name": "Ada", "age": 36 }, "more": true });
        let whole = [
            "json.id: expected 7, got \"7\"",
            "json.tags[1]: expected \"b\", got \"c\"",
            "json.tags[2]: expected nothing, got \"d\"",
            "json.owner.age: expected nothing, got 36",
            "json.gone: expected null, got nothing",
            "json.more: expected nothing, got true",
        ];
        assert_eq!(found(&expected, &got, Extent::Whole), whole);
        let part: Vec<&str> = whole.into_iter().filter(|line| !line.contains("age") && !line.contains("more")).collect();
        assert_eq!(found(&expected, &got, Extent::Part), part);
        assert!(found(&expected, &expected, Extent::Whole).is_empty());
    }
}
