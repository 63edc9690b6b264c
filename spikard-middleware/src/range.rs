//! Byte ranges (RFC 9110 section 14). Ranges that overlap or touch are one; several that stay
//! apart are answered with the whole, as section 14.2 permits: `multipart/byteranges` has no
//! users left, and is a known way to make a server work hard.

use std::ops::Range;

/// What a `Range` field asks for, of a body of some size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// Nothing that is there.
    Nothing,
}

/// Reads the value of `Range`. One that is malformed or of another unit is passed over.
pub(crate) fn wanted(field: &str, size: u64) -> Wanted {
    let Some((unit, list)) = field.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut parts = Vec::new();
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        match part(item, size) {
            Some(part) => parts.push(part),
            None => return Wanted::Whole,
        }
    }
    if parts.is_empty() {
        return Wanted::Whole;
    }
    parts.retain(|part| part.start < size && !part.is_empty());
    parts.sort_by_key(|part| part.start);
    let Some(mut joined) = parts.first().cloned() else { return Wanted::Nothing };
    for part in parts {
        if part.start > joined.end {
            return Wanted::Whole;
        }
        joined.end = joined.end.max(part.end);
    }
    Wanted::Part(joined)
}

/// `0-499`, `500-` or `-500`; none if it is malformed.
fn part(item: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = item.split_once('-')?;
    match (first, last) {
        ("", last) => Some(size.saturating_sub(number(last)?)..size),
        (first, "") => Some(number(first)?..size),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first..last.saturating_add(1).min(size))
        }
    }
}

/// A number of any length: what is too large for us is larger than any body.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_rfc_allows_and_passes_over_the_rest() {
        for (field, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("Bytes = 2-5", Wanted::Part(2..6)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=9-99999999999999999999999", Wanted::Part(9..10)),
            ("bytes=0-2, 3-4,,4-6", Wanted::Part(0..7)),
            ("bytes=5-6, 0-1", Wanted::Whole),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=10-20, 99-", Wanted::Nothing),
            ("bytes=1-1, 10-", Wanted::Part(1..2)),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1, x", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("0-1", Wanted::Whole),
        ] {
            assert_eq!(wanted(field, 10), expected, "{field}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }
}
