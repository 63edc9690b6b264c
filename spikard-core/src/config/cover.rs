//! Keeps what `${NAME}` stands for out of messages that were made from the finished values.

use spikard_middleware::ConfigPath;

/// Shorter values are covered only in messages about their own setting: `5` may be anything.
const TELLING: usize = 4;

/// A value of the environment and where the configuration uses it.
#[derive(Clone)]
pub(super) struct Behind {
    pub(super) at: ConfigPath,
    pub(super) name: String,
    pub(super) value: String,
}

/// The message about the setting `at` with `${NAME}` for each value.
pub(super) fn cover(message: &str, at: &ConfigPath, values: &[Behind]) -> String {
    let mut telling: Vec<&Behind> = values
        .iter()
        .filter(|behind| !["", "true", "false"].contains(&behind.value.as_str()))
        .filter(|behind| behind.value.len() >= TELLING || behind.at == *at)
        .collect();
    telling.sort_by_key(|behind| std::cmp::Reverse(behind.value.len()));
    telling.into_iter().fold(message.to_owned(), |message, behind| replace_word(&message, behind))
}

/// Replaces a value where it stands for itself, not where it is a part of a longer word.
fn replace_word(message: &str, behind: &Behind) -> String {
    let mut covered = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(&behind.value) {
        let end = start + behind.value.len();
        let inside = |edge: Option<char>, own: Option<char>| {
            edge.is_some_and(char::is_alphanumeric) && own.is_some_and(char::is_alphanumeric)
        };
        let before = inside(rest[..start].chars().next_back(), behind.value.chars().next());
        let after = inside(rest[end..].chars().next(), behind.value.chars().next_back());
        covered.push_str(&rest[..start]);
        let reference = format!("${{{}}}", behind.name);
        covered.push_str(if before || after { &behind.value } else { &reference });
        rest = &rest[end..];
    }
    covered + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_covered_where_it_stands_for_itself() {
        let place = |key: &str| ConfigPath::root().key(key);
        let behind = |at: &str, name: &str, value: &str| Behind { at: place(at), name: name.to_owned(), value: value.to_owned() };
        let values = [behind("host", "HOST", "db.internal"), behind("status", "STATUS", "3"), behind("strict", "X", "true")];
        let covered = |message: &str, at: &str| cover(message, &place(at), &values);
        assert_eq!(covered("target is `http://db.internal:80`", "targets"), "target is `http://${HOST}:80`");
        assert_eq!(covered("status is 3, expected 301 or 3", "status"), "status is ${STATUS}, expected 301 or ${STATUS}");
        assert_eq!(covered("status is 3, expected true", "other"), "status is 3, expected true");
    }
}
