//! The byte stream of a connection, metered as it is read. It can be handed back what was read too much, and it
//! closes in a way that does not cost the peer the last answer.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::connection::Stream;
use super::head::{Progress, Scan};
use super::link::Link;
use super::watch::LINGER;

/// How much is read at a time where the bytes are looked at or thrown away.
const CHUNK: usize = 4096;

/// A byte stream of a connection.
pub(super) struct Transport<S: Stream> {
    stream: S,
    link: Arc<Link>,
    /// Bytes that come before those of the stream.
    ahead: Bytes,
    /// Looks at a head that is arriving.
    scan: Option<Scan>,
    is_shut: bool,
}

impl<S: Stream> Transport<S> {
    pub(super) fn new(stream: S, link: Arc<Link>) -> Self {
        Self { stream, link, ahead: Bytes::new(), scan: None, is_shut: false }
    }

    /// What was read and not yet taken.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// Gives back what was read and not used.
    pub(super) fn give_back(&mut self, unused: &[u8]) {
        self.link.meter.mark(unused.len());
        // A copy, because even an empty part of hyper's buffer would keep all of it.
        self.ahead = Bytes::copy_from_slice(unused);
    }

    /// Reads more bytes ahead, without keeping a buffer while there are none. False at the end of
    /// the stream.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        let mut buffer = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        self.has_read(bytes);
        self.ahead = if self.ahead.is_empty() { Bytes::copy_from_slice(bytes) } else { [&self.ahead, bytes].concat().into() };
        Poll::Ready(Ok(!bytes.is_empty()))
    }

    /// Notes bytes that were read, and looks at them if they belong to a head.
    fn has_read(&mut self, bytes: &[u8]) {
        let meter = &self.link.meter;
        if self.scan.is_some() || meter.awaits_head() {
            match self.scan.get_or_insert_default().feed(bytes) {
                Progress::Partial => {}
                Progress::Complete(ambiguity) => {
                    self.scan = None;
                    meter.saw_head(ambiguity);
                }
            }
        }
        meter.has_read(bytes.len());
    }

    /// Ends the connection in good order, if the peer does not hold that up.
    pub(super) async fn close(&mut self) {
        let _ = timeout(LINGER, self.shutdown()).await;
    }
}

impl<S: Stream> Drop for Transport<S> {
    fn drop(&mut self) {
        if self.link.meter.is_given_up() {
            self.stream.discard();
        }
    }
}

impl<S: Stream> AsyncRead for Transport<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.has_read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Transport<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends the connection. While the peer still sends, closing at once would reset it and could
    /// throw away our last bytes on their way: what comes is read away until the peer ends too
    /// (RFC 9112 section 9.6). The driver bounds the time.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.is_shut = true;
        }
        if !self.link.meter.has_unread() {
            return Poll::Ready(Ok(()));
        }
        self.link.meter.linger();
        loop {
            let mut chunk = [MaybeUninit::uninit(); CHUNK];
            let mut buffer = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
