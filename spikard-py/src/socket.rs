//! The server's side of a WebSocket, as `spikard.websockets.WebSocket` uses it.
//!
//! Nothing waits here: what is there is given, and what is not can be awaited, so that a wait that is
//! cancelled loses no message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use spikard_core::websocket::{Acceptance, Close, Message, WebSocket};

use crate::call::Call;
use crate::engine::Engine;
use crate::promise;
use crate::slot::Slot;

/// A WebSocket that a client asks for, and then has.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Socket {
    pub(crate) engine: Arc<Engine>,
    pub(crate) inner: WebSocket,
    pub(crate) acceptance: Acceptance,
    /// Where the answer to the handshake goes.
    pub(crate) answer: Slot,
    pub(crate) is_accepted: AtomicBool,
}

/// The argument of a handler: a `WebSocket` of Python around the one of this call.
pub(crate) fn argument<'py>(py: Python<'py>, call: &mut Call) -> PyResult<Bound<'py, PyAny>> {
    let socket = call.socket.take().ok_or_else(|| PyRuntimeError::new_err("a request has no WebSocket"))?;
    let request = call.request(py)?;
    py.import("spikard.websockets")?.getattr("WebSocket")?.call1((Bound::new(py, socket)?, request))
}

#[pymethods]
impl Socket {
    /// The subprotocols that the client offers.
    #[getter]
    fn offered(&self) -> Vec<String> {
        self.acceptance.offered().to_vec()
    }

    /// Answers the handshake, with the subprotocol that is returned.
    fn accept(&self, subprotocol: Option<&str>, headers: Vec<(String, String)>) -> PyResult<Option<String>> {
        let mut response = match subprotocol {
            None => self.acceptance.response(),
            Some(chosen) => self.acceptance.response_with(chosen).map_err(|error| PyValueError::new_err(error.to_string()))?,
        };
        for (name, value) in headers {
            let wrong = |error: &dyn std::fmt::Display| PyValueError::new_err(format!("header {name:?}: {error}"));
            let field = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(&error))?;
            response.headers_mut().append(field, HeaderValue::from_str(&value).map_err(|error| wrong(&error))?);
        }
        if self.is_accepted.swap(true, Ordering::Relaxed) {
            return Err(PyRuntimeError::new_err("the WebSocket has been accepted already"));
        }
        self.answer.put(response);
        Ok(subprotocol.or_else(|| self.acceptance.preferred()).map(str::to_owned))
    }

    /// The next message, `str` or `bytes`; None if none is there. Raises `WebSocketDisconnect`.
    fn receive<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match self.inner.try_receive().map_err(|close| disconnect(py, &close))? {
            Some(Message::Text(text)) => Some(PyString::new(py, &text).into_any()),
            Some(Message::Binary(bytes)) => Some(PyBytes::new(py, &bytes).into_any()),
            None => None,
        })
    }

    /// An awaitable that is done when `receive` has something to say.
    fn readable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let readable = self.inner.readable();
        promise::of(py, &self.engine, async move {
            readable.await;
            |py: Python<'_>| Ok(py.None())
        })
    }

    /// Sends text. False if the send queue is full. Raises `WebSocketDisconnect`.
    fn send_text(&self, py: Python<'_>, text: &str) -> PyResult<bool> {
        self.send(py, Message::Text(text.to_owned()))
    }

    /// Sends bytes, likewise.
    fn send_bytes(&self, py: Python<'_>, data: &[u8]) -> PyResult<bool> {
        self.send(py, Message::Binary(Bytes::copy_from_slice(data)))
    }

    /// An awaitable that is done when there is room in the send queue, or no use for any.
    fn writable<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let writable = self.inner.writable();
        promise::of(py, &self.engine, async move {
            writable.await;
            |py: Python<'_>| Ok(py.None())
        })
    }

    /// Closes the connection behind what is to be sent.
    fn close(&self, code: u16, reason: String) -> PyResult<()> {
        let close = Close::new(code, reason);
        if !close.is_sendable() {
            let expected = "expected a code such as 1000 or 3000 to 4999, and a reason of at most 123 bytes";
            return Err(PyValueError::new_err(format!("close is {} {:?}, {expected}", close.code, close.reason)));
        }
        self.inner.close(close);
        Ok(())
    }

    /// Code and reason with which the connection was closed; None while it is open.
    #[getter]
    fn closed(&self) -> Option<(u16, String)> {
        self.inner.closed().map(|close| (close.code, close.reason))
    }
}

impl Socket {
    fn send(&self, py: Python<'_>, message: Message) -> PyResult<bool> {
        let back = self.inner.try_send(message).map_err(|close| disconnect(py, &close))?;
        Ok(back.is_none())
    }
}

/// What is raised when there is nobody at the other end.
fn disconnect(py: Python<'_>, close: &Close) -> PyErr {
    let raised = py
        .import(intern!(py, "spikard.websockets"))
        .and_then(|module| module.getattr(intern!(py, "WebSocketDisconnect"))?.call1((close.code, close.reason.as_str())));
    raised.map_or_else(|error| error, PyErr::from_value)
}
