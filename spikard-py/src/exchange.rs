//! A request whose route has hooks: what the driver of the hooks (`_driver.py`) does with it.
//!
//! The driver is the task of the request. It asks for the steps of a route without hooks one by one:
//! `validate`, `invoke`, `send`; between them it calls hooks. Each step is the code that a route
//! without hooks runs, so that hooks which change nothing change no answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use http::StatusCode;
use http::request::Parts;
use http_body_util::BodyExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use spikard_core::handler::{Arriving, BodyReadingConfig, Refused, RequestBody};
use spikard_core::problem::Subject;
use spikard_core::validation::Parameter;
use spikard_core::{Answer, Response, Service};
use tokio::sync::oneshot;

use crate::after::After;
use crate::call::Call;
use crate::context;
use crate::engine::Engine;
use crate::failure;
use crate::file;
use crate::leaf;
use crate::panics;
use crate::promise::{self, Ready};
use crate::request::Request;
use crate::respond::respond;
use crate::route::{Kind, PythonRoute, Reading, Unmet};
use crate::source::{Source, Unread};

/// The leaf of a route with hooks.
pub(crate) struct HookedLeaf {
    pub(crate) route: Arc<PythonRoute>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) limits: BodyReadingConfig,
}

impl Service for HookedLeaf {
    fn call(&self, mut request: spikard_core::Request) -> Answer<'_> {
        Box::pin(async move {
            // What the body is is judged after the hooks, which may put another one in its place.
            let arriving = match self.begin(&mut request).await {
                Ok(arriving) => arriving,
                Err(refused) => return refused.response(&Subject::of(&request)),
            };
            let parts = Arc::new(request.into_parts().0);
            let after = After::of(&self.route, &self.engine, &parts);
            let call = Call::new(&self.engine, parts, RequestBody::default(), Vec::new(), after.clone());
            let call = call.reading_later(Some(arriving), self.limits);
            let response = file::filled(self.engine.run(&self.route, call).await).await;
            match after {
                Some(after) => after.around(response),
                None => response,
            }
        })
    }
}

impl HookedLeaf {
    /// The body as far as it is read before the hooks. One that the function needs whole is: where the stack refuses
    /// it, no hook runs.
    async fn begin(&self, request: &mut spikard_core::Request) -> Result<Arriving, Refused> {
        let is_read_whole = match self.route.reading() {
            Reading::First(kind) => !RequestBody::is_read_in_pieces(request, kind),
            Reading::Later | Reading::Never => false,
        };
        let mut arriving = Arriving::begin(request).await?;
        if is_read_whole {
            arriving.whole().await?;
        }
        Ok(arriving)
    }
}

/// A request on its way through hooks.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Exchange {
    /// The request, which hooks may change.
    #[pyo3(get)]
    request: Py<Request>,
    engine: Arc<Engine>,
    route: Arc<PythonRoute>,
    /// The hold on the scope of the request, until it is answered.
    after: Mutex<Option<After>>,
    /// What the function is called with, once the request has been checked.
    arguments: Mutex<Option<Vec<Py<PyAny>>>>,
}

/// A response on its way back through Python.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Sent(Mutex<Option<Response>>);

impl Sent {
    /// The response, which is taken once.
    pub(crate) fn take(&self) -> PyResult<Response> {
        let response = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        response.ok_or_else(|| PyRuntimeError::new_err("the response has been sent already"))
    }
}

/// The parameters and the body of a request, or its refusal.
type Read = Result<(RequestBody, Vec<Option<Parameter<'static>>>), Box<Response>>;

impl Exchange {
    pub(crate) fn new(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, call: &mut Call) -> PyResult<Self> {
        let request = call.request(py)?;
        request.get().source().hold_files_to(route.files());
        Ok(Self {
            request: request.unbind(),
            engine: Arc::clone(engine),
            route: Arc::clone(route),
            after: Mutex::new(call.after()),
            arguments: Mutex::default(),
        })
    }

    /// Keeps what the function is called with, or says why it is not called.
    fn take_in(&self, py: Python<'_>, read: Read) -> PyResult<Py<PyAny>> {
        let (body, values) = read.map_err(|response| self.refused(py, *response))?;
        let mut call = Call::of(&self.engine, self.request.clone_ref(py), body, values);
        let arguments = self.route.arguments(py, &mut call).map_err(|unmet| match unmet {
            Unmet::Refused(response) => self.refused(py, *response),
            Unmet::Raised(error) => error,
        })?;
        *self.arguments() = Some(arguments.into_iter().map(Bound::unbind).collect());
        Ok(py.None())
    }

    /// The exception that ends the way of a request which is refused.
    fn refused(&self, py: Python<'_>, response: Response) -> PyErr {
        let refused = self
            .as_object(py, response)
            .and_then(|response| py.import("spikard._driver")?.getattr("Refused")?.call1((response,)));
        refused.map_or_else(|error| error, PyErr::from_value)
    }

    /// A response that Rust has made whole, as an object of Python that is sent as the same bytes.
    fn as_object<'py>(&self, py: Python<'py>, response: Response) -> PyResult<Bound<'py, PyAny>> {
        let (head, body) = response.into_parts();
        let body = body.collect().now_or_never().and_then(Result::ok);
        let body = body.ok_or_else(|| PyValueError::new_err("a refusal has a body that is not there yet"))?.to_bytes();
        let lines: Vec<(&str, String)> =
            head.headers.iter().map(|(name, value)| (name.as_str(), crate::changes::latin1(value))).collect();
        self.route.app.response.bind(py).call1((PyBytes::new(py, &body), head.status.as_u16(), lines))
    }

    fn arguments(&self) -> MutexGuard<'_, Option<Vec<Py<PyAny>>>> {
        self.arguments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn after(&self) -> MutexGuard<'_, Option<After>> {
        self.after.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call that an answer belongs to.
    fn call(&self, py: Python<'_>) -> Call {
        Call::of(&self.engine, self.request.clone_ref(py), RequestBody::default(), Vec::new()).holding(self.after().clone())
    }
}

#[pymethods]
impl Exchange {
    /// Checks the request as it is now, and makes the arguments of the function. To be awaited; raises
    /// `_driver.Refused` for a request that is at fault. Does nothing if nothing has changed since the last time.
    fn validate<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        panics::point("validate");
        let (py, this) = (slf.py(), slf.get());
        let request = this.request.get();
        if !request.take_changes(py)? && this.arguments().is_some() {
            return Ok(Bound::new(py, Ready(Ok(py.None())))?.into_any());
        }
        let (route, parts, source) = (Arc::clone(&this.route), request.parts(), request.source());
        let exchange = slf.clone().unbind();
        promise::of(py, &this.engine, async move {
            let read = read(&route, &parts, &source).await;
            move |py: Python<'_>| exchange.get().take_in(py, read.map_err(|unread| unread.raised(py))?)
        })
    }

    /// Calls the function, for what it returns: to be awaited unless the function is neither async nor for a thread.
    fn invoke<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        panics::point("invoke");
        let (py, this) = (slf.py(), slf.get());
        let arguments = this.arguments().take().ok_or_else(|| PyRuntimeError::new_err("the request was not checked"))?;
        if this.route.function_kind == Kind::Threaded {
            return on_thread(py, slf, arguments);
        }
        let arguments: Vec<_> = arguments.into_iter().map(|argument| argument.into_bound(py)).collect();
        this.route.call(&arguments, py)
    }

    /// Makes what the server sends of a response, or of what the function returned.
    fn send(&self, response: Bound<'_, PyAny>) -> PyResult<Sent> {
        panics::point("send");
        let py = response.py();
        let response = respond(py, &self.engine, response, &self.route, &self.call(py))?;
        self.after().take();
        Ok(Sent(Mutex::new(Some(response))))
    }

    /// The problem details of a status, as `problem` (`_border.Problem`) has them, as a response.
    fn problem<'py>(&self, py: Python<'py>, status: u16, problem: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let status = StatusCode::from_u16(status).map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.as_object(py, failure::problem(status, problem, &self.call(py).subject())?)
    }

    /// The name of the route, for logs.
    #[getter]
    fn name<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.route.name.bind(py).clone()
    }
}

/// Reads and checks a request as it is now.
async fn read(route: &Arc<PythonRoute>, parts: &Arc<Parts>, source: &Source) -> Result<Read, Unread> {
    let body = match route.reading() {
        Reading::Later | Reading::Never => RequestBody::default(),
        Reading::First(kind) => match source.read(parts, kind, route.files()).await {
            Ok(body) => body,
            Err(Unread::Refused(refused)) => return Ok(Err(Box::new(refused.response(&Subject::of_parts(parts))))),
            Err(gone) => return Err(gone),
        },
    };
    let (body, checked) = if route.is_slow_to_check(&body) {
        leaf::check_elsewhere(route, parts, body).await
    } else {
        let checked = route.check(parts, &body);
        (body, checked)
    };
    Ok(checked.map(|values| (body, values)))
}

/// Calls a function on a thread of the pool, with the context variables of the request.
fn on_thread<'py>(py: Python<'py>, exchange: &Bound<'py, Exchange>, arguments: Vec<Py<PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    let this = exchange.get();
    let context = context::copy(py)?.unbind();
    let (answer, answered) = oneshot::channel();
    let (route, after) = (Arc::clone(&this.route), this.after().clone());
    let runtime = this.engine.runtime.enter();
    let taken = this.engine.pool.submit(Box::new(move |py| {
        if answer.is_closed() {
            return;
        }
        let arguments: Vec<_> = arguments.into_iter().map(|argument| argument.into_bound(py)).collect();
        let result = context::within(context.bind(py), || route.call(&arguments, py));
        drop(after);
        // Nobody may be there any more; what the function returned is dropped then.
        let _gone = answer.send(result.map(Bound::unbind));
    }));
    drop(runtime);
    if !taken {
        return Err(this.refused(py, failure::busy(&this.call(py).subject())));
    }
    promise::of(py, &this.engine, async move {
        let result = answered.await;
        move |_: Python<'_>| result.unwrap_or_else(|_| Err(PyRuntimeError::new_err("the function panicked")))
    })
}
