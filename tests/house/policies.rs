//! Every key of the policy table has an example and a black-box case; none is known to the bridge.

use super::{files, root};
use spikard_core::stack::KEYS;

#[test]
fn every_policy_has_an_example() {
    for key in KEYS {
        let path = root().join(format!("config-examples/policies/{}.toml", key.name));
        assert!(path.exists(), "{} is missing", path.display());
    }
}

#[test]
fn every_policy_has_a_case() {
    let cases = files(&root().join("tests/cases"), &["yaml"]);
    let texts: Vec<String> = cases.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for key in KEYS {
        let spellings = [format!("{}:", key.name), format!("{} =", key.name), format!("[{}]", key.name)];
        let is_set = texts.iter().any(|text| spellings.iter().any(|spelling| text.contains(spelling)));
        assert!(is_set, "no case sets {}", key.name);
    }
}

#[test]
fn the_bridge_names_no_policy() {
    for path in files(&root().join("spikard-py/src"), &["rs"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code = text.lines().filter(is_code);
        let words: Vec<&str> = code.flat_map(|line| line.split(|part: char| !part.is_alphanumeric() && part != '_')).collect();
        // Every request has headers, whatever a policy does with them.
        for key in KEYS.iter().filter(|key| key.name != "headers") {
            assert!(!words.contains(&key.name), "{} names {}", path.display(), key.name);
        }
    }
}
