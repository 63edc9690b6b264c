//! The arguments of a handler: values of the request, converted, in the order of its keywords.

#![allow(unsafe_code)]

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyTuple};
use spikard_core::validation::Parameter;

use crate::body::{self, Body};
use crate::call::Call;
use crate::json;
use crate::parameters::Defaults;

/// One argument.
enum Argument {
    /// The value of a parameter, by its number.
    Parameter(usize),
    /// The body.
    Body,
    /// An attribute of the body.
    Attribute(Py<PyString>),
    /// The request itself.
    Request,
    /// A part of the request under its own name: `headers`, `path_params` ...
    Part(Py<PyString>),
}

/// All arguments of a function.
pub(crate) struct Arguments {
    list: Vec<Argument>,
    keywords: Py<PyTuple>,
    defaults: Defaults,
    body: Option<Body>,
    /// Whether one of the parts is the body.
    data: bool,
}

impl Arguments {
    /// Reads a `_plan.Signature`.
    pub(crate) fn read(signature: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = signature.py();
        let mut list = Vec::new();
        let mut names: Vec<Bound<'_, PyString>> = Vec::new();
        let mut add = |name: Bound<'_, PyString>, argument| {
            names.push(PyString::intern(py, name.to_str()?));
            list.push(argument);
            Ok::<_, PyErr>(())
        };
        let parameters = signature.getattr("parameters")?;
        for (number, plan) in parameters.try_iter()?.enumerate() {
            add(plan?.getattr("name")?.cast_into::<PyString>()?, Argument::Parameter(number))?;
        }
        if let Some(name) = signature.getattr("request")?.extract::<Option<Bound<'_, PyString>>>()? {
            add(name, Argument::Request)?;
        }
        let body = body::read(&signature.getattr("body")?)?;
        if let Some(body) = &body {
            for name in &body.names {
                let name = name.bind(py).clone();
                let argument = if body.spread { Argument::Attribute(name.clone().unbind()) } else { Argument::Body };
                add(name, argument)?;
            }
        }
        let mut data = false;
        for name in signature.getattr("raw_names")?.try_iter()? {
            let name = name?.cast_into::<PyString>()?;
            data |= name == "body";
            add(name.clone(), Argument::Part(name.unbind()))?;
        }
        let keywords = PyTuple::new(py, names)?.unbind();
        Ok(Self { list, keywords, defaults: Defaults::read(&parameters)?, body, data })
    }

    /// The body that the function wants, if any.
    pub(crate) fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// Whether the function wants the request, whose body it may ask for.
    pub(crate) fn wants_request(&self) -> bool {
        self.list.iter().any(|argument| matches!(argument, Argument::Request))
    }

    /// Whether the function wants the data of the body, whatever they are.
    pub(crate) fn wants_body_data(&self) -> bool {
        self.data
    }

    /// Calls the function with what the request has for it.
    ///
    /// # Errors
    /// What the function raises, and what decoders of the body raise.
    pub(crate) fn call<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        call: &mut Call,
        body: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        let mut values: Vec<Bound<'py, PyAny>> = Vec::with_capacity(self.list.len());
        let mut parameters = std::mem::take(&mut call.values).into_iter();
        for argument in &self.list {
            values.push(match argument {
                Argument::Parameter(number) => match parameters.next().flatten() {
                    Some(value) => self.defaults.convert(py, *number, object(py, value)?)?,
                    None => self.defaults.default(py, *number)?,
                },
                Argument::Body => body.clone().unwrap_or_else(|| py.None().into_bound(py)),
                Argument::Attribute(name) => match &body {
                    Some(body) => body.getattr(name.bind(py))?,
                    None => return Err(PyValueError::new_err("a body that is taken apart has a default")),
                },
                Argument::Request => call.request(py)?.into_any(),
                Argument::Part(name) => part(py, call, name.bind(py))?,
            });
        }
        vectorcall(function, &values, self.keywords.bind(py))
    }
}

/// A part of the request under the name that the raw form of handlers gives it.
fn part<'py>(py: Python<'py>, call: &mut Call, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    match name.to_str()? {
        "body" => body::untyped(py, &call.body),
        "headers" => {
            let headers = call.request(py)?.getattr(name)?;
            py.get_type::<pyo3::types::PyDict>().call1((headers,))
        }
        _ => call.request(py)?.getattr(name),
    }
}

/// The value of a parameter as Python has it.
fn object<'py>(py: Python<'py>, value: Parameter<'static>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Parameter::Text(text) => text.into_pyobject(py)?.into_any(),
        Parameter::Integer(value) => value.into_pyobject(py)?.into_any(),
        Parameter::Number(value) => value.into_pyobject(py)?.into_any(),
        Parameter::Boolean(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Parameter::Large(digits) => py.get_type::<PyInt>().call1((&*digits,))?,
        Parameter::Json(value) => json::value(py, &value)?,
    })
}

/// Calls a function with keywords alone: no dictionary is made for them.
fn vectorcall<'py>(
    function: &Bound<'py, PyAny>,
    values: &[Bound<'py, PyAny>],
    keywords: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = if values.is_empty() { std::ptr::null_mut() } else { keywords.as_ptr() };
    // SAFETY: a `Bound` is a pointer to an object, so the slice is an array of them; there are as many
    // as keywords, and all of them live until the call returns.
    unsafe {
        let result = ffi::PyObject_Vectorcall(function.as_ptr(), values.as_ptr().cast(), 0, keywords);
        Bound::from_owned_ptr_or_err(function.py(), result)
    }
}
