//! How a connection ends: close codes and reasons (RFC 6455 section 7.4).

/// Why a connection was closed: the code, and a sentence for whoever reads logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The code, such as 1000.
    pub code: u16,
    /// The reason; mostly empty.
    pub reason: String,
}

/// All was said.
pub const NORMAL: u16 = 1000;
/// The server stops, or the page is left.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// The close frame had no code. Never sent.
pub const NO_CODE: u16 = 1005;
/// There was no close frame. Never sent.
pub const ABNORMAL: u16 = 1006;
/// A text message was not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// A message was larger than the limit.
pub const TOO_BIG: u16 = 1009;
/// The handler failed.
pub const INTERNAL_ERROR: u16 = 1011;

/// The most bytes of a reason: a control frame has room for 125, two of them for the code.
pub(super) const REASON: usize = 123;

impl Close {
    /// A close with a code and a reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// The connection broke off: there was no close frame.
    pub fn abnormal(reason: impl Into<String>) -> Self {
        Self::new(ABNORMAL, reason)
    }

    /// Whether it can be sent: the code is one for the wire and the reason fits.
    pub fn is_sendable(&self) -> bool {
        is_for_the_wire(self.code) && self.reason.len() <= REASON
    }
}

/// Whether a close frame may carry a code (RFC 6455 section 7.4 and the registry of IANA).
pub(super) fn is_for_the_wire(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// What breaks a connection: the code that the peer is told, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The close code.
    pub code: u16,
    /// What was wrong, for the close frame and the log.
    pub reason: &'static str,
}

impl Fault {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Self { code: PROTOCOL_ERROR, reason }
    }

    pub(super) const INVALID_TEXT: Self = Self { code: INVALID_DATA, reason: "text is not UTF-8" };
    pub(super) const TOO_BIG: Self = Self { code: TOO_BIG, reason: "message is larger than the limit" };
}

impl From<Fault> for Close {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code, fault.reason)
    }
}
