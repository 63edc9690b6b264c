//! YAML to the tree, from the events of `saphyr-parser`, read strictly: YAML 1.2 core schema (so
//! `no` is text and `017` is seventeen), one document, no duplicate keys, no tags but the core's,
//! and aliases only as far as they do not blow up.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::syntax::{MAX_DEPTH, Parsed, Problem, number_node};
use super::tree::{Entry, Node, Origin, Table, Value};
use super::wording::worded;

/// How many values all aliases of a file together may stand for.
const MAX_ALIASED: usize = 10_000;

/// Reads YAML.
pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader {
        text,
        offsets: (!text.is_ascii()).then(|| text.char_indices().map(|(offset, _)| offset).collect()),
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        aliased: 0,
        problems: Vec::new(),
    };
    match reader.document() {
        Ok(tree) => Parsed { tree: Some(tree), problems: reader.problems },
        Err(problem) => {
            reader.problems.push(problem);
            Parsed { tree: None, problems: reader.problems }
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    /// The byte of each character, if they differ.
    offsets: Option<Vec<usize>>,
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(Problem::new(self.bytes(span), "file has a second document, expected one"));
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        Ok(match root {
            Some(Node { value: Value::Null, .. }) | None => Node::in_file(Value::Table(Table::default()), 0..0),
            Some(root) => root,
        })
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Problem> {
        let bytes = self.bytes(span);
        if depth > MAX_DEPTH {
            return Err(Problem::too_deep(bytes));
        }
        let (node, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, bytes),
            Event::Scalar(text, style, anchor, tag) => (self.scalar(&text, style, tag, bytes), anchor),
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "seq", &bytes);
                (self.sequence(bytes, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "map", &bytes);
                (self.mapping(bytes, depth)?, anchor)
            }
            _ => return Err(Problem::new(bytes, "value is missing, expected one")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size(&node)));
        }
        Ok(node)
    }

    fn sequence(&mut self, start: Range<usize>, depth: usize) -> Result<Node, Problem> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node::in_file(Value::Sequence(nodes), start.start..self.bytes(span).end));
            }
            nodes.push(self.node(event, span, depth + 1)?);
        }
    }

    fn mapping(&mut self, start: Range<usize>, depth: usize) -> Result<Node, Problem> {
        let mut table = Table::default();
        loop {
            let (event, span) = self.next()?;
            let at = self.bytes(span);
            let key = match event {
                Event::MappingEnd => return Ok(Node::in_file(Value::Table(table), start.start..at.end)),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(Problem::new(at, "key is a list, a table or an alias, expected text")),
            };
            if let Some(first) = table.entry(&key) {
                self.problems.push(Problem::duplicate_key(&key, at.clone(), first.origin.span()));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            table.push(Entry { key, origin: Origin::File(at), node });
        }
    }

    /// A copy of what the anchor names; it keeps the places where its values were written.
    fn alias(&mut self, anchor: usize, at: Range<usize>) -> Result<Node, Problem> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Problem::new(at, "alias stands inside of what it names, expected a finished value"));
        };
        self.aliased += size;
        if self.aliased > MAX_ALIASED {
            return Err(Problem::new(at, format!("aliases stand for more than {MAX_ALIASED} values, expected fewer")));
        }
        Ok(node.clone())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<Cow<'t, Tag>>, span: Range<usize>) -> Node {
        let plain = match tag.as_deref() {
            None => style == ScalarStyle::Plain,
            Some(tag) if tag.is_yaml_core_schema() && ["null", "bool", "int", "float"].contains(&tag.suffix.as_str()) => true,
            tag => {
                self.refuse_tag(tag, "str", &span);
                false
            }
        };
        let value = match text {
            _ if !plain => Value::String(text.to_owned()),
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ if is_number(text) => return number_node(text, span, &mut self.problems),
            _ => Value::String(text.to_owned()),
        };
        Node::in_file(value, span)
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, expected: &str, span: &Range<usize>) {
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == expected)) {
            self.problems.push(Problem::new(span.clone(), format!("tag is `{tag}`, expected none")));
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.problem(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn problem(&self, error: &ScanError) -> Problem {
        let offset = self.byte(error.marker().index());
        Problem::new(offset..offset + 1, worded(error.info()))
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        // A value over several lines may end with the white space in front of the next key.
        start..start + self.text[start..end.max(start)].trim_end().len()
    }

    fn byte(&self, character: usize) -> usize {
        let offset = match &self.offsets {
            None => character,
            Some(offsets) => offsets.get(character).copied().unwrap_or(self.text.len()),
        };
        offset.min(self.text.len())
    }
}

/// Whether plain text is an integer or a float of the core schema (YAML 1.2.2 section 10.3.2).
fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // What is left of the grammar is what Rust reads, once words such as `infinity` are out.
    unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.parse::<f64>().is_ok()
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Sequence(nodes) => nodes.iter().map(size).sum(),
        Value::Table(table) => table.entries().map(|entry| size(&entry.node)).sum(),
        _ => 0,
    }
}
