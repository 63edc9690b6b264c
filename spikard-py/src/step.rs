//! One request and its handler: from arguments to an answer, in one step or with waits in between.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use spikard_core::Response;

use crate::call::Call;
use crate::context;
use crate::engine::Engine;
use crate::exchange::Exchange;
use crate::failure::{self, Failed};
use crate::panics;
use crate::respond::respond;
use crate::route::{Kind, PythonRoute, Unmet};
use crate::slot::Slot;

/// How far a request came.
pub(crate) enum Step {
    /// It is answered.
    Done(Response),
    /// A task goes on with it, and puts the answer in the slot.
    Waiting { task: Py<PyAny>, slot: Slot },
}

impl Step {
    /// Brings the answer, now or when it comes, to a slot.
    fn to(self, slot: &Slot) {
        match self {
            Self::Done(response) => slot.put(response),
            Self::Waiting { slot: inner, .. } => inner.forward(slot),
        }
    }
}

/// Calls the handler of a route. On the thread of the loop, while none of its tasks runs.
pub(crate) fn begin(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, call: Call) -> Step {
    let subject = call.subject();
    failure::guarded(&subject, || first(py, engine, route, call)).unwrap_or_else(|response| Step::Done(*response))
}

fn first(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, mut call: Call) -> Step {
    panics::point("handler");
    let _scope = call.enter(py);
    if let Some(driver) = &route.driver {
        return drive(py, engine, route, call, driver.bind(py));
    }
    let outcome = match route.kind {
        Kind::Task => route.invoke(py, &mut call),
        Kind::Standing => context::isolated(py, || {
            let coroutine = route.invoke(py, &mut call)?;
            engine.standing(py).and_then(|standing| standing.run(&coroutine)).map_err(Unmet::Raised)
        }),
        Kind::Inline | Kind::Threaded => context::isolated(py, || route.invoke(py, &mut call)),
    };
    let outcome = match outcome {
        Ok(result) => Ok(result),
        Err(Unmet::Raised(error)) => Err(error),
        Err(Unmet::Refused(response)) => return Step::Done(*response),
    };
    match (outcome, &route.kind) {
        (Ok(coroutine), Kind::Task) => run(py, engine, route, call, coroutine),
        (outcome, _) => settle(py, engine, route, call, outcome),
    }
}

/// Lets the driver of the hooks take the request through them.
fn drive(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, mut call: Call, driver: &Bound<'_, PyAny>) -> Step {
    let exchange = Exchange::new(py, engine, route, &mut call);
    match exchange.and_then(|exchange| driver.call1((exchange,))) {
        Ok(coroutine) => run(py, engine, route, call, coroutine),
        Err(error) => settle(py, engine, route, call, Err(error)),
    }
}

/// Runs a coroutine that answers the request.
fn run(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, call: Call, coroutine: Bound<'_, PyAny>) -> Step {
    match engine.tasks.start(coroutine, route.name.bind(py)) {
        Ok(task) => advance(py, engine, route, call, task, Stage::Handler),
        Err(error) => settle(py, engine, route, call, Err(error)),
    }
}

/// Calls a handler on a thread of the pool; what it comes to goes to the slot.
pub(crate) fn on_thread(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, call: Call, slot: &Slot) {
    let subject = call.subject();
    if let Err(response) = failure::guarded(&subject, || call_on_thread(py, engine, route, call, slot)) {
        slot.put(*response);
    }
}

fn call_on_thread(py: Python<'_>, engine: &Arc<Engine>, route: &Arc<PythonRoute>, mut call: Call, slot: &Slot) {
    panics::point("thread");
    let _scope = call.enter(py);
    let outcome = match context::isolated(py, || route.invoke(py, &mut call)) {
        Ok(result) => respond(py, engine, result, route, &call),
        Err(Unmet::Raised(error)) => Err(error),
        Err(Unmet::Refused(response)) => Ok(*response),
    };
    match outcome {
        Ok(response) => {
            drop(call);
            slot.put(response);
        }
        Err(error) => {
            // Exception handlers may be coroutines: they run on the loop.
            let (engine_of, route_of, slot) = (Arc::clone(engine), Arc::clone(route), slot.clone());
            engine.on_loop_from_thread(move |py| {
                let subject = call.subject();
                let settled = failure::guarded(&subject, || settle(py, &engine_of, &route_of, call, Err(error)));
                settled.unwrap_or_else(|response| Step::Done(*response)).to(&slot);
            });
        }
    }
}

/// What a task is for.
#[derive(Clone, Copy)]
enum Stage {
    /// The handler itself.
    Handler,
    /// An exception handler that is a coroutine.
    Failure,
}

/// Takes the result of a task that has ended, or waits for it.
fn advance(
    py: Python<'_>,
    engine: &Arc<Engine>,
    route: &Arc<PythonRoute>,
    call: Call,
    task: Bound<'_, PyAny>,
    stage: Stage,
) -> Step {
    let done = task.call_method0(pyo3::intern!(py, "done")).and_then(|done| done.is_truthy());
    match done {
        Ok(true) => conclude(py, engine, route, call, &task, stage),
        Ok(false) => {
            let slot = Slot::default();
            let end = End { engine: Arc::clone(engine), route: Arc::clone(route), call, slot: slot.clone(), stage };
            let finisher = Finisher(Mutex::new(Some(end)));
            let waits = engine.tasks.register(&task);
            match waits.and_then(|()| task.call_method1(pyo3::intern!(py, "add_done_callback"), (finisher,))) {
                Ok(_) => Step::Waiting { task: task.unbind(), slot },
                Err(error) => Step::Done(failure::internal(py, error)),
            }
        }
        Err(error) => settle(py, engine, route, call, Err(error)),
    }
}

fn conclude(
    py: Python<'_>,
    engine: &Arc<Engine>,
    route: &Arc<PythonRoute>,
    call: Call,
    task: &Bound<'_, PyAny>,
    stage: Stage,
) -> Step {
    panics::point("result");
    let result = task.call_method0(pyo3::intern!(py, "result"));
    match stage {
        Stage::Handler => settle(py, engine, route, call, result),
        Stage::Failure => match result.and_then(|result| respond(py, engine, result, route, &call)) {
            Ok(response) => Step::Done(response),
            Err(error) => Step::Done(failure::logged(py, route, &call, &error)),
        },
    }
}

/// Makes an answer of what a handler returned or raised.
fn settle(
    py: Python<'_>,
    engine: &Arc<Engine>,
    route: &Arc<PythonRoute>,
    mut call: Call,
    outcome: PyResult<Bound<'_, PyAny>>,
) -> Step {
    let outcome = outcome.and_then(|result| respond(py, engine, result, route, &call));
    let _scope = outcome.as_ref().err().and_then(|_| call.enter(py));
    match outcome {
        Ok(response) => Step::Done(response),
        Err(error) => match failure::of(py, engine, route, &mut call, error) {
            Failed::Answered(response) => Step::Done(response),
            Failed::Awaits(coroutine) => match engine.tasks.start(coroutine, route.name.bind(py)) {
                Ok(task) => advance(py, engine, route, call, task, Stage::Failure),
                Err(error) => Step::Done(failure::logged(py, route, &call, &error)),
            },
        },
    }
}

/// What is done when a task has ended.
struct End {
    engine: Arc<Engine>,
    route: Arc<PythonRoute>,
    call: Call,
    slot: Slot,
    stage: Stage,
}

/// The callback of a task that had to wait.
#[pyclass(frozen, module = "spikard._spikard")]
struct Finisher(Mutex<Option<End>>);

#[pymethods]
impl Finisher {
    fn __call__(&self, py: Python<'_>, task: &Bound<'_, PyAny>) {
        let Some(end) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let End { engine, route, call, slot, stage } = end;
        if slot.is_closed() && failure::was_cancelled(task) {
            return;
        }
        let subject = call.subject();
        let concluded = failure::guarded(&subject, || conclude(py, &engine, &route, call, task, stage));
        concluded.unwrap_or_else(|response| Step::Done(*response)).to(&slot);
    }
}
