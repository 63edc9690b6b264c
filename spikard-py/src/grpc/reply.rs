//! The way of responses from the task of a call to the wire, no faster than the client takes them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::stream::Stream;
use http::StatusCode;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spikard_core::grpc::{Code, Metadata, Part, Reply as CoreReply, Status};

use crate::after::After;
use crate::engine::Engine;
use crate::respond::kept;
use crate::stream::{AHEAD, resolve};
use crate::thread;

use super::metadata;

/// What a message costs beside its bytes: those that are empty must not wait without end.
const OVERHEAD: usize = 64;

#[derive(Default)]
struct State {
    messages: VecDeque<Bytes>,
    waiting: usize,
    /// Goes with the first message.
    metadata: Metadata,
    begun: bool,
    end: Option<Status>,
    reader: Option<Waker>,
    /// The future of asyncio that the task awaits, until there is room.
    room: Option<Py<PyAny>>,
    /// The task, once it has begun to wait.
    task: Option<Py<PyAny>>,
    /// Nobody reads any more.
    closed: bool,
}

/// What becomes of a call: written by its task, read by the wire.
#[derive(Clone, Default)]
pub(super) struct Outcome(Arc<Mutex<State>>);

impl Outcome {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the call, unless it has ended.
    pub(super) fn end(&self, status: Status) {
        let mut state = self.lock();
        state.end.get_or_insert(status);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            thread::wake(reader);
        }
    }

    /// Notes the task, or cancels it if nobody waits for it any more.
    pub(super) fn waits_for(&self, task: Bound<'_, PyAny>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            cancel(&task);
        } else {
            state.task = Some(task.unbind());
        }
    }

    /// Where the task puts its responses.
    pub(super) fn for_python(&self, after: Option<After>) -> GrpcReply {
        GrpcReply { outcome: self.clone(), after: Mutex::new(after) }
    }
}

/// A call that runs. To drop it cancels its task.
pub(super) struct Running {
    outcome: Outcome,
    engine: Arc<Engine>,
    /// Held until the wire has all.
    _after: Option<After>,
}

impl Running {
    pub(super) fn new(engine: Arc<Engine>, after: Option<After>) -> Self {
        Self { outcome: Outcome::default(), engine, _after: after }
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    /// Waits for the first response or the end.
    pub(super) async fn reply(self) -> Result<CoreReply, Status> {
        let metadata = poll_fn(|cx| {
            let mut state = self.outcome.lock();
            if !state.messages.is_empty() {
                return Poll::Ready(Ok(std::mem::take(&mut state.metadata)));
            }
            match state.end.take() {
                Some(status) if status.code == Code::Ok => {
                    state.end = Some(status);
                    Poll::Ready(Ok(Metadata::new()))
                }
                Some(status) => {
                    state.closed = true;
                    Poll::Ready(Err(status))
                }
                None => {
                    state.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        });
        let metadata = metadata.await?;
        Ok(CoreReply { metadata, ..CoreReply::stream(self) })
    }
}

impl Stream for Running {
    type Item = Part;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        let mut state = self.outcome.lock();
        if let Some(message) = state.messages.pop_front() {
            state.waiting -= message.len() + OVERHEAD;
            let room = if state.waiting < AHEAD { state.room.take() } else { None };
            drop(state);
            if let Some(room) = room {
                self.engine.on_loop(move |py| resolve(py, &room));
            }
            return Poll::Ready(Some(Part::Message(message)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        if let Some(status) = state.end.take() {
            state.closed = true;
            return Poll::Ready(Some(Part::End(status)));
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.outcome.lock();
        let was_closed = std::mem::replace(&mut state.closed, true);
        let task = state.task.take();
        let is_over = was_closed || state.end.is_some();
        drop(state);
        if let Some(task) = task {
            self.engine.on_loop(move |py| {
                let task = task.into_bound(py);
                if !is_over {
                    cancel(&task);
                }
            });
        }
    }
}

fn cancel(task: &Bound<'_, PyAny>) {
    if let Err(error) = task.call_method0("cancel") {
        error.write_unraisable(task.py(), Some(task));
    }
}

/// What a client learns of a call that failed.
pub(super) fn failed() -> Status {
    Status::new(Code::Internal, "Internal server error")
}

/// Where a task puts its responses. The last of them is a status: one is sent for a task that is
/// gone without a word.
#[pyclass(frozen, module = "spikard._spikard")]
pub(super) struct GrpcReply {
    outcome: Outcome,
    /// Held until the task has ended.
    after: Mutex<Option<After>>,
}

#[pymethods]
impl GrpcReply {
    /// Sends a response; the first one with metadata. True if another one is wanted at once.
    #[pyo3(signature = (payload, metadata))]
    fn send(&self, payload: &Bound<'_, PyAny>, metadata: &Bound<'_, PyAny>) -> PyResult<bool> {
        let message = if let Ok(bytes) = payload.cast::<PyBytes>() {
            kept(bytes)
        } else if let Ok(bytes) = payload.extract::<Vec<u8>>() {
            Bytes::from(bytes)
        } else {
            let message = format!("payload is of type {}, expected bytes", payload.get_type().name()?);
            return Err(PyTypeError::new_err(message));
        };
        let metadata = metadata::sent(metadata)?;
        let mut state = self.outcome.lock();
        if !state.begun {
            state.metadata = metadata;
        } else if !metadata.is_empty() {
            let message = "metadata stand with a response that is not the first, expected trailing_metadata: the head is sent";
            return Err(PyValueError::new_err(message));
        }
        state.begun = true;
        state.waiting += message.len() + OVERHEAD;
        state.messages.push_back(message);
        let (wants_more, reader) = (state.waiting < AHEAD, state.reader.take());
        drop(state);
        if let Some(reader) = reader {
            thread::wake(reader);
        }
        Ok(wants_more)
    }

    /// Sets the future that is resolved when there is room. False if there is room already.
    fn await_room(&self, future: Py<PyAny>) -> bool {
        let mut state = self.outcome.lock();
        let full = state.waiting >= AHEAD && !state.closed;
        if full {
            state.room = Some(future);
        }
        full
    }

    /// Ends the call with a code, a message and trailers.
    fn end(&self, code: u8, message: String, metadata: &Bound<'_, PyAny>) -> PyResult<()> {
        let known = Code::of_number(code);
        let code = known.ok_or_else(|| PyValueError::new_err(format!("code is {code}, expected 0 to 16")))?;
        self.close(Status { code, message, metadata: metadata::sent(metadata)? });
        Ok(())
    }

    /// Ends the call with what an HTTP status comes to.
    fn refuse(&self, status: u16, message: String) {
        let code = StatusCode::from_u16(status).map_or(Code::Unknown, Code::of_http);
        self.close(Status::new(code, message));
    }
}

impl GrpcReply {
    fn close(&self, status: Status) {
        self.outcome.end(status);
        self.after.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for GrpcReply {
    fn drop(&mut self) {
        self.outcome.end(failed());
    }
}
