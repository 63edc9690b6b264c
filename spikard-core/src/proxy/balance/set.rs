//! The targets of an upstream at one time, and the order of their turns.

use std::sync::Arc;

use super::Target;

/// Targets, at least one, and the order in which they take turns.
pub(super) struct Set(Box<[Arc<Target>]>);

impl Set {
    pub(super) fn new(targets: Vec<Arc<Target>>) -> Self {
        Self(targets.into())
    }

    /// Each target once.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.0.iter()
    }

    /// All turns, until they begin anew.
    pub(super) fn order(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.0.iter()
    }

    /// The target of a turn.
    pub(super) fn at(&self, turn: usize) -> &Arc<Target> {
        &self.0[turn % self.0.len()]
    }
}
