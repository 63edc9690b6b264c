//! A request on its way to a handler, as far as Rust has read it.

use std::sync::Arc;

use http::request::Parts;
use pyo3::prelude::*;
use spikard_core::handler::{Arriving, BodyReadingConfig, RequestBody};
use spikard_core::problem::Subject;
use spikard_core::validation::Parameter;

use crate::after::{After, Entered};
use crate::engine::Engine;
use crate::request::Request;
use crate::socket::Socket;
use crate::source::Source;

/// What a handler is called with, and what errors need to know of the request.
pub(crate) struct Call {
    engine: Arc<Engine>,
    head: Head,
    /// What was read of the body for the arguments.
    pub(crate) body: RequestBody,
    /// The body, where none was read for arguments.
    arriving: Option<Arriving>,
    /// The values of the parameters, in their order.
    pub(crate) values: Vec<Option<Parameter<'static>>>,
    /// Its hold on its scope, if it has one.
    after: Option<After>,
    /// The limits of a body that is read later.
    limits: BodyReadingConfig,
    /// The WebSocket that the client asks for, until the handler has it.
    pub(crate) socket: Option<Socket>,
}

/// The head of the request: the server's, until the handler asks for a `Request` of Python.
enum Head {
    Parts(Arc<Parts>),
    Request(Py<Request>),
}

impl Call {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        parts: Arc<Parts>,
        body: RequestBody,
        values: Vec<Option<Parameter<'static>>>,
        after: Option<After>,
    ) -> Self {
        Self::from_head(Arc::clone(engine), Head::Parts(parts), body, values, after)
    }

    /// A call of a request that Python knows.
    pub(crate) fn of(
        engine: &Arc<Engine>,
        request: Py<Request>,
        body: RequestBody,
        values: Vec<Option<Parameter<'static>>>,
    ) -> Self {
        Self::from_head(Arc::clone(engine), Head::Request(request), body, values, None)
    }

    fn from_head(
        engine: Arc<Engine>,
        head: Head,
        body: RequestBody,
        values: Vec<Option<Parameter<'static>>>,
        after: Option<After>,
    ) -> Self {
        Self { engine, head, body, arriving: None, values, after, limits: BodyReadingConfig::default(), socket: None }
    }

    /// The same with a body that is read later, if at all, within these limits.
    pub(crate) fn reading_later(self, arriving: Option<Arriving>, limits: BodyReadingConfig) -> Self {
        Self { arriving, limits, ..self }
    }

    /// The same with a hold on a scope.
    pub(crate) fn holding(self, after: Option<After>) -> Self {
        Self { after, ..self }
    }

    /// Makes the scope of the request the current one, while Python is called.
    pub(crate) fn enter<'py>(&self, py: Python<'py>) -> Option<Entered<'py>> {
        self.after.as_ref()?.enter(py)
    }

    /// One more hold on its scope.
    pub(crate) fn after(&self) -> Option<After> {
        self.after.clone()
    }

    /// The same call, with the WebSocket that its client asks for.
    pub(crate) fn with_socket(self, socket: Socket) -> Self {
        Self { socket: Some(socket), ..self }
    }

    /// The request as Python sees it; made when it is first asked for.
    pub(crate) fn request<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, Request>> {
        if let Head::Parts(parts) = &self.head {
            let source = Source::of(&self.body, self.arriving.take(), self.limits);
            self.head = Head::Request(Py::new(py, Request::new(Arc::clone(parts), source, Arc::clone(&self.engine)))?);
        }
        match &self.head {
            Head::Request(request) => Ok(request.bind(py).clone()),
            Head::Parts(_) => unreachable!("it was made above"),
        }
    }

    /// The head of the request.
    pub(crate) fn parts(&self) -> Arc<Parts> {
        match &self.head {
            Head::Parts(parts) => Arc::clone(parts),
            Head::Request(request) => request.get().parts(),
        }
    }

    /// What a problem is about.
    pub(crate) fn subject(&self) -> Subject {
        Subject::of_parts(&self.parts())
    }
}
