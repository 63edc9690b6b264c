//! What a method of Python gets: a request, or a stream of them that reads the next one when it is
//! asked for it.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};
use spikard_core::BodyReadingConfig;
use spikard_core::grpc::{Messages, Metadata, Status};
use tokio::sync::Mutex;

use crate::engine::Engine;
use crate::promise;
use crate::request::Request;
use crate::source::Source;

use super::metadata;

/// What all requests of a call have in common.
pub(super) struct Arguments {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) metadata: Metadata,
    pub(super) head: Parts,
}

impl Arguments {
    /// The same as objects of Python.
    pub(super) fn of_python(self, py: Python<'_>, engine: &Arc<Engine>) -> PyResult<Shared> {
        // Its body is the call's, as messages.
        let body = Source::of_bytes(Bytes::new(), BodyReadingConfig::default());
        Ok(Shared {
            service: PyString::new(py, &self.service).unbind(),
            method: PyString::new(py, &self.method).unbind(),
            metadata: metadata::received(py, &self.metadata)?.unbind(),
            http: Py::new(py, Request::new(Arc::new(self.head), body, Arc::clone(engine)))?,
        })
    }
}

pub(super) struct Shared {
    service: Py<PyString>,
    method: Py<PyString>,
    metadata: Py<PyAny>,
    http: Py<Request>,
}

impl Shared {
    /// A `GrpcRequest`.
    pub(super) fn request<'py>(&self, py: Python<'py>, message: &Bytes) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let class = CLASS.import(py, "spikard._grpc.messages", "GrpcRequest")?;
        class.call1((&self.service, &self.method, PyBytes::new(py, message), &self.metadata, &self.http))
    }
}

/// The requests of a call, in order.
#[pyclass(frozen, module = "spikard.grpc", name = "GrpcRequestStream")]
pub(crate) struct Requests {
    shared: Arc<Shared>,
    messages: Arc<Mutex<Messages>>,
    engine: Arc<Engine>,
}

impl Requests {
    pub(super) fn new(shared: Shared, messages: Messages, engine: Arc<Engine>) -> Self {
        Self { shared: Arc::new(shared), messages: Arc::new(Mutex::new(messages)), engine }
    }
}

#[pymethods]
impl Requests {
    #[getter]
    fn service_name(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.service.clone_ref(py)
    }

    #[getter]
    fn method_name(&self, py: Python<'_>) -> Py<PyString> {
        self.shared.method.clone_ref(py)
    }

    #[getter]
    fn metadata(&self, py: Python<'_>) -> Py<PyAny> {
        self.shared.metadata.clone_ref(py)
    }

    #[getter]
    fn http(&self, py: Python<'_>) -> Py<Request> {
        self.shared.http.clone_ref(py)
    }

    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (shared, messages) = (Arc::clone(&self.shared), Arc::clone(&self.messages));
        promise::of(py, &self.engine, async move {
            let next = messages.lock().await.next().await;
            move |py: Python<'_>| match next {
                Ok(Some(message)) => Ok(shared.request(py, &message)?.unbind()),
                Ok(None) => Err(PyStopAsyncIteration::new_err(())),
                Err(status) => Err(error(py, &status)),
            }
        })
    }
}

/// A `GrpcError`.
fn error(py: Python<'_>, status: &Status) -> PyErr {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = CLASS
        .import(py, "spikard._grpc.messages", "GrpcError")
        .and_then(|class| class.call1((status.code.number(), &status.message)));
    made.map_or_else(|error| error, PyErr::from_value)
}
