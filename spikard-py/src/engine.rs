//! Calls handlers: on this thread at once, through the queue of another loop, or on a thread of the
//! pool, and waits for what they answer.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use spikard_core::problem::Subject;
use spikard_core::{Response, is_overdue};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::call::Call;
use crate::events::Closing;
use crate::failure;
use crate::panics;
use crate::pool::Pool;
use crate::promise::Promises;
use crate::queue::{self, Cancel, Queue};
use crate::route::{Kind, PythonRoute};
use crate::slot::Slot;
use crate::standing::Standing;
use crate::step::{self, Step};
use crate::task::Tasks;
use crate::thread;

/// What runs the handlers of one app on one event loop.
pub(crate) struct Engine {
    pub(crate) tasks: Tasks,
    pub(crate) promises: Promises,
    pub(crate) transport: Transport,
    /// tokio, on this thread or another.
    pub(crate) runtime: Handle,
    event_loop: Py<PyAny>,
    standing: PyOnceLock<Standing>,
    /// How many scopes are open (`after`).
    pub(crate) scopes: AtomicUsize,
    /// Tells streams of events that the server ends.
    pub(crate) closing: Closing,
    pub(crate) pool: Pool,
}

/// How a request comes to the thread of the loop.
pub(crate) enum Transport {
    /// It is there already.
    Here,
    /// Through a queue.
    Queue(Arc<Queue>),
}

impl Engine {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>, transport: Transport, runtime: Handle) -> PyResult<Arc<Self>> {
        let (tasks, promises) = (Tasks::new(event_loop)?, Promises::new(event_loop)?);
        Ok(Arc::new(Self {
            tasks,
            promises,
            transport,
            runtime,
            event_loop: event_loop.clone().unbind(),
            standing: PyOnceLock::new(),
            scopes: AtomicUsize::new(0),
            closing: Closing::new(),
            pool: Pool::new(),
        }))
    }

    /// What runs coroutines that cannot wait.
    pub(crate) fn standing(&self, py: Python<'_>) -> PyResult<&Standing> {
        self.standing.get_or_try_init(py, || Standing::new(self.event_loop.bind(py)))
    }

    /// Calls the handler of a route and waits for its answer. Dropping the future calls it off.
    pub(crate) async fn run(self: &Arc<Self>, route: &Arc<PythonRoute>, call: Call) -> Response {
        match (&route.kind, &self.transport) {
            (Kind::Threaded, _) => self.run_threaded(route, call).await,
            (_, Transport::Here) => self.run_here(route, call).await,
            (_, Transport::Queue(queue)) => self.run_queued(queue, route, call).await,
        }
    }

    /// Calls a function of Python on a thread of the pool; yields what makes its result.
    pub(crate) async fn call_on_thread(
        self: Arc<Self>,
        function: Py<PyAny>,
    ) -> impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static {
        let (sender, receiver) = oneshot::channel();
        let taken = self.pool.submit(Box::new(move |py| drop(sender.send(function.call0(py)))));
        let called = if taken { receiver.await.ok() } else { None };
        move |py| called.unwrap_or_else(|| Err(failure::all_busy(py)))
    }

    async fn run_here(self: &Arc<Self>, route: &Arc<PythonRoute>, call: Call) -> Response {
        let step = Python::attach(|py| {
            let step = step::begin(py, self, route, call);
            thread::after_python(py);
            step
        });
        match step {
            Step::Done(response) => response,
            Step::Waiting { task, slot } => {
                let off = Off::Here(task);
                Waiting { slot: slot.clone(), off: Some(off), stays: !route.cancel }.answer().await
            }
        }
    }

    async fn run_queued(self: &Arc<Self>, queue: &Arc<Queue>, route: &Arc<PythonRoute>, call: Call) -> Response {
        let slot = Slot::default();
        let cancel = Cancel::new(slot.clone());
        let (engine, of, note) = (Arc::clone(self), Arc::clone(route), Arc::clone(&cancel));
        queue.push(Box::new(move |py| {
            if note.is_off() {
                return;
            }
            match step::begin(py, &engine, &of, call) {
                Step::Done(response) => note.slot.put(response),
                Step::Waiting { task, slot } => {
                    note.set(task);
                    slot.forward(&note.slot);
                }
            }
        }));
        let off = Off::Queued(Arc::clone(queue), cancel);
        Waiting { slot, off: Some(off), stays: !route.cancel }.answer().await
    }

    async fn run_threaded(self: &Arc<Self>, route: &Arc<PythonRoute>, call: Call) -> Response {
        let slot = Slot::default();
        let (engine, of, to) = (Arc::clone(self), Arc::clone(route), slot.clone());
        let subject = call.subject();
        let taken = self.pool.submit(Box::new(move |py| {
            if !to.is_closed() {
                step::on_thread(py, &engine, &of, call, &to);
            }
        }));
        if !taken {
            return failure::busy(&subject);
        }
        // A function on a thread cannot be called off once it runs.
        Waiting { slot, off: None, stays: false }.answer().await
    }

    /// Runs something on the thread of the loop: at once if this is the one.
    pub(crate) fn on_loop(&self, job: impl FnOnce(Python<'_>) + Send + 'static) {
        match &self.transport {
            Transport::Here => Python::attach(|py| {
                // A panic would end the task of tokio that is running, whosever it is.
                let _ = failure::guarded(&Subject::default(), || job(py));
                thread::after_python(py);
            }),
            Transport::Queue(queue) => queue.push(Box::new(job)),
        }
    }

    /// Runs something on the thread of the loop, from another one.
    pub(crate) fn on_loop_from_thread(self: &Arc<Self>, job: impl FnOnce(Python<'_>) + Send + 'static) {
        match &self.transport {
            Transport::Here => {
                let engine = Arc::clone(self);
                self.runtime.spawn(async move { engine.on_loop(job) });
            }
            Transport::Queue(queue) => queue.push(Box::new(job)),
        }
    }
}

/// An answer that is waited for.
struct Waiting {
    slot: Slot,
    off: Option<Off>,
    /// Whether the handler goes on when its client has gone away. Its time may be over all the same.
    stays: bool,
}

/// How a handler is called off.
enum Off {
    Here(Py<PyAny>),
    Queued(Arc<Queue>, Arc<Cancel>),
}

impl Waiting {
    async fn answer(self) -> Response {
        poll_fn(|cx| self.slot.poll(cx)).await
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.slot.close() || (self.stays && !is_overdue()) {
            return;
        }
        match self.off.take() {
            Some(Off::Here(task)) => Python::attach(|py| {
                // A panic while a panic is dropping this would end the process.
                let _ = failure::guarded(&Subject::default(), || {
                    panics::point("cancel");
                    queue::cancel(py, &task);
                });
                drop(task);
                thread::after_python(py);
            }),
            Some(Off::Queued(queue, cancel)) => {
                cancel.call_off();
                queue.push(Box::new(move |py| cancel.run(py)));
            }
            None => {}
        }
    }
}
