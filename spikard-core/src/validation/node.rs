//! The tree as the JSON Schema crate sees it: numbers are compared by all their digits.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::{Number, Value};

use super::tree::{Digits, Members, Tree};

/// Documents as [`Tree`].
pub(super) struct Texts;

impl Json for Texts {
    type Node<'a> = &'a Tree<'a>;
    type PreparedKey = String;
    type StringBuffer = Tree<'static>;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut Tree<'static>, string: &str, f: impl FnOnce(Self::Node<'_>) -> T) -> T {
        *buffer = Tree::String(Cow::Owned(string.to_owned()));
        f(buffer)
    }
}

impl<'a> Node<'a, Texts> for &'a Tree<'a> {
    type Object = &'a Members<'a>;
    type Array = &'a [Tree<'a>];
    type Number = &'a Digits<'a>;

    fn as_object(&self) -> Option<&'a Members<'a>> {
        if let Tree::Object(members) = self { Some(members) } else { None }
    }

    fn as_array(&self) -> Option<&'a [Tree<'a>]> {
        if let Tree::Array(list) = self { Some(list) } else { None }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        if let Tree::String(text) = self { Some(Cow::Borrowed(text)) } else { None }
    }

    fn as_number(&self) -> Option<&'a Digits<'a>> {
        if let Tree::Number(digits) = self { Some(digits) } else { None }
    }

    fn as_boolean(&self) -> Option<bool> {
        if let Tree::Bool(boolean) = self { Some(*boolean) } else { None }
    }

    fn is_null(&self) -> bool {
        matches!(self, Tree::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Tree::Null => JsonType::Null,
            Tree::Bool(_) => JsonType::Boolean,
            Tree::Number(_) => JsonType::Number,
            Tree::String(_) => JsonType::String,
            Tree::Array(_) => JsonType::Array,
            Tree::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self, expected) {
            (Tree::String(text), Value::String(expected)) => text == expected,
            (Tree::Number(_), Value::Number(_)) | (Tree::Array(_), Value::Array(_)) | (Tree::Object(_), Value::Object(_)) => {
                canonical(self) == canonical(&Tree::of(expected))
            }
            (Tree::Bool(boolean), expected) => expected.as_bool() == Some(*boolean),
            (Tree::Null, expected) => expected.is_null(),
            _ => false,
        }
    }

    /// Errors carry the value; those that hold others are not copied for that, since each error in
    /// them would copy them again. Their places say where they are found.
    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self {
            Tree::Array(_) | Tree::Object(_) => Value::Null,
            scalar => scalar.value(),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Tree<'_>>(self).addr()))
    }
}

impl<'a> Object<'a, Texts> for &'a Members<'a> {
    type Node = &'a Tree<'a>;
    type MemberName = &'a str;
    type MembersIter = std::iter::Map<std::slice::Iter<'a, Member<'a>>, fn(&'a Member<'a>) -> (&'a str, &'a Tree<'a>)>;

    fn len(&self) -> usize {
        self.list.len()
    }

    fn get(&self, key: &String) -> Option<&'a Tree<'a>> {
        self.position(key).map(|position| &self.list[position].1)
    }

    fn members(&self) -> Self::MembersIter {
        self.list.iter().map(|(key, tree)| (key, tree))
    }
}

type Member<'a> = (Cow<'a, str>, Tree<'a>);

impl<'a> Array<'a, Texts> for &'a [Tree<'a>] {
    type Node = &'a Tree<'a>;
    type ElementsIter = std::slice::Iter<'a, Tree<'a>>;

    fn len(&self) -> usize {
        <[Tree<'_>]>::len(self)
    }

    fn elements(&self) -> std::slice::Iter<'a, Tree<'a>> {
        self.iter()
    }

    fn is_unique(&self) -> bool {
        let mut seen = HashSet::with_capacity(<[Tree<'_>]>::len(self));
        self.iter().all(|element| seen.insert(canonical(element)))
    }
}

impl JsonNumber for &Digits<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(serde_json::from_str(&self.0).unwrap_or_else(|_| 0.into()))
    }

    fn is_integer(&self) -> bool {
        let (digits, exponent) = decimal(&self.0);
        exponent >= 0 || digits == "0"
    }
}

/// The digits of a number without zeros at their end, with its sign, and the power of ten that they
/// are multiplied by: equal numbers have equal ones, however they are written.
fn decimal(text: &str) -> (String, i64) {
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let digits = format!("{whole}{fraction}");
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return ("0".into(), 0);
    }
    let beyond = if power.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
    let power = power.parse().unwrap_or(beyond);
    let places = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let zeros = places(&digits) - places(short);
    (format!("{sign}{}", short.trim_start_matches('0')), power.saturating_sub(places(fraction)).saturating_add(zeros))
}

/// A text that is the same for equal values.
fn canonical(tree: &Tree<'_>) -> String {
    let mut text = String::new();
    write_canonical(tree, &mut text);
    text
}

fn write_canonical(tree: &Tree<'_>, text: &mut String) {
    // Writing to a text does not fail.
    let _ = match tree {
        Tree::Null => write!(text, "null"),
        Tree::Bool(boolean) => write!(text, "{boolean}"),
        Tree::Number(digits) => {
            let (digits, power) = decimal(&digits.0);
            write!(text, "{digits}e{power}")
        }
        Tree::String(string) => write!(text, "{string:?}"),
        Tree::Array(list) => {
            text.push('[');
            for element in list {
                write_canonical(element, text);
                text.push(',');
            }
            write!(text, "]")
        }
        Tree::Object(members) => {
            let mut sorted: Vec<_> = members.list.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key);
            text.push('{');
            for (key, value) in sorted {
                let _ = write!(text, "{key:?}:");
                write_canonical(value, text);
                text.push(',');
            }
            write!(text, "}}")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        for (left, right) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("1200", "12.00E+2"),
            ("-0", "0.0"),
            ("0.05", "5e-2"),
            ("18446744073709551616", "18446744073709551616.0"),
        ] {
            assert_eq!(decimal(left), decimal(right), "{left} {right}");
        }
        for (left, right) in
            [("1", "-1"), ("10", "1"), ("18446744073709551616", "18446744073709551617"), ("0.1", "0.10000000000000001")]
        {
            assert_ne!(decimal(left), decimal(right), "{left} {right}");
        }
    }

    #[test]
    fn integers_are_numbers_without_a_fraction() {
        let is_integer = |text: &'static str| JsonNumber::is_integer(&&Digits(Cow::Borrowed(text)));
        assert!(["0", "-1", "1.0", "1e3", "1.50e1", "0.0e-9", "18446744073709551617"].into_iter().all(is_integer));
        assert!(!["0.5", "1e-1", "9007199254740993.5", "1.55e1", "1e-99999999999999999999"].into_iter().any(is_integer));
    }
}
