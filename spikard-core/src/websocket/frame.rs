//! Heads of frames (RFC 6455 section 5.2): read, checked and written. Payloads are not seen here,
//! except to mask them.

use super::close::Fault;

/// Which side of a connection one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The side whose frames are not masked.
    Server,
    /// The side whose frames are masked.
    Client,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) is_last: bool,
    /// RSV1: the message is compressed (RFC 7692 section 6).
    pub(super) is_compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) length: u64,
}

/// The longest head: two bytes, a length of eight, a mask of four.
pub(super) const LONGEST: usize = 14;

const LAST: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;
/// The length stands in the two bytes that follow.
const TWO_BYTES: u8 = 0x7E;
/// It stands in the eight bytes that follow.
const EIGHT_BYTES: u8 = 0x7F;

/// How many bytes the head has that begins with `bytes`; two of them say it.
pub(super) fn length_of(bytes: &[u8]) -> usize {
    let Some(second) = bytes.get(1) else { return 2 };
    let length = match second & !MASKED {
        TWO_BYTES => 2,
        EIGHT_BYTES => 8,
        _ => 0,
    };
    2 + length + if second & MASKED == 0 { 0 } else { 4 }
}

impl Head {
    /// Reads a whole head.
    ///
    /// # Errors
    /// For what no peer may send, whatever came before.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let [first, second, rest @ ..] = bytes else { return Err(Fault::protocol("head of a frame is cut off")) };
        if first & RSV2_AND_3 != 0 {
            return Err(Fault::protocol("a reserved bit is set"));
        }
        let opcode = match first & 0x0F {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return Err(Fault::protocol("opcode is reserved")),
        };
        let (length, shortest, rest) = match (second & !MASKED, rest.split_first_chunk(), rest.split_first_chunk()) {
            (TWO_BYTES, Some((length, rest)), _) => (u64::from(u16::from_be_bytes(*length)), 126, rest),
            (EIGHT_BYTES, _, Some((length, rest))) => (u64::from_be_bytes(*length), 1 << 16, rest),
            (length, ..) => (u64::from(length), 0, rest),
        };
        if length < shortest || length >> 63 != 0 {
            return Err(Fault::protocol("length of a frame is not in its shortest form"));
        }
        let head = Self {
            is_last: first & LAST != 0,
            is_compressed: first & RSV1 != 0,
            opcode,
            mask: (second & MASKED != 0).then(|| rest.try_into().unwrap_or_default()),
            length,
        };
        if opcode.is_control() && (!head.is_last || length > 125) {
            return Err(Fault::protocol("a control frame is fragmented or too long"));
        }
        Ok(head)
    }

    /// Appends the head to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let flags = if self.is_last { LAST } else { 0 } | if self.is_compressed { RSV1 } else { 0 };
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        out.push(flags | self.opcode as u8);
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(length), _) if length < 126 => out.push(masked | length),
            (_, Ok(length)) => {
                out.push(masked | TWO_BYTES);
                out.extend(length.to_be_bytes());
            }
            _ => {
                out.push(masked | EIGHT_BYTES);
                out.extend(self.length.to_be_bytes());
            }
        }
        out.extend(self.mask.iter().flatten());
    }
}

/// Masks or unmasks bytes that stand at `offset` of a payload (RFC 6455 section 5.3).
pub(super) fn mask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    let mut key = mask;
    // The remainder is below 4.
    #[allow(clippy::cast_possible_truncation)]
    key.rotate_left((offset % 4) as usize);
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for length in [0, 1, 125, 126, 127, 65535, 65536, 1 << 40] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let head = Head { is_last: length % 2 == 0, is_compressed: length == 1, opcode: Opcode::Text, mask, length };
                let mut bytes = Vec::new();
                head.write(&mut bytes);
                assert_eq!((length_of(&bytes), Head::read(&bytes)), (bytes.len(), Ok(head)));
            }
        }
    }

    #[test]
    fn refuses_what_no_peer_may_send() {
        for (bytes, reason) in [
            (&[0x91, 0][..], "a reserved bit is set"),
            (&[0xA1, 0], "a reserved bit is set"),
            (&[0x83, 0], "opcode is reserved"),
            (&[0x8B, 0], "opcode is reserved"),
            (&[0x09, 0], "a control frame is fragmented or too long"),
            (&[0x89, 126, 0, 126], "a control frame is fragmented or too long"),
            (&[0x82, 126, 0, 125], "length of a frame is not in its shortest form"),
            (&[0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255], "length of a frame is not in its shortest form"),
            (&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], "length of a frame is not in its shortest form"),
        ] {
            assert_eq!(Head::read(bytes), Err(Fault::protocol(reason)), "{bytes:x?}");
        }
    }

    #[test]
    fn a_mask_goes_on_where_the_last_piece_ended() {
        let plain: Vec<u8> = (0..40).collect();
        let mut whole = plain.clone();
        mask(&mut whole, [9, 8, 7, 6], 0);
        for cut in 0..plain.len() {
            let mut pieces = plain.clone();
            let (first, second) = pieces.split_at_mut(cut);
            mask(first, [9, 8, 7, 6], 0);
            mask(second, [9, 8, 7, 6], cut as u64);
            assert_eq!(pieces, whole);
        }
    }
}
