//! What of an HTTP/1.1 head is gone once hyper has parsed it: whether Content-Length stood beside
//! Transfer-Encoding or stood there twice, and how lines ended (RFC 9112 sections 2.2 and 6.3).
//!
//! hyper resolves such heads in the way that the RFC allows; a proxy in front may resolve them in
//! another, and then the two disagree where the next request begins. So they are refused. Only the
//! bytes on their way to hyper show it. A head that is sent before the previous answer has ended
//! is not looked at: hyper's resolution holds there.

use memchr::memchr;

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ambiguity {
    /// It has Content-Length and Transfer-Encoding.
    TwoFramings = 1,
    /// It has Content-Length twice.
    TwoLengths,
    /// A line of it ends without a carriage return.
    BareLineFeed,
}

impl Ambiguity {
    pub(super) const ALL: [Self; 3] = [Self::TwoFramings, Self::TwoLengths, Self::BareLineFeed];

    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::TwoFramings => "request has both Content-Length and Transfer-Encoding",
            Self::TwoLengths => "request has more than one Content-Length",
            Self::BareLineFeed => "a line of the request head ends without a carriage return",
        }
    }
}

/// Looks at the lines of one head as they arrive.
#[derive(Debug, Default)]
pub(super) struct Scan {
    begun: bool,
    lengths: u32,
    encodings: u32,
    bare: bool,
    /// The start of a line whose end has not arrived.
    partial: Vec<u8>,
}

impl Scan {
    /// Looks at more bytes. Whatever follows the end of the head is not looked at.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Progress {
        while let Some(end) = memchr(b'\n', bytes) {
            let ends = if self.partial.is_empty() {
                self.line(&bytes[..end])
            } else {
                let mut line = std::mem::take(&mut self.partial);
                line.extend_from_slice(&bytes[..end]);
                self.line(&line)
            };
            if ends {
                return Progress::Complete(self.ambiguity());
            }
            bytes = &bytes[end + 1..];
        }
        self.partial.extend_from_slice(bytes);
        Progress::Partial
    }

    /// Takes a line; whether the head ends with it.
    fn line(&mut self, line: &[u8]) -> bool {
        let stripped = line.strip_suffix(b"\r");
        let content = stripped.unwrap_or(line);
        if content.is_empty() && !self.begun {
            // Empty lines before a request are passed over by everyone.
            return false;
        }
        self.begun = true;
        self.bare |= stripped.is_none();
        match content.first() {
            Some(b'C' | b'c') => self.lengths += u32::from(is_field(content, b"content-length")),
            Some(b'T' | b't') => self.encodings += u32::from(is_field(content, b"transfer-encoding")),
            _ => {}
        }
        content.is_empty()
    }

    fn ambiguity(&self) -> Option<Ambiguity> {
        if self.lengths > 0 && self.encodings > 0 {
            Some(Ambiguity::TwoFramings)
        } else if self.lengths > 1 {
            Some(Ambiguity::TwoLengths)
        } else {
            self.bare.then_some(Ambiguity::BareLineFeed)
        }
    }
}

/// How far a head is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Partial,
    Complete(Option<Ambiguity>),
}

fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a head, however it is cut into pieces.
    fn found(head: &str) -> Option<Ambiguity> {
        let results: Vec<Progress> = (1..=head.len())
            .map(|size| {
                let mut scan = Scan::default();
                let pieces = head.as_bytes().chunks(size);
                pieces.map(|piece| scan.feed(piece)).find(|progress| *progress != Progress::Partial).unwrap_or(Progress::Partial)
            })
            .collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{head:?}: {results:?}");
        match &results[0] {
            Progress::Complete(ambiguity) => *ambiguity,
            Progress::Partial => panic!("{head:?} has no end"),
        }
    }

    #[test]
    fn sees_what_two_readers_could_understand_differently() {
        for (head, ambiguity) in [
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", None),
            ("\r\nGET / HTTP/1.1\r\n\r\nbody\n\n", None),
            ("POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n", None),
            ("POST / HTTP/1.1\r\ncontent-lengths: 1\r\ntransfer-encoding: chunked\r\n\r\n", None),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Some(Ambiguity::TwoFramings)),
            ("POST / HTTP/1.1\r\nTRANSFER-ENCODING: x\r\ncontent-length: 1\r\n\r\n", Some(Ambiguity::TwoFramings)),
            ("POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", Some(Ambiguity::TwoLengths)),
            ("GET / HTTP/1.1\nhost: a\r\n\r\n", Some(Ambiguity::BareLineFeed)),
            ("GET / HTTP/1.1\r\nhost: a\r\n\n", Some(Ambiguity::BareLineFeed)),
        ] {
            assert_eq!(found(head), ambiguity, "{head:?}");
        }
    }
}
