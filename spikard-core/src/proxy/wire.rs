//! The bytes of a connection to a target. Over HTTP/1.1 they are remembered until an answer begins.
//!
//! A target may close a connection that was kept just when a request is on its way. To send such a
//! request once more takes a copy of it, and nearly all copies are for nothing: the bytes that hyper
//! wrote are the cheapest one.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use httparse::Status;
use spikard_middleware::{Body, Request};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that are remembered. A request with more is not sent once more.
const MEMORY: usize = 64 << 10;

/// The bytes that a connection keeps room for.
const ROOM: usize = 4 << 10;

/// Bytes both ways.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// A connection, whatever it is made of.
pub(super) struct Wire {
    transport: Box<dyn Transport>,
    memory: Option<Unanswered>,
}

/// What was sent over a connection since its last request began, as long as nothing came back.
#[derive(Clone)]
pub(super) struct Unanswered(Arc<Mutex<Memory>>);

struct Memory {
    sent: Vec<u8>,
    /// Whether that is the request, all of it and nothing else, and no byte of an answer came.
    is_exact: bool,
    /// Whether anything came back.
    is_heard: bool,
    /// Whether all that hyper was given is sent.
    is_flushed: bool,
}

impl Unanswered {
    /// Forgets what was sent: a request begins. Where the end of the one before is still to be sent,
    /// a body that its client chose, the new one is not remembered: nothing would tell them apart.
    pub(super) fn begin(&self) {
        let mut memory = self.memory();
        memory.is_exact = memory.is_flushed;
        memory.is_heard = false;
        memory.sent.clear();
    }

    /// Whether any byte came back since the request began.
    pub(super) fn is_heard(&self) -> bool {
        self.memory().is_heard
    }

    /// The request without body that was sent last, if it is known and not answered.
    pub(super) fn request(&self) -> Option<Request> {
        let memory = self.memory();
        let mut fields = [httparse::EMPTY_HEADER; 256];
        let mut head = httparse::Request::new(&mut fields);
        if !memory.is_exact || head.parse(&memory.sent) != Ok(Status::Complete(memory.sent.len())) {
            return None;
        }
        let request = http::Request::builder().method(head.method?).uri(head.path?);
        let request = head.headers.iter().fold(request, |request, field| request.header(field.name, field.value));
        request.body(Body::empty()).ok()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    pub(super) fn new(transport: impl Transport + 'static) -> Self {
        Self { transport: Box::new(transport), memory: None }
    }

    /// Begins to remember what is sent and not answered.
    pub(super) fn remember(&mut self) -> Unanswered {
        let memory = Memory { sent: Vec::new(), is_exact: false, is_heard: false, is_flushed: true };
        let unanswered = Unanswered(Arc::new(Mutex::new(memory)));
        self.memory = Some(unanswered.clone());
        unanswered
    }

    fn memory(&self) -> Option<MutexGuard<'_, Memory>> {
        self.memory.as_ref().map(Unanswered::memory)
    }
}

impl Memory {
    /// Notes what was taken of what hyper has to send.
    fn sent(&mut self, bytes: &[u8]) {
        self.is_flushed = false;
        self.is_exact &= self.sent.len() + bytes.len() <= MEMORY;
        if self.is_exact {
            self.sent.extend_from_slice(bytes);
        }
    }

    fn heard(&mut self) {
        self.is_exact = false;
        self.is_heard = true;
        self.sent.clear();
        self.sent.shrink_to(ROOM);
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.transport).poll_read(cx, buffer);
        if buffer.filled().len() > before
            && let Some(mut memory) = self.memory()
        {
            memory.heard();
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write(cx, bytes);
        if let Some(mut memory) = self.memory() {
            memory.sent(match &written {
                Poll::Ready(Ok(written)) => &bytes[..*written],
                _ => &[],
            });
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.memory.is_none() {
            return Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
        self.poll_write(cx, first)
    }

    /// Requests are short: to write the parts of a head one by one costs more than to join them.
    fn is_write_vectored(&self) -> bool {
        self.memory.is_none() && self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.transport).poll_flush(cx);
        // hyper flushes what is below it once it has nothing left itself.
        if let (Poll::Ready(Ok(())), Some(mut memory)) = (&flushed, self.memory()) {
            memory.is_flushed = true;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// The request that is left of a wire after `sent` and then, if it is not empty, `heard`.
    /// `before` is what it still has to send of the request before.
    async fn left(before: &str, sent: &str, heard: &str) -> Option<(String, http::HeaderMap)> {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(near);
        let unanswered = wire.remember();
        // An answer before it is no answer to it.
        far.write_all(b"x").await.unwrap();
        wire.read_u8().await.unwrap();
        wire.write_all(before.as_bytes()).await.unwrap();
        unanswered.begin();
        wire.write_all(sent.as_bytes()).await.unwrap();
        wire.flush().await.unwrap();
        if !heard.is_empty() {
            far.write_all(heard.as_bytes()).await.unwrap();
            wire.read_u8().await.unwrap();
        }
        drop(wire);
        let (parts, _) = unanswered.request()?.into_parts();
        Some((format!("{} {}", parts.method, parts.uri), parts.headers))
    }

    #[tokio::test]
    async fn a_request_without_any_answer_is_remembered() {
        let request = "HEAD /a?b HTTP/1.1\r\nhost: a\r\nx: 1\r\nx: \u{e9}\r\n\r\n";
        let (line, headers) = left("", request, "").await.unwrap();
        assert_eq!(line, "HEAD /a?b");
        assert_eq!(headers["host"], "a");
        assert_eq!(
            headers.get_all("x").iter().map(http::HeaderValue::as_bytes).collect::<Vec<_>>(),
            [&b"1"[..], "\u{e9}".as_bytes()]
        );
        assert!(left("", request, "H").await.is_none());
        assert!(left("GET /smuggled HTTP/1.1\r\nx: ", request, "").await.is_none());
    }

    #[tokio::test]
    async fn a_request_behind_bytes_that_are_held_back_is_not_remembered() {
        let (near, mut far) = tokio::io::duplex(1);
        let mut wire = Wire::new(near);
        let unanswered = wire.remember();
        wire.write_all(b"x").await.unwrap();
        wire.flush().await.unwrap();
        assert!(wire.write(b"y").now_or_never().is_none(), "there is no room");
        unanswered.begin();
        let request = b"GET / HTTP/1.1\r\n\r\n";
        let mut seen = vec![0; 1 + request.len()];
        let (written, read) = tokio::join!(wire.write_all(request), far.read_exact(&mut seen));
        assert!(written.is_ok() && read.is_ok());
        assert!(unanswered.request().is_none());
    }

    #[tokio::test]
    async fn what_is_no_whole_request_without_body_or_too_long_is_not() {
        let long = |length| format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "a".repeat(length - 23));
        assert!(left("", &long(MEMORY), "").await.is_some());
        assert!(left("", &long(MEMORY + 1), "").await.is_none());
        for sent in ["", "GET / HTTP/1.1\r\na: b\r\n", "POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx"] {
            assert!(left("", sent, "").await.is_none(), "{sent}");
        }
    }
}
