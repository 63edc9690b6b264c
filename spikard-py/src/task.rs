//! Real tasks of asyncio, whose first step runs at once.
//!
//! A handler needs a current task: without one `asyncio.timeout`, anyio and task groups fail, and
//! context variables leak from one request into the next. From Python 3.12 on `Task` can start
//! eagerly. Before, a task asks its loop to run the first step soon: the loop's `call_soon` is
//! replaced for that moment, and the step that it gets is run at once, in the task's context.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Starts tasks on one event loop.
pub(crate) struct Tasks {
    event_loop: Py<PyAny>,
    task: Py<PyAny>,
    start: Start,
}

enum Start {
    /// `Task(coroutine, **arguments, name=...)`.
    Eager(Py<PyDict>),
    /// With a `call_soon` that keeps the step.
    /// Nor is a task entered in the set of all tasks before it has to wait: that set is a
    /// `WeakSet`, and costs a third of a task.
    Captured { capture: Py<PyAny>, arguments: Py<PyDict>, register: Py<PyAny>, all_tasks: Py<PyAny> },
}

impl Tasks {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let task = py.import("asyncio")?.getattr("Task")?.unbind();
        let arguments = PyDict::new(py);
        arguments.set_item("loop", event_loop)?;
        let start = if py.version_info() >= (3, 12) {
            arguments.set_item("eager_start", true)?;
            Start::Eager(arguments.unbind())
        } else {
            let capture = wrap_pyfunction!(captured::capture, py)?.into_any().unbind();
            let register = wrap_pyfunction!(captured::register_later, py)?.into_any().unbind();
            let all_tasks = py.import("asyncio.tasks")?.getattr("_all_tasks")?.unbind();
            Start::Captured { capture, arguments: arguments.unbind(), register, all_tasks }
        };
        Ok(Self { event_loop: event_loop.clone().unbind(), task, start })
    }

    /// The loop.
    pub(crate) fn event_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    /// Makes a task of a coroutine and runs its first step. The loop must be running, and none of
    /// its tasks.
    ///
    /// # Errors
    /// What leaves the step although it belongs to the task: `KeyboardInterrupt`, `SystemExit`.
    pub(crate) fn start<'py>(&self, coroutine: Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        let task = self.task.bind(py);
        match &self.start {
            Start::Eager(arguments) => {
                let arguments = arguments.bind(py);
                // The name is the one argument that differs; the dictionary is only read.
                arguments.set_item(pyo3::intern!(py, "name"), name)?;
                task.call((coroutine,), Some(arguments))
            }
            Start::Captured { capture, arguments, register, all_tasks } => {
                let arguments = arguments.bind(py);
                arguments.set_item(pyo3::intern!(py, "name"), name)?;
                let (event_loop, all_tasks) = (self.event_loop.bind(py), all_tasks.bind(py));
                let (call_soon, add) = (pyo3::intern!(py, "call_soon"), pyo3::intern!(py, "add"));
                event_loop.setattr(call_soon, capture)?;
                all_tasks.setattr(add, register)?;
                let task = task.call((coroutine,), Some(arguments));
                all_tasks.delattr(add)?;
                event_loop.delattr(call_soon)?;
                let task = task?;
                captured::run(py)?;
                Ok(task)
            }
        }
    }

    /// Makes a task that has to wait known as one of the loop's (`asyncio.all_tasks`).
    pub(crate) fn register(&self, task: &Bound<'_, PyAny>) -> PyResult<()> {
        match &self.start {
            Start::Eager(_) => Ok(()),
            Start::Captured { all_tasks, .. } => {
                all_tasks.bind(task.py()).call_method1(pyo3::intern!(task.py(), "add"), (task,)).map(drop)
            }
        }
    }
}

mod captured {
    //! The first step of a task, between the loop's `call_soon` and its run.

    #![allow(unsafe_code)]

    use std::cell::RefCell;

    use pyo3::exceptions::PyRuntimeError;
    use pyo3::ffi;
    use pyo3::prelude::*;

    thread_local! {
        static STEP: RefCell<Option<(Py<PyAny>, Py<PyAny>)>> = const { RefCell::new(None) };
    }

    /// Stands in for `loop.call_soon` while a task is made.
    #[pyfunction]
    #[pyo3(signature = (callback, *, context))]
    pub(super) fn capture(callback: Py<PyAny>, context: Py<PyAny>) {
        STEP.with_borrow_mut(|step| *step = Some((callback, context)));
    }

    /// Stands in for the `add` of the set of all tasks while a task is made.
    #[pyfunction]
    #[pyo3(signature = (_task))]
    pub(super) fn register_later(_task: &Bound<'_, PyAny>) {}

    /// Runs the step that was kept, in its context.
    pub(super) fn run(py: Python<'_>) -> PyResult<()> {
        let (step, context) = STEP.take().ok_or_else(|| PyRuntimeError::new_err("the task did not ask for its first step"))?;
        // SAFETY: `context` is the context that the task copied for itself; it is left below.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
        }
        let outcome = step.bind(py).call0();
        // SAFETY: as above; an error here would be a second one, and the first is kept.
        if unsafe { ffi::PyContext_Exit(context.as_ptr()) } != 0 {
            let error = PyErr::fetch(py);
            return Err(outcome.err().unwrap_or(error));
        }
        outcome.map(drop)
    }
}
