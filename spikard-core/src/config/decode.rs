//! The tree as a serde deserializer: how nodes become structs.
//!
//! The schema has been held against the tree before, so errors here are rare: what a type says
//! of its own accord, such as a number beyond 64 bits.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Visitor};
use serde::forward_to_deserialize_any;
use spikard_middleware::{ConfigPath, Step};

use super::expectation::shown;
use super::number;
use super::tree::{Entry, Node, Value};

/// Why a node is not what a type wants.
#[derive(Debug)]
pub(super) struct DecodeError {
    /// The steps to the node, the last one first.
    steps: Vec<Step>,
    /// What the type says.
    pub(super) message: String,
}

/// Makes a value of a type from a tree.
pub(super) fn decode<T: DeserializeOwned>(tree: &Node) -> Result<T, DecodeError> {
    T::deserialize(Decoder(tree))
}

impl DecodeError {
    /// Where the node is.
    pub(super) fn path(&self) -> ConfigPath {
        self.steps.iter().rev().fold(ConfigPath::root(), |path, step| match step {
            Step::Key(key) => path.key(key),
            Step::Index(index) => path.index(*index),
        })
    }

    fn inside(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { steps: Vec::new(), message: message.to_string() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path(), self.message)
    }
}

impl std::error::Error for DecodeError {}

#[derive(Clone, Copy)]
struct Decoder<'n>(&'n Node);

impl Decoder<'_> {
    /// For integers: `6.0` is one, as it is in JSON Schema.
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Number(text) => visit_number(text, number::integer(text), visitor),
            _ => de::Deserializer::deserialize_any(self, visitor),
        }
    }
}

fn visit_number<'de, V: Visitor<'de>>(text: &str, exact: Option<i128>, visitor: V) -> Result<V::Value, DecodeError> {
    match exact {
        Some(value) => match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => visitor.visit_u64(value),
            (_, Ok(value)) => visitor.visit_i64(value),
            _ => Err(de::Error::custom(format!("number is {text}, expected one of at most 64 bits"))),
        },
        None => visitor.visit_f64(number::float(text).unwrap_or(f64::NAN)),
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.integer(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Decoder<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) => visit_number(text, number::literal(text), visitor),
            Value::String(text) => visitor.visit_str(text),
            Value::Sequence(nodes) => visitor.visit_seq(Items { nodes: nodes.iter(), next: 0 }),
            Value::Table(table) => visitor.visit_map(Fields { entries: table.entries(), entry: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0.as_str() {
            Some(name) => visitor.visit_enum(StrDeserializer::<DecodeError>::new(name)),
            None => Err(de::Error::custom(format!("value is {}, expected one of {}", shown(self.0, true), names.join(", ")))),
        }
    }

    integers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

struct Items<'n> {
    nodes: std::slice::Iter<'n, Node>,
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        let Some(node) = self.nodes.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Decoder(node)).map(Some).map_err(|error| error.inside(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

struct Fields<'n> {
    entries: std::slice::Iter<'n, Entry>,
    entry: Option<&'n Entry>,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        self.entry = self.entries.next();
        let Some(entry) = self.entry else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(&entry.key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        let Some(entry) = self.entry else { return Err(de::Error::custom("a value is read before its key")) };
        seed.deserialize(Decoder(&entry.node)).map_err(|error| error.inside(Step::Key(entry.key.clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::config::syntax::Format;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        OneThing,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Everything {
        small: u8,
        big: u64,
        negative: i64,
        share: f64,
        kind: Kind,
        absent: Option<String>,
        map: BTreeMap<String, Vec<bool>>,
        free: serde_json::Value,
    }

    fn read(text: &str) -> Result<Everything, DecodeError> {
        let tree = Format::Toml.parse(text).tree.unwrap_or_else(|| panic!("{text}"));
        decode(&tree)
    }

    #[test]
    fn every_kind_of_value_reaches_its_type() {
        let text = "small = 6.0\nbig = 0xff_ff\nnegative = -3\nshare = 2\nkind = 'one_thing'\nmap.a = [true]\nfree = [1, 1.0]";
        let read = read(text).unwrap_or_else(|error| panic!("{error}"));
        let expected = Everything {
            small: 6,
            big: 0xffff,
            negative: -3,
            share: 2.0,
            kind: Kind::OneThing,
            absent: None,
            map: BTreeMap::from([("a".into(), vec![true])]),
            free: serde_json::json!([1, 1.0]),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn an_error_says_where_it_is() {
        let error = read("map.a = [true, 1]").map_err(|error| error.path().to_string());
        assert_eq!(error, Err("map.a[1]".to_owned()));
    }
}
