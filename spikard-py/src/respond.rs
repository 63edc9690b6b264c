//! What a handler returned, as a response.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyMemoryView, PyString, PyTuple};
use spikard_core::{Body, Response};

use crate::call::Call;
use crate::engine::Engine;
use crate::exchange::Sent;
use crate::failure;
use crate::file;
use crate::panics;
use crate::route::PythonRoute;
use crate::stream;

/// Shorter bodies are copied; a longer one stays Python's until it is sent.
const COPIED: usize = 16 << 10;

/// Makes a response of a result.
///
/// # Errors
/// When the result cannot be written: the handler's mistake.
pub(crate) fn respond(
    py: Python<'_>,
    engine: &Arc<Engine>,
    result: Bound<'_, PyAny>,
    route: &PythonRoute,
    call: &Call,
) -> PyResult<Response> {
    panics::point("respond");
    if result.is_exact_instance_of::<PyDict>() || result.is_exact_instance_of::<PyList>() {
        return plain(&result, route);
    }
    if result.is_instance(route.app.response.bind(py))? {
        return from_object(py, engine, &result, route, call);
    }
    if let Ok(text) = result.cast_exact::<PyString>() {
        return Ok(of(StatusCode::OK, "text/plain; charset=utf-8", Bytes::copy_from_slice(text.to_str()?.as_bytes())));
    }
    if let Ok(bytes) = result.cast_exact::<PyBytes>() {
        return Ok(of(StatusCode::OK, "application/octet-stream", kept(bytes)));
    }
    if is_text_or_bytes(&result) {
        let response = route.app.response.bind(py).call1((result,))?;
        return from_object(py, engine, &response, route, call);
    }
    if let Ok(sent) = result.cast_exact::<Sent>() {
        return sent.get().take();
    }
    json(&result, &route.encode)
}

/// Whether it is of a subclass of `str` or `bytes`, or a buffer: `Response` says how these are sent.
fn is_text_or_bytes(result: &Bound<'_, PyAny>) -> bool {
    result.is_instance_of::<PyString>()
        || result.is_instance_of::<PyBytes>()
        || result.is_instance_of::<PyByteArray>()
        || result.is_instance_of::<PyMemoryView>()
}

/// Dicts and lists: the common case does not go through a function of Python.
fn plain(result: &Bound<'_, PyAny>, route: &PythonRoute) -> PyResult<Response> {
    let py = result.py();
    if let Some((dumps, default, options)) = &route.app.orjson
        && let Ok(text) = dumps.bind(py).call1((result, default, options))
    {
        return written(&text);
    }
    json(result, &route.app.encode_plain)
}

fn json(result: &Bound<'_, PyAny>, encode: &Py<PyAny>) -> PyResult<Response> {
    written(&encode.bind(result.py()).call1((result,))?)
}

fn written(text: &Bound<'_, PyAny>) -> PyResult<Response> {
    let text = text.cast::<PyBytes>().map_err(|_| PyTypeError::new_err("the encoder made no bytes"))?;
    Ok(of(StatusCode::OK, "application/json", kept(text)))
}

fn of(status: StatusCode, media_type: &'static str, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The bytes of Python as bytes of a body.
pub(crate) fn kept(bytes: &Bound<'_, PyBytes>) -> Bytes {
    if bytes.as_bytes().len() <= COPIED {
        Bytes::copy_from_slice(bytes.as_bytes())
    } else {
        Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
    }
}

/// A `Response` of Python.
fn from_object(
    py: Python<'_>,
    engine: &Arc<Engine>,
    result: &Bound<'_, PyAny>,
    route: &PythonRoute,
    call: &Call,
) -> PyResult<Response> {
    let parts = result.call_method1(pyo3::intern!(py, "__spikard__"), (&route.encode,))?;
    let (status, fields, body) = parts.cast::<PyTuple>()?.extract::<(u16, Bound<'_, PyList>, Bound<'_, PyAny>)>()?;
    let status = StatusCode::from_u16(status).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let mut response = if let Ok(bytes) = body.cast::<PyBytes>() {
        Response::new(Body::from(kept(bytes)))
    } else {
        match &*body.get_type().name()?.to_cow()? {
            "Stream" => Response::new(stream::body(py, engine, &body, route, call)?),
            "Problem" => failure::problem(status, &body, &call.subject())?,
            "File" => file::answer(body.getattr("path")?.extract()?, call),
            name => return Err(PyTypeError::new_err(format!("a response with a body of type {name} cannot be sent"))),
        }
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for field in fields {
        let (name, value) = field.extract::<(Bound<'_, PyString>, Bound<'_, PyString>)>()?;
        let name = HeaderName::from_bytes(name.to_str()?.as_bytes()).map_err(|error| PyValueError::new_err(error.to_string()))?;
        headers.append(name, header_value(value.to_str()?)?);
    }
    Ok(response)
}

/// A header value: each character is one byte (RFC 9110 section 5.5).
pub(crate) fn header_value(text: &str) -> PyResult<HeaderValue> {
    let parsed = if text.is_ascii() {
        HeaderValue::from_str(text)
    } else {
        let bytes: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
        HeaderValue::from_bytes(&bytes.ok_or_else(|| PyValueError::new_err(format!("header value {text:?} is not latin-1")))?)
    };
    parsed.map_err(|_| PyValueError::new_err(format!("header value {text:?} holds control characters")))
}
