//! The arguments of a handler: values of the request, converted, in the order of its keywords.

#![allow(unsafe_code)]

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::body::{self, Body, Refused};
use crate::call::Call;
use crate::group::Group;
use crate::parameters::{self, Defaults};
use crate::socket;

/// One argument.
enum Argument {
    /// The value of a parameter, by its number.
    Parameter(usize),
    /// What is made of several values.
    Group(Group),
    /// The body.
    Body,
    /// An attribute of the body.
    Attribute(Py<PyString>),
    /// The request itself.
    Request,
    /// Its body in pieces.
    Stream,
    /// The WebSocket that the client asks for.
    Socket,
    /// A value that is the same for every request.
    Bound(Py<PyAny>),
    /// A part of the request under its own name: `headers`, `path_params` ...; values that are checked lie over it.
    Part(Py<PyString>, Option<Group>),
}

/// All arguments of a function.
pub(crate) struct Arguments {
    list: Vec<Argument>,
    keywords: Py<PyTuple>,
    defaults: Defaults,
    body: Option<Body>,
}

impl Arguments {
    /// Reads a `_plan.Signature`, and the arguments that the function has already.
    pub(crate) fn read(signature: &Bound<'_, PyAny>, bound: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let py = signature.py();
        let mut list = Vec::new();
        let mut names: Vec<Bound<'_, PyString>> = Vec::new();
        let mut add = |name: Bound<'_, PyString>, argument| {
            names.push(PyString::intern(py, name.to_str()?));
            list.push(argument);
            Ok::<_, PyErr>(())
        };
        let plans = parameters::plans(signature)?;
        let defaults = Defaults::read(&plans)?;
        let own = signature.getattr("parameters")?.len()?;
        for (number, plan) in plans.iter().take(own).enumerate() {
            add(plan.getattr("name")?.cast_into::<PyString>()?, Argument::Parameter(number))?;
        }
        let raw: Vec<String> = signature.getattr("raw_names")?.extract()?;
        let mut over_parts = HashMap::new();
        let mut first = own;
        for plan in signature.getattr("groups")?.try_iter()? {
            let group = Group::read(&plan?, first, &defaults)?;
            first += group.len();
            match group.name.clone() {
                Some(name) if raw.contains(&name) => drop(over_parts.insert(name, group)),
                Some(name) => add(PyString::new(py, &name), Argument::Group(group))?,
                None => {}
            }
        }
        if let Some(name) = signature.getattr("request")?.extract::<Option<Bound<'_, PyString>>>()? {
            add(name, Argument::Request)?;
        }
        if let Some(name) = signature.getattr("stream")?.extract::<Option<Bound<'_, PyString>>>()? {
            add(name, Argument::Stream)?;
        }
        if let Some(name) = signature.getattr("socket")?.extract::<Option<Bound<'_, PyString>>>()? {
            add(name, Argument::Socket)?;
        }
        let body = body::read(&signature.getattr("body")?)?;
        if let Some(body) = &body {
            for name in &body.names {
                let name = name.bind(py).clone();
                let argument = if body.spread { Argument::Attribute(name.clone().unbind()) } else { Argument::Body };
                add(name, argument)?;
            }
        }
        for name in raw {
            let over = over_parts.remove(&name);
            let name = PyString::intern(py, &name);
            add(name.clone(), Argument::Part(name.unbind(), over))?;
        }
        for (name, value) in bound.into_iter().flatten() {
            add(name.cast_into::<PyString>()?, Argument::Bound(value.unbind()))?;
        }
        let keywords = PyTuple::new(py, names)?.unbind();
        Ok(Self { list, keywords, defaults, body })
    }

    /// The body that the function wants, if any.
    pub(crate) fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// Whether the function wants the request, whose body it may ask for.
    pub(crate) fn wants_request(&self) -> bool {
        self.list.iter().any(|argument| matches!(argument, Argument::Request | Argument::Stream))
    }

    /// What the request has for the function, in the order of its keywords.
    ///
    /// # Errors
    /// What converters say against a value.
    pub(crate) fn values<'py>(
        &self,
        py: Python<'py>,
        call: &mut Call,
        body: Option<Bound<'py, PyAny>>,
    ) -> Result<Vec<Bound<'py, PyAny>>, Refused> {
        let mut values: Vec<Bound<'py, PyAny>> = Vec::with_capacity(self.list.len());
        let mut read = std::mem::take(&mut call.values);
        for argument in &self.list {
            values.push(match argument {
                Argument::Parameter(number) => match read[*number].take() {
                    Some(value) => self.defaults.argument(py, *number, value)?,
                    None => self.defaults.default(py, *number)?,
                },
                Argument::Group(group) => group.argument(py, &self.defaults, &mut read)?,
                Argument::Body => body.clone().unwrap_or_else(|| py.None().into_bound(py)),
                Argument::Attribute(name) => match &body {
                    Some(body) => body.getattr(name.bind(py))?,
                    None => return Err(PyValueError::new_err("a body that is taken apart has a default").into()),
                },
                Argument::Bound(value) => value.bind(py).clone(),
                Argument::Request => call.request(py)?.into_any(),
                Argument::Stream => call.request(py)?.call_method0("stream")?,
                Argument::Socket => socket::argument(py, call)?,
                Argument::Part(name, over) => {
                    let part = part(py, call, name.bind(py))?;
                    if let Some(over) = over {
                        over.fill(part.cast().map_err(PyErr::from)?, &self.defaults, &mut read)?;
                    }
                    part
                }
            });
        }
        Ok(values)
    }

    /// Calls the function with these values. No dictionary is made for the keywords.
    ///
    /// # Errors
    /// What the function raises.
    pub(crate) fn call<'py>(&self, function: &Bound<'py, PyAny>, values: &[Bound<'py, PyAny>]) -> PyResult<Bound<'py, PyAny>> {
        let keywords = if values.is_empty() { std::ptr::null_mut() } else { self.keywords.as_ptr() };
        // SAFETY: a `Bound` is a pointer to an object, so the slice is an array of them; there are as many
        // as keywords, and all of them live until the call returns.
        unsafe {
            let result = ffi::PyObject_Vectorcall(function.as_ptr(), values.as_ptr().cast(), 0, keywords);
            Bound::from_owned_ptr_or_err(function.py(), result)
        }
    }
}

/// A part of the request under the name that the raw form of handlers gives it.
fn part<'py>(py: Python<'py>, call: &mut Call, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    match name.to_str()? {
        "headers" => {
            let headers = call.request(py)?.getattr(name)?;
            py.get_type::<pyo3::types::PyDict>().call1((headers,))
        }
        _ => call.request(py)?.getattr(name),
    }
}
