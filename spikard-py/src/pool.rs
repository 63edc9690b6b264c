//! The threads for handlers that are not coroutines.
//!
//! A thread keeps its state in the interpreter for all its life: to attach anew for every call costs
//! more than the call. As the thread of the loop holds the lock while it works, a second thread is of
//! use only where a handler waits for something else. So one thread does all jobs that are there,
//! without giving the lock back in between, and others are woken or started when a job has waited for
//! [`PATIENCE`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tokio::sync::Notify;

use crate::queue::Job;
use crate::thread;

/// How many handlers run at once.
const THREADS: usize = 40;
/// How many more wait for a thread. What comes beyond is refused.
const WAITING: usize = 1000;
/// How long a job waits before it gets a thread of its own.
const PATIENCE: Duration = Duration::from_millis(2);

/// Threads that run handlers.
pub(crate) struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    /// The tasks of tokio whose answers are there. To wake each from another thread would cost a
    /// system call; `wake` does it for all.
    answered: Mutex<Vec<Waker>>,
    news: Notify,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(Instant, Job)>,
    threads: usize,
    idle: usize,
    /// Whether somebody wakes tasks whose answers are there.
    waked: bool,
    /// Whether somebody looks after jobs that wait.
    watched: bool,
    closed: bool,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Runs a job on a thread. False if too many wait already. Called by tasks of tokio.
    pub(crate) fn submit(&self, job: Job) -> bool {
        let mut state = self.0.state();
        if state.jobs.len() >= WAITING {
            return false;
        }
        state.jobs.push_back((Instant::now(), job));
        if state.threads == 0 && !self.0.start(&mut state) {
            state.jobs.pop_back();
            return false;
        }
        if state.jobs.len() == 1 && state.idle > 0 {
            self.0.work.notify_one();
        }
        if !std::mem::replace(&mut state.waked, true) {
            drop(tokio::spawn(wake(Arc::clone(&self.0))));
        }
        if !std::mem::replace(&mut state.watched, true) {
            drop(tokio::spawn(watch(Arc::clone(&self.0))));
        }
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.work.notify_all();
        self.0.news.notify_one();
    }
}

/// Gives threads to jobs that wait too long, for as long as there are any.
async fn watch(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(PATIENCE).await;
        let mut state = shared.state();
        if state.jobs.is_empty() || state.closed {
            state.watched = false;
            return;
        }
        let late = state.jobs.iter().take_while(|(since, _)| since.elapsed() >= PATIENCE).count();
        for _ in 0..state.idle.min(late) {
            shared.work.notify_one();
        }
        for _ in state.idle..late {
            if state.threads == THREADS || !shared.start(&mut state) {
                break;
            }
        }
    }
}

/// Wakes the tasks whose answers are there, until the pool is gone.
async fn wake(shared: Arc<Shared>) {
    while !shared.state().closed {
        shared.news.notified().await;
        let answered = std::mem::take(&mut *shared.answered.lock().unwrap_or_else(PoisonError::into_inner));
        answered.into_iter().for_each(Waker::wake);
    }
}

impl Shared {
    /// Starts one more thread. False if the system has none.
    fn start(self: &Arc<Self>, state: &mut State) -> bool {
        let shared = Arc::clone(self);
        let name = format!("spikard-handler-{}", state.threads);
        let started = std::thread::Builder::new().name(name).spawn(move || shared.run()).is_ok();
        state.threads += usize::from(started);
        started
    }

    fn run(&self) {
        // One attach for the life of the thread.
        thread::collect();
        Python::try_attach(|py| {
            while let Some(job) = self.next_at_once().or_else(|| py.detach(|| self.next())) {
                // A job answers for its own panics; one that is left must not cost the thread.
                let _ = catch_unwind(AssertUnwindSafe(|| job(py)));
                self.tell(thread::collected());
            }
        });
        self.state().threads -= 1;
    }

    fn tell(&self, tasks: Vec<Waker>) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = answered.is_empty() && !tasks.is_empty();
        answered.extend(tasks);
        drop(answered);
        if is_news {
            self.news.notify_one();
        }
    }

    fn next_at_once(&self) -> Option<Job> {
        self.state().jobs.pop_front().map(|(_, job)| job)
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some((_, job)) = state.jobs.pop_front() {
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
