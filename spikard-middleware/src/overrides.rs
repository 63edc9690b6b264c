//! What a route says about a policy of the server: nothing, off, or settings of its own.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::stack::Policies;

/// What a route says about one policy.
///
/// In a file, a route's table is laid over the server's field by field before this is read; a
/// value given in Rust replaces the policy whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Override<T> {
    /// The server's policy, state included: a server-wide rate limit counts over all routes.
    #[default]
    Inherit,
    /// No such policy on this route.
    Off,
    /// A policy of the route's own, with a state of its own.
    On(T),
}

impl<T> Override<T> {
    /// Whether the route says nothing.
    pub fn is_inherit(&self) -> bool {
        matches!(self, Self::Inherit)
    }
}

impl<T> From<T> for Override<T> {
    fn from(config: T) -> Self {
        Self::On(config)
    }
}

impl<T: Serialize> Serialize for Override<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inherit => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
            Self::On(config) => config.serialize(serializer),
        }
    }
}

/// Reads what the loader makes of the spellings: absent is `Inherit`, null is `Off`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Override<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Off, Self::On))
    }
}

impl<T: JsonSchema> JsonSchema for Override<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The policies of a route as they are in force, and the keys that are the server's.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The settings, overrides applied.
    pub policies: Policies,
    /// The keys about which the route says nothing.
    pub inherited: Vec<&'static str>,
}

/// Declares a config struct of something that makes routes: the given fields, then one
/// [`Override`] field per key of the table, and `effective(&self, &Policies) -> Effective`. With
/// `defaults { field: value, ... }` behind the struct also `Default`, with nothing overridden.
#[macro_export]
macro_rules! with_policies {
    ($(#[$meta:meta])* pub struct $name:ident { $($field:tt)* } defaults { $($default:tt)* }) => {
        $crate::policies! { $crate::__route_struct, { $(#[$meta])* pub struct $name { $($field)* } } }
        $crate::policies! { $crate::__route_default, { $name $($default)* } }
    };
    ($($declaration:tt)*) => {
        $crate::policies! { $crate::__route_struct, { $($declaration)* } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __route_struct {
    (
        { $(#[$meta:meta])* pub struct $name:ident { $($field:tt)* } }
        $($layer:ident: $($build:ident)::+ ( $(^$again:ident $(,)?)? $($key:ident: $config:ident = $default:ident),* ) $reason:literal;)*
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($field)*
            $($(
                #[doc = concat!("See [`", stringify!($config), "`](spikard_middleware::", stringify!($config), ").")]
                #[serde(default, skip_serializing_if = "spikard_middleware::Override::is_inherit")]
                pub $key: $crate::Override<$crate::$config>,
            )*)*
        }

        impl $name {
            /// The same with nothing said about any policy.
            #[must_use]
            pub fn without_policies(&self) -> Self {
                Self { $($($key: $crate::Override::Inherit,)*)* ..self.clone() }
            }

            /// The policies of this route, given those of the server.
            pub fn effective(&self, server: &$crate::Policies) -> $crate::Effective {
                let mut policies = server.clone();
                let mut inherited = Vec::new();
                $($(match &self.$key {
                    $crate::Override::Inherit => inherited.push(stringify!($key)),
                    $crate::Override::Off => policies.$key = None,
                    $crate::Override::On(config) => policies.$key = Some(config.clone()),
                })*)*
                $crate::Effective { policies, inherited }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __route_default {
    (
        { $name:ident $($default:tt)* }
        $($layer:ident: $($build:ident)::+ ( $(^$again:ident $(,)?)? $($key:ident: $config:ident = $on:ident),* ) $reason:literal;)*
    ) => {
        impl Default for $name {
            fn default() -> Self {
                Self { $($default)* $($($key: $crate::Override::Inherit,)*)* }
            }
        }
    };
}
