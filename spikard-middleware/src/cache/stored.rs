//! A stored answer: its head, which a 304 renews, and its body, which may still be arriving.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, TRAILER, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::config::CacheConfig;
use super::fill::Fill;
use super::key::Selecting;
use super::list::items;
use super::terms::{Asker, Terms, Unstored, date};
use crate::conditions::Validators;

pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// An answer that others may get.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) head: Arc<Head>,
    pub(super) content: Content,
}

/// The body of a stored answer.
#[derive(Clone)]
pub(super) enum Content {
    Whole(Bytes),
    Arriving(Arc<Fill>),
}

/// When an answer came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// On the clock that never goes back, in nanoseconds: when the leaf was asked, and when it answered.
    pub(super) asked: u64,
    pub(super) answered: u64,
    /// The time since 1970.
    pub(super) wall: Duration,
}

/// The head of a stored answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    /// Without what is said anew each time.
    pub(super) headers: HeaderMap,
    pub(super) terms: Terms,
    pub(super) selecting: Selecting,
    pub(super) tags: Box<[Box<str>]>,
    /// What was said to those only for whom it was fetched.
    pub(super) once: HeaderMap,
    /// How old it was when it came.
    initial_age: Duration,
    /// When it came.
    since: u64,
}

/// What belongs to one message or one connection (RFC 9111 section 3.1).
const TRANSIENT: [HeaderName; 10] = [
    AGE,
    CACHE_STATUS,
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("proxy-connection"),
    TRAILER,
    TRANSFER_ENCODING,
    http::header::UPGRADE,
];

/// What a 304 cannot change, as the body stays (RFC 9111 section 3.2).
const OF_THE_BODY: [HeaderName; 5] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, TRANSFER_ENCODING];

impl Head {
    /// The head of an answer to `request`, if it may be stored.
    pub(super) fn of(
        config: &CacheConfig,
        asker: &Asker,
        request: &HeaderMap,
        status: StatusCode,
        mut headers: HeaderMap,
        arrival: Arrival,
    ) -> Result<Self, Unstored> {
        let terms = Terms::of(config, asker, status, &headers, arrival.wall)?;
        let selecting = Selecting::of(&headers, request).ok_or(Unstored { why: "vary", lasting: true })?;
        let initial_age = initial_age(&headers, arrival);
        let said_once = |(name, _): &(&HeaderName, _)| [AGE, CACHE_STATUS].contains(name);
        let once = headers.iter().filter(said_once).map(|(name, value)| (name.clone(), value.clone())).collect();
        for name in &TRANSIENT {
            headers.remove(name);
        }
        if !headers.contains_key(DATE) {
            // RFC 9110 section 6.6.1.
            let now = httpdate::fmt_http_date(UNIX_EPOCH + arrival.wall);
            headers.extend(HeaderValue::try_from(now).ok().map(|now| (DATE, now)));
        }
        Ok(Self { status, terms, selecting, tags: tags(&headers), once, initial_age, since: arrival.answered, headers })
    }

    /// The head after a 304 (RFC 9111 section 3.2). None where the 304 is about another representation.
    pub(super) fn renewed(
        &self,
        config: &CacheConfig,
        asker: &Asker,
        request: &HeaderMap,
        confirmed: &HeaderMap,
        arrival: Arrival,
    ) -> Option<Result<Self, Unstored>> {
        let opaque = |tag: &HeaderValue| tag.as_bytes().strip_prefix(b"W/").unwrap_or(tag.as_bytes()).to_vec();
        let named = confirmed.get(ETAG).map(opaque);
        if named.is_some() && named != self.headers.get(ETAG).map(opaque) {
            return None;
        }
        let mut headers = self.headers.clone();
        headers.remove(DATE);
        for name in confirmed.keys().filter(|name| !OF_THE_BODY.contains(name)) {
            headers.remove(name);
        }
        for (name, value) in confirmed.iter().filter(|(name, _)| !OF_THE_BODY.contains(name)) {
            headers.append(name, value.clone());
        }
        Some(Self::of(config, asker, request, self.status, headers, arrival))
    }

    /// How old it is (RFC 9111 section 4.2.3).
    pub(super) fn age(&self, now: u64) -> Duration {
        self.initial_age + Duration::from_nanos(now.saturating_sub(self.since))
    }

    pub(super) fn validators(&self) -> Validators {
        Validators::of(&self.headers)
    }

    /// How long it is of use: then it may be given no more, and there is nothing to ask the origin about.
    pub(super) fn useful_for(&self) -> Duration {
        let validators = self.validators();
        // What can be confirmed is worth keeping for a while beyond its time.
        let confirmable = validators.tag.is_some() || validators.modified.is_some();
        let longest = self.terms.longest();
        let beyond = if confirmable { longest.max(CONFIRMABLE) } else { Duration::ZERO };
        longest.saturating_add(beyond).saturating_sub(self.initial_age).min(LONGEST)
    }

    /// Roughly the memory that it takes.
    pub(super) fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| 64 + name.as_str().len() + value.len()).sum();
        let tags: usize = self.tags.iter().map(|tag| 16 + tag.len()).sum();
        size_of::<Self>() + headers + self.selecting.size() + tags
    }
}

const CONFIRMABLE: Duration = Duration::from_mins(10);
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// RFC 9111 section 4.2.3. Dates have whole seconds only, so fractions of ours would be none of its age.
fn initial_age(headers: &HeaderMap, arrival: Arrival) -> Duration {
    let now = UNIX_EPOCH + Duration::from_secs(arrival.wall.as_secs());
    let apparent = date(headers, &DATE).and_then(|date| now.duration_since(date).ok()).unwrap_or_default();
    let said = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse::<u32>().ok()).unwrap_or_default();
    let delay = Duration::from_nanos(arrival.answered.saturating_sub(arrival.asked));
    apparent.max(Duration::from_secs(said.into()) + delay)
}

/// The names by which an answer can be purged: `Cache-Groups` (RFC 9875), which holds strings, and the
/// customary `Cache-Tag`.
fn tags(headers: &HeaderMap) -> Box<[Box<str>]> {
    ["cache-groups", "cache-tag"].into_iter().flat_map(|field| members(headers, field)).collect()
}

/// The members of a list of strings or words.
pub(super) fn members<'a>(headers: &'a HeaderMap, field: &str) -> impl Iterator<Item = Box<str>> + use<'a> {
    let lines = headers.get_all(field).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(items).map(|item| match item.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
        Some((inner, _)) => inner.into(),
        None => item.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(784_111_777);

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn arrival(seconds: u64) -> Arrival {
        let answered = seconds * 1_000_000_000;
        Arrival { asked: answered, answered, wall: DAY + Duration::from_secs(seconds) }
    }

    fn head(headers: HeaderMap) -> Head {
        let asker = Asker::default();
        Head::of(&CacheConfig::default(), &asker, &HeaderMap::new(), StatusCode::OK, headers, arrival(0)).unwrap()
    }

    #[test]
    fn the_age_counts_from_the_date_from_what_was_said_or_from_the_question() {
        for (age, date, expected) in [
            ("0", "Sun, 06 Nov 1994 08:49:37 GMT", 5),
            ("7", "Sun, 06 Nov 1994 08:49:37 GMT", 12),
            ("7", "Sun, 06 Nov 1994 08:49:17 GMT", 25),
        ] {
            let head = head(fields(&[("cache-control", "max-age=60"), ("age", age), ("date", date)]));
            assert_eq!(head.age(5_000_000_000).as_secs(), expected, "{age} {date}");
            assert!(!head.headers.contains_key(AGE));
        }
    }

    #[test]
    fn a_304_renews_the_head_and_leaves_what_is_of_the_body() {
        let old = head(fields(&[
            ("cache-control", "max-age=60"),
            ("etag", "\"a\""),
            ("content-type", "text/x"),
            ("link", "1"),
            ("x", "1"),
        ]));
        let confirmed = fields(&[
            ("cache-control", "max-age=5"),
            ("etag", "W/\"a\""),
            ("content-type", "text/y"),
            ("link", "2"),
            ("link", "3"),
        ]);
        let renew =
            |confirmed| old.renewed(&CacheConfig::default(), &Asker::default(), &HeaderMap::new(), confirmed, arrival(100));
        let new = renew(&confirmed).unwrap().unwrap();
        assert_eq!((new.terms.lifetime.as_secs(), new.age(100_000_000_000).as_secs()), (5, 0));
        assert_eq!([&new.headers["content-type"], &new.headers["x"]], ["text/x", "1"]);
        assert_eq!(new.headers.get_all("link").iter().collect::<Vec<_>>(), ["2", "3"]);
        assert!(renew(&fields(&[("etag", "\"b\"")])).is_none());
    }

    #[test]
    fn an_answer_has_the_tags_of_both_fields() {
        let head = head(fields(&[("cache-control", "max-age=1"), ("cache-groups", "\"a b\", \"c\";x"), ("cache-tag", "d,e")]));
        assert_eq!(head.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["a b", "c", "d", "e"]);
    }
}
