//! The memory that bodies take: those that are stored, those that are arriving, and those that were
//! stored and are still being sent to slow clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// A bound for bodies of all answers together. Clones are one budget.
#[derive(Clone)]
pub(super) struct Budget(Arc<Account>);

struct Account {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self(Arc::new(Account { limit, used: AtomicU64::new(0) }))
    }

    /// Takes `bytes` of it, if they are there.
    pub(super) fn take(&self, bytes: usize) -> Option<Spent> {
        let bytes = bytes as u64;
        let used = self.0.used.fetch_add(bytes, Ordering::Relaxed);
        // Given back at once where it is too much.
        let spent = Spent { account: Arc::clone(&self.0), bytes };
        (used.saturating_add(bytes) <= self.0.limit).then_some(spent)
    }
}

/// Bytes of a budget; dropped, they are there for others again.
pub(super) struct Spent {
    account: Arc<Account>,
    bytes: u64,
}

impl Spent {
    /// Bytes that give this back with their last clone.
    pub(super) fn hold(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Held { bytes, _spent: self })
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        self.account.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Held {
    bytes: Vec<u8>,
    _spent: Spent,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_comes_back_with_its_last_clone() {
        let budget = Budget::new(10);
        let held = budget.take(6).unwrap().hold(vec![0; 6]);
        assert!(budget.take(5).is_none());
        let part = held.slice(1..2);
        drop(held);
        assert!(budget.take(5).is_none());
        drop(part);
        assert!(budget.take(10).is_some());
    }
}
