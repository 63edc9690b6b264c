//! Where a key of a TOML file was given first. The parser says where the second one is only; the
//! tree that it leaves holds the first.

use std::ops::Range;

use super::tree::{Node, Table, Value};

/// The first of the keys whose second one stands at `again`; none where that is not certain.
pub(super) fn first(tree: &Node, text: &str, key: &str, again: &Range<usize>) -> Option<Range<usize>> {
    let line = text[..again.start].rfind('\n').map_or(0, |newline| newline + 1);
    if text[line..].starts_with('[') {
        return first_header(text, line, again);
    }
    // The last part of a dotted key belongs to a table that has no place of its own.
    if text[..again.start].ends_with('.') {
        return None;
    }
    innermost(tree, text, again.start)?.entry(key)?.origin.span().filter(|first| first.start < again.start)
}

/// The same header on an earlier line.
fn first_header(text: &str, line: usize, again: &Range<usize>) -> Option<Range<usize>> {
    let header = &text[line..=line + text[line..].find(']')?];
    let mut earlier = text[..line].match_indices(header).map(|(start, _)| start);
    let first = earlier.find(|start| *start == 0 || text[..*start].ends_with('\n'))?;
    let shift = again.start - line;
    Some(first + shift..first + shift + again.len())
}

/// The table to which a key at `at` belongs: of all inline tables around it and all headers above
/// it, the one that begins last.
fn innermost<'n>(tree: &'n Node, text: &str, at: usize) -> Option<&'n Table> {
    let mut tables = vec![(0, tree.as_table()?)];
    collect(tree, text, at, &mut tables);
    tables.into_iter().max_by_key(|(start, _)| *start).map(|(_, table)| table)
}

fn collect<'n>(node: &'n Node, text: &str, at: usize, tables: &mut Vec<(usize, &'n Table)>) {
    match &node.value {
        Value::Table(table) => {
            if let Some(span) = node.origin.span().filter(|span| span.start < at) {
                let written = &text[span.clone()];
                if written.starts_with('[') || written.starts_with('{') && at < span.end {
                    tables.push((span.start, table));
                }
            }
            for entry in table.entries() {
                collect(&entry.node, text, at, tables);
            }
        }
        Value::Sequence(nodes) => {
            for node in nodes {
                collect(node, text, at, tables);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::config::syntax::Format;

    #[test]
    fn the_first_key_is_that_of_the_same_table() {
        for (text, first) in [
            ("a = 1\n[t]\na = 2\nb = { a = 3 }\na = 4", Some(10)),
            ("a = 1\nb = { a = 2, a = 3 }", Some(12)),
            ("[t]\n[s.t]\n[t]", Some(1)),
            ("[[r]]\na = 1\n[[r]]\na = 2\na = 3", Some(18)),
            ("a = 1\nt.a = 1\nt.a = 2", None),
        ] {
            let problem = Format::Toml.parse(text).problems.pop().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(problem.related.map(|(span, _)| span.start), first, "{text}");
        }
    }
}
