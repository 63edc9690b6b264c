//! The handler's side of a connection.

use std::sync::Arc;

use super::close::{Close, INTERNAL_ERROR, NORMAL};
use super::message::Message;
use super::shared::Shared;

/// A WebSocket, for whoever talks to the client. Dropping it closes it.
#[derive(Debug)]
pub struct WebSocket(Arc<Shared>);

impl WebSocket {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The next message. Waits for it.
    ///
    /// # Errors
    /// When the connection is closed and all messages were received: how it was closed.
    pub async fn receive(&self) -> Result<Message, Close> {
        loop {
            if let Some(message) = self.0.receive()? {
                return Ok(message);
            }
            self.0.readable().await;
        }
    }

    /// The next message, if one is there.
    ///
    /// # Errors
    /// As those of [`WebSocket::receive`].
    pub fn try_receive(&self) -> Result<Option<Message>, Close> {
        self.0.receive()
    }

    /// Waits until [`WebSocket::try_receive`] has something to say.
    pub fn readable(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.0);
        async move { shared.readable().await }
    }

    /// Sends a message. Waits while the send queue is full.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Close> {
        let mut message = message.into();
        while let Some(back) = self.0.send(message)? {
            message = back;
            self.0.writable().await;
        }
        Ok(())
    }

    /// Sends a message, or gives it back if the send queue is full.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn try_send(&self, message: Message) -> Result<Option<Message>, Close> {
        self.0.send(message)
    }

    /// Waits until there is room in the send queue, or the connection is closed.
    pub fn writable(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.0);
        async move { shared.writable().await }
    }

    /// Closes the connection, behind what is to be sent still. The first close counts. A close that
    /// cannot be sent, because of its code or length, becomes one without code.
    pub fn close(&self, close: Close) {
        let is_sendable = close.is_sendable();
        self.0.close(if is_sendable { close } else { Close::new(super::close::NO_CODE, "") });
    }

    /// How the connection was closed; none while it is open.
    pub fn closed(&self) -> Option<Close> {
        self.0.end()
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        let code = if std::thread::panicking() { INTERNAL_ERROR } else { NORMAL };
        self.0.close(Close::new(code, ""));
    }
}
