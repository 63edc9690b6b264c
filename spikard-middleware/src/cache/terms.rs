//! Whether an answer may be stored, and for how long it may be given (RFC 9111 sections 3 and 4.2).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, DATE, ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE};
use http::{HeaderMap, HeaderName, StatusCode};

use super::config::CacheConfig;
use super::directives::{AnswerDirectives, RequestDirectives};
use crate::client::ClientCertificate;
use crate::identity::Identity;
use crate::service::Request;

/// What of a request decides about its answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asker {
    pub(super) directives: RequestDirectives,
    /// Whether it has credentials: its answer is for others only where that is said.
    pub(super) has_credentials: bool,
    has_cookie: bool,
}

impl Asker {
    pub(super) fn of(request: &Request, config: &CacheConfig) -> Self {
        let (headers, known) = (request.headers(), request.extensions());
        // What was verified may have stood in another header, in the query, or in the handshake.
        let is_known = known.get::<Identity>().is_some() || known.get::<Arc<ClientCertificate>>().is_some();
        Self {
            directives: if config.request_directives { RequestDirectives::of(headers) } else { RequestDirectives::default() },
            has_credentials: headers.contains_key(AUTHORIZATION) || is_known,
            has_cookie: headers.contains_key(COOKIE),
        }
    }
}

/// For how long an answer may be given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// How old it may become.
    pub(super) lifetime: Duration,
    /// How long after that it may be given while a new one is fetched.
    pub(super) while_revalidate: Duration,
    /// How long after that it may be given in place of an error.
    pub(super) if_error: Duration,
    /// Whether the origin must agree each time.
    pub(super) no_cache: bool,
    /// Whether a client may say that it takes it when it is stale.
    pub(super) lenient: bool,
}

/// Why an answer is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unstored {
    /// In a word, for `Cache-Status`.
    pub(super) why: &'static str,
    /// Whether the answers to others will not be either: it was not because of this request.
    pub(super) lasting: bool,
}

/// Statuses that may be kept without being told for how long (RFC 9110 section 15.1), without 206.
const HEURISTIC: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

impl Terms {
    /// `now` is the time since 1970.
    pub(super) fn of(
        config: &CacheConfig,
        asker: &Asker,
        status: StatusCode,
        headers: &HeaderMap,
        now: Duration,
    ) -> Result<Self, Unstored> {
        let said = AnswerDirectives::of(headers);
        refusal(config, asker, status, headers, &said)?;
        let explicit = said.s_maxage.or(said.max_age).or_else(|| if said.targeted { None } else { expires_after(headers, now) });
        let is_explicit = explicit.is_some() || said.no_cache;
        let by_default = || if may_default(asker, status, headers) { config.default_ttl } else { Duration::ZERO };
        let lifetime = if said.no_cache { Duration::ZERO } else { explicit.unwrap_or_else(by_default) };
        let never_stale = said.no_cache || said.must_revalidate || said.proxy_revalidate;
        // Who writes both means both, although `s-maxage` alone forbids stale answers (section 5.2.2.10).
        let lenient = !never_stale && said.s_maxage.is_none();
        let window = |said: Option<Duration>, default: Duration| match said {
            Some(window) if !never_stale => window,
            None if lenient && is_explicit | !lifetime.is_zero() => default,
            _ => Duration::ZERO,
        };
        let terms = Self {
            lifetime,
            while_revalidate: window(said.stale_while_revalidate, config.stale_while_revalidate),
            if_error: window(said.stale_if_error, config.stale_if_error),
            no_cache: said.no_cache,
            lenient,
        };
        let has_validator = headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED);
        if terms.longest().is_zero() && !(is_explicit && has_validator) {
            return Err(Unstored { why: "no-lifetime", lasting: true });
        }
        Ok(terms)
    }

    /// The age up to which it may be given without a word from the origin, in whatever case.
    pub(super) fn longest(&self) -> Duration {
        self.lifetime.saturating_add(self.while_revalidate.max(self.if_error))
    }
}

/// What forbids to store an answer at all.
fn refusal(
    config: &CacheConfig,
    asker: &Asker,
    status: StatusCode,
    headers: &HeaderMap,
    said: &AnswerDirectives,
) -> Result<(), Unstored> {
    let understood = HEURISTIC.contains(&status.as_u16());
    let shared = said.public || said.must_revalidate || said.s_maxage.is_some();
    let reasons = [
        // Parts are not put together here, and 304 is about what is stored.
        (status.is_informational() || matches!(status.as_u16(), 206 | 304), "status", true),
        (said.must_understand && !understood, "status", true),
        (said.no_store && !said.must_understand, "no-store", true),
        (said.private, "private", true),
        (headers.contains_key(SET_COOKIE) && !config.set_cookie, "set-cookie", true),
        (is_endless(headers), "event-stream", true),
        (asker.directives.no_store, "request-no-store", false),
        // Section 3.5.
        (asker.has_credentials && !shared, "authorization", false),
    ];
    match reasons.into_iter().find(|(holds, ..)| *holds) {
        Some((_, why, lasting)) => Err(Unstored { why, lasting }),
        None => Ok(()),
    }
}

/// Whether the setting for answers that say nothing is meant for this one. Problem details are not: they name
/// the request that they are about.
fn may_default(asker: &Asker, status: StatusCode, headers: &HeaderMap) -> bool {
    let is_problem = media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("application/problem+json"));
    HEURISTIC.contains(&status.as_u16()) && !asker.has_credentials && !asker.has_cookie && !is_problem
}

fn is_endless(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next().map(str::trim)
}

/// `Expires` against `Date`; what is no date is long ago (section 5.3).
fn expires_after(headers: &HeaderMap, now: Duration) -> Option<Duration> {
    let expires = headers.get(EXPIRES)?;
    let expires = expires.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok());
    let from = date(headers, &DATE).unwrap_or(UNIX_EPOCH + now);
    Some(expires.and_then(|expires| expires.duration_since(from).ok()).unwrap_or_default())
}

/// A date of a header.
pub(super) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(784_111_777);
    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn terms(config: &CacheConfig, asker: &Asker, status: u16, fields: &[(&'static str, &str)]) -> Result<Terms, &'static str> {
        let headers = fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        Terms::of(config, asker, status, &headers, DAY).map_err(|unstored| unstored.why)
    }

    fn lifetime(fields: &[(&'static str, &str)]) -> Result<u64, &'static str> {
        terms(&CacheConfig::default(), &Asker::default(), 200, fields).map(|terms| terms.lifetime.as_secs())
    }

    #[test]
    fn the_lifetime_is_what_is_said_to_shared_caches_first() {
        for (fields, expected) in [
            (&[("cache-control", "max-age=60")][..], Ok(60)),
            (&[("cache-control", "max-age=60, s-maxage=5")], Ok(5)),
            (&[("expires", "Sun, 06 Nov 1994 08:50:37 GMT")], Ok(60)),
            (&[("expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("date", "Sun, 06 Nov 1994 08:50:27 GMT")], Ok(10)),
            (&[("expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("cache-control", "max-age=5")], Ok(5)),
            (&[("expires", "0")], Err("no-lifetime")),
            (&[("expires", "0"), ("etag", "\"a\"")], Ok(0)),
            (&[("cache-control", "no-cache, max-age=60"), ("last-modified", NOW)], Ok(0)),
            (&[("cache-control", "no-cache")], Err("no-lifetime")),
            (&[("etag", "\"a\"")], Err("no-lifetime")),
            (&[("cache-control", "public")], Err("no-lifetime")),
            (&[], Err("no-lifetime")),
        ] {
            assert_eq!(lifetime(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_is_for_one_client_is_not_stored() {
        for (fields, expected) in [
            (&[("cache-control", "max-age=60, no-store")][..], "no-store"),
            (&[("cache-control", "s-maxage=60, Private")], "private"),
            (&[("cache-control", "max-age=60"), ("set-cookie", "a=1")], "set-cookie"),
            (&[("cache-control", "max-age=60"), ("content-type", "Text/Event-Stream; charset=utf-8")], "event-stream"),
        ] {
            assert_eq!(lifetime(fields), Err(expected), "{fields:?}");
        }
        let config = CacheConfig { set_cookie: true, ..CacheConfig::default() };
        let cookie = [("cache-control", "max-age=60"), ("set-cookie", "a=1")];
        assert!(terms(&config, &Asker::default(), 200, &cookie).is_ok());
    }

    #[test]
    fn credentials_are_what_was_sent_and_what_was_verified() {
        let config = CacheConfig::default();
        let has = |request: &Request| Asker::of(request, &config).has_credentials;
        let mut token = Request::default();
        token.headers_mut().insert(AUTHORIZATION, "Basic x".parse().unwrap());
        let mut key = Request::default();
        key.extensions_mut().insert(Identity::default());
        assert_eq!([has(&token), has(&key), has(&Request::default())], [true, true, false]);
    }

    #[test]
    fn an_answer_to_credentials_is_stored_only_if_it_says_that_it_is_for_others() {
        let asker = Asker { has_credentials: true, ..Asker::default() };
        let stored = |text| terms(&CacheConfig::default(), &asker, 200, &[("cache-control", text)]).err();
        assert_eq!(stored("max-age=60"), Some("authorization"));
        for text in ["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"] {
            assert_eq!(stored(text), None, "{text}");
        }
    }

    #[test]
    fn any_final_status_is_stored_that_says_for_how_long_and_some_by_the_setting() {
        let config = CacheConfig { default_ttl: Duration::from_secs(30), ..CacheConfig::default() };
        let anyone = Asker::default();
        for (status, said, unsaid) in
            [(200, true, true), (404, true, true), (302, true, false), (503, true, false), (206, false, false)]
        {
            let stored = |fields: &[_]| terms(&config, &anyone, status, fields).is_ok();
            assert_eq!((stored(&[("cache-control", "max-age=1")]), stored(&[])), (said, unsaid), "{status}");
        }
        assert_eq!(terms(&config, &anyone, 404, &[("content-type", "application/problem+json")]), Err("no-lifetime"));
        assert_eq!(terms(&config, &Asker { has_cookie: true, ..anyone }, 200, &[]), Err("no-lifetime"));
        let directives = RequestDirectives { no_store: true, ..RequestDirectives::default() };
        assert_eq!(terms(&config, &Asker { directives, ..anyone }, 200, &[]), Err("request-no-store"));
        assert_eq!(terms(&config, &anyone, 299, &[("cache-control", "max-age=1, must-understand")]), Err("status"));
        assert!(terms(&config, &anyone, 200, &[("cache-control", "max-age=1, no-store, must-understand")]).is_ok());
    }

    #[test]
    fn stale_answers_are_given_only_where_nothing_forbids_it() {
        let second = Duration::from_secs(1);
        let config = CacheConfig { stale_while_revalidate: 2 * second, stale_if_error: 3 * second, ..CacheConfig::default() };
        let windows = |text| {
            let terms = terms(&config, &Asker::default(), 200, &[("cache-control", text)]).unwrap();
            (terms.while_revalidate.as_secs(), terms.if_error.as_secs(), terms.lenient)
        };
        assert_eq!(windows("max-age=1"), (2, 3, true));
        assert_eq!(windows("max-age=1, stale-while-revalidate=7"), (7, 3, true));
        assert_eq!(windows("max-age=1, stale-if-error=0"), (2, 0, true));
        assert_eq!(windows("s-maxage=1"), (0, 0, false));
        assert_eq!(windows("s-maxage=1, stale-while-revalidate=7"), (7, 0, false));
        assert_eq!(windows("max-age=1, must-revalidate, stale-if-error=9"), (0, 0, false));
        assert_eq!(windows("max-age=1, proxy-revalidate"), (0, 0, false));
    }
}
