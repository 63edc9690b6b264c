//! "Did you mean": the names that are nearest to one that is not known.

use std::cmp::Reverse;

use super::expectation::or;

/// The known names that are nearest to `name`: all that are equally near, or none if none is.
pub(super) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let lower = name.to_lowercase();
    // A swap of neighbours is one slip, and so is a dash for an underscore.
    let distance = |known: &str| strsim::damerau_levenshtein(&lower.replace('-', "_"), &known.to_lowercase().replace('-', "_"));
    let reach = (name.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> =
        known.into_iter().map(|known| (distance(known), known)).filter(|(distance, _)| *distance <= reach).collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    near.retain(|(distance, _)| Some(*distance) == least);
    near.sort_by_key(|(_, known)| Reverse(common_prefix(name, known)));
    near.into_iter().map(|(_, known)| known).collect()
}

/// The question, if there is anything to ask.
pub(super) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let near = nearest(name, known);
    let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    (!quoted.is_empty()).then(|| format!("did you mean {}?", or(&quoted)))
}

fn common_prefix(left: &str, right: &str) -> usize {
    left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_all_names_that_are_equally_near_and_none_that_is_far() {
        let known = ["key", "keys", "min_size", "quality"];
        assert_eq!(nearest("kei", known), ["key"]);
        assert_eq!(nearest("keyz", known), ["key", "keys"]);
        assert_eq!(nearest("min-size", known), ["min_size"]);
        assert_eq!(did_you_mean("qualiyt", known).as_deref(), Some("did you mean `quality`?"));
        assert_eq!(did_you_mean("burst", known), None);
    }
}
