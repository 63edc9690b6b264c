//! `Cache-Control` of requests and answers (RFC 9111 section 5.2), as what it comes to: names in any
//! case, values with and without quotes. What is malformed counts as what keeps less.

use std::time::Duration;

use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderName};

/// RFC 9213: what an origin says to caches like this one only, in place of `Cache-Control`.
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// What an answer allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AnswerDirectives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) s_maxage: Option<Duration>,
    pub(super) stale_while_revalidate: Option<Duration>,
    pub(super) stale_if_error: Option<Duration>,
    /// Whether `CDN-Cache-Control` said this: then `Expires` does not count either.
    pub(super) targeted: bool,
}

impl AnswerDirectives {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let targeted = headers.contains_key(CDN_CACHE_CONTROL);
        let field = if targeted { CDN_CACHE_CONTROL } else { CACHE_CONTROL };
        let mut found = Self { targeted, ..Self::default() };
        each(headers, &field, |name, value| match name {
            "no-store" => found.no_store = true,
            // With field names, as without: this cache keeps whole answers.
            "no-cache" => found.no_cache = true,
            "private" => found.private = true,
            "public" => found.public = true,
            "must-revalidate" => found.must_revalidate = true,
            "proxy-revalidate" => found.proxy_revalidate = true,
            "must-understand" => found.must_understand = true,
            "max-age" => first(&mut found.max_age, value),
            "s-maxage" => first(&mut found.s_maxage, value),
            "stale-while-revalidate" => first(&mut found.stale_while_revalidate, value),
            "stale-if-error" => first(&mut found.stale_if_error, value),
            _ => {}
        });
        // Deprecated for answers and never defined there, but written to say this.
        if !headers.contains_key(&field) && has_no_cache_pragma(headers) {
            found.no_cache = true;
        }
        found
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RequestDirectives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
    /// [`Duration::MAX`] if it says no time.
    pub(super) max_stale: Option<Duration>,
    pub(super) stale_if_error: Option<Duration>,
}

impl RequestDirectives {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        each(headers, &CACHE_CONTROL, |name, value| match name {
            "no-store" => found.no_store = true,
            "no-cache" => found.no_cache = true,
            "only-if-cached" => found.only_if_cached = true,
            "max-age" => first(&mut found.max_age, value),
            "min-fresh" => first(&mut found.min_fresh, value),
            "max-stale" if value.is_none() => found.max_stale = Some(Duration::MAX),
            "max-stale" => first(&mut found.max_stale, value),
            "stale-if-error" => first(&mut found.stale_if_error, value),
            _ => {}
        });
        // RFC 9111 section 5.4.
        if !headers.contains_key(CACHE_CONTROL) && has_no_cache_pragma(headers) {
            found.no_cache = true;
        }
        found
    }
}

fn has_no_cache_pragma(headers: &HeaderMap) -> bool {
    let mut said = false;
    each(headers, &PRAGMA, |name, _| said |= name == "no-cache");
    said
}

/// Of a directive that stands twice the first counts; what is no number of seconds counts as 0
/// (RFC 9111 section 4.2.1).
fn first(place: &mut Option<Duration>, value: Option<&str>) {
    place.get_or_insert_with(|| value.map_or(Duration::ZERO, seconds));
}

/// RFC 9111 section 1.2.2: what is too large for us is as good as for ever.
fn seconds(text: &str) -> Duration {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let most = u64::from(u32::MAX);
    if is_number { Duration::from_secs(text.parse().unwrap_or(most).min(most)) } else { Duration::ZERO }
}

/// Calls `found` with every directive of a field: its name in lower case, its value without quotes.
fn each(headers: &HeaderMap, field: &HeaderName, mut found: impl FnMut(&str, Option<&str>)) {
    for line in headers.get_all(field) {
        // Bytes that are no text can only stand in a value that nobody reads.
        let line = String::from_utf8_lossy(line.as_bytes());
        for item in super::list::items(&line) {
            let (name, value) = match item.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(value.trim().trim_matches('"'))),
                None => (item, None),
            };
            found(&name.to_ascii_lowercase(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), value.parse().unwrap());
        fields.iter().map(pair).collect()
    }

    fn answer(text: &'static str) -> AnswerDirectives {
        AnswerDirectives::of(&fields(&[("cache-control", text)]))
    }

    #[test]
    fn directives_are_read_in_any_case_and_quoting() {
        let read = answer("Public, MAX-AGE=\"60\" , s-maxage = 5,, x=\"a, no-store\", Stale-If-Error=9");
        assert_eq!((read.public, read.no_store), (true, false));
        let seconds = [read.max_age, read.s_maxage, read.stale_if_error].map(|time| time.unwrap_or_default().as_secs());
        assert_eq!(seconds, [60, 5, 9]);
        assert!(answer("max-age=1, PRIVATE=\"set-cookie, x\"").private);
        assert!(answer("No-Cache=\"x\"").no_cache);
    }

    #[test]
    fn what_is_malformed_counts_as_stale_and_what_is_huge_as_for_ever() {
        for text in ["max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=x", "max-age=0, max-age=60"] {
            assert_eq!(answer(text).max_age, Some(Duration::ZERO), "{text}");
        }
        assert_eq!(answer("max-age=99999999999999999999999").max_age, Some(Duration::from_secs(u32::MAX.into())));
    }

    #[test]
    fn what_is_said_to_caches_like_this_one_stands_above_what_is_said_to_all() {
        let read = AnswerDirectives::of(&fields(&[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")]));
        assert_eq!((read.no_store, read.max_age, read.targeted), (false, Some(Duration::from_mins(1)), true));
    }

    #[test]
    fn a_request_may_take_stale_answers_of_some_or_of_any_age() {
        let read = |text| RequestDirectives::of(&fields(&[("cache-control", text)])).max_stale;
        assert_eq!(read("max-stale=5"), Some(Duration::from_secs(5)));
        assert_eq!(read("max-stale"), Some(Duration::MAX));
        assert!(RequestDirectives::of(&fields(&[("pragma", "no-cache")])).no_cache);
        assert!(!RequestDirectives::of(&fields(&[("pragma", "no-cache"), ("cache-control", "max-age=1")])).no_cache);
    }
}
