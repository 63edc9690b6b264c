//! TOML to the tree, by the `toml` crate's parser that goes on after an error.

use std::ops::Range;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue, Error};

use super::duplicates;
use super::syntax::{Parsed, Problem, number_node};
use super::tree::{Entry, Node, Origin, Table, Value};
use super::wording::worded;

/// Reads TOML.
pub(super) fn parse(text: &str) -> Parsed {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, problems: Vec::new() };
    let root = Node::in_file(reader.table(root.into_inner()), 0..0);
    let usable = errors.iter().all(is_duplicate);
    let mut problems: Vec<Problem> = Vec::new();
    for problem in errors.iter().map(|error| problem(&root, text, error)) {
        // One slip makes the parser stumble several times; the first time on a line says it best.
        let apart = |last: &Problem| text.get(last.span.start..problem.span.start).is_some_and(|between| between.contains('\n'));
        if problems.last().is_none_or(apart) {
            problems.push(problem);
        }
    }
    problems.append(&mut reader.problems);
    Parsed { tree: usable.then_some(root), problems }
}

fn is_duplicate(error: &Error) -> bool {
    error.message() == "duplicate key"
}

fn problem(root: &Node, text: &str, error: &Error) -> Problem {
    let span = error.span().unwrap_or(text.len()..text.len());
    let written = text.get(span.clone()).unwrap_or_default().trim();
    let message = match error.message() {
        _ if is_duplicate(error) => {
            let key = written.trim_matches(['"', '\'']);
            return Problem::duplicate_key(key, span.clone(), duplicates::first(root, text, key, &span));
        }
        message if !message.starts_with("string values must be quoted") => worded(message),
        _ if written.is_empty() => format!("value is missing, expected {A_VALUE}"),
        // Not shown here: it may be a secret without its quotes.
        _ => format!("value is not valid, expected {A_VALUE}"),
    };
    Problem::new(span, message)
}

const A_VALUE: &str = "text in quotes, a number, true, false, a list or a table";

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>) -> Value {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| Entry {
                origin: Origin::File(key.span()),
                key: key.into_inner().into_owned(),
                node: self.node(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.origin.span().map_or(0, |span| span.start));
        Value::Table(Table::from_iter(entries))
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let span = value.span();
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Integer(_) | DeValue::Float(_) => return self.number(span),
            DeValue::Datetime(_) => {
                let date = &self.text[span.clone()];
                self.problems.push(Problem::new(span.clone(), format!("value is the date {date}, expected text or a number")));
                Value::String(date.to_owned())
            }
            DeValue::Array(items) => Value::Sequence(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node::in_file(value, span)
    }

    fn number(&mut self, span: Range<usize>) -> Node {
        number_node(&self.text[span.clone()], span, &mut self.problems)
    }
}
