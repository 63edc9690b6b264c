//! Compression of messages: permessage-deflate (RFC 7692).
//!
//! No message refers to the one before: with a context that lives on, a connection would keep 300 KiB
//! even while nothing is said on it. The state of the algorithm belongs to the thread instead.

use std::cell::{Cell, RefCell};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::close::{Fault, INVALID_DATA};

/// Shorter messages are sent as they are: alone, they do not become shorter.
pub(super) const SHORTEST: usize = 1 << 10;
/// From this length on, the work takes longer than others should have to wait.
pub(super) const SLOW: usize = 64 << 10;

/// What every message ends with, and what is left out (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// The logarithm of the largest window.
const WINDOW: u8 = 15;

/// That messages are compressed was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deflate;

impl Deflate {
    /// Takes the first acceptable offer of a client (RFC 7692 section 5), if there is one.
    pub(super) fn accept<'a>(offers: impl Iterator<Item = &'a str>) -> Option<Self> {
        offers.flat_map(|value| value.split(',')).find_map(Self::of)
    }

    fn of(offer: &str) -> Option<Self> {
        let mut parts = offer.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
            return None;
        }
        let mut seen = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name.trim(), Some(bare(value))));
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
            match (name, value) {
                ("server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits", None) => {}
                ("client_max_window_bits", Some(bits)) if (8..=WINDOW).contains(&number(bits)?) => {}
                // With smaller windows zlib-rs 0.6.8 runs out of its own buffer and panics.
                ("server_max_window_bits", Some(bits)) if number(bits)? == WINDOW => {}
                _ => return None,
            }
        }
        Some(Self)
    }

    /// The answer to the offer. Neither side keeps a context, which a server may demand of the client
    /// (RFC 7692 section 7.1.1.2).
    pub(super) const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    /// The content of a message, compressed; none if that is not shorter.
    pub(super) fn compress(content: &[u8]) -> Option<Vec<u8>> {
        thread_local!(static STATE: Cell<Option<Compress>> = const { Cell::new(None) });
        // A state in which a message was given up is not used again.
        let mut state = STATE.take().unwrap_or_else(|| Compress::new(Compression::fast(), false));
        state.reset();
        let mut out = Vec::with_capacity(content.len());
        loop {
            let input = content.get(usize::try_from(state.total_in()).ok()?..)?;
            // What does not fit is not shorter.
            if out.len() == out.capacity() {
                return None;
            }
            state.compress_vec(input, &mut out, FlushCompress::Sync).ok()?;
            if state.total_in() == content.len() as u64 && out.len() < out.capacity() {
                break;
            }
        }
        STATE.set(Some(state));
        out.truncate(out.len().checked_sub(TAIL.len())?);
        Some(out)
    }
}

/// The content of a compressed message, which may have at most `limit` bytes.
///
/// # Errors
/// When it is larger, or not what the algorithm makes.
pub(super) fn inflate(compressed: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    thread_local!(static STATE: RefCell<Decompress> = RefCell::new(Decompress::new(false)));
    const CORRUPT: Fault = Fault { code: INVALID_DATA, reason: "compressed message cannot be read" };
    STATE.with_borrow_mut(|state| {
        state.reset(false);
        let mut out = Vec::new();
        for part in [compressed, &TAIL] {
            let mut input = part;
            loop {
                if out.len() == out.capacity() {
                    // One byte past the limit shows that it is passed.
                    let room = (out.len().max(compressed.len()).max(256)).min(limit + 1 - out.len());
                    out.reserve_exact(room);
                }
                let (read, written) = (state.total_in(), out.len());
                let status = state.decompress_vec(input, &mut out, FlushDecompress::Sync).map_err(|_| CORRUPT)?;
                let now = usize::try_from(state.total_in() - read).unwrap_or(usize::MAX);
                input = input.get(now..).unwrap_or_default();
                if out.len() > limit {
                    return Err(Fault::TOO_BIG);
                }
                match status {
                    // A last block is not the last one of a message (RFC 7692 section 7.2.3.4).
                    Status::StreamEnd => state.reset(false),
                    _ if now == 0 && out.len() == written && out.len() < out.capacity() => {
                        if input.is_empty() {
                            break;
                        }
                        return Err(CORRUPT);
                    }
                    _ => {}
                }
                if input.is_empty() && out.len() < out.capacity() {
                    break;
                }
            }
        }
        Ok(out)
    })
}

/// A value of a parameter, which may stand in quotes.
fn bare(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// A window size: digits, without a zero in front (RFC 7692 section 7.1.2).
fn number(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(offer: &str) -> bool {
        Deflate::accept(std::iter::once(offer)).is_some()
    }

    #[test]
    fn takes_the_first_offer_that_can_be_kept() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=10; server_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=\"15\"",
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
        ] {
            assert!(is_accepted(offer), "{offer}");
        }
        for offer in [
            "",
            "deflate",
            "permessage-deflate; x",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=14",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
        ] {
            assert!(!is_accepted(offer), "{offer}");
        }
    }

    #[test]
    fn reads_the_examples_of_the_rfc() {
        // RFC 7692 section 7.2.3: one block, no compression, a last block, two blocks.
        for bytes in [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            assert_eq!(inflate(bytes, 5).as_deref(), Ok(&b"Hello"[..]), "{bytes:x?}");
            assert_eq!(inflate(bytes, 4), Err(Fault::TOO_BIG), "{bytes:x?}");
        }
        assert_eq!(inflate(&[0xff, 0xff], 99).map_err(|fault| fault.code), Err(INVALID_DATA));
        assert_eq!(inflate(&[], 0).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn what_was_compressed_is_read_again_and_what_does_not_become_shorter_is_left_as_it_is() {
        for length in [1 << 10, 4 << 10, 64 << 10, 200_000] {
            let content: Vec<u8> = (0..length / 4).flat_map(|number: u32| (number / 7).to_le_bytes()).collect();
            let mut noise = content.clone();
            getrandom::fill(&mut noise).expect("there is randomness");
            assert_eq!(Deflate::compress(&noise), None);
            let compressed = Deflate::compress(&content).expect("it becomes shorter");
            assert!(compressed.len() < content.len() / 2);
            assert_eq!(inflate(&compressed, content.len()).as_ref(), Ok(&content));
            assert_eq!(inflate(&compressed, content.len() - 1), Err(Fault::TOO_BIG));
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit_and_takes_no_more_memory() {
        let bomb = Deflate::compress(&vec![0; 64 << 20]).expect("it becomes shorter");
        assert!(bomb.len() < 1 << 20);
        assert_eq!(inflate(&bomb, 1 << 20), Err(Fault::TOO_BIG));
    }
}
