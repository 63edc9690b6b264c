//! Context variables of functions that are not coroutines: each call has a context of its own.

#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::prelude::*;

use crate::route::Unmet;

/// Runs `call` in a copy of the current context, which is thrown away.
pub(crate) fn isolated<'py>(
    py: Python<'py>,
    call: impl FnOnce() -> Result<Bound<'py, PyAny>, Unmet>,
) -> Result<Bound<'py, PyAny>, Unmet> {
    within(&copy(py).map_err(Unmet::Raised)?, call)
}

/// A copy of the current context.
pub(crate) fn copy(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }
}

/// Runs `call` in a context that nobody else has entered.
pub(crate) fn within<'py, E: From<PyErr>>(
    context: &Bound<'py, PyAny>,
    call: impl FnOnce() -> Result<Bound<'py, PyAny>, E>,
) -> Result<Bound<'py, PyAny>, E> {
    // SAFETY: a context object, which is left below.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
        return Err(PyErr::fetch(context.py()).into());
    }
    let outcome = call();
    // SAFETY: it was entered above, on this thread.
    if unsafe { ffi::PyContext_Exit(context.as_ptr()) } != 0 {
        let error = PyErr::fetch(context.py());
        return Err(outcome.err().unwrap_or_else(|| error.into()));
    }
    outcome
}
