//! The arguments of a handler: values of the request, converted, in the order of its keywords.

#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use spikard_core::BodyKind;

use crate::call::Call;

/// One argument.
pub(crate) enum Argument {
    /// The request itself.
    Request,
}

/// All arguments of a function.
pub(crate) struct Arguments {
    list: Vec<Argument>,
    keywords: Py<PyTuple>,
    body: BodyKind,
}

impl Arguments {
    /// Reads a `_plan.Signature`.
    pub(crate) fn read(signature: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = signature.py();
        let mut list = Vec::new();
        let mut names = Vec::new();
        let mut body = BodyKind::None;
        if let Some(name) = signature.getattr("request")?.extract::<Option<Bound<'_, PyString>>>()? {
            list.push(Argument::Request);
            names.push(name);
            body = BodyKind::Raw;
        }
        Ok(Self { list, keywords: PyTuple::new(py, names)?.unbind(), body })
    }

    /// What is to be read of the body.
    pub(crate) fn body_kind(&self) -> BodyKind {
        self.body
    }

    /// Calls the function with what the request has for it.
    pub(crate) fn call<'py>(&self, function: &Bound<'py, PyAny>, call: &mut Call) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        let mut values: Vec<Bound<'py, PyAny>> = Vec::with_capacity(self.list.len());
        for argument in &self.list {
            values.push(match argument {
                Argument::Request => call.request(py)?.into_any(),
            });
        }
        vectorcall(function, &values, self.keywords.bind(py))
    }
}

/// Calls a function with keywords alone: no dictionary is made for them.
fn vectorcall<'py>(
    function: &Bound<'py, PyAny>,
    values: &[Bound<'py, PyAny>],
    keywords: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let keywords = if values.is_empty() { std::ptr::null_mut() } else { keywords.as_ptr() };
    // SAFETY: `Bound` is a pointer to an object, so the slice is an array of them; there are as many
    // as keywords, and all of them live until the call returns.
    unsafe {
        let result = ffi::PyObject_Vectorcall(function.as_ptr(), values.as_ptr().cast(), 0, keywords);
        Bound::from_owned_ptr_or_err(py, result)
    }
}
