//! The workers of one supervisor, and what follows when one is ready, spent or gone.
//!
//! There are as many places as workers. A place has one worker, and for a while a second one that
//! shall follow it. Only one worker at a time has a follower on its way.

use std::collections::VecDeque;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};

use super::pauses::Pauses;
use super::process::{Event, Id, Process};
use super::supervisor::Plan;
use crate::admin::Crowd;

/// Something for the crew to see to.
pub(super) enum Task {
    /// A process reports.
    Report(Id, Event),
    /// A pause is over: the place gets a worker, if it has none.
    Fill(usize),
    /// A pause is over: a worker that is spent gets a follower.
    Replace(usize),
    /// All that waited at the sockets is accepted: the workers may drain.
    Drain,
}

/// A place for a worker.
#[derive(Default)]
struct Place {
    worker: Option<Process>,
    pauses: Pauses,
}

/// Why a worker gets a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// All workers do.
    Roll,
    /// It has reached a limit.
    Spent,
}

/// A worker on its way to a place that has one.
struct Follower {
    place: usize,
    cause: Cause,
    process: Process,
}

pub(super) struct Crew {
    plan: Plan,
    /// The workers that serve, for those who ask what they do.
    crowd: Crowd,
    tasks: UnboundedSender<Task>,
    places: Vec<Place>,
    follower: Option<Follower>,
    /// The places whose workers are to be replaced next.
    queue: VecDeque<(usize, Cause)>,
    /// Workers that drain, since another has their place.
    leaving: Vec<Process>,
    next: Id,
    has_worked: bool,
    is_stopping: bool,
}

impl Crew {
    pub(super) fn new(plan: Plan, crowd: Crowd, tasks: UnboundedSender<Task>) -> Self {
        let places = (0..plan.sockets.of_each().len()).map(|_| Place::default()).collect();
        Self {
            plan,
            crowd,
            tasks,
            places,
            follower: None,
            queue: VecDeque::new(),
            leaving: Vec::new(),
            next: 0,
            has_worked: false,
            is_stopping: false,
        }
    }

    /// Starts the first worker. The others follow when it is ready: what is wrong with the command
    /// is said once.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.places[0].worker = Some(self.start(0)?);
        Ok(())
    }

    /// Replaces all workers, one by one.
    pub(super) fn roll(&mut self) {
        if self.is_stopping || !self.has_worked {
            return;
        }
        tracing::info!("replacing all workers, one by one");
        self.queue = (0..self.places.len()).map(|place| (place, Cause::Roll)).collect();
        if let Some(Follower { place, process, .. }) = self.follower.take() {
            // What it was started from may be what is to be replaced.
            process.end();
            self.leaving.push(process);
            self.later(Duration::ZERO, Task::Fill(place));
        }
        self.replace_next();
    }

    /// Stops: starts no more workers, takes no more connections, and lets the workers finish what
    /// is in flight.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
        self.crowd.stop();
        self.queue.clear();
        let sockets = Arc::clone(&self.plan.sockets);
        let tasks = self.tasks.clone();
        tokio::spawn(async move {
            sockets.close().await;
            let _ = tasks.send(Task::Drain);
        });
    }

    /// Ends all workers at once.
    pub(super) fn end(&mut self) {
        self.processes().for_each(Process::end);
    }

    /// Whether no process is left.
    pub(super) fn is_empty(&self) -> bool {
        self.processes().next().is_none()
    }

    /// Sees to a task. An error is the end of a worker before any has ever worked.
    pub(super) fn see_to(&mut self, task: Task) -> Result<(), ExitStatus> {
        match task {
            Task::Report(id, Event::Ready) => self.ready(id),
            Task::Report(id, Event::Spent(limit)) => self.spent(id, limit),
            Task::Report(id, Event::Ended(status)) => return self.ended(id, status),
            Task::Fill(place) => self.fill(place),
            Task::Replace(place) => self.replace(place),
            Task::Drain => self.processes().for_each(Process::drain),
        }
        Ok(())
    }

    fn ready(&mut self, id: Id) {
        if let Some(Follower { place, mut process, .. }) = self.follower.take_if(|follower| follower.process.id == id) {
            process.ready = Some(Instant::now());
            tracing::info!(worker = place, pid = process.pid, "a new worker is ready");
            self.crowd.set(place, process.member.clone());
            if let Some(old) = self.places[place].worker.replace(process) {
                old.drain();
                self.leaving.push(old);
            }
            self.replace_next();
        } else if let Some(place) = self.place_of(id) {
            if let Some(worker) = &mut self.places[place].worker {
                worker.ready = Some(Instant::now());
                self.crowd.set(place, worker.member.clone());
                tracing::info!(worker = place, pid = worker.pid, "ready");
            }
            if !std::mem::replace(&mut self.has_worked, true) {
                (0..self.places.len()).for_each(|place| self.fill(place));
            }
        }
    }

    fn spent(&mut self, id: Id, limit: &str) {
        if let Some(place) = self.place_of(id) {
            tracing::info!(worker = place, "{limit} is reached: the worker gets a successor");
            self.replace(place);
        }
    }

    fn ended(&mut self, id: Id, status: ExitStatus) -> Result<(), ExitStatus> {
        if let Some(left) = self.leaving.iter().position(|process| process.id == id) {
            self.leaving.swap_remove(left);
        } else if let Some(follower) = self.follower.take_if(|follower| follower.process.id == id) {
            self.has_failed(&follower, status);
        } else if let Some(place) = self.place_of(id) {
            let Some(worker) = self.places[place].worker.take() else { return Ok(()) };
            self.crowd.set(place, None);
            if self.is_stopping {
                return Ok(());
            }
            if !self.has_worked {
                return Err(status);
            }
            let served = worker.ready.map_or(Duration::ZERO, |ready| ready.elapsed());
            let pause = self.places[place].pauses.after(served);
            tracing::error!(worker = place, pid = worker.pid, ?pause, "a worker has ended: {status}; another is started");
            self.later(pause, Task::Fill(place));
        }
        Ok(())
    }

    /// A follower has ended before it was ready. Its predecessor goes on, and so do the others:
    /// what is wrong with this one would be wrong with their followers, too.
    fn has_failed(&mut self, follower: &Follower, status: ExitStatus) {
        if self.is_stopping {
            return;
        }
        let Follower { place, cause, process: Process { pid, .. } } = follower;
        let pause = self.places[*place].pauses.after(Duration::ZERO);
        tracing::error!(worker = place, pid, "a new worker has ended before it was ready: {status}; the old ones go on");
        self.queue.retain(|(_, cause)| *cause != Cause::Roll);
        match (&self.places[*place].worker, cause) {
            (None, _) => self.later(pause, Task::Fill(*place)),
            (Some(_), Cause::Spent) => self.later(pause, Task::Replace(*place)),
            (Some(_), Cause::Roll) => {}
        }
        self.replace_next();
    }

    /// Gives a place a worker, if it has none and none is on its way there.
    fn fill(&mut self, place: usize) {
        let is_expected = self.follower.as_ref().is_some_and(|follower| follower.place == place);
        if self.is_stopping || is_expected || self.places[place].worker.is_some() {
            return;
        }
        match self.start(place) {
            Ok(process) => self.places[place].worker = Some(process),
            Err(error) => {
                let pause = self.places[place].pauses.after(Duration::ZERO);
                tracing::error!(worker = place, ?pause, "cannot start a worker: {error}");
                self.later(pause, Task::Fill(place));
            }
        }
    }

    /// Puts a place into the queue of those whose workers are replaced.
    fn replace(&mut self, place: usize) {
        let is_queued = self.queue.iter().any(|(queued, _)| *queued == place);
        if !self.is_stopping && !is_queued {
            self.queue.push_back((place, Cause::Spent));
            self.replace_next();
        }
    }

    fn replace_next(&mut self) {
        while self.follower.is_none() {
            let Some((place, cause)) = self.queue.pop_front() else { return };
            // A place without a worker gets a new one anyway.
            if self.places[place].worker.is_none() {
                continue;
            }
            match self.start(place) {
                Ok(process) => self.follower = Some(Follower { place, cause, process }),
                Err(error) => tracing::error!(worker = place, "cannot start a new worker: {error}; the old one goes on"),
            }
        }
    }

    fn start(&mut self, place: usize) -> io::Result<Process> {
        self.next += 1;
        let id = self.next;
        let tasks = self.tasks.clone();
        let report = move |event| drop(tasks.send(Task::Report(id, event)));
        Process::start(&self.plan, place, id, report)
    }

    fn later(&self, pause: Duration, task: Task) {
        let tasks = self.tasks.clone();
        tokio::spawn(async move {
            sleep(pause).await;
            let _ = tasks.send(task);
        });
    }

    fn place_of(&self, id: Id) -> Option<usize> {
        self.places.iter().position(|place| place.worker.as_ref().is_some_and(|worker| worker.id == id))
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        let working = self.places.iter().filter_map(|place| place.worker.as_ref());
        working.chain(&self.leaving).chain(self.follower.as_ref().map(|follower| &follower.process))
    }
}
