//! JSON values as Python objects, where a value is in Rust already: claims, forms, parameters.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::{Map, Number, Value};

/// A value as Python objects.
pub(crate) fn value<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => Ok(value.into_pyobject(py)?.to_owned().into_any()),
        Value::Number(value) => number(py, value),
        Value::String(text) => Ok(text.into_pyobject(py)?.into_any()),
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(self::value(py, value)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(values) => object(py, values),
    }
}

/// An object as a dictionary.
pub(crate) fn object<'py>(py: Python<'py>, values: &Map<String, Value>) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    for (name, value) in values {
        dict.set_item(name, self::value(py, value)?)?;
    }
    Ok(dict.into_any())
}

fn number<'py>(py: Python<'py>, number: &Number) -> PyResult<Bound<'py, PyAny>> {
    if let Some(value) = number.as_i64() {
        return Ok(value.into_pyobject(py)?.into_any());
    }
    if let Some(value) = number.as_u64() {
        return Ok(value.into_pyobject(py)?.into_any());
    }
    Ok(number.as_f64().into_pyobject(py)?)
}

/// Plain objects of Python as a value.
pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let text = object.py().import("msgspec.json")?.getattr("encode")?.call1((object,))?;
    serde_json::from_slice(text.cast::<pyo3::types::PyBytes>()?.as_bytes())
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}
