//! The generated files are fresh: `make generate` (this test with `SPIKARD_GENERATE=1`) writes
//! them, otherwise they are compared.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use spikard_core::Gateway;
use spikard_core::config::{load, python_module, reference_page, schema_document};
use spikard_core::description::{DocumentFormat, text};
use spikard_core::program::man_pages;

#[test]
fn what_is_generated_from_the_structs_is_fresh() {
    compare("config-examples/spikard.schema.json", &schema_document());
    compare("docs/configuration.md", &reference_page());
    compare("spikard-py/python/spikard/config.py", &python_module());
}

#[test]
fn the_manual_is_what_the_commands_say() {
    for (name, page) in man_pages().expect("pages") {
        compare(&format!("docs/man/{name}"), &page);
    }
}

#[test]
fn what_is_generated_from_the_examples_is_fresh() {
    let mut page = String::from(
        "<!-- Generated from config-examples by `make generate`. -->\n# Examples of configurations\n\n\
         Each with the OpenAPI document that `spikard openapi FILE` writes of it.\n\n| file | shows | document |\n|---|---|---|\n",
    );
    for path in examples() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let shows = shows(&path);
        let file = path.strip_prefix(root()).unwrap_or(&path).display();
        // Writing to a String does not fail.
        let _ = writeln!(page, "| [{name}](../../{file}) | {shows} | [{name}.yaml]({name}.yaml) |");
        compare(&format!("docs/config-examples/{name}.yaml"), &document(&path));
    }
    compare("docs/config-examples/README.md", &page);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes a file, or compares what is there.
fn compare(name: &str, text: &str) {
    let path = root().join(name);
    if std::env::var_os("SPIKARD_GENERATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("the folder of a file")).expect("a folder");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    } else {
        let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(committed == text, "{name} is stale, run `make generate`");
    }
}

/// The example with all of it, and one for each policy, by name. Twins in other formats have the same document.
fn examples() -> Vec<PathBuf> {
    let folder = root().join("config-examples");
    let entries = std::fs::read_dir(folder.join("policies")).expect("the folder of examples");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.push(folder.join("gateway.toml"));
    paths.sort();
    paths
}

/// The first sentence of the comment at the top.
fn shows(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("an example");
    let comment: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
    let comment = comment.join(" ");
    let end = comment.find(". ").map_or(comment.len(), |end| end + 1);
    comment[..end].to_owned()
}

fn document(path: &Path) -> String {
    let loaded = load(path, &|_| None).unwrap_or_else(|report| panic!("{}", report.render(false)));
    let gateway = Gateway::build_with(&loaded.config, &loaded.directory, Vec::new())
        .unwrap_or_else(|error| panic!("{}", loaded.locate(error).render(false)));
    let written = gateway.describe(&loaded.config.openapi.unwrap_or_default());
    assert!(written.remarks.is_empty(), "{}: {:?}", path.display(), written.remarks);
    text(&written.value, DocumentFormat::Yaml)
}
