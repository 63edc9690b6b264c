//! Durations and sizes as people write them.
//!
//! A duration is a number of seconds or text such as `"1m 30s"` or `"250ms"`; a size is a number
//! of bytes or text such as `"64KiB"` or `"10MB"` (powers of 1024 and of 1000).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The `format` of a duration in the schema.
pub const DURATION_FORMAT: &str = "spikard-duration";
/// The `format` of the path of a file or directory in the schema. Any text is one. With
/// `"x-spikard-watched" = true` beside it, who reads the file follows its changes, and a reload does not.
pub const PATH_FORMAT: &str = "spikard-path";
/// The `format` of a size in the schema.
pub const SIZE_FORMAT: &str = "spikard-size";

/// For `#[serde(with = "units::duration")] #[schemars(with = "units::DurationText")]` on a
/// [`std::time::Duration`].
pub mod duration {
    use std::time::Duration;

    use super::{Deserializer, Serializer, Visitor, de, fmt};

    /// Reads the text form.
    ///
    /// # Errors
    /// When `text` is not a duration.
    pub fn parse(text: &str) -> Result<Duration, String> {
        humantime::parse_duration(text)
            .map_err(|_| format!("`{text}` is not a duration, expected seconds or text such as \"30s\" or \"250ms\""))
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    /// Reads a number of seconds or the text form.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Duration;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("seconds or text such as \"30s\"")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
                Ok(Duration::from_secs(seconds))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
                u64::try_from(seconds).map(Duration::from_secs).map_err(|_| E::custom(format!("{seconds} is below 0")))
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Duration, E> {
                Duration::try_from_secs_f64(seconds).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The schema of a duration.
pub struct DurationText;

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"], "format": DURATION_FORMAT, "minimum": 0 })
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl From<u64> for Size {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<bytesize::ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| format!("`{text}` is not a size, expected bytes or text such as \"64KiB\" or \"10MB\""))
    }
}

impl fmt::Display for Size {
    /// The largest binary unit that divides the size: `10MiB`, `1000B`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
        let fitting = units.iter().find(|(_, bits)| self.0 != 0 && self.0.trailing_zeros() >= *bits);
        match fitting {
            Some((unit, bits)) => write!(formatter, "{}{unit}", self.0 >> bits),
            None => write!(formatter, "{}B", self.0),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Size;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("bytes or text such as \"64KiB\"")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                u64::try_from(bytes).map(Size).map_err(|_| E::custom(format!("{bytes} is below 0")))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "format": SIZE_FORMAT, "minimum": 0 })
    }
}

/// The `format` of a network in the schema.
pub const CIDR_FORMAT: &str = "spikard-cidr";

/// The schema of a network, for `#[schemars(with = "units::Cidr")]` on an [`ipnet::IpNet`].
pub struct Cidr;

impl JsonSchema for Cidr {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cidr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": CIDR_FORMAT })
    }
}

/// The `format` of a header name in the schema.
pub const HEADER_NAME_FORMAT: &str = "spikard-header-name";

/// The schema of a header name, for `#[schemars(with = "units::HeaderNameText")]` on a [`String`].
pub struct HeaderNameText;

impl JsonSchema for HeaderNameText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HeaderName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": HEADER_NAME_FORMAT })
    }
}

/// Reads a header name.
///
/// # Errors
/// When `text` is not one (RFC 9110 section 5.1).
pub fn header_name(text: &str) -> Result<http::HeaderName, String> {
    text.parse().map_err(|_| format!("`{text}` is not a header name, expected text such as \"X-User\""))
}

/// A `format` of the schema: its name, how text of it is checked, and what is expected.
pub struct Format {
    /// The name in the schema.
    pub name: &'static str,
    /// Whether text has the format.
    pub check: fn(&str) -> bool,
    /// What a message says that was expected.
    pub expected: &'static str,
}

/// All formats that the config structs use.
pub const FORMATS: &[Format] = &[
    Format {
        name: DURATION_FORMAT,
        check: |text| duration::parse(text).is_ok(),
        expected: "seconds or text such as \"30s\" or \"250ms\"",
    },
    Format {
        name: SIZE_FORMAT,
        check: |text| Size::from_str(text).is_ok(),
        expected: "bytes or text such as \"64KiB\" or \"10MB\"",
    },
    Format {
        name: CIDR_FORMAT,
        check: |text| ipnet::IpNet::from_str(text).is_ok(),
        expected: "a network such as \"10.0.0.0/8\" or \"fd00::/8\"",
    },
    Format {
        name: crate::rate_limit::config::KEY_FORMAT,
        check: |text| text.parse::<crate::RateLimitKey>().is_ok(),
        expected: crate::rate_limit::config::EXPECTED_KEY,
    },
    Format { name: HEADER_NAME_FORMAT, check: |text| header_name(text).is_ok(), expected: "a header name such as \"X-User\"" },
    Format {
        name: crate::moment::FORMAT,
        check: |text| text.parse::<crate::Moment>().is_ok(),
        expected: crate::moment::EXPECTED,
    },
    Format { name: crate::secret::FORMAT, check: |_| true, expected: "text" },
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Deserialize)]
    struct Both {
        #[serde(with = "duration")]
        wait: Duration,
        size: Size,
    }

    #[test]
    fn numbers_and_text_mean_the_same() {
        for (json, wait, size) in [
            (r#"{"wait": 90, "size": 65536}"#, Duration::from_secs(90), 65_536),
            (r#"{"wait": "1m 30s", "size": "64KiB"}"#, Duration::from_secs(90), 65_536),
            (r#"{"wait": 0.25, "size": "64kB"}"#, Duration::from_millis(250), 64_000),
        ] {
            let both: Both = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!((both.wait, both.size), (wait, Size(size)), "{json}");
        }
    }

    #[test]
    fn a_size_is_shown_in_the_unit_that_fits() {
        assert_eq!([Size(0), Size(1000), Size(10 << 20)].map(|size| size.to_string()), ["0B", "1000B", "10MiB"]);
    }
}
