//! Counters that all worker processes of a server share: which limit has which part of the memory.
//!
//! The memory begins with a head: the version of this layout, the key of the hash, and one word
//! for each part, the name of the limit that has it. All parts are as large as the largest table;
//! what of them is not used does not exist. A limit's name is a hash of the route that it stands
//! before, of what it counts by and of its size, and limits of one route and kind are numbered:
//! workers with the same configuration find the same parts, and a worker with another
//! one gets parts of its own where it differs. Rate and burst are not in the name, so that a
//! change of them keeps the counts.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use siphasher::sip::SipHasher13;

use super::config::MAX_KEYS;
use super::memory::{File, Memory, invalid};
use super::table::{self, LOCKS, Set};
use crate::context::BuildContext;

/// The first word of the head, which changes with the layout of anything here or in the table.
const VERSION: u64 = u64::from_be_bytes(*b"spikard\x01");
/// How many limits there may be.
const PARTS: usize = 4096;

/// The words of the head.
const VERSION_WORD: usize = 0;
const HASH_WORDS: [usize; 2] = [1, 2];
const FIRST_NAME: usize = 8;
const HEAD_WORDS: usize = FIRST_NAME + PARTS;

/// A multiple of every system's pages.
const PAGE: u64 = 64 << 10;
/// The room for the head.
const HEAD: u64 = PAGE;
/// The room for a part: a page for the locks, and the largest table.
const PART: u64 = PAGE + MAX_KEYS as u64 * 16;
const SIZE: u64 = HEAD + PARTS as u64 * PART;

/// Memory for the counters of all rate limits of a server, shared by its worker processes.
///
/// One process creates it and hands the descriptor to the others.
///
/// ```
/// use spikard_middleware::rate_limit::SharedCounters;
/// use spikard_middleware::{BuildContext, PolicyConfig, RateLimitConfig, RateLimits};
///
/// let counters = SharedCounters::create()?;
/// // In each worker process:
/// let ctx = BuildContext::default();
/// counters.share(&ctx);
/// let layer = RateLimits::from(RateLimitConfig::new(10.0, 20)).build(&ctx);
/// # assert!(layer.is_ok());
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedCounters(Arc<Inner>);

struct Inner {
    file: File,
    head: Memory<AtomicU64>,
}

impl SharedCounters {
    /// New memory, in which no limit has counted yet.
    ///
    /// # Errors
    /// When the system has no shared memory.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a number")]
    pub fn create() -> io::Result<Self> {
        let counters = Self::on(File::create(SIZE)?)?;
        let key = u128::from_ne_bytes(table::random_key());
        for (word, half) in HASH_WORDS.into_iter().zip([key as u64, (key >> 64) as u64]) {
            counters.0.head[word].store(half, Ordering::Relaxed);
        }
        counters.0.head[VERSION_WORD].store(VERSION, Ordering::Release);
        Ok(counters)
    }

    /// The memory that another process has created.
    ///
    /// # Errors
    /// When it is not such memory, or of another version of this program.
    pub fn open(descriptor: OwnedFd) -> io::Result<Self> {
        let counters = Self::on(File::open(descriptor, SIZE)?)?;
        match counters.0.head[VERSION_WORD].load(Ordering::Acquire) {
            VERSION => Ok(counters),
            other => Err(invalid(&format!("the counters have layout {other:x}, expected {VERSION:x}"))),
        }
    }

    fn on(file: File) -> io::Result<Self> {
        let head = Memory::shared(&file, 0, HEAD_WORDS)?;
        Ok(Self(Arc::new(Inner { file, head })))
    }

    /// Has the rate limits that are built with this context count here. Before any is built.
    pub fn share(&self, ctx: &BuildContext) {
        ctx.shared(HOME, || Home { counters: Some(self.clone()), names: Mutex::default() });
    }

    pub(super) fn hasher(&self) -> SipHasher13 {
        let [first, second] = HASH_WORDS.map(|word| self.0.head[word].load(Ordering::Relaxed));
        SipHasher13::new_with_keys(first, second)
    }

    /// The part of the limit `name`: its locks and `sets` sets.
    pub(super) fn part(&self, name: &str, sets: usize) -> io::Result<(Memory<AtomicU32>, Memory<Set>)> {
        let name = SipHasher13::new().hash(format!("{name} {sets}").as_bytes()).max(1);
        let is_ours = |word: &AtomicU64| match word.compare_exchange(0, name, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(other) => other == name,
        };
        let parts = &self.0.head[FIRST_NAME..];
        let part = parts.iter().position(is_ours).ok_or_else(|| io::Error::other(format!("all {PARTS} parts are taken")))?;
        let start = HEAD + part as u64 * PART;
        let locks = Memory::shared(&self.0.file, start, LOCKS)?;
        Ok((locks, Memory::shared(&self.0.file, start + PAGE, sets)?))
    }
}

impl AsFd for SharedCounters {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.file.descriptor().as_fd()
    }
}

/// The state of a context under which it keeps its [`Home`].
const HOME: &str = "rate_limit";

/// Where the limits of one context count.
#[derive(Default)]
pub(super) struct Home {
    counters: Option<SharedCounters>,
    /// How many limits have the same name so far.
    names: Mutex<HashMap<String, u32>>,
}

impl Home {
    pub(super) fn of(ctx: &BuildContext) -> Arc<Self> {
        ctx.shared(HOME, Self::default)
    }

    /// The name of the next limit that is called `name`, which no other has.
    pub(super) fn numbered(&self, name: &str) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let number = names.entry(name.to_owned()).or_default();
        *number += 1;
        format!("{name}:{number}")
    }

    /// The table of the limit `name`. Where nothing is shared, or there is no more room for it, it is
    /// this process's own; the latter is an error beside it.
    pub(super) fn table(&self, name: &str, max_keys: usize) -> (table::Table, Option<io::Error>) {
        let own = || table::Table::new(max_keys);
        let Some(counters) = &self.counters else { return (own(), None) };
        match table::Table::shared(counters, name, max_keys) {
            Ok(table) => (table, None),
            Err(error) => (own(), Some(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::gcra::{Decision, Quota, gcra};

    /// How many of ten requests a table admits with a burst of five.
    fn admitted(table: &table::Table) -> usize {
        let quota = Quota::new(1.0, 5).unwrap();
        let ask = || table.update(b"key", 1, |tat| gcra(tat, 1, quota));
        (0..10).filter(|_| matches!(ask(), Decision::Admitted { .. })).count()
    }

    /// The memory as another process sees it.
    fn elsewhere(counters: &SharedCounters) -> SharedCounters {
        SharedCounters::open(counters.as_fd().try_clone_to_owned().unwrap()).unwrap()
    }

    fn home(counters: &SharedCounters) -> Arc<Home> {
        let ctx = BuildContext::default();
        counters.share(&ctx);
        Home::of(&ctx)
    }

    /// The table of the next limit of this name.
    fn next(home: &Home, name: &str, max_keys: usize) -> table::Table {
        let (table, error) = home.table(&home.numbered(name), max_keys);
        assert!(error.is_none(), "{error:?}");
        table
    }

    #[test]
    fn a_limit_of_the_same_name_counts_in_the_same_place_everywhere() {
        let counters = SharedCounters::create().unwrap();
        let (first, second) = (home(&counters), home(&elsewhere(&counters)));
        assert_eq!(admitted(&next(&first, "rate_limit address", 100)), 5);
        assert_eq!(admitted(&next(&second, "rate_limit address", 100)), 0);
        assert_eq!(admitted(&next(&second, "rate_limit address", 100)), 5, "the second of that name");
        assert_eq!(admitted(&next(&first, "rate_limit address", 100)), 0);
    }

    #[test]
    fn another_configuration_gets_memory_of_its_own() {
        let counters = SharedCounters::create().unwrap();
        assert_eq!(admitted(&next(&home(&counters), "rate_limit address", 100)), 5);
        assert_eq!(admitted(&next(&home(&counters), "rate_limit address", 1000)), 5, "another size");
        assert_eq!(admitted(&next(&home(&counters), "rate_limit global", 100)), 5, "another key");
        assert_eq!(admitted(&next(&home(&counters), "rate_limit address", 100)), 0);
    }

    #[test]
    fn limits_beyond_the_last_part_count_alone() {
        let counters = SharedCounters::create().unwrap();
        let home = home(&counters);
        let mut last = None;
        for _ in 0..=PARTS {
            last = Some(home.table(&home.numbered("rate_limit address"), 1));
        }
        let (table, error) = last.unwrap();
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some("all 4096 parts are taken"));
        assert_eq!(admitted(&table), 5);
    }

    #[test]
    fn the_largest_table_fits_and_costs_nothing_until_it_is_used() {
        let counters = SharedCounters::create().unwrap();
        let table = next(&home(&counters), "rate_limit address", MAX_KEYS as usize);
        assert_eq!(admitted(&table), 5);
        let blocks = rustix::fs::fstat(&counters).unwrap().st_blocks;
        assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
    }

    #[test]
    fn memory_of_another_version_is_refused() {
        let counters = SharedCounters::create().unwrap();
        counters.0.head[VERSION_WORD].store(VERSION + 1, Ordering::Relaxed);
        let error = SharedCounters::open(counters.as_fd().try_clone_to_owned().unwrap()).err().unwrap().to_string();
        assert!(error.starts_with("the counters have layout 7370696b61726402, expected"), "{error}");
    }
}
