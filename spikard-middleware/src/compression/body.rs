//! A body that is compressed while it is sent. Input is gathered for as long as the inner body
//! has some ready; when it pauses, what was gathered is flushed, so that a slow stream is not held
//! back and a fast one is not cut into small pieces. Long work is done on the blocking threads.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum_core::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::task::JoinHandle;

use super::encoder::Encoder;

/// How much input is gathered at most before it is encoded.
const BATCH: usize = 128 << 10;

/// A body and what compresses it.
pub(super) struct Compressed {
    inner: Body,
    input: Input,
    state: State,
    gathered: Vec<Bytes>,
    /// Bytes that were read and have not come out yet, here or in the encoder.
    held: usize,
    inline_limit: usize,
    trailers: Option<HeaderMap>,
}

enum Input {
    Open,
    Ended,
    Failed(axum_core::BoxError),
}

enum State {
    Open(Box<Encoder>),
    Encoding(JoinHandle<io::Result<Encoded>>),
    Ended,
}

/// What follows on a batch.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    More,
    Flush,
    Finish,
}

/// The output of a batch, and the encoder unless it is finished.
type Encoded = (Vec<u8>, Option<Box<Encoder>>);

impl Compressed {
    /// The compressed form of `inner`. What is in memory and small is encoded here and now: then
    /// the length is known, too.
    pub(super) fn body(encoder: Box<Encoder>, inner: Body, inline_limit: usize) -> Body {
        let (gathered, trailers) = (Vec::new(), None);
        let mut this = Self { inner, input: Input::Open, state: State::Ended, gathered, held: 0, inline_limit, trailers };
        let then = this.gather(&mut Context::from_waker(Waker::noop()));
        let is_all = then == Then::Finish && matches!(this.input, Input::Ended) && this.trailers.is_none();
        if !is_all || this.held > inline_limit {
            this.state = State::Open(encoder);
            return Body::new(this);
        }
        match encode(encoder, &this.gathered, then) {
            Ok((output, _)) => Body::from(output),
            Err(error) => {
                this.input = Input::Failed(error.into());
                Body::new(this)
            }
        }
    }

    /// Reads the inner body until it pauses, ends or has given enough.
    fn gather(&mut self, cx: &mut Context<'_>) -> Then {
        let mut gathered: usize = self.gathered.iter().map(Bytes::len).sum();
        while matches!(self.input, Input::Open) {
            if gathered >= BATCH {
                return Then::More;
            }
            match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        gathered += data.len();
                        self.held += data.len();
                        self.gathered.push(data);
                    }
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok();
                        self.input = Input::Ended;
                    }
                },
                Poll::Ready(Some(Err(error))) => self.input = Input::Failed(error.into()),
                Poll::Ready(None) => self.input = Input::Ended,
                Poll::Pending => return Then::Flush,
            }
        }
        Then::Finish
    }
}

impl HttpBody for Compressed {
    type Data = Bytes;
    type Error = axum_core::BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            let (output, encoder) = match std::mem::replace(&mut this.state, State::Ended) {
                State::Ended => {
                    return Poll::Ready(match std::mem::replace(&mut this.input, Input::Ended) {
                        Input::Failed(error) => Some(Err(error)),
                        _ => this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
                    });
                }
                State::Encoding(mut job) => {
                    let Poll::Ready(encoded) = Pin::new(&mut job).poll(cx) else {
                        this.state = State::Encoding(job);
                        return Poll::Pending;
                    };
                    encoded??
                }
                State::Open(encoder) => {
                    let then = this.gather(cx);
                    if matches!(this.input, Input::Failed(_)) {
                        continue;
                    }
                    if then == Then::Flush && this.held == 0 {
                        this.state = State::Open(encoder);
                        return Poll::Pending;
                    }
                    let batch = std::mem::take(&mut this.gathered);
                    let held = this.held;
                    if then == Then::Flush {
                        this.held = 0;
                    }
                    if held > this.inline_limit {
                        this.state = State::Encoding(tokio::task::spawn_blocking(move || encode(encoder, &batch, then)));
                        continue;
                    }
                    encode(encoder, &batch, then)?
                }
            };
            this.state = encoder.map_or(State::Ended, State::Open);
            if !output.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(output.into()))));
            }
        }
    }
}

fn encode(mut encoder: Box<Encoder>, batch: &[Bytes], then: Then) -> io::Result<Encoded> {
    for chunk in batch {
        encoder.write(chunk)?;
    }
    match then {
        Then::More => {}
        Then::Flush => encoder.flush()?,
        Then::Finish => return Ok((encoder.finish()?, None)),
    }
    Ok((encoder.output(), Some(encoder)))
}
