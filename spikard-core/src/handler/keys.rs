//! The keys of the objects that are being scanned, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

/// Objects with more keys than this are looked up by hash.
const FEW: usize = 32;

/// The keys of all open objects, the innermost last, so that an object costs no allocation.
#[derive(Default)]
pub(super) struct Pool<'a>(Vec<Cow<'a, [u8]>>);

/// The keys of one open object.
pub(super) struct Keys<'a> {
    /// Where its keys begin in the pool.
    start: usize,
    /// A bit for each key, by what tells most keys apart.
    seen: u64,
    /// All keys, once they are many.
    many: Option<HashSet<Cow<'a, [u8]>>>,
}

impl<'a> Pool<'a> {
    pub(super) fn open(&self) -> Keys<'a> {
        Keys { start: self.0.len(), seen: 0, many: None }
    }

    /// Whether the innermost object did not have this key.
    pub(super) fn add(&mut self, object: &mut Keys<'a>, key: Cow<'a, [u8]>) -> bool {
        if let Some(many) = &mut object.many {
            return many.insert(key);
        }
        let mark = mark(&key);
        if object.seen & mark != 0 && self.0[object.start..].contains(&key) {
            return false;
        }
        object.seen |= mark;
        self.0.push(key);
        if self.0.len() - object.start > FEW {
            object.many = Some(self.0.drain(object.start..).collect());
        }
        true
    }

    pub(super) fn close(&mut self, object: &Keys<'a>) {
        self.0.truncate(object.start);
    }
}

fn mark(key: &[u8]) -> u64 {
    let (Some(&first), Some(&last)) = (key.first(), key.last()) else { return 1 };
    1 << ((key.len() + 7 * usize::from(first) + 31 * usize::from(last)) % 64)
}
