//! tokio inside asyncio: the selector of the event loop runs tokio while the loop would wait.
//!
//! A turn ends when the loop has something to do: callbacks that handlers added, timers that they
//! set, descriptors of its own that are readable, or the end of its time-out. The lock of the
//! interpreter stays held during a turn; it is released while tokio waits (`lock`), and for a
//! moment every millisecond in which tokio does not wait at all.

use std::future::{Future, poll_fn};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;
use spikard_core::problem::Subject;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, Sleep, sleep};

use crate::failure;
use crate::lock;
use crate::panics;
use crate::thread::{self, InTurn, Work};

/// How long other threads of Python may wait for the lock while tokio is busy.
const PATIENCE: Duration = Duration::from_millis(1);

/// The runtime of tokio that runs in the selector of one event loop.
#[pyclass(unsendable, module = "spikard._spikard")]
pub(crate) struct Turns {
    runtime: tokio::runtime::Runtime,
    event_loop: Py<PyAny>,
    /// The callbacks that the loop runs next; asyncio keeps one deque for all its life.
    ready: Py<PyAny>,
    /// The descriptor through which the loop's own selector says that it has events.
    descriptor: AsyncFd<OwnedFd>,
    sleep: Pin<Box<Sleep>>,
    tick: Tick,
}

#[pymethods]
impl Turns {
    /// tokio for an event loop whose own selector is the descriptor `selector`.
    #[new]
    fn new(event_loop: &Bound<'_, PyAny>, selector: RawFd) -> PyResult<Self> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().on_thread_park(lock::release).on_thread_unpark(lock::retake).build()?;
        let inside = runtime.enter();
        let descriptor = lock::watch(selector)?;
        let (sleep, tick) = (Box::pin(sleep(Duration::ZERO)), Tick::new());
        drop(inside);
        let ready = event_loop.getattr("_ready")?.unbind();
        Ok(Self { runtime, event_loop: event_loop.clone().unbind(), ready, descriptor, sleep, tick })
    }

    /// Runs tokio for at most `timeout` seconds, or until the loop has something to do. True if the
    /// loop's own selector has events.
    fn turn(&mut self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let scheduled = self.event_loop.bind(py).getattr(intern!(py, "_scheduled"))?.cast_into::<PyList>()?;
        let work = Work { callbacks: self.ready.clone_ref(py), known_timers: scheduled.len(), timers: scheduled.unbind() };
        let at_once = timeout.is_some_and(|timeout| timeout <= 0.0);
        let timed = timeout.filter(|timeout| *timeout > 0.0);
        if let Some(seconds) = timed {
            let time = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            let deadline = Instant::now().checked_add(time).unwrap_or_else(|| Instant::now() + Duration::from_hours(24));
            self.sleep.as_mut().reset(deadline);
        }
        let (descriptor, sleep, tick) = (&self.descriptor, &mut self.sleep, &mut self.tick);
        let mut first = true;
        let turn = poll_fn(|cx| {
            thread::remember_turn(cx.waker());
            thread::wake_collected();
            if let Some(error) = thread::failure() {
                return Poll::Ready(Err(error));
            }
            let has_events = has_events(descriptor, cx)?;
            let over = timed.is_some() && sleep.as_mut().poll(cx).is_ready();
            let called = thread::has_work(py);
            panics::point("turn");
            tick.poll(py, cx);
            if std::mem::take(&mut first) {
                // tokio has its turn, whatever the loop has to do.
                if at_once || has_events || over || called {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            if at_once || has_events || over || called { Poll::Ready(Ok(has_events)) } else { Poll::Pending }
        });
        let _turn = InTurn::begin(work);
        // What panics here is the bridge itself, and the next turn may do better.
        failure::guarded(&Subject::default(), || self.runtime.block_on(turn)).unwrap_or(Ok(false))
    }
}

impl Turns {
    /// The runtime, for tasks that are started between two turns.
    pub(crate) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }
}

/// Whether the selector has events. tokio's readiness is edge-triggered, so it is cleared only when
/// the selector itself has none.
fn has_events(descriptor: &AsyncFd<OwnedFd>, cx: &mut Context<'_>) -> PyResult<bool> {
    loop {
        match descriptor.poll_read_ready(cx) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(error.into()),
            Poll::Ready(Ok(mut guard)) => {
                if lock::is_readable(descriptor.as_raw_fd()) {
                    return Ok(true);
                }
                guard.clear_ready();
            }
        }
    }
}

/// Lets other threads of Python have the lock once in a while.
struct Tick {
    sleep: Pin<Box<Sleep>>,
    armed: bool,
}

impl Tick {
    fn new() -> Self {
        Self { sleep: Box::pin(sleep(Duration::ZERO)), armed: false }
    }

    fn poll(&mut self, py: Python<'_>, cx: &mut Context<'_>) {
        if !self.armed {
            self.armed = true;
            self.sleep.as_mut().reset(Instant::now() + PATIENCE);
        }
        if self.sleep.as_mut().poll(cx).is_ready() {
            self.armed = false;
            py.detach(|| ());
        }
    }
}
