//! Messages and control frames become bytes (RFC 6455 section 5).

use super::close::{Close, NO_CODE};
use super::frame::{Head, Opcode, Role, mask};
use super::message::Kind;

/// Writes one side of a connection. A message is one frame.
#[derive(Debug, Clone, Copy)]
pub struct Encoder(Role);

impl Encoder {
    /// What one side in the role `role` writes with.
    pub fn new(role: Role) -> Self {
        Self(role)
    }

    /// Appends a message.
    pub fn message(self, kind: Kind, content: &[u8], is_compressed: bool, out: &mut Vec<u8>) {
        self.frame(opcode(kind), is_compressed, content, out);
    }

    /// Appends the head of a message whose content is sent behind it as it is: by a server, that is.
    pub(super) fn head(kind: Kind, length: usize, is_compressed: bool, out: &mut Vec<u8>) {
        let head = Head { is_last: true, is_compressed, opcode: opcode(kind), mask: None, length: length as u64 };
        head.write(out);
    }

    /// Appends a ping. At most 125 bytes fit; more are cut off.
    pub fn ping(self, content: &[u8], out: &mut Vec<u8>) {
        self.frame(Opcode::Ping, false, &content[..content.len().min(125)], out);
    }

    /// Appends the answer to a ping.
    pub fn pong(self, content: &[u8], out: &mut Vec<u8>) {
        self.frame(Opcode::Pong, false, &content[..content.len().min(125)], out);
    }

    /// Appends the last frame.
    pub fn close(self, close: &Close, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        if close.code != NO_CODE {
            payload.extend(close.code.to_be_bytes());
            payload.extend(close.reason.as_bytes());
        }
        self.frame(Opcode::Close, false, &payload, out);
    }

    fn frame(self, opcode: Opcode, is_compressed: bool, content: &[u8], out: &mut Vec<u8>) {
        let key = (self.0 == Role::Client).then(random);
        let head = Head { is_last: true, is_compressed, opcode, mask: key, length: content.len() as u64 };
        out.reserve(content.len() + super::frame::LONGEST);
        head.write(out);
        let start = out.len();
        out.extend_from_slice(content);
        if let Some(key) = key {
            mask(&mut out[start..], key, 0);
        }
    }
}

fn opcode(kind: Kind) -> Opcode {
    match kind {
        Kind::Text => Opcode::Text,
        Kind::Binary => Opcode::Binary,
    }
}

/// A mask that nobody foresees (RFC 6455 section 5.3).
fn random() -> [u8; 4] {
    let mut key = [0; 4];
    // Where the system has no randomness, nothing of the program would have started.
    let _ = getrandom::fill(&mut key);
    key
}
