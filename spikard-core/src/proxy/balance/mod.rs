//! Which target answers a request, and what is known of each: how many requests it has in flight,
//! and whether it takes part.
//!
//! The rest of the proxy asks a [`Balancer`] for a [`Lease`], uses its target, and tells it the
//! outcome. Nothing here opens connections for requests.

mod counts;
mod ejection;
mod hash;
mod health;
mod lease;
mod method;
mod set;
mod target;
#[cfg(test)]
mod tests;
mod warmth;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use spikard_middleware::Request;

pub(super) use self::counts::Counts;
pub(super) use self::ejection::Ejection;
use self::hash::mix;
pub(super) use self::lease::{Lease, Outcome};
use self::method::Method;
use self::set::Set;
pub(super) use self::target::{Group, Target};
use crate::config::{AllDown, HashBy, UpstreamConfig};

/// Chooses among the targets of an upstream.
pub(super) struct Balancer {
    set: ArcSwap<Set>,
    method: Method,
    hash_by: Option<HashBy>,
    all_down: AllDown,
    turn: AtomicUsize,
}

impl Balancer {
    /// A balancer of `targets`, of which there is at least one.
    pub(super) fn new(targets: Vec<Arc<Target>>, config: &UpstreamConfig) -> Self {
        // Gateways and workers that start together begin with different targets.
        let turn = getrandom::u32().unwrap_or_default() as usize;
        Self {
            set: ArcSwap::from_pointee(Set::new(targets)),
            method: Method::new(config.balance),
            hash_by: config.hash_by.clone(),
            all_down: config.all_down,
            turn: AtomicUsize::new(turn),
        }
    }

    /// The targets at this time.
    pub(super) fn targets(&self) -> Vec<Arc<Target>> {
        self.set.load().targets().to_vec()
    }

    /// Goes on with other targets, of which there is at least one.
    pub(super) fn replace(&self, targets: Vec<Arc<Target>>) {
        self.set.store(Arc::new(Set::new(targets)));
    }

    /// What tells a request apart from others, if that decides on its target.
    pub(super) fn key(&self, request: &Request) -> Option<u64> {
        self.hash_by.as_ref().and_then(|by| hash::key_of(request, by))
    }

    /// A target for a request that the targets `tried` have not answered. None: there is no other.
    pub(super) fn choose(&self, key: Option<u64>, tried: &[Arc<Target>]) -> Option<Lease> {
        let set = self.set.load();
        let turn = self.turn(tried);
        let choose = |fit: &dyn Fn(&Arc<Target>) -> bool| self.method.choose(&set, turn, key, fit);
        let is_new = |target: &Arc<Target>| !tried.iter().any(|tried| Arc::ptr_eq(tried, target));
        let takes_part = |target: &Arc<Target>| is_new(target) && target.takes_part();
        let is_warm = |target: &Target| target.admits(|| mix(key.unwrap_or(turn as u64) ^ target.point));
        loop {
            let chosen = choose(&|target| takes_part(target) && is_warm(target)).or_else(|| choose(&takes_part));
            // Of those that are out, only one request at a time finds out whether they are back.
            match chosen.map(Lease::take) {
                Some(Some(lease)) => return Some(lease),
                Some(None) => {}
                None if self.all_down == AllDown::Refuse || set.targets().iter().any(|target| target.takes_part()) => {
                    return None;
                }
                // The judgement on the targets may be wrong: anything is better than no answer.
                None => return choose(&is_new).map(Lease::regardless),
            }
        }
    }

    /// The turn of a request. One that was tried before takes none from the requests that follow, or
    /// else of two targets the same one would be the first for all of them.
    fn turn(&self, tried: &[Arc<Target>]) -> usize {
        if tried.is_empty() {
            return self.turn.fetch_add(1, Ordering::Relaxed);
        }
        (mix(self.turn.load(Ordering::Relaxed) as u64) >> 32) as u32 as usize
    }

    /// Closes a connection that has nothing to do, of whichever target; whether there was one.
    pub(super) fn close_idle(&self) -> bool {
        self.set.load().targets().iter().any(|target| target.pool.close_oldest())
    }
}

/// A time that differs by up to a tenth each time, so that what happens again and again does not
/// happen everywhere at once.
pub(super) fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.9 + 0.2 * hash::point_of(getrandom::u64().unwrap_or_default()))
}
