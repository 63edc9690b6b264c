//! Bytes of a connection become messages and control frames (RFC 6455 sections 5 and 6). No socket
//! and no clock: bytes go in as they come, in pieces of any size.
//!
//! Memory is taken for bytes that have come, not for lengths that were announced; a message over
//! the limit is refused by the head that makes it so. Text is checked as it comes.

use super::close::{Close, Fault, NO_CODE, is_for_the_wire};
use super::frame::{self, Head, LONGEST, Opcode, Role};
use super::message::{Kind, Message};

/// What a peer said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// The same, compressed (RFC 7692): still to be inflated, and then checked.
    Deflated(Kind, Vec<u8>),
    /// A ping, which is answered with the same bytes.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The last frame.
    Close(Close),
}

/// Reads one side of a connection.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limit: usize,
    may_be_compressed: bool,
    head: [u8; LONGEST],
    /// How many bytes of a head have come.
    begun: usize,
    frame: Option<Frame>,
    /// The message that is under way.
    message: Option<Begun>,
    content: Vec<u8>,
    /// How much of the content is known to be UTF-8.
    checked: usize,
    control: Vec<u8>,
    is_over: bool,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    kind: Kind,
    is_compressed: bool,
}

/// A frame whose payload is being read.
#[derive(Debug)]
struct Frame {
    head: Head,
    read: u64,
}

impl Decoder {
    /// What one side in the role `role` reads with: messages of at most `limit` bytes.
    pub fn new(role: Role, limit: usize, may_be_compressed: bool) -> Self {
        Self {
            role,
            limit,
            may_be_compressed,
            head: [0; LONGEST],
            begun: 0,
            frame: None,
            message: None,
            content: Vec::new(),
            checked: 0,
            control: Vec::new(),
            is_over: false,
        }
    }

    /// Takes bytes from the start of `input` until something is complete; none: all were taken, and
    /// more are needed. After a close frame nothing more is read.
    ///
    /// # Errors
    /// For what breaks the connection.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Fault> {
        while !self.is_over {
            if self.frame.is_none() && !self.read_head(input)? {
                return Ok(None);
            }
            let Some(frame) = &mut self.frame else { return Ok(None) };
            let left = frame.head.length - frame.read;
            let (now, rest) = input.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(input.len()));
            *input = rest;
            let to = if frame.head.opcode.is_control() { &mut self.control } else { &mut self.content };
            let start = to.len();
            to.extend_from_slice(now);
            if let Some(mask) = frame.head.mask {
                frame::mask(&mut to[start..], mask, frame.read);
            }
            frame.read += now.len() as u64;
            let (head, is_whole) = (frame.head, frame.read == frame.head.length);
            if !head.opcode.is_control() {
                self.check_text(is_whole && head.is_last)?;
            }
            if !is_whole {
                return Ok(None);
            }
            self.frame = None;
            if let Some(event) = self.finish(head)? {
                return Ok(Some(event));
            }
        }
        *input = &[];
        Ok(None)
    }

    /// Reads a head; true if it is whole.
    fn read_head(&mut self, input: &mut &[u8]) -> Result<bool, Fault> {
        loop {
            let missing = frame::length_of(&self.head[..self.begun]) - self.begun;
            if missing == 0 {
                break;
            }
            let (now, rest) = input.split_at(missing.min(input.len()));
            *input = rest;
            if now.is_empty() {
                return Ok(false);
            }
            self.head[self.begun..][..now.len()].copy_from_slice(now);
            self.begun += now.len();
        }
        let head = Head::read(&self.head[..self.begun])?;
        self.begun = 0;
        self.admit(&head)?;
        self.frame = Some(Frame { head, read: 0 });
        Ok(true)
    }

    /// Whether a frame may come now.
    fn admit(&mut self, head: &Head) -> Result<(), Fault> {
        match (self.role, head.mask) {
            (Role::Server, None) => return Err(Fault::protocol("a frame of a client is not masked")),
            (Role::Client, Some(_)) => return Err(Fault::protocol("a frame of a server is masked")),
            _ => {}
        }
        let begins = matches!(head.opcode, Opcode::Text | Opcode::Binary);
        if head.is_compressed && !(begins && self.may_be_compressed) {
            return Err(Fault::protocol("a reserved bit is set"));
        }
        if head.opcode.is_control() {
            return Ok(());
        }
        match (begins, &self.message) {
            (true, Some(_)) => return Err(Fault::protocol("a message begins inside of another")),
            (false, None) => return Err(Fault::protocol("nothing is to be continued")),
            (true, None) => {
                let kind = if head.opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
                self.message = Some(Begun { kind, is_compressed: head.is_compressed });
            }
            (false, Some(_)) => {}
        }
        let room = self.limit - self.content.len();
        if usize::try_from(head.length).is_ok_and(|length| length <= room) { Ok(()) } else { Err(Fault::TOO_BIG) }
    }

    /// Refuses text at its first wrong byte. What is complete in one piece is checked when it
    /// becomes a `String`, and not here too.
    fn check_text(&mut self, is_complete: bool) -> Result<(), Fault> {
        let is_text = self.message.is_some_and(|message| message.kind == Kind::Text && !message.is_compressed);
        if !is_text || is_complete {
            return Ok(());
        }
        match std::str::from_utf8(&self.content[self.checked..]) {
            Ok(_) => self.checked = self.content.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Fault::INVALID_TEXT),
        }
        Ok(())
    }

    /// What a whole frame comes to.
    fn finish(&mut self, head: Head) -> Result<Option<Event>, Fault> {
        match head.opcode {
            Opcode::Ping => return Ok(Some(Event::Ping(std::mem::take(&mut self.control)))),
            Opcode::Pong => {
                self.control.clear();
                return Ok(Some(Event::Pong));
            }
            Opcode::Close => {
                self.is_over = true;
                return close(&std::mem::take(&mut self.control)).map(|close| Some(Event::Close(close)));
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
        }
        if !head.is_last {
            return Ok(None);
        }
        let Some(message) = self.message.take() else { return Ok(None) };
        self.checked = 0;
        let content = std::mem::take(&mut self.content);
        if message.is_compressed {
            return Ok(Some(Event::Deflated(message.kind, content)));
        }
        Message::of(message.kind, content).map(|message| Some(Event::Message(message)))
    }
}

/// Reads the payload of a close frame (RFC 6455 section 5.5.1).
fn close(payload: &[u8]) -> Result<Close, Fault> {
    match payload {
        [] => Ok(Close::new(NO_CODE, "")),
        [_] => Err(Fault::protocol("a close frame has half a code")),
        [first, second, reason @ ..] => {
            let code = u16::from_be_bytes([*first, *second]);
            if !is_for_the_wire(code) {
                return Err(Fault::protocol("close code may not be sent"));
            }
            let reason = std::str::from_utf8(reason).map_err(|_| Fault::INVALID_TEXT)?;
            Ok(Close::new(code, reason))
        }
    }
}
