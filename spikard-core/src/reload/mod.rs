//! Another configuration for a server that runs: read anew, checked as a whole, and put in the place
//! of the one in force at once. A file that is wrong changes nothing.
//!
//! Requests in flight, streams and tunnels finish with what they began with. What is as it was goes on
//! with its state: counters of rate limits, connections to upstreams ([`Gateway::successor`]).
//! [`Changes`] says what a reload has changed or would change.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use spikard_core::python::NoPython;
//! use spikard_core::reload::{Edition, Reloader};
//! use spikard_core::server::{Server, Settings, Signals};
//!
//! let file = Path::new("spikard.toml");
//! let reloader = Arc::new(Reloader::new(file, Edition::read(file, &NoPython)?, Box::new(|_| ())));
//! let config = reloader.config();
//! let settings = Settings::of(&config, &reloader.gateway());
//! let server = Server::bind(&config.host, config.port, settings).await?;
//! tokio::spawn(reloader.on_hangup()?);
//! server.run(reloader.live(), Signals::of_process()?).await;
//! # Ok(()) }
//! ```

mod changes;
mod compare;
mod edition;
mod watch;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Files, Format, Report, ServerConfig};
use crate::gateway::Gateway;
use crate::python::NoPython;
use crate::server::{Live, Served};
use crate::service_manager;

pub use changes::{Changes, Kind, RouteChange, Setting, UpstreamChange};
pub use edition::Edition;
use watch::refused;
pub use watch::watch;

/// What stands above the file: arguments of the command line, say.
pub type Overrides = Box<dyn Fn(&mut ServerConfig) + Send + Sync>;

/// Reads the file of a running server again. Python handlers cannot be reloaded in their process.
pub struct Reloader {
    file: PathBuf,
    overrides: Overrides,
    /// What the process was started with: settings that a reload cannot change have these values.
    started: ServerConfig,
    live: Live,
    in_force: ArcSwap<Edition>,
    /// Held while a reload is under way, so that one follows the other.
    turn: Mutex<()>,
}

impl Reloader {
    /// Serves `edition`, which was read from `file`, until there is another one.
    pub fn new(file: impl Into<PathBuf>, mut edition: Edition, overrides: Overrides) -> Self {
        overrides(&mut edition.loaded.config);
        let started = edition.loaded.config.clone();
        let live = Live::serving(Served::of(&started, Arc::clone(&edition.gateway)));
        Self { file: file.into(), overrides, started, live, in_force: ArcSwap::from_pointee(edition), turn: Mutex::new(()) }
    }

    /// What is to be served.
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// The gateway in force.
    pub fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.in_force.load().gateway)
    }

    /// The configuration in force; of settings that a reload cannot change, what the file said last.
    pub fn config(&self) -> ServerConfig {
        self.in_force.load().loaded.config.clone()
    }

    /// The same as the text of a file, as [`Loaded::print`](crate::config::Loaded::print) writes it.
    ///
    /// # Errors
    /// When the format has no word for a value.
    pub fn print(&self, format: Format) -> Result<String, String> {
        self.in_force.load().written.print(format)
    }

    /// Reads the file and the files that it names, and serves what they say from the next request on.
    /// It waits for files and computes: it belongs on a thread that may, inside the runtime of the server.
    ///
    /// # Errors
    /// Everything that is wrong. What is in force stays.
    pub fn reload(&self) -> Result<Changes, Report> {
        let _turn = self.turn();
        let in_force = self.in_force.load_full();
        let next = self.next(&in_force)?;
        let changes = Changes::between(&in_force, &next, &self.started);
        self.live.replace(Served::of(&next.loaded.config, Arc::clone(&next.gateway)));
        self.in_force.store(Arc::new(next));
        Ok(changes)
    }

    /// What [`reload`](Self::reload) would change.
    ///
    /// # Errors
    /// As there.
    pub fn plan(&self) -> Result<Changes, Report> {
        let _turn = self.turn();
        let in_force = self.in_force.load_full();
        Ok(Changes::between(&in_force, &self.next(&in_force)?, &self.started))
    }

    /// The files that the configuration in force comes from.
    pub fn files(&self) -> Files {
        self.in_force.load().loaded.files().clone()
    }

    /// Reloads whenever SIGHUP comes to this process, which from now on does not end by it.
    ///
    /// # Errors
    /// When the process cannot be told of signals.
    pub fn on_hangup(self: &Arc<Self>) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let mut hang_up = signal(SignalKind::hangup())?;
        let reloader = Arc::clone(self);
        Ok(async move {
            while hang_up.recv().await.is_some() {
                if let Err(report) = reloader.reload_aside().await {
                    refused(&report);
                }
            }
        })
    }

    /// Reloads whenever the file, or one that it names, has other content.
    pub async fn on_change(self: Arc<Self>) {
        watch(|| self.files(), || async { self.reload_aside().await.map(drop) }).await;
    }

    /// Reloads on a thread that may wait, and writes to the log what has changed. An error is what to
    /// write there instead.
    pub(crate) async fn reload_aside(self: &Arc<Self>) -> Result<Changes, String> {
        let reloader = Arc::clone(self);
        service_manager::reloading();
        let outcome = tokio::task::spawn_blocking(move || reloader.reload()).await;
        service_manager::ready();
        let changes = outcome.map_err(|error| error.to_string())?.map_err(|report| report.to_string())?;
        tracing::info!("reloaded: {}", changes.summary());
        for setting in &changes.restart {
            tracing::warn!("{setting}: this needs a restart, and is not in force");
        }
        Ok(changes)
    }

    fn next(&self, in_force: &Edition) -> Result<Edition, Report> {
        let mut next = in_force.next(&self.file, &NoPython)?;
        (self.overrides)(&mut next.loaded.config);
        Ok(next)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
