//! A strict look at a JSON text that builds nothing: it refuses what [`json::parse`](super::json)
//! refuses, and leaves the reading to another decoder.

use std::borrow::Cow;

use spikard_middleware::problem::MALFORMED_BODY;

use super::keys::{Keys, Pool};
use super::refused::Refused;

/// Whether this is one JSON text, strictly read, in which at most `depth` arrays and objects stand
/// one inside the other.
///
/// Two parsers cannot understand an accepted text differently: no key stands twice in an object
/// (however it is spelt), no string holds half a surrogate pair, no number is outside the range of
/// doubles, and there is no byte order mark.
///
/// # Errors
/// The refusal is what the client is answered.
///
/// ```
/// use spikard_core::handler::scan;
///
/// assert!(scan(br#"{"a": [1, 2.5, "\u00e9"]}"#, 128).is_ok());
/// assert!(scan(br#"{"a": 1, "\u0061": 2}"#, 128).is_err());
/// ```
pub fn scan(bytes: &[u8], depth: usize) -> Result<(), Refused> {
    match walk(Text(bytes), depth) {
        Ok(()) if simdutf8::basic::from_utf8(bytes).is_ok() => Ok(()),
        Ok(()) | Err(Stop::Malformed) => Err(Refused::malformed()),
        Err(Stop::TooDeep) => Err(too_deep(depth)),
    }
}

/// The refusal of a text that is nested deeper than the limit.
pub(super) fn too_deep(depth: usize) -> Refused {
    Refused::new(MALFORMED_BODY, format!("JSON is nested deeper than the limit of {depth} levels"))
}

#[derive(Clone, Copy)]
enum Stop {
    Malformed,
    TooDeep,
}

type Scanned<T> = Result<T, Stop>;

/// An array or object that is open.
enum Open<'a> {
    Array,
    Object(Keys<'a>),
}

fn walk(text: Text<'_>, depth: usize) -> Scanned<()> {
    let mut open = Vec::new();
    let mut pool = Pool::default();
    let mut at = 0;
    loop {
        // Here a value begins.
        let (first, behind) = text.token(at)?;
        at = behind;
        if let b'{' | b'[' = first {
            if open.len() == depth {
                return Err(Stop::TooDeep);
            }
            let (next, behind) = text.token(at)?;
            match (first, next) {
                (b'{', b'}') | (b'[', b']') => at = behind,
                (b'{', _) => {
                    let mut keys = pool.open();
                    at = key(text, at, &mut keys, &mut pool)?;
                    open.push(Open::Object(keys));
                    continue;
                }
                _ => {
                    open.push(Open::Array);
                    continue;
                }
            }
        } else {
            at = text.scalar(first, at)?;
        }
        // Here a value has ended.
        loop {
            let Some(innermost) = open.last_mut() else {
                return if text.behind_space(at) == text.0.len() { Ok(()) } else { Err(Stop::Malformed) };
            };
            let (next, behind) = text.token(at)?;
            at = behind;
            match (innermost, next) {
                (Open::Array, b',') => break,
                (Open::Object(keys), b',') => {
                    at = key(text, at, keys, &mut pool)?;
                    break;
                }
                (Open::Array, b']') => {}
                (Open::Object(keys), b'}') => pool.close(keys),
                _ => return Err(Stop::Malformed),
            }
            open.pop();
        }
    }
}

/// Reads a key and its colon.
fn key<'a>(text: Text<'a>, at: usize, keys: &mut Keys<'a>, pool: &mut Pool<'a>) -> Scanned<usize> {
    let (b'"', start) = text.token(at)? else { return Err(Stop::Malformed) };
    let (end, is_plain) = text.string(start)?;
    let key = if is_plain {
        Cow::Borrowed(&text.0[start..end - 1])
    } else {
        // Few keys are written with escapes: the parser undoes them.
        let key: String = serde_json::from_slice(&text.0[start - 1..end]).map_err(|_| Stop::Malformed)?;
        Cow::Owned(key.into_bytes())
    };
    match text.token(end)? {
        (b':', behind) if pool.add(keys, key) => Ok(behind),
        _ => Err(Stop::Malformed),
    }
}

/// The text, and what stands at a place of it: every method says where it ends.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn at(self, at: usize) -> Scanned<u8> {
        self.0.get(at).copied().ok_or(Stop::Malformed)
    }

    /// The next byte that is no white space.
    #[inline]
    fn token(self, at: usize) -> Scanned<(u8, usize)> {
        let at = self.behind_space(at);
        Ok((self.at(at)?, at + 1))
    }

    #[inline]
    fn behind_space(self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.0.get(at) {
            at += 1;
        }
        at
    }

    /// A value that holds no others, behind its first byte.
    #[inline]
    fn scalar(self, first: u8, at: usize) -> Scanned<usize> {
        let word = |rest: &[u8]| {
            let end = at + rest.len();
            if self.0.get(at..end) == Some(rest) { Ok(end) } else { Err(Stop::Malformed) }
        };
        match first {
            b'"' => self.string(at).map(|(end, _)| end),
            b't' => word(b"rue"),
            b'f' => word(b"alse"),
            b'n' => word(b"ull"),
            _ => self.number(first, at),
        }
    }

    /// A string behind its opening quote, and whether it is written without escapes.
    #[inline]
    fn string(self, at: usize) -> Scanned<(usize, bool)> {
        let end = self.plain(at)?;
        if self.0[end] == b'"' { Ok((end + 1, true)) } else { self.escaped(end).map(|end| (end, false)) }
    }

    /// The rest of a string, from its first backslash on.
    fn escaped(self, mut at: usize) -> Scanned<usize> {
        loop {
            if self.0[at] == b'"' {
                return Ok(at + 1);
            }
            let end = match self.at(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at + 2,
                b'u' => match self.unit(at + 2)? {
                    0xD800..0xDC00 => {
                        let (0xDC00..0xE000, b"\\u") = (self.unit(at + 8)?, &self.0[at + 6..at + 8]) else {
                            return Err(Stop::Malformed);
                        };
                        at + 12
                    }
                    0xDC00..0xE000 => return Err(Stop::Malformed),
                    _ => at + 6,
                },
                _ => return Err(Stop::Malformed),
            };
            at = self.plain(end)?;
        }
    }

    /// The next quote or backslash, looked for in eight bytes at a time.
    #[inline]
    fn plain(self, mut at: usize) -> Scanned<usize> {
        const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
        const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
        // A zero byte of `word` sets the high bit of its place, and may set those above it: the
        // lowest bit is right.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        while let Some(chunk) = self.0.get(at..at + 8).and_then(|chunk| chunk.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            let special = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\'))) | control;
            if special != 0 {
                at += special.trailing_zeros() as usize / 8;
                return if self.0[at] < 0x20 { Err(Stop::Malformed) } else { Ok(at) };
            }
            at += 8;
        }
        loop {
            match self.at(at)? {
                b'"' | b'\\' => return Ok(at),
                0..0x20 => return Err(Stop::Malformed),
                _ => at += 1,
            }
        }
    }

    /// The code unit of four hexadecimal digits.
    fn unit(self, at: usize) -> Scanned<u32> {
        let digits = self.0.get(at..at + 4).ok_or(Stop::Malformed)?;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Stop::Malformed)?;
            Ok(unit << 4 | digit)
        })
    }

    /// A number behind its first byte.
    #[inline]
    fn number(self, first: u8, at: usize) -> Scanned<usize> {
        let start = at - 1;
        let (digit, mut end) = if first == b'-' { (self.at(at)?, at + 1) } else { (first, at) };
        match digit {
            b'0' => {}
            b'1'..=b'9' => end = self.behind_digits(end),
            _ => return Err(Stop::Malformed),
        }
        if self.0.get(end) == Some(&b'.') {
            end = self.behind_some_digits(end + 1)?;
        }
        let mut can_overflow = end - start > 300;
        if let Some(b'e' | b'E') = self.0.get(end) {
            let sign = usize::from(matches!(self.0.get(end + 1), Some(b'+' | b'-')));
            let exponent = end + 1 + sign;
            end = self.behind_some_digits(exponent)?;
            can_overflow |= end - exponent > 2;
        }
        // Whether a number near the end of the range is inside is for the parser to say.
        let is_in_range = || serde_json::from_slice::<f64>(&self.0[start..end]).is_ok();
        if can_overflow && !is_in_range() { Err(Stop::Malformed) } else { Ok(end) }
    }

    fn behind_some_digits(self, at: usize) -> Scanned<usize> {
        let end = self.behind_digits(at);
        if end > at { Ok(end) } else { Err(Stop::Malformed) }
    }

    fn behind_digits(self, mut at: usize) -> usize {
        while self.0.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::json;
    use proptest::prelude::*;

    fn agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
        for depth in [3, 128] {
            let (scanned, parsed) = (scan(bytes, depth), json::parse(bytes, depth).map(drop));
            prop_assert_eq!(scanned.is_ok(), parsed.is_ok(), "{}", String::from_utf8_lossy(bytes));
            if std::str::from_utf8(bytes).is_ok() {
                prop_assert_eq!(scanned, parsed, "{}", String::from_utf8_lossy(bytes));
            }
        }
        Ok(())
    }

    /// Pieces of which texts are made that are nearly JSON.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let fixed = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\"a\"",
            "\"a\":",
            "\"\\u0061\":1",
            "\"b\":",
            "{\"a\":",
            "[[",
            "{}",
            "1",
            "-",
            "0",
            "01",
            ".5",
            "1.",
            "1e",
            "1e5",
            "1E+308",
            "1e309",
            "-1e-400",
            "0e999999999999",
            "true",
            "false",
            "null",
            "tru",
            "nan",
            " ",
            "\n",
            "\u{b}",
            "\u{feff}",
            "\\u",
            "\\ud83d",
            "\\ude00",
            "\\n",
            "\\x",
            "\"\\ud83d\\ude00\"",
            "é",
            "\u{7f}",
            "longer than eight bytes",
            "\u{0}",
        ];
        let fixed = proptest::sample::select(fixed.map(|text| text.as_bytes().to_vec()).to_vec());
        prop_oneof![9 => fixed, 1 => proptest::collection::vec(any::<u8>(), 0..3)]
    }

    fn document() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::vec(("[a-c\"\\\\é]{0,2}", inner), 0..6)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn refuses_exactly_what_the_parser_refuses(pieces in proptest::collection::vec(piece(), 0..12)) {
            agrees(&pieces.concat())?;
            agrees(&[b"[".as_slice(), &pieces.join(&b","[..]), b"]"].concat())?;
            agrees(&[b"\"".as_slice(), &pieces.concat(), b"\""].concat())?;
        }

        #[test]
        fn takes_documents_and_agrees_about_broken_ones(value in document(), at in any::<usize>(), byte in any::<u8>()) {
            let mut bytes = serde_json::to_vec(&value).unwrap();
            prop_assert!(scan(&bytes, 128).is_ok());
            let at = at % bytes.len();
            bytes[at] = byte;
            agrees(&bytes)?;
            bytes.remove(at);
            agrees(&bytes)?;
            bytes.truncate(at);
            agrees(&bytes)?;
        }
    }

    #[test]
    fn names_the_depth_that_is_passed() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(scan(nested(128).as_bytes(), 128), Ok(()));
        assert_eq!(scan(nested(129).as_bytes(), 128), Err(too_deep(128)));
        assert_eq!(scan("[".repeat(1 << 20).as_bytes(), 512), Err(too_deep(512)), "it is not read further");
    }

    #[test]
    fn finds_a_key_that_stands_twice_among_many() {
        let object = |last: &str| {
            let keys: Vec<_> = (0..1000).map(|key| format!("\"k{key}\":{{\"k1\":1}}")).collect();
            format!("{{{},\"{last}\":1}}", keys.join(","))
        };
        assert_eq!(scan(object("k1000").as_bytes(), 8), Ok(()));
        for twice in ["k0", "k999", "\\u006b500"] {
            assert_eq!(scan(object(twice).as_bytes(), 8), Err(Refused::malformed()), "{twice}");
        }
    }
}
