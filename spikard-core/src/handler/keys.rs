//! The keys of the objects that are being scanned, to find one that stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

/// Objects with more keys than this are looked up by hash.
const FEW: usize = 32;

/// The keys of all open objects, the innermost last.
#[derive(Default)]
pub(super) struct Keys<'a> {
    open: Vec<Cow<'a, [u8]>>,
    many: Vec<(usize, HashSet<Cow<'a, [u8]>>)>,
    seen: Vec<u64>,
}

/// An open object: how deep it stands, and where its keys begin.
#[derive(Clone, Copy)]
pub(super) struct Object {
    level: usize,
    start: usize,
}

impl<'a> Keys<'a> {
    pub(super) fn open(&mut self) -> Object {
        self.seen.push(0);
        Object { level: self.seen.len(), start: self.open.len() }
    }

    /// Whether the innermost object did not have this key.
    pub(super) fn add(&mut self, object: Object, key: Cow<'a, [u8]>) -> bool {
        if let Some((level, many)) = self.many.last_mut()
            && *level == object.level
        {
            return many.insert(key);
        }
        // Most keys of an object differ in what this looks at: then no other key is compared.
        let mark = 1 << (mark(&key) & 63);
        let Some(seen) = self.seen.last_mut() else { return false };
        if *seen & mark != 0 && self.open[object.start..].contains(&key) {
            return false;
        }
        *seen |= mark;
        self.open.push(key);
        if self.open.len() - object.start > FEW {
            self.many.push((object.level, self.open.drain(object.start..).collect()));
        }
        true
    }

    pub(super) fn close(&mut self, object: Object) {
        self.open.truncate(object.start);
        self.seen.pop();
        if self.many.last().is_some_and(|(level, _)| *level == object.level) {
            self.many.pop();
        }
    }
}

fn mark(key: &[u8]) -> usize {
    let (first, last) = (key.first().copied().unwrap_or_default(), key.last().copied().unwrap_or_default());
    key.len() + 7 * usize::from(first) + 31 * usize::from(last)
}
