//! Validators of a representation, and what a request makes depend on them (RFC 9110 sections 8.8 and 13).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue};

/// RFC 9110 section 8.8.2.2: a date is strong if nothing can have changed within its second.
const SURELY_PAST: Duration = Duration::from_secs(1);

/// The entity tag and date of one representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validators {
    /// With its quotes, and with `W/` if it is weak.
    pub(crate) tag: Option<String>,
    /// In whole seconds.
    pub(crate) modified: Option<SystemTime>,
}

/// What the preconditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl Validators {
    /// The validators that an answer names.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(|tag| tag.trim().to_owned());
        Self { tag, modified: date(headers, &LAST_MODIFIED) }
    }

    pub(crate) fn tag(&self) -> Option<HeaderValue> {
        self.tag.as_deref().and_then(|tag| HeaderValue::from_str(tag).ok())
    }

    pub(crate) fn last_modified(&self) -> Option<HeaderValue> {
        self.modified.and_then(|date| HeaderValue::try_from(httpdate::fmt_http_date(date)).ok())
    }

    /// The verdict for GET and HEAD, in the order of RFC 9110 section 13.2.2.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Verdict {
        if headers.contains_key(IF_MATCH) {
            if !self.is_named(headers, &IF_MATCH, false) {
                return Verdict::Failed;
            }
        } else if let (Some(modified), Some(date)) = (self.modified, date(headers, &IF_UNMODIFIED_SINCE))
            && modified > date
        {
            return Verdict::Failed;
        }
        let unchanged = if headers.contains_key(IF_NONE_MATCH) {
            self.is_named(headers, &IF_NONE_MATCH, true)
        } else {
            matches!((self.modified, date(headers, &IF_MODIFIED_SINCE)), (Some(modified), Some(date)) if modified <= date)
        };
        if unchanged { Verdict::NotModified } else { Verdict::Proceed }
    }

    /// Whether a range may be taken of this representation (RFC 9110 section 13.1.5). `now` is
    /// the time since 1970.
    pub(crate) fn allow_range(&self, headers: &HeaderMap, now: Duration) -> bool {
        let Some(condition) = headers.get(IF_RANGE) else { return true };
        if condition.as_bytes().starts_with(b"\"") {
            return self.tag.as_ref().is_some_and(|tag| condition.as_bytes() == tag.as_bytes());
        }
        let is_old = |modified: &SystemTime| *modified + SURELY_PAST <= UNIX_EPOCH + now;
        let date = date(headers, &IF_RANGE);
        date.is_some() && date == self.modified.filter(is_old)
    }

    /// Whether a field with tags names this one. A comma in a foreign tag splits it into parts
    /// that are no tags of ours.
    fn is_named(&self, headers: &HeaderMap, field: &HeaderName, weakly: bool) -> bool {
        // Compared strongly, a weak tag is no other's equal, and not its own (RFC 9110 section 8.8.3.2).
        let own = self.tag.as_deref().filter(|tag| weakly || !tag.starts_with("W/")).map(opaque);
        let values = headers.get_all(field).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim).any(|tag| {
            let named = if weakly { opaque(tag) } else { tag };
            tag == "*" || own == Some(named)
        })
    }
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn date(headers: &HeaderMap, field: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(field)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn validators() -> Validators {
        Validators { tag: Some("\"t-br\"".into()), modified: httpdate::parse_http_date(SAME).ok() }
    }

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn preconditions_are_weighed_in_the_order_of_the_rfc() {
        use Verdict::{Failed, NotModified, Proceed};
        for (request, expected) in [
            (&[("if-match", "\"x\", \"t-br\"")][..], Proceed),
            (&[("if-match", "*")], Proceed),
            (&[("if-match", "W/\"t-br\"")], Failed),
            (&[("if-match", "\"t\""), ("if-none-match", "\"t-br\"")], Failed),
            (&[("if-match", "\"t-br\""), ("if-unmodified-since", BEFORE)], Proceed),
            (&[("if-unmodified-since", BEFORE)], Failed),
            (&[("if-unmodified-since", SAME)], Proceed),
            (&[("if-none-match", "\"x\", W/\"t-br\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "\"t\"")], Proceed),
            (&[("if-none-match", "\"t\""), ("if-modified-since", SAME)], Proceed),
            (&[("if-modified-since", SAME)], NotModified),
            (&[("if-modified-since", BEFORE)], Proceed),
            (&[("if-modified-since", "yesterday")], Proceed),
            (&[], Proceed),
        ] {
            assert_eq!(validators().check(&fields(request)), expected, "{request:?}");
        }
    }

    #[test]
    fn a_weak_tag_confirms_what_is_held_and_never_what_is_to_be_changed() {
        let weak = Validators { tag: Some("W/\"t\"".into()), modified: None };
        assert_eq!(weak.check(&fields(&[("if-none-match", "\"t\"")])), Verdict::NotModified);
        assert_eq!(weak.check(&fields(&[("if-match", "W/\"t\"")])), Verdict::Failed);
        let none = Validators { tag: None, modified: None };
        assert_eq!(none.check(&fields(&[("if-none-match", "\"\"")])), Verdict::Proceed);
    }

    #[test]
    fn a_range_is_taken_only_of_the_representation_that_the_client_holds() {
        let second = validators().modified.unwrap().duration_since(UNIX_EPOCH).unwrap();
        for (condition, age, expected) in [
            ("\"t-br\"", 0, true),
            ("W/\"t-br\"", 9, false),
            ("\"t\"", 9, false),
            (SAME, 1, true),
            (SAME, 0, false),
            (BEFORE, 9, false),
            ("nonsense", 9, false),
        ] {
            let now = second + Duration::from_secs(age);
            assert_eq!(validators().allow_range(&fields(&[("if-range", condition)]), now), expected, "{condition} {age}");
        }
    }
}
