//! Numbers as files write them: `8080`, `1_000`, `0x1F`, `0o17`, `.5`, `1e3`.

/// The integer that `text` spells exactly, if it is one: `8080` and `8080.0`, not `80.5`.
pub(super) fn integer(text: &str) -> Option<i128> {
    if let Some(value) = literal(text) {
        return Some(value);
    }
    let value = float(text)?;
    // Up to 2^53 every integer has a float of its own; beyond, only a literal is exact.
    #[allow(clippy::cast_possible_truncation)]
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i128)
}

/// The integer, if `text` has the form of one.
pub(super) fn literal(text: &str) -> Option<i128> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// The nearest float, if it is finite.
pub(super) fn float(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite())
}

/// The number for a JSON Schema validator; beyond 64 bits the nearest float.
pub(super) fn to_json(text: &str) -> serde_json::Value {
    let exact = literal(text).and_then(|value| {
        u64::try_from(value).map(serde_json::Value::from).or_else(|_| i64::try_from(value).map(serde_json::Value::from)).ok()
    });
    exact.or_else(|| float(text).map(serde_json::Value::from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_exactly_or_not_at_all() {
        let integers =
            [("8_080", 8080), ("-0", 0), ("+5", 5), ("0x1F", 31), ("0o17", 15), ("017", 17), ("6.0", 6), ("1e3", 1000)];
        for (text, value) in integers {
            assert_eq!(integer(text), Some(value), "{text}");
        }
        for text in ["6.5", "", "x", "0x", "1e999", "--1", "9007199254740993.0e0e"] {
            assert_eq!(integer(text), None, "{text}");
        }
        assert_eq!(integer("18446744073709551615"), Some(i128::from(u64::MAX)));
        assert_eq!(to_json("18446744073709551615"), serde_json::json!(u64::MAX));
        assert_eq!(to_json(".5"), serde_json::json!(0.5));
    }
}
