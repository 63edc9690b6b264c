//! Points in time as people write them in settings: `2027-01-31`, `2027-01-31T12:00:00Z`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The `format` of a point in time in the schema.
pub const FORMAT: &str = "spikard-moment";
/// What a message says that was expected.
pub(crate) const EXPECTED: &str = "a time such as \"2027-01-31\" or \"2027-01-31T12:00:00Z\"";

/// A point in time, to the second and in UTC. A date alone is its first moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The time since 1970-01-01 UTC.
    pub fn since_epoch(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Moment {
    /// The moment so long after 1970-01-01 UTC.
    fn from(since_epoch: Duration) -> Self {
        Self(Duration::from_secs(since_epoch.as_secs()))
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day_alone = text.len() == "2027-01-31".len();
        let whole: Cow<'_, str> = if day_alone { format!("{text}T00:00:00Z").into() } else { text.into() };
        let time = humantime::parse_rfc3339(&whole).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        time.map(Self::from).ok_or_else(|| format!("`{text}` is no time, expected {EXPECTED}"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + self.0).fmt(formatter)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": FORMAT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_moment() {
        let shown = |text: &str| text.parse::<Moment>().map(|moment| moment.to_string());
        assert_eq!(shown("2027-01-31").as_deref(), Ok("2027-01-31T00:00:00Z"));
        assert_eq!(shown("2027-01-31T12:34:56.789Z").as_deref(), Ok("2027-01-31T12:34:56Z"));
        for text in ["", "tomorrow", "2027-02-30", "2027-1-31", "31.01.2027", "2027-01-31T25:00:00Z", "1969-12-31"] {
            assert!(shown(text).is_err(), "{text}");
        }
    }
}
