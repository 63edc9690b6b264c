//! Every file in `config-examples` loads and builds, and twins in several formats are equal.

use std::path::{Path, PathBuf};

use spikard_core::Gateway;
use spikard_core::config::{Loaded, load};
use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::Raw;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config-examples")
}

fn loaded(path: &Path) -> Loaded {
    load(path, &|_| None).unwrap_or_else(|report| panic!("{}", report.render(false)))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let is_config =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml" || ending == "yaml" || ending == "json");
    let is_schema = |path: &PathBuf| path.ends_with("spikard.schema.json");
    let entries = std::fs::read_dir(directory).expect("the folder of examples");
    entries.flatten().map(|entry| entry.path()).filter(|path| is_config(path) && !is_schema(path)).collect()
}

#[test]
fn every_example_builds_without_a_warning() {
    let paths: Vec<PathBuf> = [examples(), examples().join("policies")].iter().flat_map(|folder| files(folder)).collect();
    assert!(paths.len() > 10, "only {} examples", paths.len());
    for path in paths {
        let loaded = loaded(&path);
        let gateway = Gateway::build_with(&loaded.config, &loaded.directory, Vec::new())
            .unwrap_or_else(|error| panic!("{}", loaded.locate(error).render(false)));
        assert_eq!(gateway.warnings(), [], "{}", path.display());
    }
}

#[tokio::test]
async fn every_example_is_served_and_answers() {
    for path in files(&examples()).iter().chain(&files(&examples().join("policies"))) {
        let mut command = spikard(["serve"]);
        command.arg(path).args(["--port", "0"]).env("ADMIN_PORT", "0");
        let program = Program::start(command).unwrap_or_else(|log| panic!("{}: {log}", path.display()));
        let mut client = Raw::connect(program.address).await;
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let answer = client.answer().await.unwrap_or_else(|| panic!("{} does not answer", path.display()));
        assert!([200, 401, 404].contains(&answer.status), "{} answers {}", path.display(), answer.head);
    }
}

#[test]
fn the_tests_of_every_example_pass() {
    let mut tested = 0;
    for path in files(&examples()).iter().chain(&files(&examples().join("policies"))) {
        if !loaded(path).config.tests.is_empty() {
            let output = spikard(["test"]).arg(path).output().expect("the program runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            tested += 1;
        }
    }
    assert!(tested > 0, "no example has tests");
}

#[test]
fn twins_in_several_formats_are_equal() {
    let toml = loaded(&examples().join("gateway.toml"));
    for twin in ["gateway.yaml", "gateway.json"] {
        assert_eq!(loaded(&examples().join(twin)).config, toml.config, "{twin}");
    }
}
