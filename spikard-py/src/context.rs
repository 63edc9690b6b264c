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
    // SAFETY: a new reference, or null with an exception set.
    let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }.map_err(Unmet::Raised)?;
    // SAFETY: a context of our own, entered once and left below.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
        return Err(Unmet::Raised(PyErr::fetch(py)));
    }
    let outcome = call();
    // SAFETY: it was entered above, on this thread.
    if unsafe { ffi::PyContext_Exit(context.as_ptr()) } != 0 {
        let error = PyErr::fetch(py);
        return Err(outcome.err().unwrap_or(Unmet::Raised(error)));
    }
    outcome
}
