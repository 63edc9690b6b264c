//! The documentation says what is so: every configuration in it loads, every command prints what stands below it, the tables are
//! those of the program, and links lead somewhere.
//!
//! `cargo test -p spikard-tests --test guide -- routes` runs the pages whose names have `routes` in them. Rust blocks are run as
//! doctests of spikard-core.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use spikard_core::middleware::problem::REFUSALS;
use spikard_core::stack::{KEYS, LINES};

fn main() -> ExitCode {
    let pages = pages();
    assert!(pages.len() > 5, "only {} pages: {pages:?}", pages.len());
    let mut trials = Vec::new();
    for page in pages {
        let name = page.strip_prefix(root()).unwrap_or(&page).display().to_string();
        let linked = page.clone();
        trials.push(Trial::test(format!("{name} has links that lead somewhere"), move || links(&linked)));
        trials.push(Trial::test(format!("{name} runs"), move || spikard_tests::pages::run(&page).map_err(Into::into)));
    }
    trials.push(Trial::test("the policies are those of the table", || table("policies.md", &policies())));
    trials.push(Trial::test("the errors are those of the table", || table("errors.md", &errors())));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("docs/guide")).unwrap_or_else(|error| panic!("docs/guide: {error}"));
    let mut pages: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    pages.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/guide.md"].map(|name| root().join(name)));
    pages.sort();
    pages
}

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// A page has the rows of a table, in their order.
fn table(page: &str, rows: &str) -> Result<(), Failed> {
    let text = read(&root().join("docs/guide").join(page))?;
    if text.contains(rows) { Ok(()) } else { Err(format!("docs/guide/{page} lacks these rows:\n{rows}").into()) }
}

fn policies() -> String {
    LINES.iter().fold(String::new(), |mut rows, line| {
        let own = || KEYS.iter().filter(|key| key.layer == line.layer);
        let keys: Vec<String> = line.keys.iter().map(|key| format!("`{key}`")).collect();
        let default = if own().next().is_none() {
            "as above"
        } else if own().any(|key| key.on) {
            "on"
        } else {
            "off"
        };
        let _ = writeln!(rows, "| {} | {} | {default} | {} |", line.layer, keys.join(", "), line.reason);
        rows
    })
}

fn errors() -> String {
    REFUSALS.iter().fold(String::new(), |mut rows, refusal| {
        let _ = writeln!(rows, "| {} | {} | {} |", refusal.status.as_u16(), refusal.slug, refusal.title);
        rows
    })
}

/// Every link to a file of the repository names one that is there, and a heading that it has.
fn links(page: &Path) -> Result<(), Failed> {
    let text = read(page)?;
    let folder = page.parent().unwrap_or(page);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for target in targets.filter(|target| !target.contains("://")) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { page.to_owned() } else { folder.join(file) };
        if !file.exists() {
            return Err(format!("{target} is not there").into());
        }
        if !heading.is_empty() && !read(&file)?.lines().filter_map(anchor).any(|anchor| anchor == heading) {
            return Err(format!("{target} has no such heading").into());
        }
    }
    Ok(())
}

/// The anchor that hosts of repositories give a heading.
fn anchor(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}
