//! How a target is chosen among those that are fit: the methods of the setting `balance`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Target;
use super::hash::{mix, point_of};
use super::set::Set;
use crate::config::Balance;

/// A method, and what it remembers between requests.
pub(super) struct Method {
    balance: Balance,
    /// The turns of targets that were not fit: the others take them in turn.
    spare: AtomicUsize,
}

impl Method {
    pub(super) fn new(balance: Balance) -> Self {
        Self { balance, spare: AtomicUsize::new(0) }
    }

    /// A fit target for the request that has the turn `turn` and, if it has one, the key `key`.
    pub(super) fn choose<'s>(
        &self,
        set: &'s Set,
        turn: usize,
        key: Option<u64>,
        fit: impl Fn(&Arc<Target>) -> bool,
    ) -> Option<&'s Arc<Target>> {
        match (self.balance, key) {
            (Balance::RoundRobin, _) | (Balance::Hash, None) => self.in_turn(set, turn, fit),
            (Balance::LeastConnections, _) => self.least_loaded(set, turn, fit),
            (Balance::TwoChoices, _) => self.better_of_two(set, turn, fit),
            (Balance::Hash, Some(key)) => nearest(set, key, fit),
        }
    }

    /// The target whose turn it is if it is fit, or else the next of those that are.
    fn in_turn<'s>(&self, set: &'s Set, turn: usize, fit: impl Fn(&Arc<Target>) -> bool) -> Option<&'s Arc<Target>> {
        let due = set.at(turn);
        if fit(due) {
            return Some(due);
        }
        let others = || set.order().filter(|target| fit(target));
        match others().count() {
            0 => None,
            count => others().nth(self.spare.fetch_add(1, Ordering::Relaxed) % count),
        }
    }

    /// The target with the fewest requests in flight for its weight; of several, the one whose turn
    /// it is.
    fn least_loaded<'s>(&self, set: &'s Set, turn: usize, fit: impl Fn(&Arc<Target>) -> bool) -> Option<&'s Arc<Target>> {
        let mut least = self.in_turn(set, turn, &fit)?;
        for target in set.targets() {
            if target.is_lighter(least) && fit(target) {
                least = target;
            }
        }
        Some(least)
    }

    /// The one of two targets, chosen at random by their weights, that has fewer requests in flight.
    /// Unlike the least loaded of all, it is not the same for all gateways at the same time.
    fn better_of_two<'s>(&self, set: &'s Set, turn: usize, fit: impl Fn(&Arc<Target>) -> bool) -> Option<&'s Arc<Target>> {
        let lot = mix(turn as u64);
        let first = self.in_turn(set, (lot >> 32) as u32 as usize, &fit)?;
        let second = self.in_turn(set, (mix(lot) >> 32) as u32 as usize, |target| !Arc::ptr_eq(target, first) && fit(target));
        Some(second.filter(|second| second.is_lighter(first)).unwrap_or(first))
    }
}

/// The target that is nearest to a key: weighted rendezvous hashing. Where a target comes or goes,
/// only the keys that are nearest to it move, and all gateways with the same targets agree.
fn nearest(set: &Set, key: u64, fit: impl Fn(&Arc<Target>) -> bool) -> Option<&Arc<Target>> {
    let distance = |target: &Target| -point_of(mix(key ^ target.point)).ln() / f64::from(target.weight);
    let fitting = set.targets().iter().filter(|target| fit(target));
    let measured = fitting.map(|target| (distance(target), target));
    measured.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, target)| target)
}
