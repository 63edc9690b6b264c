//! For every key of every struct and every slip of one letter in it, the first suggestion is the
//! right key; where another key is as near, both are shown.

use serde_json::Value;
use spikard_core::config::{Format, load_text, schema};

#[test]
fn every_slip_of_one_letter_finds_its_key() {
    let mut slips = 0;
    let mut places = Vec::new();
    collect(schema(), schema(), &mut Vec::new(), &mut places);
    for (path, keys) in &places {
        for key in keys {
            let tried: Vec<String> = slips_of(key).into_iter().filter(|slip| !keys.contains(slip)).collect();
            slips += tried.len();
            for (slip, suggested) in suggestions(path, &tried) {
                let nearest = suggested.first() == Some(key);
                assert!(nearest || suggested.len() > 1 && suggested.contains(key), "{path:?}: {slip} for {key}: {suggested:?}");
            }
        }
    }
    assert!(slips > 10_000, "only {slips} slips tried");
}

/// A step into a list or into a table.
type Path = Vec<Option<String>>;

/// The places of all tables and the keys that each may have.
fn collect(root: &Value, schema: &Value, path: &mut Path, places: &mut Vec<(Path, Vec<String>)>) {
    let target = match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect("the schema refers to itself"),
        None => schema,
    };
    if target.get("format").is_some_and(|format| format == "spikard-secret") {
        return;
    }
    if let Some(Value::Object(properties)) = target.get("properties") {
        let keys: Vec<String> = properties.keys().cloned().collect();
        if places.iter().any(|(_, known)| *known == keys) {
            return;
        }
        places.push((path.clone(), keys));
        for (key, inner) in properties {
            path.push(Some(key.clone()));
            collect(root, inner, path, places);
            path.pop();
        }
    }
    if let Some(items) = target.get("items") {
        path.push(None);
        collect(root, items, path, places);
        path.pop();
    }
    if let Some(values) = target.get("additionalProperties").filter(|values| values.is_object()) {
        path.push(Some("any".to_owned()));
        collect(root, values, path, places);
        path.pop();
    }
}

/// One letter dropped, doubled by another, replaced, or swapped with its neighbour.
fn slips_of(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    let mut slips = Vec::new();
    let with = |range: std::ops::Range<usize>, new: &[char]| {
        letters[..range.start].iter().chain(new).chain(&letters[range.end..]).collect::<String>()
    };
    for position in 0..letters.len() {
        slips.push(with(position..position + 1, &[]));
        for letter in ['a', 'e', 'x', '_'] {
            slips.push(with(position..position, &[letter]));
            slips.push(with(position..position + 1, &[letter]));
        }
        if position + 1 < letters.len() {
            slips.push(with(position..position + 2, &[letters[position + 1], letters[position]]));
        }
    }
    slips.retain(|slip| slip != key && !slip.is_empty());
    slips
}

/// The keys that the messages about unknown keys ask for.
fn suggestions(path: &Path, slips: &[String]) -> Vec<(String, Vec<String>)> {
    let mut value: Value = slips.iter().map(|slip| (slip.clone(), Value::from(1))).collect();
    for step in path.iter().rev() {
        value = match step {
            Some(key) => serde_json::json!({ key: value }),
            None => serde_json::json!([value]),
        };
    }
    let report = load_text("typo.json", &value.to_string(), Format::Json, "".as_ref(), &|_| None).expect_err("keys are unknown");
    let asked = |slip: &String| {
        let about = format!("key `{slip}` is unknown");
        let help = report.diagnostics.iter().find(|one| one.message.starts_with(&about)).and_then(|one| one.help.clone());
        let help = help.filter(|help| help.starts_with("did you mean")).unwrap_or_default();
        help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    slips.iter().map(|slip| (slip.clone(), asked(slip))).collect()
}
