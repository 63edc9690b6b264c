//! What two sides say to each other.

use bytes::Bytes;

use super::close::Fault;

/// A message, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// What a message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Bytes.
    Binary,
}

impl Message {
    /// The message of a kind with this content.
    ///
    /// # Errors
    /// When text is not UTF-8.
    pub(super) fn of(kind: Kind, content: Vec<u8>) -> Result<Self, Fault> {
        Ok(match kind {
            Kind::Text => Self::Text(String::from_utf8(content).map_err(|_| Fault::INVALID_TEXT)?),
            Kind::Binary => Self::Binary(content.into()),
        })
    }

    /// Whether it is text or bytes.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// The bytes that are sent.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
