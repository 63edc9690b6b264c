//! The threads for handlers that are not coroutines.
//!
//! A thread keeps its state in the interpreter for all its life: to attach anew for every call costs
//! more than the call. Threads are started as they are needed, and end with the process.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::queue::Job;

/// How many handlers run at once.
const THREADS: usize = 40;
/// How many more wait for a thread. What comes beyond is refused.
const WAITING: usize = 1000;

/// Threads that run handlers.
pub(crate) struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Runs a job on a thread. False if too many wait already.
    pub(crate) fn submit(&self, job: Job) -> bool {
        let mut state = self.0.state();
        if state.jobs.len() >= WAITING {
            return false;
        }
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads == THREADS {
            self.0.work.notify_one();
            return true;
        }
        let shared = Arc::clone(&self.0);
        let name = format!("spikard-handler-{}", state.threads);
        match std::thread::Builder::new().name(name).spawn(move || shared.run()) {
            Ok(_) => state.threads += 1,
            // With no thread at all the job would wait for ever.
            Err(_) if state.threads == 0 => {
                state.jobs.pop_back();
                return false;
            }
            Err(_) => {}
        }
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.work.notify_all();
    }
}

impl Shared {
    fn run(&self) {
        // One attach for the life of the thread.
        Python::try_attach(|py| {
            while let Some(job) = py.detach(|| self.next()) {
                job(py);
            }
        });
        self.state().threads -= 1;
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
