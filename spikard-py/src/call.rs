//! A request on its way to a handler, as far as Rust has read it.

use http::request::Parts;
use pyo3::prelude::*;
use spikard_core::handler::RequestBody;
use spikard_core::problem::Subject;
use spikard_core::validation::Parameter;

use crate::after::{After, Entered};
use crate::request::Request;

/// What a handler is called with, and what errors need to know of the request.
pub(crate) struct Call {
    head: Head,
    pub(crate) body: RequestBody,
    /// The values of the parameters, in their order.
    pub(crate) values: Vec<Option<Parameter<'static>>>,
    /// Its hold on its scope, if it has one.
    after: Option<After>,
}

/// The head of the request: the server's, until the handler asks for a `Request` of Python.
enum Head {
    Parts(Box<Parts>),
    Request(Py<Request>),
}

impl Call {
    pub(crate) fn new(parts: Parts, body: RequestBody, values: Vec<Option<Parameter<'static>>>, after: Option<After>) -> Self {
        Self { head: Head::Parts(Box::new(parts)), body, values, after }
    }

    /// Makes the scope of the request the current one, while Python is called.
    pub(crate) fn enter<'py>(&self, py: Python<'py>) -> Option<Entered<'py>> {
        self.after.as_ref()?.enter(py)
    }

    /// One more hold on its scope.
    pub(crate) fn after(&self) -> Option<After> {
        self.after.clone()
    }

    /// The request as Python sees it; made when it is first asked for.
    pub(crate) fn request<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, Request>> {
        if let Head::Parts(parts) = &mut self.head {
            let parts = std::mem::replace(&mut **parts, http::Request::new(()).into_parts().0);
            self.head = Head::Request(Py::new(py, Request::new(parts, self.body.bytes.clone()))?);
        }
        match &self.head {
            Head::Request(request) => Ok(request.bind(py).clone()),
            Head::Parts(_) => unreachable!("it was made above"),
        }
    }

    /// The head of the request.
    pub(crate) fn parts(&self) -> &Parts {
        match &self.head {
            Head::Parts(parts) => parts,
            Head::Request(request) => request.get().parts(),
        }
    }

    /// What a problem is about.
    pub(crate) fn subject(&self) -> Subject {
        Subject::of_parts(self.parts())
    }
}
