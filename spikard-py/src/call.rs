//! A request on its way to a handler, as far as Rust has read it.

use http::request::Parts;
use pyo3::prelude::*;
use spikard_core::handler::RequestBody;
use spikard_core::problem::Subject;

use crate::request::Request;

/// What a handler is called with, and what errors need to know of the request.
pub(crate) struct Call {
    head: Head,
    pub(crate) body: RequestBody,
}

/// The head of the request: the server's, until the handler asks for a `Request` of Python.
enum Head {
    Parts(Box<Parts>),
    Request(Py<Request>),
    /// Between the two.
    Moving,
}

impl Call {
    pub(crate) fn new(parts: Parts, body: RequestBody) -> Self {
        Self { head: Head::Parts(Box::new(parts)), body }
    }

    /// The request as Python sees it; made when it is first asked for.
    pub(crate) fn request<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, Request>> {
        let request = match std::mem::replace(&mut self.head, Head::Moving) {
            Head::Parts(parts) => Py::new(py, Request::new(*parts, self.body.bytes.clone()))?,
            Head::Request(request) => request,
            Head::Moving => unreachable!("a head is moved in this function only, which puts it back"),
        };
        let bound = request.bind(py).clone();
        self.head = Head::Request(request);
        Ok(bound)
    }

    /// What a problem is about.
    pub(crate) fn subject(&self) -> Subject {
        match &self.head {
            Head::Parts(parts) => Subject::of_parts(parts),
            Head::Request(request) => Subject::of_parts(request.get().parts()),
            Head::Moving => Subject::default(),
        }
    }
}
