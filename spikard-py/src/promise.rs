//! Futures of Rust as awaitables of Python.
//!
//! A future that is ready when Python asks costs no turn of the loop. One that is not is driven by
//! tokio; when Python cancels what awaits it, it is dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::future::{AbortHandle, Abortable};
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use spikard_core::problem::Subject;

use crate::engine::{Engine, Transport};
use crate::failure;
use crate::panics;
use crate::thread;

/// Makes the awaitables of one event loop.
pub(crate) struct Promises {
    /// `_promise.Promise`.
    class: Py<PyAny>,
    arguments: Py<PyDict>,
}

impl Promises {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let arguments = PyDict::new(py);
        arguments.set_item("loop", event_loop)?;
        let class = py.import("spikard._promise")?.getattr("Promise")?.unbind();
        Ok(Self { class, arguments: arguments.unbind() })
    }
}

/// An awaitable of what `future` comes to. The future yields a function, which makes the value of
/// Python on the thread of the loop. To be called on that thread.
pub(crate) fn of<'py, F, V>(py: Python<'py>, engine: &Arc<Engine>, future: F) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = V> + Send + 'static,
    V: FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
{
    let mut future: Pin<Box<F>> = Box::pin(future);
    let inside = engine.runtime.enter();
    // Whoever polls next brings a waker of its own.
    if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Ok(Bound::new(py, Ready(value(py)))?.into_any());
    }
    drop(inside);
    let (abandon, registration) = AbortHandle::new_pair();
    let promise = engine.promises.class.bind(py).call((), Some(engine.promises.arguments.bind(py)))?;
    promise.setattr(pyo3::intern!(py, "abandon"), Bound::new(py, Abandon(abandon))?)?;
    let mut settlement = Settlement { engine: Arc::clone(engine), promise: Some(promise.clone().unbind()) };
    let task = Abortable::new(
        async move {
            let value = future.await;
            settlement.settle(value);
        },
        registration,
    );
    let task = async move {
        let _abandoned = task.await;
    };
    match &engine.transport {
        Transport::Here if !thread::in_turn() => thread::spawn_next_turn(Box::pin(task)),
        _ => drop(engine.runtime.spawn(task)),
    }
    Ok(promise)
}

/// What a promise is owed, whatever becomes of the future.
struct Settlement {
    engine: Arc<Engine>,
    promise: Option<Py<PyAny>>,
}

impl Settlement {
    fn settle(&mut self, value: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static) {
        let Some(promise) = self.promise.take() else { return };
        self.engine.on_loop(move |py| {
            let promise = promise.into_bound(py);
            let settled = promise.call_method0(pyo3::intern!(py, "done")).and_then(|done| {
                if done.is_truthy()? {
                    return Ok(());
                }
                let value = failure::guarded(&Subject::default(), || {
                    panics::point("promise");
                    value(py)
                });
                let outcome = match value.unwrap_or_else(|_| Err(PyRuntimeError::new_err("the bridge panicked"))) {
                    Ok(value) => promise.call_method1(pyo3::intern!(py, "set_result"), (value,)),
                    Err(error) => promise.call_method1(pyo3::intern!(py, "set_exception"), (error.into_value(py),)),
                };
                outcome.map(drop)
            });
            if let Err(error) = settled {
                error.write_unraisable(py, Some(&promise));
            }
        });
    }
}

impl Drop for Settlement {
    /// The future panicked, was abandoned, or the server has ended.
    fn drop(&mut self) {
        self.settle(|_| Err(PyRuntimeError::new_err("the server has ended")));
    }
}

/// Drops the future behind a promise.
#[pyclass(frozen, module = "spikard._spikard")]
struct Abandon(AbortHandle);

#[pymethods]
impl Abandon {
    fn __call__(&self) {
        self.0.abort();
    }
}

/// What is there already, for those who write `await`.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Ready(pub(crate) PyResult<Py<PyAny>>);

#[pymethods]
impl Ready {
    fn __await__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(match &self.0 {
            Ok(value) => PyStopIteration::new_err((value.clone_ref(py),)),
            Err(error) => error.clone_ref(py),
        })
    }
}
