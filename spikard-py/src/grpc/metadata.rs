//! Metadata of calls as dicts of Python.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple};
use spikard_core::grpc::{Metadata, Value};

/// `spikard.grpc.Metadata`, of what a client sent.
pub(super) fn received<'py>(py: Python<'py>, metadata: &Metadata) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let pairs = PyList::empty(py);
    for (name, value) in metadata.iter() {
        let value = match value {
            Value::Text(text) => PyString::new(py, &text).into_any(),
            Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
        };
        pairs.append((name, value))?;
    }
    CLASS.import(py, "spikard._grpc.messages", "Metadata")?.call1((pairs,))
}

/// What a handler sends: a dict, whose values may be lists of values.
///
/// # Errors
/// `TypeError` or `ValueError` for what cannot be sent.
pub(super) fn sent(given: &Bound<'_, PyAny>) -> PyResult<Metadata> {
    let mut metadata = Metadata::new();
    if given.is_none() {
        return Ok(metadata);
    }
    let wrong = || PyTypeError::new_err("metadata is not a dict of str to str, bytes or a list of them");
    for (name, value) in given.cast::<PyDict>().map_err(|_| wrong())? {
        let name = name.cast_into::<PyString>().map_err(|_| wrong())?;
        if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            for value in value.try_iter()? {
                append(&mut metadata, name.to_str()?, &value?)?;
            }
        } else {
            append(&mut metadata, name.to_str()?, &value)?;
        }
    }
    Ok(metadata)
}

fn append(metadata: &mut Metadata, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let value = if let Ok(text) = value.cast::<PyString>() {
        Value::Text(text.to_str()?.to_owned())
    } else if value.is_instance_of::<PyBytes>() || value.is_instance_of::<PyByteArray>() {
        Value::Bytes(value.extract()?)
    } else {
        let kind = value.get_type();
        return Err(PyTypeError::new_err(format!("metadata `{name}` is of type {}, expected str or bytes", kind.name()?)));
    };
    metadata.append(name, &value).map_err(|error| PyValueError::new_err(error.to_string()))
}
