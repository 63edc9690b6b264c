//! Validators of a file, and what a request makes depend on them (RFC 9110 sections 8.8 and 13).

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::root::OpenFile;
use crate::coding::Coding;

/// 1980-01-02. Reproducible builds date all files earlier than this, whatever is in them.
const FIRST_REAL_DATE: i64 = 315_619_200;
/// RFC 9110 section 8.8.2.2: a date is strong if nothing can have changed within its second.
const SURELY_PAST: Duration = Duration::from_secs(1);

/// The entity tag and date of one representation of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validators {
    /// A strong tag with its quotes: another one for every content coding.
    tag: String,
    /// In whole seconds; none where the file's date says nothing.
    modified: Option<SystemTime>,
}

/// What the preconditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl Validators {
    /// The tag is made of size and date. A date that every build sets alike is replaced in it by
    /// the time at which the file system got the file, and is not sent.
    pub(super) fn of(file: &OpenFile, coding: Option<Coding>) -> Self {
        let is_real = file.modified.0 >= FIRST_REAL_DATE;
        let (seconds, nanos) = if is_real { file.modified } else { file.changed };
        let mut tag = String::with_capacity(40);
        // Writing to a String does not fail.
        let _ = write!(tag, "\"{seconds:x}.{nanos:x}-{:x}", file.size);
        if let Some(coding) = coding {
            let _ = write!(tag, "-{}", coding.token());
        }
        tag.push('"');
        let modified = u64::try_from(file.modified.0).ok().filter(|_| is_real);
        Self { tag, modified: modified.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)) }
    }

    pub(super) fn tag(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.tag).ok()
    }

    pub(super) fn last_modified(&self) -> Option<HeaderValue> {
        self.modified.and_then(|date| HeaderValue::try_from(httpdate::fmt_http_date(date)).ok())
    }

    /// The verdict for GET and HEAD, in the order of RFC 9110 section 13.2.2.
    pub(super) fn check(&self, headers: &HeaderMap) -> Verdict {
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
    pub(super) fn allow_range(&self, headers: &HeaderMap, now: Duration) -> bool {
        let Some(condition) = headers.get(IF_RANGE) else { return true };
        if condition.as_bytes().starts_with(b"\"") {
            return condition.as_bytes() == self.tag.as_bytes();
        }
        let is_old = |modified: &SystemTime| *modified + SURELY_PAST <= UNIX_EPOCH + now;
        let date = date(headers, &IF_RANGE);
        date.is_some() && date == self.modified.filter(is_old)
    }

    /// Whether a field with tags names this one. A comma in a foreign tag splits it into parts
    /// that are no tags of ours.
    fn is_named(&self, headers: &HeaderMap, field: &HeaderName, weakly: bool) -> bool {
        let values = headers.get_all(field).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim).any(|tag| {
            let strong = if weakly { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
            tag == "*" || strong == self.tag
        })
    }
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
        Validators { tag: "\"t-br\"".into(), modified: httpdate::parse_http_date(SAME).ok() }
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
