//! A route of Python as the server needs it: what `_plan.Route` says, read once.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::app::App;
use crate::arguments::Arguments;
use crate::call::Call;

/// A handler and how it is called.
pub(crate) struct PythonRoute {
    pub(crate) app: Arc<App>,
    /// The name for tasks and logs.
    pub(crate) name: Py<PyString>,
    pub(crate) kind: Kind,
    /// Whether the handler is cancelled when its client goes away.
    pub(crate) cancel: bool,
    /// Writes results as JSON.
    pub(crate) encode: Py<PyAny>,
    pub(crate) arguments: Arguments,
    function: Py<PyAny>,
}

/// How the function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As a task.
    Async,
    /// At once, on the thread of the loop.
    Inline,
    /// On a thread of the pool.
    Threaded,
}

impl PythonRoute {
    /// Reads a `_plan.Route`.
    pub(crate) fn read(plan: &Bound<'_, PyAny>, app: &Arc<App>) -> PyResult<Self> {
        let is_async: bool = plan.getattr("is_async")?.extract()?;
        let to_thread: bool = plan.getattr("sync_to_thread")?.extract()?;
        let signature = plan.getattr("signature")?;
        let encode = signature.getattr("encode")?;
        let encode = if encode.is_none() { app.encode.clone_ref(plan.py()) } else { encode.unbind() };
        Ok(Self {
            app: Arc::clone(app),
            name: plan.getattr("name")?.cast_into::<PyString>()?.unbind(),
            kind: match (is_async, to_thread) {
                (true, _) => Kind::Async,
                (false, true) => Kind::Threaded,
                (false, false) => Kind::Inline,
            },
            cancel: plan.getattr("cancel_on_disconnect")?.extract()?,
            encode,
            arguments: Arguments::read(&signature)?,
            function: plan.getattr("function")?.unbind(),
        })
    }

    /// Calls the function.
    pub(crate) fn invoke<'py>(&self, py: Python<'py>, call: &mut Call) -> PyResult<Bound<'py, PyAny>> {
        self.arguments.call(self.function.bind(py), call)
    }
}
