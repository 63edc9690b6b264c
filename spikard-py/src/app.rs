//! What all routes of an app have in common.

use pyo3::prelude::*;

/// The hooks of an app into Python.
pub(crate) struct App {
    /// Makes a response, or a coroutine that makes one, of an exception; None if it has none.
    pub(crate) exception_response: Py<PyAny>,
    /// Writes the traceback of an exception to the log.
    pub(crate) log_exception: Py<PyAny>,
    /// Writes any value as JSON.
    pub(crate) encode: Py<PyAny>,
    /// The same for what is exactly a dict or a list.
    pub(crate) encode_plain: Py<PyAny>,
    /// The same for most of these: `orjson.dumps` with its further arguments, where it is installed.
    pub(crate) orjson: Option<(Py<PyAny>, Py<PyAny>, Py<PyAny>)>,
    /// The class of responses.
    pub(crate) response: Py<PyAny>,
    /// Sends what an iterable yields.
    pub(crate) pump: Py<PyAny>,
}

impl App {
    /// Reads the hooks that `spikard._server` hands over.
    pub(crate) fn read(hooks: &Bound<'_, PyAny>) -> PyResult<Self> {
        let hook = |name| Ok::<_, PyErr>(hooks.getattr(name)?.unbind());
        Ok(Self {
            exception_response: hook("exception_response")?,
            log_exception: hook("log_exception")?,
            encode: hook("encode")?,
            encode_plain: hook("encode_plain")?,
            orjson: hooks.getattr("orjson")?.extract()?,
            response: hook("response")?,
            pump: hook("pump")?,
        })
    }
}
