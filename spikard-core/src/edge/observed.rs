//! A body that is looked at while it passes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use spikard_middleware::Body;

use super::answer::{LARGEST, Witness, misfit};
use crate::handler::aside;
use crate::validation::Schema;

/// A body that passes as it is. Behind its end the witness hears whether it fits.
pub(super) struct Observed {
    body: Body,
    /// What has passed; none once nobody wants to know any more.
    seen: Option<Seen>,
}

struct Seen {
    pieces: Vec<Bytes>,
    size: usize,
    schema: Schema,
    witness: Witness,
}

impl Observed {
    pub(super) fn new(body: Body, schema: Schema, witness: Witness) -> Self {
        Self { body, seen: Some(Seen { pieces: Vec::new(), size: 0, schema, witness }) }
    }

    fn note(&mut self, piece: &Bytes) {
        let Some(seen) = &mut self.seen else { return };
        seen.size += piece.len();
        seen.pieces.push(piece.clone());
        if seen.size > LARGEST {
            seen.witness.unchecked("it is too large");
            self.seen = None;
        }
    }

    fn finish(&mut self) {
        let Some(Seen { pieces, size, schema, witness }) = self.seen.take() else { return };
        tokio::spawn(aside(size, move || {
            if let Some(what) = misfit(&schema, &pieces.concat()) {
                witness.broken(&what);
            }
        }));
    }
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    self.note(piece);
                }
                // Who knows the length asks no further.
                if self.body.is_end_stream() {
                    self.finish();
                }
            }
            None => self.finish(),
            // It broke off: there is nothing to judge.
            Some(Err(_)) => self.seen = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
