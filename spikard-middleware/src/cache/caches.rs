//! The caches of a server, for those who know better than what is stored: unsafe requests, which change
//! what a URL stands for, and operators, who purge.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::Deserialize;

use super::store::Store;
use super::stored::Stored;

/// The caches of a server, as long as they are in use. Clones are the same.
#[derive(Clone, Default)]
pub struct Caches(Arc<Mutex<Vec<Weak<Store>>>>);

/// Which stored answers to forget: those that fit all that is said, at least one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Purge {
    /// The host, as clients name it, with a port if they do.
    pub host: Option<String>,
    /// The path with its query, or what comes before a `*` at the end: `/catalog/*`. A path without query
    /// stands for all queries.
    pub path: Option<String>,
    /// A name that the answer has in `Cache-Groups` (RFC 9875) or `Cache-Tag`.
    pub tag: Option<String>,
    /// All of them.
    pub everything: bool,
}

impl Caches {
    pub(super) fn add(&self, store: &Arc<Store>) {
        let mut stores = self.lock();
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Arc::downgrade(store));
    }

    /// Forgets what is stored and meant by `purge`, in all caches. How many URLs that were.
    pub fn purge(&self, purge: &Purge) -> usize {
        self.each().iter().map(|store| store.purge(|url, stored| purge.means(url, stored))).sum()
    }

    /// Forgets the answers of a URL.
    pub(super) fn invalidate(&self, url: &str) {
        for store in self.each() {
            store.invalidate(url);
        }
    }

    /// Forgets the answers of an origin (`http://shop.example`) that have the tag.
    pub(super) fn invalidate_group(&self, origin: &str, tag: &str) {
        let same = |url: &str| url.strip_prefix(origin).is_some_and(|path| path.starts_with('/'));
        for store in self.each() {
            store.purge(|url, stored| same(url) && has_tag(stored, tag));
        }
    }

    pub(super) fn each(&self) -> Vec<Arc<Store>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Store>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Purge {
    /// Whether it says which answers it means.
    pub fn is_meaningful(&self) -> bool {
        self.everything || self.host.is_some() || self.path.is_some() || self.tag.is_some()
    }

    fn means(&self, url: &str, stored: &Stored) -> bool {
        let Some((host, path)) = url.split_once("://").map(|(_, rest)| rest.split_at(rest.find('/').unwrap_or(rest.len())))
        else {
            return false;
        };
        self.is_meaningful()
            && self.host.as_ref().is_none_or(|meant| meant.eq_ignore_ascii_case(host))
            && self.path.as_ref().is_none_or(|meant| is_path(meant, path))
            && self.tag.as_ref().is_none_or(|tag| has_tag(stored, tag))
    }
}

fn is_path(meant: &str, path: &str) -> bool {
    match meant.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path.strip_prefix(meant).is_some_and(|rest| rest.is_empty() || rest.starts_with('?') && !meant.contains('?')),
    }
}

fn has_tag(stored: &Stored, tag: &str) -> bool {
    stored.head.tags.iter().any(|own| **own == *tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_all_its_queries_and_a_star_all_that_begins_so() {
        for (meant, path, expected) in [
            ("/a", "/a", true),
            ("/a", "/a?b", true),
            ("/a", "/a/b", false),
            ("/a?b", "/a?b", true),
            ("/a?b", "/a?b?c", false),
            ("/a?b", "/a", false),
            ("/a/*", "/a/b?c", true),
            ("/a/*", "/a", false),
            ("*", "/a", true),
        ] {
            assert_eq!(is_path(meant, path), expected, "{meant} {path}");
        }
    }
}
