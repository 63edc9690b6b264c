//! Every file of `config-errors` is broken in one way, and the snapshot beside it is what people
//! see. `INSTA_UPDATE=always` writes new snapshots; read them before they are committed.

use std::path::Path;

use spikard_core::Gateway;
use spikard_core::config::{Format, Report, load_text};

/// What stands in the files for a secret, or behind a reference.
const HIDDEN: [&str; 2] = ["hunter2", "42424242"];

#[test]
fn a_broken_file_says_what_is_wrong_and_where() {
    let mut files = 0;
    let mut defects = Vec::new();
    insta::with_settings!({ snapshot_path => "../config-errors/expected", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::glob!("../config-errors", "*.{toml,yaml,json}", |path| {
            files += 1;
            let Some(report) = report_of(path) else {
                defects.push(format!("{} is not broken", path.display()));
                return;
            };
            let (text, lines) = (report.render(false), report.json_lines());
            defects.extend(HIDDEN.iter().filter(|hidden| text.contains(*hidden) || lines.contains(*hidden)).map(|hidden| {
                format!("{} shows {hidden}:\n{text}\n{lines}", path.display())
            }));
            for line in lines.lines() {
                let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
                assert!(line["message"].is_string() && line["file"].is_string(), "{line}");
            }
            let directory = path.parent().map(|directory| directory.display().to_string()).unwrap_or_default();
            insta::assert_snapshot!("error", text.replace(&directory, "DIRECTORY"));
        });
    });
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    assert!(files >= 100, "only {files} broken files found");
}

/// What is wrong with a file; none if nothing is.
fn report_of(path: &Path) -> Option<Report> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let format = Format::of(path).unwrap_or_else(|| panic!("{name} has no format"));
    let environment = |name: &str| match name {
        "FIVE" => Some("5".to_owned()),
        "HUNTER" => Some("hunter2".to_owned()),
        _ => None,
    };
    let directory = path.parent().unwrap_or(path);
    match load_text(name, &text, format, directory, &environment) {
        Err(report) => Some(report),
        Ok(loaded) => {
            let error = Gateway::build_with(&loaded.config, &loaded.directory, Vec::new()).err()?;
            Some(loaded.locate(error))
        }
    }
}
