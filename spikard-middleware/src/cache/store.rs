//! What is stored: the answers of each URL, in a bounded map that keeps what is asked for often.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;
use moka::Expiry;
use moka::ops::compute::Op;
use moka::sync::Cache;

use super::stored::{Content, Stored};

/// How many answers of one URL are kept that differ by request headers. One more takes the place of the
/// oldest.
const VARIANTS: usize = 32;
/// How long it is remembered that the answers of a URL cannot be stored.
const UNSTORABLE: Duration = Duration::from_mins(1);

/// What is known of a URL.
#[derive(Clone)]
enum Known {
    /// Its answers, the newest last.
    Answers(Arc<[Stored]>),
    /// Nobody need wait for an answer of another: it is for that one only.
    Unstorable,
}

/// What is found for a request.
pub(super) enum Found {
    Stored(Stored),
    /// There are answers, such as this one, but for other request headers.
    Varies(Stored),
    Unstorable,
    Nothing,
}

/// The stored answers.
pub(super) struct Store {
    map: Cache<Arc<str>, Known>,
    stamps: Stamps,
}

impl Store {
    /// A store for this many bytes.
    pub(super) fn new(size: u64) -> Self {
        let map = Cache::builder().max_capacity(size).weigher(weight).expire_after(Usefulness).build();
        Self { map, stamps: Stamps::default() }
    }

    pub(super) fn find(&self, url: &str, request: &HeaderMap) -> Found {
        match self.map.get(url) {
            None => Found::Nothing,
            Some(Known::Unstorable) => Found::Unstorable,
            Some(Known::Answers(answers)) => match answers.iter().rev().find(|stored| stored.head.selecting.matches(request)) {
                Some(stored) => Found::Stored(stored.clone()),
                None => answers.last().map_or(Found::Nothing, |other| Found::Varies(other.clone())),
            },
        }
    }

    /// How often what is stored for the URL was changed by others than those who fetch.
    pub(super) fn stamp(&self, url: &str) -> Stamp {
        self.stamps.of(url)
    }

    /// Stores an answer that was asked for at `stamp`, in place of the one for the same request headers.
    pub(super) fn insert(&self, url: &Arc<str>, stamp: Stamp, stored: &Stored) {
        self.map.entry(Arc::clone(url)).and_compute_with(|entry| {
            if self.stamps.of(url) != stamp {
                return Op::Nop;
            }
            let mut answers = match entry.map(moka::Entry::into_value) {
                Some(Known::Answers(answers)) => answers.to_vec(),
                _ => Vec::new(),
            };
            answers.retain(|other| other.head.selecting != stored.head.selecting);
            if answers.len() == VARIANTS {
                answers.remove(0);
            }
            answers.push(stored.clone());
            Op::Put(Known::Answers(answers.into()))
        });
        // By itself the map does this every few hundred entries only, each of which may be large.
        self.map.run_pending_tasks();
    }

    /// Notes that the answer to this request for the URL cannot be stored. What is stored for other request
    /// headers stays.
    pub(super) fn set_unstorable(&self, url: &Arc<str>, stamp: Stamp, request: &HeaderMap) {
        self.map.entry(Arc::clone(url)).and_compute_with(|entry| {
            if self.stamps.of(url) != stamp {
                return Op::Nop;
            }
            let mut others = match entry.map(moka::Entry::into_value) {
                Some(Known::Answers(answers)) => answers.to_vec(),
                _ => Vec::new(),
            };
            others.retain(|stored| !stored.head.selecting.matches(request));
            Op::Put(if others.is_empty() { Known::Unstorable } else { Known::Answers(others.into()) })
        });
    }

    /// Forgets the answers of a URL, also those that are being fetched. Whether there were any.
    pub(super) fn invalidate(&self, url: &str) -> bool {
        self.stamps.change(url);
        matches!(self.map.remove(url), Some(Known::Answers(_)))
    }

    /// Forgets all answers that `is_meant` names, and all that are being fetched. How many URLs that were.
    pub(super) fn purge(&self, is_meant: impl Fn(&str, &Stored) -> bool) -> usize {
        self.stamps.change_all();
        let meant = self.map.iter().filter(|(url, known)| match known {
            Known::Answers(answers) => answers.iter().any(|stored| is_meant(url, stored)),
            Known::Unstorable => false,
        });
        let meant: Vec<_> = meant.map(|(url, _)| url).collect();
        meant.iter().filter(|url| self.invalidate(url)).count()
    }

    /// How many bytes are stored, and for how many URLs.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.map.weighted_size(), self.map.entry_count())
    }
}

/// What an entry takes beside what it holds: the key twice over, and the records of the map.
const RECORD: usize = 256;

fn weight(url: &Arc<str>, known: &Known) -> u32 {
    let answers: usize = match known {
        Known::Answers(answers) => answers.iter().map(size).sum(),
        Known::Unstorable => 0,
    };
    u32::try_from(RECORD + url.len() + answers).unwrap_or(u32::MAX)
}

fn size(stored: &Stored) -> usize {
    let body = match &stored.content {
        Content::Whole(bytes) => bytes.len(),
        // Only what is complete is stored.
        Content::Arriving(_) => 0,
    };
    stored.head.size() + body
}

/// Entries go when they are of no use any more, if they are not pushed out before.
struct Usefulness;

impl Usefulness {
    fn of(known: &Known) -> Duration {
        match known {
            Known::Answers(answers) => answers.iter().map(|stored| stored.head.useful_for()).max().unwrap_or_default(),
            Known::Unstorable => UNSTORABLE,
        }
    }
}

impl Expiry<Arc<str>, Known> for Usefulness {
    fn expire_after_create(&self, _: &Arc<str>, known: &Known, _: Instant) -> Option<Duration> {
        Some(Self::of(known))
    }

    fn expire_after_update(&self, _: &Arc<str>, known: &Known, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(Self::of(known))
    }
}

/// Counts changes of what is stored, in some classes of URLs.
pub(super) struct Stamps {
    hasher: RandomState,
    all: AtomicU64,
    classes: Box<[AtomicU64]>,
}

/// The count for one URL at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64, u64);

impl Default for Stamps {
    fn default() -> Self {
        Self { hasher: RandomState::new(), all: AtomicU64::new(0), classes: (0..1024).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Stamps {
    pub(super) fn of(&self, url: &str) -> Stamp {
        Stamp(self.all.load(Ordering::SeqCst), self.class(url).load(Ordering::SeqCst))
    }

    pub(super) fn change(&self, url: &str) {
        self.class(url).fetch_add(1, Ordering::SeqCst);
    }

    fn change_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    fn class(&self, url: &str) -> &AtomicU64 {
        let hash = self.hasher.hash_one(url);
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below the length")]
        let class = (hash % self.classes.len() as u64) as usize;
        &self.classes[class]
    }
}
