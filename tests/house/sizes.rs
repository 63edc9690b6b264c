//! Median file at most 150 lines, 90 % under 400, none over 600; generated files excepted.

use super::{files, root};

#[test]
fn files_stay_small_enough_to_read() {
    let mut sizes: Vec<(usize, String)> = files(&root(), &["rs", "py", "sh"])
        .into_iter()
        .map(|path| (std::fs::read_to_string(&path).unwrap(), path))
        .filter(|(text, _)| !text.lines().take(5).any(|line| line.contains("enerated from ")))
        .map(|(text, path)| (text.lines().count(), path.display().to_string()))
        .collect();
    sizes.sort();
    assert!(sizes.len() > 20, "only {} files found", sizes.len());

    let over: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > 600).collect();
    assert!(over.is_empty(), "over 600 lines: {over:?}");
    let (ninetieth, path) = &sizes[sizes.len() * 9 / 10];
    assert!(*ninetieth < 400, "more than a tenth of the files has 400 lines or more, {path} among them");
    let (median, path) = &sizes[sizes.len() / 2];
    assert!(*median <= 150, "the median file, {path}, has {median} lines");
}
