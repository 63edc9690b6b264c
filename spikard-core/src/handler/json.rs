//! JSON bodies, read strictly: what two parsers could understand differently is refused.
//!
//! Beyond RFC 8259 that is: an object with a key that stands twice, a byte order mark, a string
//! with half a surrogate pair, and a number outside the range of doubles.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::refused::Refused;
use super::scan::too_deep;

/// Reads a document in which at most `depth` arrays and objects stand one inside the other.
pub(super) fn parse(bytes: &[u8], depth: usize) -> Result<Value, Refused> {
    let passed = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // `Strict` counts instead, so that the limit is ours and has its own refusal.
    reader.disable_recursion_limit();
    let strict = Strict { left: depth, too_deep: &passed };
    let value = strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|_| if passed.get() { too_deep(depth) } else { Refused::malformed() })
}

/// One value, in which `left` more levels may be opened.
#[derive(Clone, Copy)]
struct Strict<'a> {
    left: usize,
    too_deep: &'a Cell<bool>,
}

impl Strict<'_> {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let Some(left) = self.left.checked_sub(1) else {
            self.too_deep.set(true);
            return Err(E::custom("nested too deep"));
        };
        Ok(Self { left, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(inside)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.insert(key, entries.next_value_seed(inside)?).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2))
    }

    #[test]
    fn reads_what_is_json() {
        for text in [
            "null",
            " [1, -2, 0.5, 1e308, 18446744073709551615, true, \"\"] ",
            r#"{"a": {"b": "\ud83d\ude00 \u0000"}, "A": null}"#,
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(text.as_bytes(), 128), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_parsers_understand_differently() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{a: 1}",
            "'a'",
            "NaN",
            "Infinity",
            "01",
            "1 2",
            "// no\n1",
            "\u{feff}1",
            "1e400",
            "-1e400",
            r#"{"a": 1, "a": 1}"#,
            r#"{"x": [{"a": 1, "\u0061": 2}]}"#,
            r#""\ud800""#,
            r#""\udc00 ""#,
            "\"a\nb\"",
        ] {
            assert_eq!(parse(text.as_bytes(), 128), Err(Refused::malformed()), "{text}");
        }
        assert_eq!(parse(b"\"caf\xe9\"", 128), Err(Refused::malformed()));
    }

    #[test]
    fn takes_the_depth_of_the_limit_and_names_it_one_past_it() {
        assert!(parse(nested(128).as_bytes(), 128).is_ok());
        let error = parse(format!("[{}]", nested(128)).as_bytes(), 128).unwrap_err();
        assert_eq!(error.to_string(), "Malformed Request Body: JSON is nested deeper than the limit of 128 levels");
        assert_eq!(parse("[".repeat(1 << 20).as_bytes(), 128), Err(error), "it is not read further");
    }
}
