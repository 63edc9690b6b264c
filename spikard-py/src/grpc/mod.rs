//! gRPC methods in Python: a call is one task of asyncio, whatever streams it has.
//!
//! The task runs a coroutine of `_grpc/calls.py`, which gets the request, or what the requests come
//! from (`requests`), and where the responses go (`reply`). Dropping the call cancels it.

mod metadata;
mod reply;
mod requests;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::PyString;
use spikard_core::Service;
use spikard_core::grpc::{Call, Handler, Leaf, Reply, Settings, Status};
use spikard_core::problem::Subject;

use crate::after::After;
use crate::engine::Engine;
use crate::failure;
use crate::panics;
use crate::route::PythonRoute;
use crate::thread;

use self::reply::{GrpcReply, Outcome, Running, failed};
use self::requests::Arguments;
pub(crate) use self::requests::Requests;

/// What `_plan.Grpc` says of a method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Method {
    /// Whether it takes a stream of requests.
    takes_stream: bool,
    /// Whether it gives a stream of responses.
    pub(crate) gives_stream: bool,
    settings: Settings,
}

impl Method {
    /// Reads a `_plan.Grpc`, if there is one.
    pub(crate) fn read(plan: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if plan.is_none() {
            return Ok(None);
        }
        let size = |name: &str| plan.getattr(name)?.extract::<Option<usize>>();
        let default = Settings::default();
        let settings = Settings {
            max_receive_size: size("max_receive_size")?.unwrap_or(default.max_receive_size),
            max_send_size: size("max_send_size")?.unwrap_or(default.max_send_size),
            gzip: plan.getattr("gzip")?.extract()?,
            endless: plan.getattr("endless")?.extract()?,
        };
        let (takes_stream, gives_stream) = (plan.getattr("takes_stream")?.extract()?, plan.getattr("gives_stream")?.extract()?);
        Ok(Some(Self { takes_stream, gives_stream, settings }))
    }
}

/// The leaf of a method.
pub(crate) fn leaf(route: Arc<PythonRoute>, method: Method, engine: Arc<Engine>) -> Arc<dyn Service> {
    Arc::new(Leaf::new(PythonMethod { route, method, engine }, method.settings))
}

struct PythonMethod {
    route: Arc<PythonRoute>,
    method: Method,
    engine: Arc<Engine>,
}

impl Handler for PythonMethod {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Status>> {
        Box::pin(async move {
            let Call { service, method, metadata, head, mut messages } = call;
            let subject = Subject::of_parts(&head);
            let only = if self.method.takes_stream { None } else { Some(messages.only().await?) };
            let after = After::of(&self.route, &self.engine, &head);
            let running = Running::new(Arc::clone(&self.engine), after.clone());
            let (route, engine, outcome) = (Arc::clone(&self.route), Arc::clone(&self.engine), running.outcome());
            self.engine.on_loop(move |py| {
                let _scope = after.as_ref().and_then(|after| after.enter(py));
                let arguments = Arguments { service, method, metadata, head };
                let started = failure::guarded(&subject, || {
                    panics::point("grpc");
                    let arguments = arguments.of_python(py, &engine)?;
                    let argument = match only {
                        Some(message) => arguments.request(py, &message)?,
                        None => Requests::new(arguments, messages, Arc::clone(&engine)).into_pyobject(py)?.into_any(),
                    };
                    let reply = Bound::new(py, outcome.for_python(after.clone()))?;
                    let given = (argument, reply, PyString::new(py, subject.request_id()));
                    start(py, &engine, &route, given, &outcome)
                });
                match started {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => raised(py, error, &outcome),
                    Err(_) => outcome.end(failed()),
                }
            });
            running.reply().await
        })
    }
}

/// Starts the task of a call.
fn start(
    py: Python<'_>,
    engine: &Engine,
    route: &PythonRoute,
    given: (Bound<'_, PyAny>, Bound<'_, GrpcReply>, Bound<'_, PyString>),
    outcome: &Outcome,
) -> PyResult<()> {
    let coroutine = route.function().bind(py).call1(given)?;
    let task = engine.tasks.start(coroutine, route.name.bind(py))?;
    if !task.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
        engine.tasks.register(&task)?;
        outcome.waits_for(task);
    }
    Ok(())
}

/// What left the first step of a task, or kept it from beginning.
fn raised(py: Python<'_>, error: PyErr, outcome: &Outcome) {
    outcome.end(failed());
    if error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py) {
        thread::fail(error);
    } else {
        error.write_unraisable(py, None);
    }
}
