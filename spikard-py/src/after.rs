//! What runs when an answer is over: the last byte of its body was sent, or its client has left.
//!
//! A scope is open for as long as somebody holds an [`After`]: the call, until its handler has ended;
//! what pumps a stream; the body and each of its pieces, until the connection is done with them. When
//! the last one lets go, whatever came of the request, `_after.finish` runs what was pushed. Requests
//! of routes that ask for no scope have none, until `spikard.background` is imported.

#![allow(unsafe_code)]

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use spikard_core::{Body, RequestId, Response};

use crate::engine::Engine;
use crate::route::PythonRoute;

static EVERYWHERE: AtomicBool = AtomicBool::new(false);

/// Opens a scope for every request from now on.
#[pyfunction]
pub(crate) fn open_scopes() {
    EVERYWHERE.store(true, Ordering::Relaxed);
}

/// A hold on an open scope.
#[derive(Clone)]
pub(crate) struct After(Arc<Open>);

struct Open {
    pushed: Arc<Pushed>,
    engine: Arc<Engine>,
}

/// What was pushed, and for whom.
struct Pushed {
    request_id: Option<RequestId>,
    event_loop: Py<PyAny>,
    state: Mutex<State>,
}

enum State {
    Open(Work),
    Over,
}

#[derive(Default)]
struct Work {
    begin: Vec<Py<PyAny>>,
    clean_up: Vec<Py<PyAny>>,
    /// The context variables as the last of those who pushed saw them.
    context: Option<Py<PyAny>>,
}

impl Work {
    fn is_empty(&self) -> bool {
        self.begin.is_empty() && self.clean_up.is_empty()
    }
}

impl After {
    /// The scope of a request, where there is to be one.
    pub(crate) fn of(route: &PythonRoute, engine: &Arc<Engine>, parts: &Parts) -> Option<Self> {
        (route.scoped || EVERYWHERE.load(Ordering::Relaxed)).then(|| Self::open(engine, parts.extensions.get().cloned()))
    }

    /// Opens a scope.
    pub(crate) fn open(engine: &Arc<Engine>, request_id: Option<RequestId>) -> Self {
        engine.scopes.fetch_add(1, Ordering::Relaxed);
        let event_loop = Python::attach(|py| engine.tasks.event_loop(py));
        let state = Mutex::new(State::Open(Work::default()));
        Self(Arc::new(Open { pushed: Arc::new(Pushed { request_id, event_loop, state }), engine: Arc::clone(engine) }))
    }

    /// Makes the scope the current one, in the current context, until the guard is dropped.
    pub(crate) fn enter<'py>(&self, py: Python<'py>) -> Option<Entered<'py>> {
        let entered = (|| {
            let current = current(py)?;
            let scope = Bound::new(py, Scope(Arc::clone(&self.0.pushed)))?;
            // SAFETY: a context variable and a value, both alive; a new reference, or null with an exception set.
            let token = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContextVar_Set(current.as_ptr(), scope.as_ptr())) }?;
            Ok::<_, PyErr>(Entered { current, token })
        })();
        entered.inspect_err(|error| error.clone_ref(py).write_unraisable(py, None)).ok()
    }

    /// The response, whose body holds the scope if there is something to run at its end.
    pub(crate) fn around(self, response: Response) -> Response {
        if self.0.pushed.is_empty() {
            return response;
        }
        response.map(|body| Body::new(Held { body, after: self }))
    }
}

/// The context variable `_after.current`.
fn current(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CURRENT.get_or_try_init(py, || Ok(py.import("spikard._after")?.getattr("current")?.unbind())).map(|current| current.bind(py))
}

/// A scope is the current one for as long as this lives.
pub(crate) struct Entered<'py> {
    current: &'py Bound<'py, PyAny>,
    token: Bound<'py, PyAny>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // SAFETY: the variable and the token of `enter`, in the context in which it was made.
        if unsafe { ffi::PyContextVar_Reset(self.current.as_ptr(), self.token.as_ptr()) } != 0 {
            PyErr::fetch(self.current.py()).write_unraisable(self.current.py(), None);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let State::Open(work) = std::mem::replace(&mut *self.pushed.state(), State::Over) else { return };
        if work.is_empty() {
            self.engine.scopes.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let (engine, pushed) = (Arc::clone(&self.engine), Arc::clone(&self.pushed));
        self.engine.on_loop_from_thread(move |py| {
            let request_id = pushed.request_id.as_ref().map(RequestId::as_str);
            let given = (work.begin, work.clean_up, work.context, request_id);
            let finished = py.import("spikard._after").and_then(|after| after.getattr("finish")?.call1(given));
            if let Err(error) = finished {
                error.write_unraisable(py, None);
            }
            engine.scopes.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

impl Pushed {
    fn is_empty(&self) -> bool {
        matches!(&*self.state(), State::Open(work) if work.is_empty())
    }

    /// Adds work, unless the answer is over.
    fn add(&self, py: Python<'_>, add: impl FnOnce(&mut Work)) -> PyResult<bool> {
        // SAFETY: a new reference, or null with an exception set.
        let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }?;
        let mut state = self.state();
        let State::Open(work) = &mut *state else { return Ok(false) };
        add(work);
        let before = work.context.replace(context.unbind());
        drop(state);
        drop(before);
        Ok(true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What Python sees of a scope.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Scope(Arc<Pushed>);

#[pymethods]
impl Scope {
    /// Calls `callback`, sync or async, when the answer is over: the last that was pushed first, and all
    /// of them after what was begun. False if the answer is over.
    fn push(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<bool> {
        self.0.add(py, |work| work.clean_up.push(callback))
    }

    /// Calls `callback` on the loop when the answer is over, in order; it starts a task and returns it.
    /// False if the answer is over.
    fn begin(&self, py: Python<'_>, callback: Py<PyAny>) -> PyResult<bool> {
        self.0.add(py, |work| work.begin.push(callback))
    }

    /// The id of the request.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_ref().map(RequestId::as_str)
    }

    /// The loop on which the request is answered.
    #[getter]
    fn event_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.event_loop.clone_ref(py)
    }
}

/// A body that holds a scope.
struct Held {
    body: Body,
    after: After,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        frame.map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(Piece { bytes, _after: self.after.clone() })))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes that hold a scope until the connection has sent them.
struct Piece {
    bytes: Bytes,
    _after: After,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
