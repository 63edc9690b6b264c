//! A strict look at a JSON text that builds nothing: it refuses what [`json::parse`](super::json)
//! refuses, and leaves the reading to another decoder.

use std::borrow::Cow;

use spikard_middleware::problem::MALFORMED_BODY;

use super::keys::Keys;
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
    let mut scanner = Scanner { bytes, at: 0, keys: Keys::default() };
    let outcome = scanner.document(depth).and_then(|()| match simdutf8::basic::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(_) => Err(Stop::Malformed),
    });
    outcome.map_err(|stop| match stop {
        Stop::Malformed => Refused::malformed(),
        Stop::TooDeep => too_deep(depth),
    })
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

type Scanned<T = ()> = Result<T, Stop>;

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    keys: Keys<'a>,
}

impl<'a> Scanner<'a> {
    fn document(&mut self, depth: usize) -> Scanned {
        self.value(depth)?;
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Stop::Malformed) }
    }

    /// One value, in which `left` more levels may be opened. The limit bounds the recursion.
    fn value(&mut self, left: usize) -> Scanned {
        match self.token()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(left.checked_sub(1).ok_or(Stop::TooDeep)?),
            b'[' => self.array(left.checked_sub(1).ok_or(Stop::TooDeep)?),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            first => self.number(first),
        }
    }

    fn array(&mut self, left: usize) -> Scanned {
        if self.peek_token() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(left)?;
            match self.token()? {
                b',' => {}
                b']' => return Ok(()),
                _ => return Err(Stop::Malformed),
            }
        }
    }

    fn object(&mut self, left: usize) -> Scanned {
        if self.peek_token() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let object = self.keys.open();
        loop {
            self.expect(b'"')?;
            let key = self.string()?;
            if !self.keys.add(object, key) {
                return Err(Stop::Malformed);
            }
            self.expect(b':')?;
            self.value(left)?;
            match self.token()? {
                b',' => {}
                b'}' => break,
                _ => return Err(Stop::Malformed),
            }
        }
        self.keys.close(object);
        Ok(())
    }

    /// A string behind its opening quote, escapes undone.
    fn string(&mut self) -> Scanned<Cow<'a, [u8]>> {
        let start = self.at;
        self.plain()?;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.bytes[start..self.at - 1]));
        }
        let mut text = self.bytes[start..self.at].to_vec();
        loop {
            // Here is a backslash or the closing quote.
            self.at += 1;
            if self.bytes[self.at - 1] == b'"' {
                return Ok(Cow::Owned(text));
            }
            let mut buffer = [0; 4];
            text.extend_from_slice(self.escape()?.encode_utf8(&mut buffer).as_bytes());
            let start = self.at;
            self.plain()?;
            text.extend_from_slice(&self.bytes[start..self.at]);
        }
    }

    /// Goes on to the next quote or backslash, eight bytes at a time.
    fn plain(&mut self) -> Scanned {
        const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
        const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        while let Some(chunk) = self.bytes[self.at..].first_chunk::<8>() {
            let word = u64::from_le_bytes(*chunk);
            let quote = zeros(word ^ (ONES * u64::from(b'"')));
            let backslash = zeros(word ^ (ONES * u64::from(b'\\')));
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
            // The lowest bit set is right; only those above it may be set by a borrow.
            let special = quote | backslash | control;
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return if self.bytes[self.at] < 0x20 { Err(Stop::Malformed) } else { Ok(()) };
            }
            self.at += 8;
        }
        loop {
            match self.bytes.get(self.at) {
                Some(b'"' | b'\\') => return Ok(()),
                Some(0x20..) => self.at += 1,
                _ => return Err(Stop::Malformed),
            }
        }
    }

    /// The character of an escape, behind its backslash.
    fn escape(&mut self) -> Scanned<char> {
        Ok(match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let code = match unit {
                    0xD800..0xDC00 => {
                        let rest = (self.next()?, self.next()?, self.unit()?);
                        let (b'\\', b'u', low @ 0xDC00..0xE000) = rest else { return Err(Stop::Malformed) };
                        0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    _ => unit,
                };
                char::from_u32(code).ok_or(Stop::Malformed)?
            }
            _ => return Err(Stop::Malformed),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Scanned<u32> {
        (0..4).try_fold(0, |unit, _| {
            let digit = char::from(self.next()?).to_digit(16).ok_or(Stop::Malformed)?;
            Ok(unit << 4 | digit)
        })
    }

    /// A number whose first character was read.
    fn number(&mut self, first: u8) -> Scanned {
        let start = self.at - 1;
        let digit = if first == b'-' { self.next()? } else { first };
        match digit {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(Stop::Malformed),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        let mut can_overflow = self.at - start > 300;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            let exponent = self.at;
            self.some_digits()?;
            can_overflow |= self.at - exponent > 2;
        }
        // Whether a number near the end of the range is inside is for the parser to say.
        let is_in_range = || serde_json::from_slice::<f64>(&self.bytes[start..self.at]).is_ok();
        if can_overflow && !is_in_range() { Err(Stop::Malformed) } else { Ok(()) }
    }

    fn some_digits(&mut self) -> Scanned {
        let start = self.at;
        self.digits();
        if self.at > start { Ok(()) } else { Err(Stop::Malformed) }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn word(&mut self, rest: &[u8]) -> Scanned {
        if !self.bytes[self.at..].starts_with(rest) {
            return Err(Stop::Malformed);
        }
        self.at += rest.len();
        Ok(())
    }

    fn expect(&mut self, byte: u8) -> Scanned {
        if self.token()? == byte { Ok(()) } else { Err(Stop::Malformed) }
    }

    /// The next byte that is no white space, passed.
    fn token(&mut self) -> Scanned<u8> {
        self.space();
        self.next()
    }

    fn peek_token(&mut self) -> Option<u8> {
        self.space();
        self.peek()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn next(&mut self) -> Scanned<u8> {
        let byte = self.peek().ok_or(Stop::Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
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
