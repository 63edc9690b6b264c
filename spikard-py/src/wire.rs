//! What the Python package needs of the protocols of messages: schemas, and frames for test clients.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use spikard_core::handler::{BodyReadingConfig, scan};
use spikard_core::validation::{Location, Schema};
use spikard_core::websocket::{Close, Decoder, Encoder, Event, Kind, Message, Role};

use crate::json;

/// What a message must be.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Messages {
    schema: Option<Schema>,
    depth: usize,
}

#[pymethods]
impl Messages {
    /// Messages that fit a schema; without one, any JSON.
    #[new]
    fn new(schema: &Bound<'_, PyAny>) -> PyResult<Self> {
        let schema = if schema.is_none() {
            None
        } else {
            let compiled = Schema::compile(&json::of(schema)?);
            Some(compiled.map_err(|error| PyValueError::new_err(error.to_string()))?)
        };
        Ok(Self { schema, depth: BodyReadingConfig::default().json_depth })
    }

    /// Whether a message is one JSON text.
    fn is_json(&self, message: &[u8]) -> bool {
        scan(message, self.depth).is_ok()
    }

    /// Whether a JSON text fits the schema.
    fn fits(&self, message: &[u8]) -> bool {
        self.schema.as_ref().is_none_or(|schema| schema.violations_in(message, &Location::body()).is_empty())
    }
}

/// The frames of a client: the same rules as the server's, seen from the other side.
#[pyclass(module = "spikard._spikard")]
pub(crate) struct WebSocketCodec {
    decoder: Decoder,
    encoder: Encoder,
}

#[pymethods]
impl WebSocketCodec {
    #[new]
    fn new() -> Self {
        Self { decoder: Decoder::new(Role::Client, usize::MAX >> 1, false), encoder: Encoder::new(Role::Client) }
    }

    /// What the server says with these bytes: `("text", str)`, `("bytes", bytes)`, `("ping", bytes)`,
    /// `("pong",)`, `("close", code, reason)`. Raises `ValueError` if it breaks the protocol.
    fn feed<'py>(&mut self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let events = PyList::empty(py);
        let mut input = data;
        while let Some(event) = self.decoder.read(&mut input).map_err(|fault| PyValueError::new_err(fault.reason))? {
            match event {
                Event::Message(Message::Text(text)) => events.append(("text", text))?,
                Event::Message(Message::Binary(bytes)) => events.append(("bytes", PyBytes::new(py, &bytes)))?,
                // It was not agreed on, and the decoder refuses it.
                Event::Deflated(..) => {}
                Event::Ping(content) => events.append(("ping", PyBytes::new(py, &content)))?,
                Event::Pong => events.append(("pong",))?,
                Event::Close(Close { code, reason }) => events.append(("close", code, reason))?,
            }
        }
        Ok(events)
    }

    /// The frame of a text message.
    fn text<'py>(&self, py: Python<'py>, text: &str) -> Bound<'py, PyBytes> {
        self.frame(py, |encoder, out| encoder.message(Kind::Text, text.as_bytes(), false, out))
    }

    /// The frame of a message of bytes.
    fn binary<'py>(&self, py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
        self.frame(py, |encoder, out| encoder.message(Kind::Binary, data, false, out))
    }

    /// The answer to a ping.
    fn pong<'py>(&self, py: Python<'py>, content: &[u8]) -> Bound<'py, PyBytes> {
        self.frame(py, |encoder, out| encoder.pong(content, out))
    }

    /// The last frame.
    fn close<'py>(&self, py: Python<'py>, code: u16, reason: String) -> Bound<'py, PyBytes> {
        self.frame(py, |encoder, out| encoder.close(&Close::new(code, reason), out))
    }
}

impl WebSocketCodec {
    fn frame<'py>(&self, py: Python<'py>, write: impl FnOnce(Encoder, &mut Vec<u8>)) -> Bound<'py, PyBytes> {
        let mut out = Vec::new();
        write(self.encoder, &mut out);
        PyBytes::new(py, &out)
    }
}
