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

/// A time as RFC 3339 has it, with or without its zone: the classes of Python that `time` describes take
/// both, and what they write has none.
pub(super) fn is_time(text: &str) -> bool {
    const TIME: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$";
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(TIME).ok());
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

    #[test]
    fn takes_times_with_and_without_a_zone() {
        for time in ["03:04:05", "23:59:59.123456", "03:04:05Z", "03:04:05.5+01:00"] {
            assert!(is_time(time), "{time}");
        }
        for time in ["", "4", "03:04", "24:00:00", "03:04:60", "03:04:05+1", "03:04:05\n", " 03:04:05"] {
            assert!(!is_time(time), "{time}");
        }
    }
}
