//! HTTP/2 frame by frame (RFC 9113 section 6), for what no library would send.

use std::net::SocketAddr;

use crate::raw::Raw;

/// Kinds of frames.
pub mod kind {
    #![allow(missing_docs)] // Their names are those of RFC 9113 section 6.
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// The flag of the last frame of a stream; of an acknowledgement.
pub const END_STREAM: u8 = 1;
/// The flag of the last frame of a head.
pub const END_HEADERS: u8 = 4;

/// `GET /` on the host `a` (RFC 7541): three fields of the static table and one literal.
pub const GET: &[u8] = b"\x82\x86\x84\x41\x01a";

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The stream that it belongs to; 0 is the connection.
    pub stream: u32,
    /// Its content.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Makes a frame.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// The frame as it is sent.
    ///
    /// # Panics
    /// When the payload is larger than a frame can be.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        assert_eq!(length[0], 0, "the payload is too large");
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }
}

/// A connection that has sent the preface and its settings.
pub struct Frames(Raw);

impl Frames {
    /// Connects. `settings` are identifiers with values (RFC 9113 section 6.5.2).
    pub async fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut raw = Raw::connect(address).await;
        raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let pairs = settings.iter().map(|(key, value)| [&key.to_be_bytes()[..], &value.to_be_bytes()[..]].concat());
        let mut frames = Self(raw);
        frames.send(&Frame::new(kind::SETTINGS, 0, 0, pairs.collect::<Vec<_>>().concat())).await;
        frames
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Frame) -> &mut Self {
        self.0.send(frame.bytes()).await;
        self
    }

    /// Reads a frame; none at the end of the connection.
    pub async fn next(&mut self) -> Option<Frame> {
        let head = self.0.bytes(9).await?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let payload = self.0.bytes(length).await?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads until a frame of a kind comes; none if the connection ends before.
    pub async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }
}
