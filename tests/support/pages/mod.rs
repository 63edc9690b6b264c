//! Pages of documentation that are run, block by block, in a folder of their own.
//!
//! | block | what happens |
//! |---|---|
//! | `toml`, `yaml`, `json` | a configuration: it is written to the folder, loads and builds without a warning |
//! | `toml,error` | a mistake: the next `text` block is what the report says |
//! | `console` | commands after `$ `, each followed by what it prints; `...` stands for any text, on a line of its own for any lines |
//!
//! Commands run in a shell. `spikard serve` stays up until the next configuration, and `curl` finds the nearest configuration
//! served, if it was not told to be. `cargo run ... --example upstream` is that example, inside the test. The ports 8000 and 9000
//! stand for the ports of the two.

mod page;
mod upstream;

use std::path::Path;

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// What stands behind the fence.
    kind: String,
    /// The line of the fence.
    line: usize,
    text: String,
}

/// Runs a page.
///
/// # Errors
/// All that is not as the page says.
pub fn run(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let failures = page::run(&text)?;
    let failures: Vec<String> =
        failures.into_iter().map(|(line, failure)| format!("{}:{line}: {failure}", path.display())).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n")) }
}

/// The fenced blocks of a page, in order, without the spaces that stand before them in lists.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Block)> = None;
    for (number, line) in (1..).zip(page.lines()) {
        match open.take() {
            None => {
                open = line.split_once("```").filter(|(indent, _)| indent.trim().is_empty()).map(|(indent, kind)| {
                    let block = Block { kind: kind.to_owned(), line: number, text: String::new() };
                    (indent, block)
                });
            }
            Some((_, block)) if line.trim() == "```" => blocks.push(block),
            Some((indent, mut block)) => {
                block.text.push_str(line.strip_prefix(indent).unwrap_or(line));
                block.text.push('\n');
                open = Some((indent, block));
            }
        }
    }
    blocks
}

/// The commands of a `console` block, and what each of them prints.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((command, printed))) if command.ends_with('\\') && printed.is_empty() => {
                command.push('\n');
                command.push_str(line);
            }
            (None, Some((_, printed))) => {
                printed.push_str(line);
                printed.push('\n');
            }
            (None, None) => {}
        }
    }
    commands
}

/// Whether text is what a page shows of it.
fn fits(shown: &str, text: &str) -> bool {
    let line = |line: &str| match line {
        "..." => "(?s:.*)".to_owned(),
        line => line.split("...").map(regex::escape).collect::<Vec<_>>().join("[^\n]*"),
    };
    let pattern: Vec<String> = shown.trim_end().lines().map(|shown| line(shown.trim_end())).collect();
    regex::Regex::new(&format!("^{}$", pattern.join("\n"))).is_ok_and(|regex| regex.is_match(text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_in_a_list_is_read_without_its_indent() {
        let block = blocks("- text\n\n  ```toml\n  a = 1\n\n    b\n  ```\n").remove(0);
        assert_eq!((block.kind.as_str(), block.text.as_str()), ("toml", "a = 1\n\n  b\n"));
    }

    #[test]
    fn commands_are_told_from_what_they_print() {
        let page = "text\n```console\n$ a \\\n  b\n$ c\nd\n\ne\n```\n";
        let block = blocks(page).remove(0);
        assert_eq!((block.kind.as_str(), block.line), ("console", 2));
        let expected = [("a \\\n  b".to_owned(), String::new()), ("c".to_owned(), "d\n\ne\n".to_owned())];
        assert_eq!(commands(&block.text), expected);
    }

    #[test]
    fn dots_stand_for_what_differs_and_for_nothing_else() {
        assert!(fits("id: ...\n...\nend\n", "id: 7\na\nb\nend\n"));
        assert!(fits("", "\n"));
        assert!(!fits("id: ...", "id: 7\nmore"));
        assert!(!fits("a.c", "abc"));
    }
}
