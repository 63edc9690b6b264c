//! The formats that are asserted, and what their violation is called.

use std::sync::LazyLock;

use regex::Regex;

/// An e-mail address as the HTML standard has it (section 4.10.5.1.5): what a browser's form lets
/// through. The pattern is what a client is shown.
pub(super) const EMAIL: &str = "^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$";

pub(super) fn is_email(text: &str) -> bool {
    // The pattern is a constant, and a test compiles it.
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(EMAIL).ok());
    PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// The type of a violation and the noun of its message.
pub(super) fn violated(format: &str) -> Option<(&'static str, &'static str)> {
    Some(match format {
        "uuid" => ("uuid_parsing", "UUID"),
        "date" => ("date_parsing", "date"),
        "date-time" => ("datetime_parsing", "datetime"),
        "time" => ("time_parsing", "time"),
        "duration" => ("duration_parsing", "duration"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_addresses_that_browsers_take() {
        for address in ["ada@example.com", "o'brien+x@mail.example.co.uk", "root@localhost"] {
            assert!(is_email(address), "{address}");
        }
        for address in ["", "ada", "ada@", "@example.com", "ada@example..com", "a b@example.com", "ada@-a.com", "a@b.com\n"] {
            assert!(!is_email(address), "{address}");
        }
    }
}
