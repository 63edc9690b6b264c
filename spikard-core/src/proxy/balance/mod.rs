//! Which target answers a request, and what is known of each: how many requests it has in flight,
//! and whether it takes part.
//!
//! The rest of the proxy asks a [`Balancer`] for a [`Lease`], uses its target, and tells it the
//! outcome. Nothing here opens connections for requests.

mod ejection;
mod lease;
mod set;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

pub(super) use self::ejection::Ejection;
pub(super) use self::lease::{Lease, Outcome};
use self::set::Set;
pub(super) use self::target::{Group, Target};

/// Chooses among the targets of an upstream.
pub(super) struct Balancer {
    set: ArcSwap<Set>,
    turn: AtomicUsize,
    /// The turns of targets that take no part: the others take them in turn.
    spare: AtomicUsize,
}

impl Balancer {
    /// A balancer of `targets`, of which there is at least one.
    pub(super) fn new(targets: Vec<Arc<Target>>) -> Self {
        Self { set: ArcSwap::from_pointee(Set::new(targets)), turn: AtomicUsize::new(0), spare: AtomicUsize::new(0) }
    }

    /// A target for a request that the targets `tried` have not answered. None: there is no other.
    pub(super) fn choose(&self, tried: &[Arc<Target>]) -> Option<Lease> {
        let set = self.set.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let is_new = |target: &Arc<Target>| !tried.iter().any(|tried| Arc::ptr_eq(tried, target));
        loop {
            let chosen = self.in_turn(&set, turn, |target| is_new(target) && target.takes_part());
            // Where no target takes part, the judgement on them may be wrong: all are tried.
            let Some(chosen) = chosen else {
                let none = !set.targets().any(|target| target.takes_part());
                return if none { self.in_turn(&set, turn, is_new).map(Lease::regardless) } else { None };
            };
            // Of those that are out, only one request at a time finds out whether they are back.
            if let Some(lease) = Lease::take(chosen) {
                return Some(lease);
            }
        }
    }

    /// The target whose turn it is if it is `fit`, or else the next of those that are.
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
}

#[cfg(test)]
mod tests;
