//! The media types of a `content` table: which entry is about a message.

use http::{HeaderMap, header};

/// The key of an entry: a media type, `type/*` or `*/*`. Its parameters do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaRange(String);

impl MediaRange {
    pub(super) fn of(key: &str) -> Self {
        Self(essence(key))
    }

    /// How well a media type fits; none: not at all.
    fn rank(&self, essence: &str) -> Option<u8> {
        match self.0.split_once('/') {
            _ if self.0 == essence => Some(2),
            Some(("*", "*")) => Some(0),
            Some((kind, "*")) => (essence.split('/').next() == Some(kind)).then_some(1),
            _ => None,
        }
    }

    /// Whether bodies of this type are JSON (RFC 6839 section 3.1).
    pub(super) fn is_json(&self) -> bool {
        is_json(&self.0)
    }

    /// Whether bodies of such types can be held to a schema.
    pub(super) fn may_be_checked(&self) -> bool {
        self.is_json() || self.is_form() || self.0.ends_with("/*")
    }

    /// Whether bodies of this type are urlencoded forms.
    pub(super) fn is_form(&self) -> bool {
        self.0 == FORM
    }
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.split_once('/').is_some_and(|(_, subtype)| subtype.ends_with("+json"))
}

/// The entry that fits best.
pub(super) fn best<'c, T>(content: &'c [(MediaRange, T)], essence: &str) -> Option<&'c T> {
    let ranked = content.iter().filter_map(|(range, entry)| Some((range.rank(essence)?, entry)));
    ranked.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, entry)| entry)
}

/// The media type of a message, in lower case and without parameters; none if nothing is said of
/// it, or more than one thing.
pub(super) fn essence_of(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(essence),
        _ => None,
    }
}

fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_says_most_is_taken() {
        let keys = ["*/*", "text/*", "application/json; charset=utf-8", "application/vnd.api+json"];
        let content = keys.map(|key| (MediaRange::of(key), key));
        for (essence, key) in [("application/json", keys[2]), ("text/csv", keys[1]), ("image/png", keys[0])] {
            assert_eq!(best(&content, essence), Some(&key), "{essence}");
        }
        assert_eq!(best(&content[2..], "text/csv"), None);
        assert!(content[2].0.is_json() && content[3].0.is_json() && !content[0].0.is_json());
    }
}
