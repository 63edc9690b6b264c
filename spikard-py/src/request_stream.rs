//! `async for piece in request.stream()`: a body as it arrives, no faster than it is asked for.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::engine::Engine;
use crate::promise;
use crate::source::Source;

/// The pieces of a request body.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct RequestStream {
    source: Arc<Source>,
    engine: Arc<Engine>,
    begun: Arc<AtomicBool>,
}

impl RequestStream {
    pub(crate) fn new(source: Arc<Source>, engine: Arc<Engine>) -> Self {
        Self { source, engine, begun: Arc::default() }
    }
}

#[pymethods]
impl RequestStream {
    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let piece = Arc::clone(&self.source).piece(Arc::clone(&self.begun));
        promise::of(py, &self.engine, async move {
            let piece = piece.await;
            move |py: Python<'_>| match piece {
                Ok(Some(piece)) => Ok(PyBytes::new(py, &piece.take()).into_any().unbind()),
                Ok(None) => Err(PyStopAsyncIteration::new_err(())),
                Err(unread) => Err(unread.raised(py)),
            }
        })
    }
}
