//! One request: from what is stored, from a fetch that is under way, or from a fetch of its own.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use http::header::RANGE;
use http::{Method, StatusCode};
use tokio::time::timeout;

use super::answer::{Moment, Wish, is_conditional};
use super::fetch::{Errand, Landed, copy};
use super::flight::Verdict;
use super::judge::{Use, judge, stands_in};
use super::status::{Forwarded, Handling, ttl};
use super::store::{Found, Stamp};
use super::stored::Stored;
use super::terms::Asker;
use super::{Caching, key};
use crate::problem::{GATEWAY_TIMEOUT, Subject};
use crate::service::{Answer, Request, Response};
use crate::timeout::overdue::drop_as_overdue;

/// How long a fetch may take that no client waits for.
const REFRESH: Duration = Duration::from_secs(30);

/// A request for something that is not there to be given at once.
struct Ask {
    url: Arc<str>,
    stamp: Stamp,
    asker: Asker,
    why: Forwarded,
    /// What is there for it, if only the leaf confirms it.
    stored: Option<Stored>,
    /// What tells its fetch from others.
    name: String,
}

impl Caching {
    /// Answers a `GET` or `HEAD`.
    pub(super) fn look(&self, request: Request) -> Answer<'_> {
        let Self { shared, .. } = self;
        let url = key::url(&request, &shared.ignored);
        let asker = Asker::of(&request, &shared.config);
        // Before the store is asked: what changes in between is fetched for nothing, and not the other way round.
        let stamp = shared.store.stamp(&url);
        let (why, stored, name) = match shared.store.find(&url, request.headers()) {
            Found::Stored(stored) => match judge(&stored.head, &asker.directives, shared.clock.monotonic()) {
                Use::Ask(why) => {
                    let name = stored.head.selecting.variant(&url, request.headers());
                    (why, Some(stored), name)
                }
                usable => {
                    if usable == Use::WhileRevalidate {
                        let name = stored.head.selecting.variant(&url, request.headers());
                        let ask =
                            Ask { url: url.into(), stamp, asker, why: Forwarded::Stale, stored: Some(stored.clone()), name };
                        self.refresh(copy(&request), ask);
                    }
                    let response = self.given(Wish::from(request), &stored, usable);
                    return Box::pin(std::future::ready(response));
                }
            },
            Found::Varies(other) => (Forwarded::VaryMiss, None, other.head.selecting.variant(&url, request.headers())),
            Found::Nothing => (Forwarded::UriMiss, None, url.clone()),
            Found::Unstorable => (Forwarded::UriMiss, None, String::new()),
        };
        if asker.directives.only_if_cached {
            // RFC 9111 section 5.2.1.7.
            let response = GATEWAY_TIMEOUT.by("cache").response(&Subject::of(&request), "no stored answer fits the request");
            return Box::pin(std::future::ready(self.said(response, Handling::refused("only-if-cached"))));
        }
        // Without anything stored, a part is not worth the whole, nor is a look whether it has changed.
        let headers = request.headers();
        let is_part =
            request.method() == Method::HEAD || headers.contains_key(RANGE) || name.is_empty() && is_conditional(headers);
        if stored.is_none() && is_part {
            return self.pass(request, Handling::forwarded(why));
        }
        let may_wait = match &stored {
            Some(stored) => why != Forwarded::Request && !stored.head.terms.lifetime.is_zero(),
            None => !name.is_empty() && !asker.has_credentials && !asker.directives.no_cache,
        } && !shared.config.collapse.is_zero();
        let ask = Ask { url: url.into(), stamp, asker, why, stored, name };
        Box::pin(async move { if may_wait { self.together(ask, request).await } else { self.alone(ask, request).await } })
    }

    /// The answer from what is stored.
    fn given(&self, wish: Wish, stored: &Stored, usable: Use) -> Response {
        let moment = self.moment();
        let metrics = &self.shared.metrics;
        if usable == Use::Fresh {
            metrics.hit.inc()
        } else {
            metrics.stale.inc()
        };
        let handling = Handling::hit(&stored.head, stored.head.age(moment.now));
        match wish.stored(stored, moment) {
            Some(response) => self.said(response, handling),
            None => wish.broke_off(),
        }
    }

    /// Waits for the fetch that is under way for the same, or begins one for all.
    async fn together(&self, mut ask: Ask, request: Request) -> Response {
        let wish = Wish::of(&request);
        for _ in 0..2 {
            let (flight, herald) = self.shared.flights.join(ask.name.clone(), ask.stamp);
            if let Some(herald) = herald {
                // What has come into the store since it was asked.
                if let Some(stored) = self.fresh(&ask, &request) {
                    let _ = herald.send(Some(Verdict::Shared(stored.clone())));
                    return self.given(wish, &stored, Use::Fresh);
                }
                let errand = Errand { flight: Some(Arc::downgrade(&flight)), ..ask.errand() };
                return match flight.begin(self.clone().lead(errand, request, herald)).await {
                    Ok(landed) => self.finish(&ask, &wish, landed),
                    Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                    // The runtime is going down.
                    Err(_) => wish.broke_off(),
                };
            }
            let verdict = timeout(self.shared.config.collapse, flight.verdict()).await.unwrap_or(Verdict::Alone);
            match verdict {
                Verdict::Shared(stored) if !stored.head.selecting.matches(wish.headers()) => {
                    ask.name = stored.head.selecting.variant(&ask.url, wish.headers());
                }
                Verdict::Shared(stored) => match self.collapsed(&ask, &wish, &stored) {
                    Some(response) => return response,
                    None => break,
                },
                Verdict::Failed(status) => match self.in_place_of(&ask, &wish, status) {
                    Some(response) => return response,
                    None => break,
                },
                Verdict::Alone => break,
            }
        }
        self.alone(ask, request).await
    }

    /// What is stored and needs nobody's word.
    fn fresh(&self, ask: &Ask, request: &Request) -> Option<Stored> {
        let Found::Stored(stored) = self.shared.store.find(&ask.url, request.headers()) else { return None };
        let usable = judge(&stored.head, &ask.asker.directives, self.shared.clock.monotonic());
        (usable == Use::Fresh).then_some(stored)
    }

    async fn alone(&self, ask: Ask, request: Request) -> Response {
        let wish = Wish::of(&request);
        let landed = self.fetch(&ask.errand(), request).await;
        self.finish(&ask, &wish, landed)
    }

    /// Fetches what is stale, beside the request that got it.
    fn refresh(&self, request: Request, ask: Ask) {
        let (flight, Some(herald)) = self.shared.flights.join(ask.name.clone(), ask.stamp) else { return };
        let errand = Errand { flight: Some(Arc::downgrade(&flight)), ..ask.errand() };
        let task = flight.begin(self.clone().lead(errand, request, herald));
        tokio::spawn(async move {
            let _ = timeout(REFRESH, task).await;
            // Where it is still going on, its time is over.
            drop_as_overdue(flight);
        });
    }

    /// The answer to the request that the leaf was asked for.
    fn finish(&self, ask: &Ask, wish: &Wish, landed: Landed) -> Response {
        let moment = self.moment();
        let metrics = &self.shared.metrics;
        let forwarded = Handling::forwarded(ask.why);
        match landed {
            Landed::Stored { stored, status, body } => {
                let confirmed = status == StatusCode::NOT_MODIFIED;
                if confirmed {
                    metrics.revalidated.inc()
                } else {
                    metrics.miss.inc()
                };
                let ttl = Some(ttl(&stored.head, stored.head.age(moment.now)));
                let handling = Handling { status: confirmed.then_some(status), stored: true, ttl, ..forwarded };
                match wish.fetched(&stored, moment, body) {
                    Some(response) => self.said(response, handling),
                    None => wish.broke_off(),
                }
            }
            Landed::Own(response, why) => {
                metrics.miss.inc();
                self.said(wish.unstored(response), Handling { detail: Some(why), ..forwarded })
            }
            Landed::Failed(response) => self.in_place_of(ask, wish, response.status()).unwrap_or_else(|| {
                metrics.miss.inc();
                self.said(response, forwarded)
            }),
        }
    }

    /// The answer from what another has fetched.
    fn collapsed(&self, ask: &Ask, wish: &Wish, stored: &Stored) -> Option<Response> {
        let moment = self.moment();
        if judge(&stored.head, &ask.asker.directives, moment.now) != Use::Fresh {
            return None;
        }
        let response = wish.fetched(stored, moment, None)?;
        self.shared.metrics.collapsed.inc();
        let ttl = Some(ttl(&stored.head, stored.head.age(moment.now)));
        Some(self.said(response, Handling { collapsed: true, ttl, ..Handling::forwarded(ask.why) }))
    }

    /// What is stale, in place of an error of the leaf.
    fn in_place_of(&self, ask: &Ask, wish: &Wish, status: StatusCode) -> Option<Response> {
        let moment = self.moment();
        let stored = ask.stored.as_ref().filter(|stored| stands_in(&stored.head, &ask.asker.directives, moment.now))?;
        let response = wish.stored(stored, moment)?;
        self.shared.metrics.stale.inc();
        let ttl = Some(ttl(&stored.head, stored.head.age(moment.now)));
        let handling = Handling { status: Some(status), ttl, detail: Some("stale-if-error"), ..Handling::forwarded(ask.why) };
        Some(self.said(response, handling))
    }

    fn moment(&self) -> Moment {
        let clock = &self.shared.clock;
        Moment { now: clock.monotonic(), wall: clock.wall() }
    }
}

impl Ask {
    fn errand(&self) -> Errand {
        let (url, stored) = (Arc::clone(&self.url), self.stored.clone());
        Errand { url, stamp: self.stamp, asker: self.asker, stored, flight: None }
    }
}
