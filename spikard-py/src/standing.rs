//! Coroutines whose code cannot wait, run without a task each.
//!
//! A task costs as much as half a request. Where the byte code of a handler has no `await`, nothing
//! can happen between its beginning and its end, so all such handlers of a loop share one current
//! task; each has a context of its own.

#![allow(unsafe_code)]

use std::ptr::null_mut;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

/// The current task of such handlers on one event loop.
pub(crate) struct Standing {
    event_loop: Py<PyAny>,
    /// `_standing.StandingTask`.
    task: Py<PyAny>,
    enter: Py<PyAny>,
    leave: Py<PyAny>,
}

impl Standing {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let tasks = py.import("asyncio.tasks")?;
        Ok(Self {
            event_loop: event_loop.clone().unbind(),
            task: py.import("spikard._standing")?.getattr("standing_task")?.call1((event_loop,))?.unbind(),
            enter: tasks.getattr("_enter_task")?.unbind(),
            leave: tasks.getattr("_leave_task")?.unbind(),
        })
    }

    /// Runs a coroutine to its end. On the thread of the loop, while none of its tasks runs.
    ///
    /// # Errors
    /// What the coroutine raises.
    pub(crate) fn run<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let current = (self.event_loop.bind(py), self.task.bind(py));
        self.enter.bind(py).call1(current)?;
        let outcome = send(coroutine);
        let left = self.leave.bind(py).call1(current);
        outcome.and_then(|result| left.map(|_| result))
    }
}

/// Lets a coroutine run until it returns.
fn send<'py>(coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = coroutine.py();
    let mut result = null_mut();
    // SAFETY: both are objects; `result` is set to a new reference unless there is an error.
    let sent = unsafe { ffi::PyIter_Send(coroutine.as_ptr(), ffi::Py_None(), &raw mut result) };
    // SAFETY: as said; null means that an exception is set.
    let result = unsafe { Bound::from_owned_ptr_or_err(py, result) }?;
    if sent == ffi::PySendResult::PYGEN_RETURN {
        return Ok(result);
    }
    Err(PyRuntimeError::new_err("a coroutine without `await` has waited"))
}
