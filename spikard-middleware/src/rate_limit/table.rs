//! The counters of one rate limit: a fixed, set-associative table of (hash of the key, TAT).
//!
//! The table never grows, so that made-up keys cost an attacker requests and us nothing; where a
//! set is full, its oldest counter gives way. It is plain memory without pointers: the pages that
//! no key has touched do not exist, and the same layout lies in a mapping that processes share
//! (see [`super::shared`]). What a counter does is none of its business (see [`super::gcra`]).

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use siphasher::sip::SipHasher13;

use super::memory::Memory;
use super::shared::SharedCounters;

/// One counter: the hash of its key, 0 if there is none, and its TAT.
type Slot = [AtomicU64; 2];

/// The slots that a key may have: two cache lines.
pub(super) type Set = [Slot; 8];

/// Inserting locks a part of the sets. Counting never locks.
pub(super) const LOCKS: usize = 64;

pub(super) struct Table {
    sets: Memory<Set>,
    locks: Memory<AtomicU32>,
    /// With a random key, so that nobody can choose keys that fall into one set.
    hasher: SipHasher13,
}

impl Table {
    /// A table for at least `max_keys` counters, rounded up to a power of two of sets.
    pub(super) fn new(max_keys: usize) -> Self {
        let hasher = SipHasher13::new_with_key(&random_key());
        Self { sets: Memory::own(sets_for(max_keys)), locks: Memory::own(LOCKS), hasher }
    }

    /// A table that lies in shared memory under a name.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) fn shared(counters: &SharedCounters, name: &str, max_keys: usize) -> io::Result<Self> {
        let (locks, sets) = counters.part(name, sets_for(max_keys))?;
        Ok(Self { sets, locks, hasher: counters.hasher() })
    }

    /// Moves the counter of `key` with `step`, which gets the TAT and gives a result and the new
    /// TAT. It may be called again if another thread was faster.
    pub(super) fn update<D>(&self, key: &[u8], now: u64, step: impl Fn(u64) -> (D, u64)) -> D {
        self.update_hashed(self.hasher.hash(key), now, step)
    }

    fn update_hashed<D>(&self, hash: u64, now: u64, step: impl Fn(u64) -> (D, u64)) -> D {
        let hash = hash.max(1);
        #[expect(clippy::cast_possible_truncation, reason = "the mask takes fewer bits than an address has")]
        let index = hash as usize & (self.sets.len() - 1);
        let set = &self.sets[index];
        let [_, slot] = find(set, hash).unwrap_or_else(|| self.insert(index, hash, now));
        let mut tat = slot.load(Ordering::Relaxed);
        loop {
            let (decision, next) = step(tat);
            if next == tat {
                return decision;
            }
            match slot.compare_exchange_weak(tat, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return decision,
                Err(moved) => tat = moved,
            }
        }
    }

    /// A slot for a new key, in place of the oldest of its set. The lock keeps two threads, or two
    /// processes, from giving one key two slots.
    fn insert(&self, index: usize, hash: u64, now: u64) -> &Slot {
        let _one_at_a_time = Held::of(&self.locks[index % LOCKS]);
        let set = &self.sets[index];
        if let Some(slot) = find(set, hash) {
            return slot;
        }
        let age = |[_, tat]: &Slot| tat.load(Ordering::Relaxed);
        let oldest = set.iter().fold(&set[0], |oldest, slot| if age(slot) < age(oldest) { slot } else { oldest });
        let [key, tat] = oldest;
        // Nobody finds the slot while it belongs to neither key.
        key.store(0, Ordering::Release);
        // A counter at `now` admits the whole burst, like one at 0, but is not the next to go.
        tat.store(now, Ordering::Release);
        key.store(hash, Ordering::Release);
        oldest
    }
}

fn find(set: &Set, hash: u64) -> Option<&Slot> {
    set.iter().find(|[key, _]| key.load(Ordering::Acquire) == hash)
}

fn sets_for(max_keys: usize) -> usize {
    max_keys.div_ceil(size_of::<Set>() / size_of::<Slot>()).next_power_of_two()
}

/// A lock that is held for some ten instructions, and let go when it is dropped.
struct Held<'a>(&'a AtomicU32);

impl<'a> Held<'a> {
    /// Waits for the lock. Who has waited this often waits for a process that has died or stands
    /// still, and goes on without: at worst a key gets two slots, of which one counts later.
    fn of(lock: &'a AtomicU32) -> Self {
        const PATIENCE: u32 = 10_000;
        for _ in 0..PATIENCE {
            if lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                break;
            }
            std::thread::yield_now();
        }
        Self(lock)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

pub(super) fn random_key() -> [u8; 16] {
    let mut key = [0; 16];
    // Without the system's randomness the keys could be chosen to collide, nothing worse.
    let _ = getrandom::fill(&mut key);
    key
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::rate_limit::gcra::{Decision, Quota, gcra};

    fn admits(table: &Table, key: &[u8], now: u64, quota: Quota) -> bool {
        let decision = table.update(key, now, |tat| gcra(tat, now, quota));
        matches!(decision, Decision::Admitted { .. })
    }

    #[test]
    fn threads_together_get_exactly_the_burst_of_each_key() {
        let quota = Quota::new(1.0, 100).unwrap();
        let table = Table::new(64);
        let admitted: [AtomicU32; 20] = [const { AtomicU32::new(0) }; 20];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..50 * admitted.len() {
                        let key = round % admitted.len();
                        if admits(&table, &key.to_le_bytes(), 1, quota) {
                            admitted[key].fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.map(AtomicU32::into_inner), [100; 20]);
    }

    #[test]
    fn a_lock_that_nobody_will_let_go_holds_nobody_up() {
        let table = Table::new(1);
        table.locks[0].store(1, Ordering::Relaxed);
        assert!(admits(&table, b"key", 1, Quota::new(1.0, 1).unwrap()));
        assert_eq!(table.locks[0].load(Ordering::Relaxed), 0, "it is free again");
    }

    #[test]
    fn ten_million_made_up_keys_neither_grow_the_table_nor_free_a_busy_client() {
        let quota = Quota::new(1.0, 10).unwrap();
        let table = Table::new(1 << 20);
        let busy = 42;
        let spend = |hash, now| table.update_hashed(hash, now, |tat| gcra(tat, now, quota));
        let mut admitted = 0;
        for made_up in 1..=10_000_000_u64 {
            // A hundred thousand made-up keys a second; the busy client asks a hundred times.
            let now = made_up * 10_000;
            spend(made_up.wrapping_mul(0x9e37_79b9_7f4a_7c15), now);
            if made_up % 1000 == 0 {
                admitted += u32::from(matches!(spend(busy, now), Decision::Admitted { .. }));
            }
        }
        assert_eq!(admitted, 10 + 100 - 1, "the burst and one for each of the hundred seconds");
        assert_eq!(table.sets.len() * size_of::<Set>(), 16 << 20, "16 bytes a key");
    }
}
