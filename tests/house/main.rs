//! The house rules, held by machine: sizes of files, directions between crates, and what every
//! line of the policy table must have.

mod directions;
mod policies;
mod sizes;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below `directory` with one of the endings, build output excepted.
fn files(directory: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_path_buf()];
    while let Some(directory) = left.pop() {
        let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let skipped = name == "target" || (name.starts_with('.') && name != ".ci");
            if path.is_dir() && !skipped {
                left.push(path);
            } else if path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending)) {
                found.push(path);
            }
        }
    }
    found
}
