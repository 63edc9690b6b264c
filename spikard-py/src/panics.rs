//! Panics on purpose: a dev build can be told to panic at an entry of the border, so that tests see
//! what becomes of the request and of all others. A release build has no trace of it.

#[cfg(debug_assertions)]
pub(crate) use armed::panic_at;

/// An entry of the border. In a dev build it panics once if a test has asked for that.
pub(crate) fn point(name: &str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::{Mutex, PoisonError};

    use pyo3::prelude::*;

    /// The point, and how many may pass it before.
    static NEXT: Mutex<Option<(String, usize)>> = Mutex::new(None);

    /// Lets the one panic who passes the point `name` after `before` others. Dev builds only.
    #[pyfunction]
    pub(crate) fn panic_at(name: String, before: usize) {
        *NEXT.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, before));
    }

    pub(super) fn pass(name: &str) {
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *next {
            Some((point, before)) if point == name && *before > 0 => *before -= 1,
            Some((point, _)) if point == name => {
                *next = None;
                drop(next);
                panic!("a panic that was asked for at `{name}`");
            }
            _ => {}
        }
    }
}
