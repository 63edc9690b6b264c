//! Handlers that raise: what the app has for the exception, the log, and what the client sees.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::StatusCode;
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use spikard_core::Response;
use spikard_core::handler::of_status;
use spikard_core::problem::{INTERNAL_SERVER_ERROR, REFUSALS, SERVICE_UNAVAILABLE, Subject};

use crate::call::Call;
use crate::engine::Engine;
use crate::json;
use crate::panics;
use crate::respond::respond;
use crate::route::PythonRoute;
use crate::thread;

/// What an exception comes to.
pub(crate) enum Failed<'py> {
    Answered(Response),
    /// An exception handler that is a coroutine.
    Awaits(Bound<'py, PyAny>),
}

/// Answers an exception: by what the app has for it, else with a 500.
pub(crate) fn of<'py>(py: Python<'py>, engine: &Arc<Engine>, route: &PythonRoute, call: &mut Call, error: PyErr) -> Failed<'py> {
    panics::point("failure");
    if error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py) {
        thread::fail(error);
        return Failed::Answered(INTERNAL_SERVER_ERROR.response(&call.subject(), "Internal server error"));
    }
    let handled = call.request(py).and_then(|request| {
        let handled = route.app.exception_response.bind(py).call1((object(py, &error), request))?;
        if handled.is_none() || handled.is_instance(route.app.response.bind(py))? {
            return Ok((handled, false));
        }
        let awaits = handled.hasattr(pyo3::intern!(py, "__await__"))?;
        Ok((handled, awaits))
    });
    match handled {
        Ok((nothing, _)) if nothing.is_none() => Failed::Answered(logged(py, route, call, &error)),
        Ok((coroutine, true)) => Failed::Awaits(coroutine),
        Ok((response, false)) => match respond(py, engine, response, route, call) {
            Ok(response) => Failed::Answered(response),
            Err(second) => Failed::Answered(logged(py, route, call, &second)),
        },
        Err(second) => Failed::Answered(logged(py, route, call, &second)),
    }
}

/// The object of an exception, with its traceback: up to Python 3.11 the two are apart.
fn object<'py>(py: Python<'py>, error: &PyErr) -> Bound<'py, PyAny> {
    error.clone_ref(py).into_value(py).into_bound(py).into_any()
}

/// Logs an exception with its traceback, and answers with a 500 that says nothing of it.
pub(crate) fn logged(py: Python<'_>, route: &PythonRoute, call: &Call, error: &PyErr) -> Response {
    let subject = call.subject();
    let log = route.app.log_exception.bind(py).call1((object(py, error), &route.name, subject.request_id()));
    if let Err(second) = log {
        second.write_unraisable(py, None);
    }
    INTERNAL_SERVER_ERROR.response(&subject, "Internal server error")
}

/// A 500 for what went wrong beside the handler.
pub(crate) fn internal(py: Python<'_>, error: PyErr) -> Response {
    error.write_unraisable(py, None);
    INTERNAL_SERVER_ERROR.response(&Subject::default(), "Internal server error")
}

/// Runs what calls Python, for callers that nothing of a panic may reach: the request gets a 500, and
/// all others go on.
pub(crate) fn guarded<T>(subject: &Subject, run: impl FnOnce() -> T) -> Result<T, Box<Response>> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(request_id = subject.request_id(), "the bridge panicked: {}", text.unwrap_or("no message"));
        Box::new(INTERNAL_SERVER_ERROR.response(subject, "Internal server error"))
    })
}

const BUSY: &str = "all threads are busy";

/// The same as an exception.
pub(crate) fn all_busy(py: Python<'_>) -> PyErr {
    let exception = py.import("spikard.exceptions").and_then(|exceptions| {
        let headers = PyDict::new(py);
        headers.set_item("retry-after", "1")?;
        exceptions.getattr("HTTPException")?.call1((SERVICE_UNAVAILABLE.status.as_u16(), BUSY, headers))
    });
    exception.map_or_else(|error| error, PyErr::from_value)
}

/// All threads are busy, and too many requests wait for one.
pub(crate) fn busy(subject: &Subject) -> Response {
    let mut response = SERVICE_UNAVAILABLE.response(subject, BUSY);
    response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    response
}

/// The problem that a `_border.Problem` stands for.
pub(crate) fn problem(status: StatusCode, problem: &Bound<'_, PyAny>, subject: &Subject) -> PyResult<Response> {
    let detail: Option<String> = problem.getattr("detail")?.extract()?;
    let slug: Option<String> = problem.getattr("slug")?.extract()?;
    let errors = problem.getattr("errors")?;
    let errors = (!errors.is_none()).then(|| json::of(&errors)).transpose()?;
    let (of_status, sentence) = of_status(status);
    let named = slug.and_then(|slug| REFUSALS.iter().find(|refusal| refusal.status == status && refusal.slug == slug));
    Ok(named.unwrap_or(&of_status).with_errors(subject, detail.as_deref().unwrap_or(&sentence), errors))
}

/// Whether a task has ended by being cancelled.
pub(crate) fn was_cancelled(task: &Bound<'_, PyAny>) -> bool {
    task.call_method0(pyo3::intern!(task.py(), "cancelled")).and_then(|cancelled| cancelled.is_truthy()).unwrap_or(false)
}
