//! The generated files are fresh: `make generate` (this test with `SPIKARD_GENERATE=1`) writes
//! them, otherwise they are compared.

use std::path::Path;

use spikard_core::config::{python_module, reference_page, schema_document};

#[test]
fn what_is_generated_from_the_structs_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = [
        ("config-examples/spikard.schema.json", schema_document()),
        ("docs/configuration.md", reference_page()),
        ("spikard-py/python/spikard/config.py", python_module()),
    ];
    for (name, text) in files {
        let path = root.join(name);
        if std::env::var_os("SPIKARD_GENERATE").is_some() {
            std::fs::write(&path, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        } else {
            let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(committed == text, "{name} is stale, run `make generate`");
        }
    }
}
