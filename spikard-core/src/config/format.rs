//! The formats of text that the schema names: those of the policies, and those of this crate.

use spikard_middleware::units::{FORMATS, Format};

use super::upstream::HASH_BY;

/// All formats.
pub(super) fn formats() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().chain([&HASH_BY])
}
