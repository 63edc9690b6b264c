//! A JSON document whose texts and numbers stay where they are, for the validator: it is built in
//! a fraction of the time of a [`Value`], and its numbers keep all their digits.

use std::borrow::Cow;

use serde_json::Value;

/// A value of a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Tree<'a> {
    #[default]
    Null,
    Bool(bool),
    Number(Digits<'a>),
    String(Cow<'a, str>),
    Array(Vec<Tree<'a>>),
    Object(Members<'a>),
}

/// A number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Digits<'a>(pub(super) Cow<'a, str>);

/// The members of an object, in their order. No key stands twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Members<'a> {
    pub(super) list: Vec<(Cow<'a, str>, Tree<'a>)>,
    /// The positions by key, if there are many.
    sorted: Vec<usize>,
}

/// How many keys are looked at one by one.
const FEW: usize = 16;

impl<'a> Members<'a> {
    fn new(list: Vec<(Cow<'a, str>, Tree<'a>)>) -> Self {
        let mut sorted = Vec::new();
        if list.len() > FEW {
            sorted.extend(0..list.len());
            sorted.sort_unstable_by(|&left, &right| list[left].0.cmp(&list[right].0));
        }
        Self { list, sorted }
    }

    /// The position of a key.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.list.iter().position(|(known, _)| known == key);
        }
        self.sorted.binary_search_by(|&position| (*self.list[position].0).cmp(key)).ok().map(|found| self.sorted[found])
    }
}

impl<'a> Tree<'a> {
    /// Reads a text. None if it is not JSON; whether it is read strictly is for
    /// [`scan`](crate::handler::scan) to see to, before.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let tree = reader.value()?;
        reader.peek().is_none().then_some(tree)
    }

    /// The tree of a value. Texts are borrowed.
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(boolean) => Self::Bool(*boolean),
            Value::Number(number) => Self::Number(Digits(Cow::Owned(number.to_string()))),
            Value::String(text) => Self::String(Cow::Borrowed(text)),
            Value::Array(list) => Self::Array(list.iter().map(Self::of).collect()),
            Value::Object(map) => {
                Self::Object(Members::new(map.iter().map(|(key, value)| (Cow::Borrowed(&**key), Self::of(value))).collect()))
            }
        }
    }

    /// About how many bytes the value takes as JSON; none if it is more than a limit.
    pub(super) fn size(&self, limit: usize) -> Option<usize> {
        let inside = |size: usize, more: usize, tree: &Self| {
            let size = size + more;
            Some(size + tree.size(limit.checked_sub(size)?)?)
        };
        let size = match self {
            Self::Null | Self::Bool(_) => Some(5),
            Self::Number(digits) => Some(digits.0.len()),
            Self::String(text) => Some(text.len() + 2),
            Self::Array(list) => list.iter().try_fold(2, |size, tree| inside(size, 1, tree)),
            Self::Object(members) => members.list.iter().try_fold(2, |size, (key, tree)| inside(size, key.len() + 4, tree)),
        };
        size.filter(|size| *size <= limit)
    }

    /// Whether the tree has more values than a limit, itself included.
    pub(super) fn has_more_than(&self, limit: usize) -> bool {
        fn left(tree: &Tree<'_>, limit: usize) -> Option<usize> {
            let limit = limit.checked_sub(1)?;
            match tree {
                Tree::Array(list) => list.iter().try_fold(limit, |limit, tree| left(tree, limit)),
                Tree::Object(members) => members.list.iter().try_fold(limit, |limit, (_, tree)| left(tree, limit)),
                _ => Some(limit),
            }
        }
        left(self, limit).is_none()
    }

    /// What a path leads to.
    pub(super) fn at<'t>(&'t self, mut steps: impl Iterator<Item = &'t str>) -> Option<&'t Self> {
        steps.try_fold(self, |tree, step| match tree {
            Self::Array(list) => list.get(step.parse::<usize>().ok()?),
            Self::Object(members) => members.position(step).map(|position| &members.list[position].1),
            _ => None,
        })
    }

    /// The value of this tree. Numbers beyond 64 bits become doubles.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(boolean) => Value::Bool(*boolean),
            Self::Number(digits) => serde_json::from_str(&digits.0).unwrap_or_default(),
            Self::String(text) => Value::String(text.clone().into_owned()),
            Self::Array(list) => list.iter().map(Self::value).collect(),
            Self::Object(members) => {
                Value::Object(members.list.iter().map(|(key, tree)| (key.clone().into_owned(), tree.value())).collect())
            }
        }
    }
}

/// Reads what was scanned: the grammar is not checked again, and nothing that is not JSON makes it
/// panic.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Tree<'a>> {
        Some(match self.peek()? {
            b'"' => Tree::String(self.string()?),
            b'[' => {
                let mut list = Vec::new();
                self.at += 1;
                while self.peek()? != b']' {
                    list.push(self.value()?);
                    self.comma(b']')?;
                }
                self.at += 1;
                Tree::Array(list)
            }
            b'{' => {
                let mut list = Vec::new();
                self.at += 1;
                while self.peek()? != b'}' {
                    let key = self.string()?;
                    (self.peek()? == b':').then_some(())?;
                    self.at += 1;
                    list.push((key, self.value()?));
                    self.comma(b'}')?;
                }
                self.at += 1;
                Tree::Object(Members::new(list))
            }
            b'-' | b'0'..=b'9' => {
                let digits = self.while_byte(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
                Tree::Number(Digits(Cow::Borrowed(digits)))
            }
            _ => match self.while_byte(|byte| byte.is_ascii_lowercase()) {
                "null" => Tree::Null,
                "true" => Tree::Bool(true),
                "false" => Tree::Bool(false),
                _ => return None,
            },
        })
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        (self.peek()? == b'"').then_some(())?;
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start + memchr::memchr2(b'"', b'\\', bytes.get(start..)?)?;
        if bytes[end] == b'"' {
            self.at = end + 1;
            return self.text.get(start..end).map(Cow::Borrowed);
        }
        while bytes[end] == b'\\' {
            end += 2 + memchr::memchr2(b'"', b'\\', bytes.get(end + 2..)?)?;
        }
        self.at = end + 1;
        serde_json::from_str(self.text.get(start - 1..=end)?).ok().map(Cow::Owned)
    }

    /// Passes a comma, unless the end is next.
    fn comma(&mut self, end: u8) -> Option<()> {
        match self.peek()? {
            b',' => self.at += 1,
            next if next == end => {}
            _ => return None,
        }
        Some(())
    }

    fn while_byte(&mut self, holds: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|&byte| holds(byte)) {
            self.at += 1;
        }
        // All of them are ASCII.
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_a_parser_reads() {
        let many: Value = (0..40).map(|key| (format!("k{key}"), json!(key))).collect::<serde_json::Map<_, _>>().into();
        for value in [json!(null), json!([]), json!({}), json!({"a": [1, -2.5e-3, true, {"\"\\\u{e9}\n": ""}], "": "é"}), many] {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let tree = Tree::read(&text).unwrap();
                assert_eq!((tree.value(), &tree), (value.clone(), &Tree::of(&value)), "{text}");
            }
        }
        assert_eq!(Tree::read(r#""\ud83d\ude00\\\"x""#), Some(Tree::String("😀\\\"x".into())));
    }

    #[test]
    fn finds_keys_among_few_and_many() {
        for count in [3, FEW + 1, 500] {
            let value = (0..count).map(|key| (format!("k{key}"), json!(key))).collect::<serde_json::Map<_, _>>().into();
            let Tree::Object(members) = Tree::of(&value) else { panic!() };
            assert!((0..count).all(|key| members.position(&format!("k{key}")) == Some(key)));
            assert_eq!(members.position("none"), None);
        }
    }

    #[test]
    fn the_size_is_counted_up_to_a_limit() {
        let value = json!({"a": ["x", 12, null], "b": {}});
        let size = Tree::of(&value).size(1000).unwrap();
        assert!((value.to_string().len()..value.to_string().len() + 8).contains(&size), "{size}");
        assert_eq!((Tree::of(&value).size(size), Tree::of(&value).size(size - 1)), (Some(size), None));
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in ["", "[", "{", "{\"a\"", "{\"a\":", "\"", "\"\\", "\"a\\\"", "[1 2]", "{1:2}", "nul", "1 1", "é"] {
            assert_eq!(Tree::read(text), None, "{text}");
        }
    }
}
