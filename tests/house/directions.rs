//! Which crate may use what: the directions of DESIGN, and the `wrappers` of deny.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use super::root;

/// For every package of the lock file, the packages that depend on it directly, tests excepted.
fn users() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata.packages {
        for used in package.dependencies.into_iter().filter(|dependency| dependency.kind.is_none() && !dependency.optional) {
            users.entry(used.name).or_default().insert(package.name.clone());
        }
    }
    users
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    optional: bool,
}

#[test]
fn crates_point_one_way() {
    let users = users();
    for (used, allowed) in [
        ("spikard-middleware", &["spikard-core"][..]),
        ("spikard-openapi", &["spikard-core"]),
        ("spikard-core", &["spikard-py", "spikard-tests", "spikard-benches"]),
        ("spikard-py", &[]),
    ] {
        for user in users.get(used).into_iter().flatten() {
            assert!(allowed.contains(&user.as_str()), "{user} uses {used}");
        }
    }
}

#[test]
fn only_the_wrappers_of_deny_toml_use_what_it_names() {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let users = users();
    let mut checked = 0;
    for line in text.lines().filter(|line| line.trim_start().starts_with("{ name")) {
        let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let Some((banned, wrappers)) = quoted.split_first() else { panic!("no name in {line}") };
        for user in users.get(*banned).into_iter().flatten() {
            assert!(wrappers.contains(&user.as_str()), "{user} uses {banned}, deny.toml allows {wrappers:?}");
        }
        checked += 1;
    }
    assert!(checked > 5, "deny.toml has {checked} bans");
}
