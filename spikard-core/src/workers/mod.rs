//! Worker processes: several processes of one command that share a port, and their supervisor.
//!
//! The supervisor listens, starts the same command again for each worker and hands it the
//! sockets; it serves nothing itself. A worker finds out what it is with [`inherited`]:
//!
//! ```no_run
//! use spikard_core::server::{Live, Server, Settings, Signals};
//! use spikard_core::workers::{self, Supervisor};
//!
//! # fn service() -> std::sync::Arc<dyn spikard_core::Service> { unimplemented!() }
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let Some(mut worker) = workers::inherited()? else {
//!         let supervisor = Supervisor::new(4).listen_on("localhost", 8000);
//!         return Ok(supervisor.run(|addresses| println!("listening on {addresses:?}"))?);
//!     };
//!     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//!     runtime.block_on(async {
//!         let signals = Signals::of_process()?;
//!         worker.obey(signals.stop())?;
//!         let service = worker.counted(service());
//!         let server = Server::from_listeners(worker.take_listeners(), Settings::default())?;
//!         worker.ready();
//!         server.run(Live::new(service), signals).await;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! - Every worker has a listening socket of its own on the one port, and the supervisor holds all
//!   of them: what waits at the socket of a worker that has crashed waits for its successor, or is
//!   taken by another worker within a third of a second (`docs/adr/0021-worker-processes.md`).
//! - A worker that ends unasked is replaced, with growing pauses if it does so again and again. If
//!   not even the first one comes up, [`Supervisor::run`] ends with an error.
//! - SIGTERM and SIGINT drain all workers, a second one ends them at once. SIGHUP replaces them
//!   one by one: each new worker says that it is [`ready`](Worker::ready) before its predecessor
//!   drains. So are workers that have reached [`Supervisor::max_requests`] or
//!   [`Supervisor::max_rss`].
//! - Rate limits of a gateway that is built with [`Worker::context`] count over all workers.
//! - A worker whose supervisor is gone drains and ends.
//!
//! Linux and macOS; elsewhere the crate has no server of several processes.

mod crew;
mod inheritance;
mod pauses;
mod process;
mod sockets;
mod supervisor;
mod worker;

pub use inheritance::inherited;
pub use supervisor::{Supervisor, SupervisorError};
pub use worker::Worker;

/// What a supervisor tells a worker and a worker its supervisor: one byte each, on a socket pair.
mod words {
    /// To the worker: finish what is in flight and end.
    pub(super) const DRAIN: u8 = b'd';
    /// To the worker: end at once.
    pub(super) const END: u8 = b'e';
    /// To the supervisor: connections are taken.
    pub(super) const READY: u8 = b'r';
    /// To the supervisor: it is time for a successor.
    pub(super) const REPLACE: u8 = b'x';
}
