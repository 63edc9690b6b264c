//! The second transport: the server runs on a thread of its own, handlers on the thread of an event
//! loop that belongs to somebody else (`await app.serve()`, uvloop, the test client).
//!
//! Requests wait in a queue; the loop is woken once for all that came while it was not looking.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use spikard_core::problem::Subject;

use crate::failure;
use crate::panics;
use crate::slot::Slot;

/// Work for the thread of the loop.
pub(crate) type Job = Box<dyn FnOnce(Python<'_>) + Send>;

/// The work that waits for a loop.
pub(crate) struct Queue {
    jobs: Mutex<Vec<Job>>,
    sender: UnixStream,
    receiver: UnixStream,
}

impl Queue {
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let (sender, receiver) = UnixStream::pair()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        Ok(Arc::new(Self { jobs: Mutex::default(), sender, receiver }))
    }

    /// The descriptor that is readable while there is work.
    pub(crate) fn descriptor(&self) -> i32 {
        self.receiver.as_raw_fd()
    }

    /// Adds work, and wakes the loop if it has none yet.
    pub(crate) fn push(&self, job: Job) {
        let mut jobs = self.jobs();
        jobs.push(job);
        if jobs.len() == 1 {
            // It fails where the pipe is full of wake-ups or the loop is gone; neither needs one.
            let _ = (&self.sender).write(&[0]);
        }
    }

    /// Does the work that waits. Called on the thread of the loop.
    pub(crate) fn run(&self, py: Python<'_>) {
        let mut bytes = [0; 64];
        while matches!((&self.receiver).read(&mut bytes), Ok(read) if read == bytes.len()) {}
        let jobs = std::mem::take(&mut *self.jobs());
        for job in jobs {
            // A job answers for its own panics; one that is left must not cost those behind it.
            let _ = failure::guarded(&Subject::default(), || job(py));
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a request: the place of its answer, and how it is called off.
pub(crate) struct Cancel {
    /// The task of asyncio, once it has begun to wait.
    task: Mutex<Option<Py<PyAny>>>,
    off: AtomicBool,
    pub(crate) slot: Slot,
}

impl Cancel {
    pub(crate) fn new(slot: Slot) -> Arc<Self> {
        Arc::new(Self { task: Mutex::default(), off: AtomicBool::new(false), slot })
    }

    pub(crate) fn set(&self, task: Py<PyAny>) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Says that the handler need not begin.
    pub(crate) fn call_off(&self) {
        self.off.store(true, Ordering::Relaxed);
    }

    /// Whether it was called off before it began.
    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Cancels the task. Called on the thread of the loop.
    pub(crate) fn run(&self, py: Python<'_>) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            panics::point("cancel");
            cancel(py, &task);
        }
    }
}

/// Cancels a task, on the thread of its loop.
pub(crate) fn cancel(py: Python<'_>, task: &Py<PyAny>) {
    if let Err(error) = task.call_method0(py, pyo3::intern!(py, "cancel")) {
        error.write_unraisable(py, Some(task.bind(py)));
    }
}
