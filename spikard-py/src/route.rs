//! A route of Python as the server needs it: what `_plan.Route` says, read once.

use std::sync::Arc;

use http::request::Parts;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use spikard_core::handler::{FileRules, RequestBody};
use spikard_core::openapi::Describe;
use spikard_core::problem::Subject;
use spikard_core::validation::{Parameter, Parameters, RequestHead, refuse};
use spikard_core::websocket::WebSocketConfig;
use spikard_core::{BodyKind, Response};

use crate::app::App;
use crate::arguments::Arguments;
use crate::call::Call;
use crate::describe;
use crate::file_rules;
use crate::grpc;
use crate::panics;
use crate::parameters;
use crate::websocket;

/// A handler and how it is called.
pub(crate) struct PythonRoute {
    pub(crate) app: Arc<App>,
    /// The name for tasks and logs.
    pub(crate) name: Py<PyString>,
    /// The same, for errors at start.
    pub(crate) title: String,
    /// The same with file and line of the function.
    pub(crate) source: String,
    pub(crate) kind: Kind,
    /// The same of the function itself, which hooks may stand around.
    pub(crate) function_kind: Kind,
    /// What takes a request through the hooks, if there are any: `_driver.Driver`. A coroutine
    /// function, whatever the function is.
    pub(crate) driver: Option<Py<PyAny>>,
    /// Whether the handler is cancelled when its client goes away.
    pub(crate) cancel: bool,
    /// Whether each of its requests opens a scope (`after`).
    pub(crate) scoped: bool,
    /// What it is as a method of gRPC, if it is one.
    pub(crate) grpc: Option<grpc::Method>,
    /// The limits of the WebSockets that it opens; none: it answers requests.
    pub(crate) websocket: Option<Arc<WebSocketConfig>>,
    /// Writes results as JSON.
    pub(crate) encode: Py<PyAny>,
    /// What it says of itself in the description of the API.
    pub(crate) description: Option<Arc<dyn Describe>>,
    arguments: Arguments,
    files: FileRules,
    parameters: Parameters,
    path_parameters: Vec<String>,
    function: Py<PyAny>,
}

/// The values of the parameters, or the refusal of the request.
pub(crate) type Checked = Result<Vec<Option<Parameter<'static>>>, Box<Response>>;

/// Bodies from this length on take longer to check than others should have to wait.
const SLOW: usize = 32 << 10;

/// Why a function was not called, or did not return.
pub(crate) enum Unmet {
    /// The request is at fault.
    Refused(Box<Response>),
    /// Something was raised.
    Raised(PyErr),
}

impl From<PyErr> for Unmet {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// When the body of a request is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    /// Before the function is called.
    First(BodyKind),
    /// When the function asks for it.
    Later,
    /// The function cannot ask for it.
    Never,
}

/// How the function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As a task.
    Task,
    /// As a coroutine that cannot wait.
    Standing,
    /// At once, on the thread of the loop.
    Inline,
    /// On a thread of the pool.
    Threaded,
}

impl PythonRoute {
    /// Reads a `_plan.Route`.
    pub(crate) fn read(plan: &Bound<'_, PyAny>, app: &Arc<App>) -> PyResult<Self> {
        let is_async: bool = plan.getattr("is_async")?.extract()?;
        let may_wait: bool = plan.getattr("may_wait")?.extract()?;
        let to_thread: bool = plan.getattr("sync_to_thread")?.extract()?;
        let function_kind = match (is_async, may_wait, to_thread) {
            (true, true, _) => Kind::Task,
            (true, false, _) => Kind::Standing,
            (false, _, true) => Kind::Threaded,
            (false, _, false) => Kind::Inline,
        };
        let driver: Option<Py<PyAny>> = plan.getattr("driver")?.extract()?;
        let signature = plan.getattr("signature")?;
        let (function, bound) = without_partial(plan.getattr("function")?)?;
        let encode = signature.getattr("encode")?;
        let encode = if encode.is_none() { app.encode.clone_ref(plan.py()) } else { encode.unbind() };
        let (title, place): (String, String) = (plan.getattr("name")?.extract()?, plan.getattr("place")?.extract()?);
        let source = if place.is_empty() { title.clone() } else { format!("{title}, {place}") };
        Ok(Self {
            app: Arc::clone(app),
            name: plan.getattr("name")?.cast_into::<PyString>()?.unbind(),
            description: describe::read(plan, &source)?,
            source,
            title,
            kind: if driver.is_some() { Kind::Task } else { function_kind },
            function_kind,
            driver,
            cancel: plan.getattr("cancel_on_disconnect")?.extract()?,
            scoped: plan.getattr("scoped")?.extract()?,
            grpc: grpc::Method::read(&plan.getattr("grpc")?)?,
            websocket: websocket::config(plan)?,
            encode,
            arguments: Arguments::read(&signature, bound.as_ref())?,
            files: file_rules::read(&signature.getattr("files")?)?,
            parameters: parameters::compile(&parameters::plans(&signature)?)?,
            path_parameters: parameters::of_path(&parameters::plans(&signature)?)?,
            function: function.unbind(),
        })
    }

    /// What is called.
    pub(crate) fn function(&self) -> &Py<PyAny> {
        &self.function
    }

    /// The parameters of the path that are read and checked.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.path_parameters.iter().map(String::as_str)
    }

    /// When the body is read.
    pub(crate) fn reading(&self) -> Reading {
        match self.arguments.body() {
            Some(body) => Reading::First(body.kind()),
            None if !self.arguments.wants_request() => Reading::Never,
            // Only a coroutine, or one that it hands the request to, waits without keeping a thread from others.
            None if matches!(self.function_kind, Kind::Task | Kind::Standing) => Reading::Later,
            None => Reading::First(BodyKind::Raw),
        }
    }

    /// What files may be.
    pub(crate) fn files(&self) -> &FileRules {
        &self.files
    }

    /// Whether the check of a body takes so long that it belongs on another thread.
    pub(crate) fn is_slow_to_check(&self, body: &RequestBody) -> bool {
        body.bytes.len() >= SLOW && self.arguments.body().is_some_and(|wanted| wanted.is_checked_first(body))
    }

    /// Reads the parameters, and refuses what can be refused without Python: with all errors of
    /// parameters and body.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn check(&self, parts: &Parts, body: &RequestBody) -> Checked {
        panics::point("check");
        let wanted = self.arguments.body();
        if let Some(response) = wanted.and_then(|wanted| wanted.refused_type(body, &Subject::of_parts(parts))) {
            return Err(Box::new(response));
        }
        let head =
            RequestHead { path: parts.extensions.get(), query: parts.uri.query().unwrap_or_default(), headers: &parts.headers };
        let (values, mut violations) = match self.parameters.read(&head) {
            Ok(values) => (values.into_iter().map(|value| value.map(Parameter::into_owned)).collect(), Vec::new()),
            Err(violations) => (Vec::new(), violations),
        };
        if let Some(wanted) = wanted {
            violations.extend(wanted.violations(body, !violations.is_empty()));
        }
        if violations.is_empty() { Ok(values) } else { Err(Box::new(refuse(&violations, &Subject::of_parts(parts)))) }
    }

    /// What the function is called with.
    ///
    /// # Errors
    /// A refusal of parameters or body, or what converters and decoders raised.
    pub(crate) fn arguments<'py>(&self, py: Python<'py>, call: &mut Call) -> Result<Vec<Bound<'py, PyAny>>, Unmet> {
        let body = self.arguments.body().map(|body| body.argument(py, &call.body)).transpose();
        let values = body.and_then(|body| self.arguments.values(py, call, body));
        values.map_err(|refused| match refused.response(&call.subject()) {
            Ok(response) => Unmet::Refused(Box::new(response)),
            Err(error) => Unmet::Raised(error),
        })
    }

    /// Calls the function.
    ///
    /// # Errors
    /// What it raises.
    pub(crate) fn call<'py>(&self, arguments: &[Bound<'py, PyAny>], py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.arguments.call(self.function.bind(py), arguments)
    }

    /// Calls the function with what the request has for it.
    ///
    /// # Errors
    /// A refusal of parameters or body, or what was raised.
    pub(crate) fn invoke<'py>(&self, py: Python<'py>, call: &mut Call) -> Result<Bound<'py, PyAny>, Unmet> {
        let arguments = self.arguments(py, call)?;
        Ok(self.call(&arguments, py)?)
    }
}

/// The function of a `functools.partial` that binds keywords alone, and these: they are handed over with
/// the other arguments, where `partial` would make two dictionaries for each call.
fn without_partial(function: Bound<'_, PyAny>) -> PyResult<(Bound<'_, PyAny>, Option<Bound<'_, PyDict>>)> {
    let partial = function.py().import("functools")?.getattr("partial")?;
    if !function.get_type().is(&partial) || function.getattr("args")?.len()? > 0 {
        return Ok((function, None));
    }
    Ok((function.getattr("func")?, Some(function.getattr("keywords")?.cast_into()?)))
}
