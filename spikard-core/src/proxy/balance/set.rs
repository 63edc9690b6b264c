//! The targets of an upstream at one time, and the order in which they take turns.

use std::sync::Arc;

use super::Target;

/// Targets, of which there is at least one.
pub(super) struct Set {
    targets: Box<[Arc<Target>]>,
    /// Positions in `targets`, each as often as its weight.
    order: Box<[usize]>,
}

impl Set {
    pub(super) fn new(targets: Vec<Arc<Target>>) -> Self {
        if let Some(first) = targets.first() {
            first.group.ejection.among(targets.len());
            if let Some(counts) = &first.group.counts {
                counts.show(&targets);
            }
        }
        let weights: Vec<u32> = targets.iter().map(|target| target.weight).collect();
        Self { order: spread(&weights).into(), targets: targets.into() }
    }

    /// Each target once.
    pub(super) fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// All turns, until they begin anew.
    pub(super) fn order(&self) -> impl Iterator<Item = &Arc<Target>> {
        self.order.iter().map(|position| &self.targets[*position])
    }

    /// The target of a turn.
    pub(super) fn at(&self, turn: usize) -> &Arc<Target> {
        &self.targets[self.order[turn % self.order.len()]]
    }
}

/// The positions of weights, each as often as its weight says and at even distances. Each begins a
/// little later than the one before it, or else all would have their turns at the same time.
#[expect(clippy::cast_precision_loss, reason = "no upstream has 2^52 targets")]
fn spread(weights: &[u32]) -> Vec<usize> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let mut turns: Vec<(f64, usize)> = Vec::new();
    for (position, weight) in weights.iter().enumerate() {
        let (count, phase) = (weight / divisor, position as f64 / weights.len() as f64);
        turns.extend((0..count).map(|turn| ((f64::from(turn) + phase) / f64::from(count), position)));
    }
    turns.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    turns.into_iter().map(|(_, position)| position).collect()
}

fn gcd(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_as_many_as_the_weight_and_never_in_a_bunch() {
        for (weights, order) in [
            (&[1, 1, 1][..], "abc"),
            (&[7, 7], "ab"),
            (&[5, 1, 1], "aabaaca"),
            (&[3, 2], "abaab"),
            (&[1, 4], "abbbb"),
            (&[100], "a"),
        ] {
            let spread: String = spread(weights).into_iter().map(|position| char::from(b"abc"[position])).collect();
            assert_eq!(spread, order, "{weights:?}");
        }
    }
}
