//! What a text of a path, a query, a header, a cookie or a form stands for.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A whole number that was read from a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whole {
    Small(i64),
    /// Beyond 64 bits: its digits as JSON writes them.
    Large(String),
}

/// `7`, `-7`, `+7`, `007` and `7.0`.
pub(super) fn whole(text: &str) -> Option<Whole> {
    // Rust's `i64` takes just these texts, but for the fraction.
    if let Ok(small) = text.parse() {
        return Some(Whole::Small(small));
    }
    let (number, zeros) = text.split_once('.').unwrap_or((text, "0"));
    if zeros.is_empty() || zeros.bytes().any(|byte| byte != b'0') {
        return None;
    }
    if let Ok(small) = number.parse() {
        return Some(Whole::Small(small));
    }
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    if digits.is_empty() || digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    let sign = if number.starts_with('-') { "-" } else { "" };
    Some(Whole::Large(format!("{sign}{}", digits.trim_start_matches('0'))))
}

/// A number: no infinity, and no words for one.
pub(super) fn number(text: &str) -> Option<f64> {
    let is_numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    if !text.bytes().all(is_numeric) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` and `false` in any case, `1`, `0`, and the empty text, which is false.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" | "" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl Whole {
    /// The number as JSON. Beyond 64 bits it is the nearest double.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Small(small) => Some((*small).into()),
            Self::Large(digits) => digits
                .parse::<u64>()
                .ok()
                .map(Value::from)
                .or_else(|| number(digits).and_then(Number::from_f64).map(Value::Number)),
        }
    }
}

/// Undoes `+` and percent-encoding. None if the result is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_many_spellings() {
        for (text, small) in [("7", 7), ("-7", -7), ("+7", 7), ("007", 7), ("7.00", 7), ("-0", 0)] {
            assert_eq!(whole(text), Some(Whole::Small(small)), "{text}");
        }
        for (text, digits) in
            [("9223372036854775808", "9223372036854775808"), ("-0099999999999999999999.0", "-99999999999999999999")]
        {
            assert_eq!(whole(text), Some(Whole::Large(digits.into())), "{text}");
        }
        for text in ["", "-", "+", ".0", "7.", "7.5", "1e3", " 7", "7 ", "0x7", "7_0", "٧", "--7"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(
            (number("-2.5e3"), number("1e400"), number("inf"), number("NaN"), number("")),
            (Some(-2500.0), None, None, None, None)
        );
    }

    #[test]
    fn booleans_are_words_or_digits_or_nothing() {
        for (text, expected) in [("true", true), ("TRUE", true), ("1", true), ("False", false), ("0", false), ("", false)] {
            assert_eq!(boolean(text), Some(expected), "{text}");
        }
        assert!(["yes", "on", "2", " true", "t"].iter().all(|text| boolean(text).is_none()));
    }
}
