//! A body that arrives once and is read by many, each from its beginning and at its own pace.
//!
//! As long as all of it may be kept, it is read as fast as it comes, whoever is slow or gone. When it grows
//! over its bound it is kept no more: then it moves on only as its slowest reader does, and what all have
//! read is given up.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum_core::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::budget::{Budget, Spent};

/// How long a body is read on that nobody waits for any more.
const LINGER: Duration = Duration::from_secs(30);
/// How many pieces the slowest reader may be behind when the body is not kept.
const BEHIND: usize = 2;

/// A body, and how far its readers are.
pub(super) struct Fill {
    state: Mutex<State>,
    length: Option<u64>,
    limit: usize,
    budget: Budget,
}

struct State {
    pieces: VecDeque<Bytes>,
    /// How many pieces before those were given up.
    gone: usize,
    size: usize,
    spent: Vec<Spent>,
    kept: bool,
    end: Option<End>,
    readers: Vec<Option<Place>>,
    source: Option<Waker>,
}

enum End {
    Complete(Option<HeaderMap>),
    Broken,
}

/// How far a reader is.
struct Place {
    next: usize,
    waker: Option<Waker>,
}

/// What stands against reading on.
enum Room {
    Wanted,
    /// It is kept, and nobody waits for it now.
    Unwatched,
    /// The slowest reader comes first.
    Full,
    /// It is for nobody.
    Useless,
}

impl Fill {
    /// A body of this length, if that is known, which may be kept up to `limit`.
    pub(super) fn new(length: Option<u64>, limit: usize, budget: &Budget) -> Arc<Self> {
        let state = State {
            pieces: VecDeque::new(),
            gone: 0,
            size: 0,
            spent: Vec::new(),
            kept: true,
            end: None,
            readers: Vec::new(),
            source: None,
        };
        Arc::new(Self { state: Mutex::new(state), length, limit, budget: budget.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader from the beginning; none if that is gone.
    pub(super) fn reader(self: &Arc<Self>) -> Option<Body> {
        let mut state = self.lock();
        if state.gone > 0 {
            return None;
        }
        let place = Some(Place { next: 0, waker: None });
        let free = state.readers.iter().position(Option::is_none);
        let slot = free.unwrap_or(state.readers.len());
        match free {
            Some(slot) => state.readers[slot] = place,
            None => state.readers.push(place),
        }
        Some(Body::new(Reader { fill: Arc::clone(self), slot, left: self.length }))
    }

    /// Reads what is there without waiting. The rest, unless that was all.
    pub(super) fn gather(&self, mut body: Body) -> Option<Body> {
        loop {
            let polled = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(frame) = polled else { return Some(body) };
            if !self.took(frame) {
                return None;
            }
            if !self.lock().kept {
                return Some(body);
            }
        }
    }

    /// Reads the body to its end, as far as anybody wants it.
    pub(super) async fn run(self: &Arc<Self>, mut body: Body) {
        // Readers must not wait for a body that panicked, or whose runtime is gone.
        let _guard = Guard(self);
        let mut linger = None;
        loop {
            let frame = poll_fn(|cx| {
                match self.room(cx) {
                    Room::Wanted => linger = None,
                    Room::Unwatched => {
                        let timer = linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
                        if timer.as_mut().poll(cx).is_ready() {
                            return Poll::Ready(None);
                        }
                    }
                    Room::Full => return Poll::Pending,
                    Room::Useless => return Poll::Ready(None),
                }
                Pin::new(&mut body).poll_frame(cx).map(Some)
            });
            let Some(frame) = frame.await else { return };
            if !self.took(frame) {
                return;
            }
        }
    }

    /// All of the body, if it is complete and was kept. Without its trailers, which need not be stored (RFC 9111
    /// section 3).
    pub(super) fn whole(&self) -> Option<Bytes> {
        let state = self.lock();
        let is_complete = matches!(state.end, Some(End::Complete(_))) && state.kept;
        if !is_complete || self.length.is_some_and(|length| length != state.size as u64) {
            return None;
        }
        let spent = self.budget.take(state.size)?;
        // The pieces may be parts of larger buffers, which must not be kept with them.
        Some(spent.hold(state.pieces.iter().flatten().copied().collect()))
    }

    pub(super) fn has_trailers(&self) -> bool {
        matches!(self.lock().end, Some(End::Complete(Some(_))))
    }

    fn room(&self, cx: &Context<'_>) -> Room {
        let mut state = self.lock();
        state.source = Some(cx.waker().clone());
        let nobody = state.readers.iter().all(Option::is_none);
        match (state.kept, nobody) {
            (true, true) => Room::Unwatched,
            (false, true) => Room::Useless,
            (false, false) if state.pieces.len() >= BEHIND => Room::Full,
            _ => Room::Wanted,
        }
    }

    /// Takes a frame, or the end. Whether more may come.
    fn took(&self, frame: Option<Result<Frame<Bytes>, axum_core::Error>>) -> bool {
        let mut state = self.lock();
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(piece))) if piece.is_empty() => {}
            Some(Ok(Ok(piece))) => {
                state.size += piece.len();
                match self.budget.take(piece.len()) {
                    Some(spent) if state.kept && state.size <= self.limit => state.spent.push(spent),
                    _ => state.give_up(),
                }
                state.pieces.push_back(piece);
            }
            Some(Ok(Err(frame))) => state.end = Some(End::Complete(frame.into_trailers().ok())),
            Some(Err(error)) => {
                tracing::debug!("an answer broke off while it was stored: {error}");
                state.end = Some(End::Broken);
            }
            None => state.end = Some(End::Complete(None)),
        }
        state.wake_readers();
        state.end.is_none()
    }
}

impl State {
    fn give_up(&mut self) {
        self.kept = false;
        self.spent.clear();
        self.trim();
    }

    /// Forgets what all readers have read, where it is not kept.
    fn trim(&mut self) {
        if self.kept {
            return;
        }
        let slowest = self.readers.iter().flatten().map(|place| place.next).min().unwrap_or(self.gone);
        let read = slowest.saturating_sub(self.gone).min(self.pieces.len());
        self.pieces.drain(..read);
        self.gone += read;
    }

    fn wake_readers(&mut self) {
        self.readers.iter_mut().flatten().filter_map(|place| place.waker.take()).for_each(Waker::wake);
    }

    fn wake_source(&mut self) {
        if let Some(waker) = self.source.take() {
            waker.wake();
        }
    }
}

struct Guard<'a>(&'a Fill);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.end.get_or_insert(End::Broken);
        state.wake_readers();
    }
}

struct Reader {
    fill: Arc<Fill>,
    slot: usize,
    left: Option<u64>,
}

/// The rest of an answer did not come.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off while it was stored")]
struct BrokeOff;

impl HttpBody for Reader {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let this = self.get_mut();
        let mut state = this.fill.lock();
        let gone = state.gone;
        let Some(next) = state.readers[this.slot].as_ref().map(|place| place.next) else { return Poll::Ready(None) };
        if let Some(piece) = state.pieces.get(next - gone).cloned() {
            if let Some(place) = &mut state.readers[this.slot] {
                place.next += 1;
            }
            if !state.kept {
                state.trim();
                state.wake_source();
            }
            this.left = this.left.map(|left| left.saturating_sub(piece.len() as u64));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let trailers = match &state.end {
            Some(End::Complete(trailers)) => trailers.clone(),
            Some(End::Broken) => {
                state.readers[this.slot] = None;
                return Poll::Ready(Some(Err(BrokeOff)));
            }
            None => {
                if let Some(place) = &mut state.readers[this.slot] {
                    place.waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        };
        state.readers[this.slot] = None;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        let state = self.fill.lock();
        let Some(place) = &state.readers[self.slot] else { return true };
        matches!(state.end, Some(End::Complete(None))) && place.next - state.gone == state.pieces.len()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.fill.lock();
        state.readers[self.slot] = None;
        state.trim();
        state.wake_source();
    }
}
