//! Whether a stored answer may be given as it is (RFC 9111 section 4.2).

use super::directives::RequestDirectives;
use super::status::Forwarded;
use super::stored::Head;

/// What may be done with a stored answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Fresh,
    /// The client said that it takes it.
    Stale,
    /// Now, if it is fetched anew beside.
    WhileRevalidate,
    /// Not without asking the leaf.
    Ask(Forwarded),
}

/// `now` is on the clock that never goes back.
pub(super) fn judge(head: &Head, asks: &RequestDirectives, now: u64) -> Use {
    if asks.no_cache {
        return Use::Ask(Forwarded::Request);
    }
    if head.terms.no_cache {
        return Use::Ask(Forwarded::Stale);
    }
    let age = head.age(now);
    let too_old = asks.max_age.is_some_and(|most| age > most);
    if let Some(left) = head.terms.lifetime.checked_sub(age).filter(|left| !left.is_zero()) {
        let is_enough = !too_old && asks.min_fresh.is_none_or(|least| left >= least);
        return if is_enough { Use::Fresh } else { Use::Ask(Forwarded::Request) };
    }
    let stale = age.saturating_sub(head.terms.lifetime);
    if too_old || asks.min_fresh.is_some() {
        return Use::Ask(Forwarded::Stale);
    }
    if head.terms.lenient && asks.max_stale.is_some_and(|most| stale <= most) {
        return Use::Stale;
    }
    if stale < head.terms.while_revalidate { Use::WhileRevalidate } else { Use::Ask(Forwarded::Stale) }
}

/// Whether it may be given in place of an error (RFC 5861 section 4).
pub(super) fn stands_in(head: &Head, asks: &RequestDirectives, now: u64) -> bool {
    if asks.no_cache || head.terms.no_cache {
        return false;
    }
    let asked = asks.stale_if_error.filter(|_| head.terms.lenient).unwrap_or_default();
    let most = head.terms.lifetime.saturating_add(head.terms.if_error.max(asked));
    let age = head.age(now);
    age < most && asks.max_age.is_none_or(|most| age <= most)
}
