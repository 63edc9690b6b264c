//! What a worker gets from its supervisor across the start of the command: open descriptors, and
//! one variable of the environment that says which is which.
//!
//! This file holds the one `unsafe` block of the crate: a number from the environment becomes a
//! descriptor (`docs/adr/0021-worker-processes.md`).

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::{FdFlags, dup, fcntl_setfd};
use serde::{Deserialize, Serialize};
use spikard_middleware::rate_limit::SharedCounters;

use super::worker::Worker;
use crate::server::Listeners;

/// The variable, with an [`Inheritance`] as JSON.
const VARIABLE: &str = "SPIKARD_WORKER";

/// What the variable says.
#[derive(Debug, Serialize, Deserialize)]
struct Inheritance {
    /// The process whose children the variable is for. It reaches their children as well, and what
    /// else they start; those have another parent.
    supervisor: u32,
    number: usize,
    /// One end of the socket pair that is shared with the supervisor.
    control: RawFd,
    /// For each worker, its listening sockets.
    listeners: Vec<Vec<RawFd>>,
    /// The memory of [`SharedCounters`].
    counters: RawFd,
    /// Where the supervisor asks what the worker says of itself.
    #[serde(default)]
    admin: Option<RawFd>,
    max_requests: Option<u64>,
    patience: Duration,
}

/// What a supervisor gives to one worker.
pub(super) struct Estate<'a> {
    /// Which of the workers it is.
    pub(super) number: usize,
    /// The worker's end of the socket pair.
    pub(super) control: &'a UnixStream,
    /// For each worker, its listening sockets.
    pub(super) listeners: &'a [Vec<TcpListener>],
    /// Where all workers count for rate limits.
    pub(super) counters: &'a SharedCounters,
    /// The worker's end of the socket pair for questions, if the supervisor asks any.
    pub(super) admin: Option<&'a UnixStream>,
    /// After how many requests it asks for a successor.
    pub(super) max_requests: Option<u64>,
    /// How long it may take to end when the supervisor is gone.
    pub(super) patience: Duration,
}

impl Estate<'_> {
    /// The variable for the worker, and the descriptors that the variable names. They are open in
    /// every process that is started while they exist.
    pub(super) fn bequeath(&self) -> io::Result<((&'static str, String), Vec<OwnedFd>)> {
        let mut open = Vec::new();
        let mut hand_on = |fd: &dyn AsFd| {
            // Everything else here is closed when a program is started; what `dup` makes is not.
            let descriptor = dup(fd)?;
            let number = descriptor.as_raw_fd();
            open.push(descriptor);
            Ok::<_, io::Error>(number)
        };
        let control = hand_on(self.control)?;
        let listeners = self.listeners.iter().map(|of_one| of_one.iter().map(|listener| hand_on(listener)).collect());
        let inheritance = Inheritance {
            supervisor: std::process::id(),
            number: self.number,
            control,
            listeners: listeners.collect::<io::Result<_>>()?,
            counters: hand_on(self.counters)?,
            admin: self.admin.map(|admin| hand_on(admin)).transpose()?,
            max_requests: self.max_requests,
            patience: self.patience,
        };
        Ok(((VARIABLE, serde_json::to_string(&inheritance)?), open))
    }
}

/// What this process got from its supervisor; none if it is not a worker.
///
/// # Errors
/// The second time, and when the descriptors are not there.
pub fn inherited() -> io::Result<Option<Worker>> {
    static IS_TAKEN: AtomicBool = AtomicBool::new(false);
    let Some(inheritance) = of_this_process(std::env::var(VARIABLE).ok().as_deref()) else { return Ok(None) };
    if IS_TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::Error::other("the descriptors of this worker were taken before, expected them to be taken once"));
    }
    let Inheritance { number, control, listeners, counters, admin, max_requests, patience, .. } = inheritance;
    let control = UnixStream::from(adopt(control)?);
    let mut own = Vec::new();
    let mut others = Vec::new();
    for (owner, descriptors) in listeners.into_iter().enumerate() {
        let listeners = if owner == number { &mut own } else { &mut others };
        for descriptor in descriptors {
            listeners.push(TcpListener::from(adopt(descriptor)?));
        }
    }
    let counters = SharedCounters::open(adopt(counters)?);
    let admin = admin.map(adopt).transpose()?.map(UnixStream::from);
    let listeners = Listeners { own, others };
    Ok(Some(Worker { number, control: control.into(), listeners, counters, admin, max_requests, patience }))
}

/// The inheritance, if it is this process that it is meant for.
fn of_this_process(text: Option<&str>) -> Option<Inheritance> {
    let inheritance: Inheritance = serde_json::from_str(text?).ok()?;
    (inheritance.supervisor == std::os::unix::process::parent_id()).then_some(inheritance)
}

/// Takes over an open descriptor by its number. Programs that this one starts will not get it.
fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "there is no other way to a descriptor that was open at the start")]
    // SAFETY: our parent opened it for us, and says so; nobody else in this process knows of it, and
    // it is taken only once. Were the number wrong, it would not be open, and the next line says so.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    if let Err(error) = fcntl_setfd(&descriptor, FdFlags::CLOEXEC) {
        // Closing what is not open is refused as well, or hits what was opened meanwhile.
        std::mem::forget(descriptor);
        let message = format!("descriptor {number} of the supervisor is not open, expected it from {VARIABLE}: {error}");
        return Err(io::Error::new(error.kind(), message));
    }
    Ok(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_for_children_of_the_supervisor_alone() {
        let parent = std::os::unix::process::parent_id();
        let text = |supervisor| {
            let patience = Duration::from_secs(1);
            let listeners = vec![vec![8]];
            let given = Inheritance {
                supervisor,
                number: 0,
                control: 7,
                listeners,
                counters: 9,
                admin: None,
                max_requests: None,
                patience,
            };
            serde_json::to_string(&given).unwrap()
        };
        assert!(of_this_process(Some(&text(parent))).is_some());
        assert!(of_this_process(Some(&text(parent + 1))).is_none(), "a child of a worker is no worker");
        assert!(of_this_process(Some("1")).is_none());
        assert!(of_this_process(None).is_none());
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_named() {
        let error = adopt(12_345).unwrap_err().to_string();
        assert!(error.starts_with("descriptor 12345 of the supervisor is not open"), "{error}");
    }
}
