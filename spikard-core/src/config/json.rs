//! JSON to the tree, by `serde_json`: a raw value is a slice of the text, so where it lies in the
//! text says where it was written.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::syntax::{MAX_DEPTH, Parsed, Problem, number_node};
use super::tree::{Entry, Node, Origin, Table, Value};
use super::wording::worded;

/// Reads JSON.
pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader { text, problems: Vec::new() };
    let tree = reader.whole();
    let problems = match &tree {
        Ok(_) => reader.problems,
        Err(_) => Vec::new(),
    };
    match tree {
        Ok(tree) => Parsed { tree: Some(tree), problems },
        Err(problem) => Parsed { tree: None, problems: vec![problem] },
    }
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    fn whole(&mut self) -> Result<Node, Problem> {
        let raw: &RawValue = serde_json::from_str(self.text).map_err(|error| problem(self.text, 0, &error))?;
        self.node(raw, 0)
    }

    fn node(&mut self, raw: &'t RawValue, depth: usize) -> Result<Node, Problem> {
        let span = self.span(raw);
        if depth > MAX_DEPTH {
            return Err(Problem::too_deep(span.start..span.start + 1));
        }
        let slice = raw.get();
        let value = match slice.as_bytes().first() {
            Some(b'{') => self.table(slice, span.start, depth)?,
            Some(b'[') => {
                let items: Items<'t> = self.read(slice, span.start)?;
                Value::Sequence(items.0.into_iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::String(self.read(slice, span.start)?),
            Some(b't' | b'f') => Value::Bool(slice == "true"),
            Some(b'n') => Value::Null,
            _ => return Ok(number_node(slice, span, &mut self.problems)),
        };
        Ok(Node::in_file(value, span))
    }

    fn table(&mut self, slice: &'t str, start: usize, depth: usize) -> Result<Value, Problem> {
        let fields: Fields<'t> = self.read(slice, start)?;
        let mut table = Table::default();
        for (raw, value) in fields.0 {
            let span = self.span(raw);
            let key: String = self.read(raw.get(), span.start)?;
            if let Some(first) = table.entry(&key) {
                self.problems.push(Problem::duplicate_key(&key, span.clone(), first.origin.span()));
            }
            table.push(Entry { key, origin: Origin::File(span), node: self.node(value, depth + 1)? });
        }
        Ok(Value::Table(table))
    }

    fn read<T: Deserialize<'t>>(&self, slice: &'t str, start: usize) -> Result<T, Problem> {
        serde_json::from_str(slice).map_err(|error| problem(&self.text[start..], start, &error))
    }

    fn span(&self, raw: &RawValue) -> Range<usize> {
        let slice = raw.get();
        let start = slice.as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + slice.len()
    }
}

/// The error at its place; `text` begins at the byte `start` of the file.
fn problem(text: &str, start: usize, error: &serde_json::Error) -> Problem {
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = (start + line_start + error.column().saturating_sub(1)).min(start + text.len());
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    Problem::new(offset..offset + 1, worded(message))
}

/// The elements of an array, unread.
struct Items<'t>(Vec<&'t RawValue>);

/// The members of an object in order, unread and with duplicates.
struct Fields<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Deserialize<'t> for Items<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'t> Visitor<'t> for All {
            type Value = Items<'t>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'t>>(self, mut access: A) -> Result<Items<'t>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }

        deserializer.deserialize_seq(All)
    }
}

impl<'t> Deserialize<'t> for Fields<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'t> Visitor<'t> for All {
            type Value = Fields<'t>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Fields<'t>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = access.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(All)
    }
}
