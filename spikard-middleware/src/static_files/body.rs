//! A file, or a part of one, as a body: one piece in memory at a time. What the system has in
//! memory is read at once, what it has to fetch from a disk on a thread that may wait.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::root::{self, Wait};

/// How much is read at a time; a file of this size is read whole before its headers are sent.
pub(super) const PIECE: u64 = 64 << 10;

/// A part of an open file.
pub(super) struct FileBody {
    file: Arc<File>,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    pub(super) fn new(file: File, part: Range<u64>) -> Self {
        Self { file: Arc::new(file), left: part, reading: None }
    }

    fn next_piece(&self) -> (u64, usize) {
        let length = usize::try_from((self.left.end - self.left.start).min(PIECE)).unwrap_or_default();
        (self.left.start, length)
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left.is_empty() {
            return Poll::Ready(None);
        }
        let (offset, length) = this.next_piece();
        if this.reading.is_none() {
            match root::read(&this.file, offset, length, Wait::Never) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let file = Arc::clone(&this.file);
                    let read = move || root::read(&file, offset, length, Wait::Allowed);
                    this.reading = Some(tokio::task::spawn_blocking(read));
                }
                piece => return Poll::Ready(Some(this.take(piece))),
            }
        }
        let Some(reading) = &mut this.reading else { return Poll::Pending };
        let Poll::Ready(piece) = Pin::new(reading).poll(cx) else { return Poll::Pending };
        this.reading = None;
        Poll::Ready(Some(this.take(piece.unwrap_or_else(|error| Err(io::Error::other(error))))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end.saturating_sub(self.left.start))
    }
}

impl FileBody {
    fn take(&mut self, piece: io::Result<Bytes>) -> io::Result<Frame<Bytes>> {
        match piece {
            Ok(piece) => {
                self.left.start += piece.len() as u64;
                Ok(Frame::data(piece))
            }
            // The client sees that the body is cut off: the connection ends before its length.
            Err(error) => {
                self.left.start = self.left.end;
                Err(error)
            }
        }
    }
}
