//! The worker's side: its sockets, its orders, and what it tells its supervisor.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spikard_middleware::rate_limit::SharedCounters;
use spikard_middleware::{Answer, BuildContext, Clock, Request, Service};

use super::words;
use crate::server::{Listeners, Stop};

/// What a worker process got from its supervisor.
pub struct Worker {
    pub(super) number: usize,
    pub(super) control: Arc<UnixStream>,
    pub(super) listeners: Listeners,
    pub(super) counters: io::Result<SharedCounters>,
    pub(super) admin: Option<UnixStream>,
    pub(super) max_requests: Option<u64>,
    pub(super) patience: Duration,
}

impl Worker {
    /// Which of the workers this is, from 0. A successor has the number of its predecessor.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The listening sockets, for [`Server::from_listeners`](crate::server::Server::from_listeners).
    /// They are there once.
    pub fn take_listeners(&mut self) -> Listeners {
        std::mem::take(&mut self.listeners)
    }

    /// Where the supervisor asks what this worker says of itself, for
    /// [`Admin::answer_supervisor`](crate::admin::Admin::answer_supervisor); none if it does not. It is there once.
    pub fn take_admin(&mut self) -> Option<UnixStream> {
        self.admin.take()
    }

    /// What policies are built with: their rate limits count together with those of the other
    /// workers. Relative paths start at `directory`. For one server; each further one needs another.
    pub fn context(&self, directory: impl Into<PathBuf>) -> BuildContext {
        let ctx = BuildContext::new(directory, Clock::system());
        match &self.counters {
            Ok(counters) => counters.share(&ctx),
            // The program may be newer than its supervisor. Serving with loose limits is better
            // than not serving.
            Err(error) => ctx.warn("rate_limit", format!("each worker counts for itself: {error}")),
        }
        ctx
    }

    /// Passes the supervisor's orders on to `stop`, from a thread that the server's do not hold up.
    /// When the supervisor is gone, that is an order to drain; who has not ended when the time for
    /// it is over is ended.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn obey(&self, stop: Stop) -> io::Result<()> {
        let control = Arc::clone(&self.control);
        let patience = self.patience;
        std::thread::Builder::new().name("spikard-orders".into()).spawn(move || {
            let mut word = [0];
            loop {
                match (&*control).read(&mut word) {
                    Ok(1) if word[0] == words::END => stop.end(),
                    Ok(1) => stop.drain(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(_) | Err(_) => break,
                }
            }
            tracing::warn!("the supervisor is gone: stopping");
            stop.drain();
            std::thread::sleep(patience);
            tracing::error!("the supervisor is gone and the time to stop ran out");
            std::process::exit(1);
        })?;
        Ok(())
    }

    /// Tells the supervisor that this worker takes connections; only then its predecessor drains.
    pub fn ready(&self) {
        tell(&self.control, words::READY);
    }

    /// The service, counting requests if this worker shall be replaced after a number of them.
    pub fn counted(&self, service: Arc<dyn Service>) -> Arc<dyn Service> {
        match self.max_requests {
            Some(most) => Arc::new(Counted { service, left: AtomicU64::new(most), control: Arc::clone(&self.control) }),
            None => service,
        }
    }
}

fn tell(mut control: &UnixStream, word: u8) {
    // A supervisor that is gone shows in `obey`.
    let _ = control.write_all(&[word]);
}

/// A service that asks for a successor of its process once, after a number of requests. It goes
/// on meanwhile: the supervisor tells when the successor is there.
struct Counted {
    service: Arc<dyn Service>,
    left: AtomicU64,
    control: Arc<UnixStream>,
}

impl Service for Counted {
    fn call(&self, request: Request) -> Answer<'_> {
        // It counts on below zero, which takes five hundred years to come round.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            tell(&self.control, words::REPLACE);
        }
        self.service.call(request)
    }

    fn begin(&self) {
        self.service.begin();
    }
}
