//! A setting that is one value or a list of them: `audience = "a"`, `audience = ["a", "b"]`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

/// One value or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> From<T> for OneOrMany<T> {
    fn from(one: T) -> Self {
        Self(vec![one])
    }
}

impl<T> From<Vec<T>> for OneOrMany<T> {
    fn from(many: Vec<T>) -> Self {
        Self(many)
    }
}

impl From<&str> for OneOrMany<String> {
    fn from(one: &str) -> Self {
        Self(vec![one.to_owned()])
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("one value or a list")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(value::StrDeserializer::new(text)).map(OneOrMany::from)
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                T::deserialize(value::MapAccessDeserializer::new(table)).map(OneOrMany::from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(value::SeqAccessDeserializer::new(list)).map(OneOrMany)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// The schema of the value, with `array` as a further type.
impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::json_schema(generator);
        let mut either = one.clone();
        let kind = one.get("type").cloned().unwrap_or(Value::Null);
        either.insert("type".into(), json!([kind, "array"]));
        either.insert("items".into(), one.to_value());
        either
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_means_a_list_of_one() {
        let read = |text| serde_json::from_str::<OneOrMany<String>>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read(r#""a""#), read(r#"["a"]"#));
        assert_eq!(*read(r#"["a", "b"]"#), ["a", "b"]);
        assert!(serde_json::from_str::<OneOrMany<String>>("1").is_err());
    }

    #[test]
    fn the_schema_is_one_node_of_two_types() {
        let schema = OneOrMany::<String>::json_schema(&mut SchemaGenerator::default());
        assert_eq!(schema.to_value(), json!({ "type": ["string", "array"], "items": { "type": "string" } }));
    }
}
