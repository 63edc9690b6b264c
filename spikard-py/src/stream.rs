//! Bodies that a handler makes piece by piece, no faster than the client takes them.
//!
//! A task of asyncio (`_stream.pump`) takes pieces from the handler's iterable and hands them to a
//! `Sender`; when enough of them wait, it waits for room. A client that goes away cancels the task,
//! which closes the iterable.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use spikard_core::Body;

use crate::after::After;
use crate::call::Call;
use crate::engine::Engine;
use crate::events::{Due, Pulse};
use crate::panics;
use crate::route::PythonRoute;
use crate::thread;

/// How many bytes wait before the iterable is no longer asked for more.
pub(crate) const AHEAD: usize = 64 << 10;

#[derive(Default)]
struct Channel {
    pieces: VecDeque<Bytes>,
    waiting: usize,
    reader: Option<Waker>,
    /// The future of asyncio that the pump awaits, until there is room.
    room: Option<Py<PyAny>>,
    end: Option<End>,
    closed: bool,
    /// The server ends: what is broken off now has ended in order.
    closing: bool,
}

enum End {
    Complete,
    Failed,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Channel>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Channel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a `Stream` of Python. Its pump starts when the body is first asked for.
pub(crate) fn body(
    py: Python<'_>,
    engine: &Arc<Engine>,
    stream: &Bound<'_, PyAny>,
    route: &PythonRoute,
    call: &Call,
) -> PyResult<Body> {
    let shared = Shared::default();
    let sender = Bound::new(py, Sender { shared: shared.clone(), after: Mutex::new(call.after()) })?;
    let subject = call.subject();
    let pump = route.app.pump.bind(py).call1((stream, sender, &route.name, subject.request_id()))?;
    let interval: Option<f64> = stream.getattr("keep_alive")?.extract()?;
    let interval =
        interval.map(Duration::try_from_secs_f64).transpose().map_err(|error| PyValueError::new_err(error.to_string()))?;
    let pulse = interval.map(|interval| Pulse::new(interval, &engine.closing));
    let task = Pump::Coroutine(pump.unbind());
    let name = route.name.clone_ref(py);
    Ok(Body::new(Streamed {
        shared,
        engine: Arc::clone(engine),
        task: Arc::new(Mutex::new(task)),
        name,
        after: call.after(),
        pulse,
        started: false,
        breaks_off: false,
    }))
}

/// What makes the pieces.
enum Pump {
    Coroutine(Py<PyAny>),
    Running(Py<PyAny>),
    None,
}

struct Streamed {
    shared: Shared,
    engine: Arc<Engine>,
    task: Arc<Mutex<Pump>>,
    name: Py<PyString>,
    after: Option<After>,
    /// What a stream of events has.
    pulse: Option<Pulse>,
    started: bool,
    breaks_off: bool,
}

impl Streamed {
    /// Makes a task of the pump, on the thread of the loop.
    fn start(&mut self) {
        self.started = true;
        let (engine, task, shared) = (Arc::clone(&self.engine), Arc::clone(&self.task), self.shared.clone());
        let (name, after) = (Python::attach(|py| self.name.clone_ref(py)), self.after.clone());
        self.engine.on_loop(move |py| {
            let mut task = task.lock().unwrap_or_else(PoisonError::into_inner);
            let Pump::Coroutine(coroutine) = std::mem::replace(&mut *task, Pump::None) else { return };
            let _scope = after.as_ref().and_then(|after| after.enter(py));
            match engine.tasks.start(coroutine.into_bound(py), name.bind(py)) {
                Ok(started) => *task = Pump::Running(started.unbind()),
                Err(error) => {
                    error.write_unraisable(py, None);
                    shared.lock().end = Some(End::Failed);
                }
            }
        });
    }

    /// Calls the pump off, which closes the iterable.
    fn cancel(&self) {
        let task = Arc::clone(&self.task);
        self.engine.on_loop(move |py| {
            let cancelled = match std::mem::replace(&mut *task.lock().unwrap_or_else(PoisonError::into_inner), Pump::None) {
                Pump::Coroutine(coroutine) => coroutine.call_method0(py, "close").map(drop),
                Pump::Running(task) => task.call_method0(py, "cancel").map(drop),
                Pump::None => Ok(()),
            };
            if let Err(error) = cancelled {
                error.write_unraisable(py, None);
            }
        });
    }

    /// What is sent while there is nothing to send. Where the server ends, the iterable is closed first.
    fn poll_pulse(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let Some(pulse) = &mut self.pulse else { return Poll::Pending };
        match ready!(pulse.poll(cx)) {
            Due::Comment(comment) => Poll::Ready(Some(Ok(Frame::data(comment)))),
            Due::Close => {
                self.shared.lock().closing = true;
                self.cancel();
                Poll::Pending
            }
        }
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.started {
            self.start();
        }
        let shared = self.shared.clone();
        let mut channel = shared.lock();
        if let Some(piece) = channel.pieces.pop_front() {
            channel.waiting -= piece.len();
            if channel.waiting < AHEAD
                && let Some(room) = channel.room.take()
            {
                drop(channel);
                self.engine.on_loop(move |py| resolve(py, &room));
            }
            if let Some(pulse) = &mut self.pulse {
                pulse.sent();
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match channel.end {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::Failed) if channel.closing => Poll::Ready(None),
            // One more turn: a connection that breaks off drops what it has not written yet.
            Some(End::Failed) if !std::mem::replace(&mut self.breaks_off, true) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(End::Failed) => Poll::Ready(Some(Err(std::io::Error::other("the handler's stream failed")))),
            None => {
                channel.reader = Some(cx.waker().clone());
                drop(channel);
                self.poll_pulse(cx)
            }
        }
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        let mut channel = self.shared.lock();
        channel.closed = true;
        if channel.end.is_some() {
            return;
        }
        drop(channel);
        self.cancel();
    }
}

/// Resolves the future that the pump awaits.
pub(crate) fn resolve(py: Python<'_>, room: &Py<PyAny>) {
    let room = room.bind(py);
    let resolved = room
        .call_method0("done")
        .and_then(|done| if done.is_truthy()? { Ok(()) } else { room.call_method1("set_result", (py.None(),)).map(drop) });
    if let Err(error) = resolved {
        error.write_unraisable(py, None);
    }
}

/// Where the pump puts pieces.
#[pyclass(frozen, module = "spikard._spikard")]
struct Sender {
    shared: Shared,
    /// Held until the iterable is closed.
    after: Mutex<Option<After>>,
}

#[pymethods]
impl Sender {
    /// Sends a piece. True if another one is wanted at once.
    fn send(&self, piece: &Bound<'_, PyAny>) -> PyResult<bool> {
        panics::point("stream");
        let bytes = if let Ok(bytes) = piece.cast::<PyBytes>() {
            Bytes::copy_from_slice(bytes.as_bytes())
        } else if let Ok(text) = piece.cast::<PyString>() {
            Bytes::copy_from_slice(text.to_str()?.as_bytes())
        } else if let Ok(buffer) = piece.extract::<Vec<u8>>() {
            Bytes::from(buffer)
        } else {
            let message = format!("a stream yielded {}, expected str or bytes", piece.get_type().name()?);
            return Err(PyTypeError::new_err(message));
        };
        let mut channel = self.shared.lock();
        if bytes.is_empty() {
            return Ok(channel.waiting < AHEAD);
        }
        channel.waiting += bytes.len();
        channel.pieces.push_back(bytes);
        if let Some(reader) = channel.reader.take() {
            thread::wake(reader);
        }
        Ok(channel.waiting < AHEAD)
    }

    /// Sets the future that is resolved when there is room. False if there is room already.
    fn await_room(&self, future: Py<PyAny>) -> bool {
        let mut channel = self.shared.lock();
        let full = channel.waiting >= AHEAD && !channel.closed;
        if full {
            channel.room = Some(future);
        }
        full
    }

    /// Says that there are no more pieces: `complete`, or broken off.
    fn end(&self, complete: bool) {
        let mut channel = self.shared.lock();
        channel.end = Some(if complete { End::Complete } else { End::Failed });
        if let Some(reader) = channel.reader.take() {
            thread::wake(reader);
        }
        drop(channel);
        self.after.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
