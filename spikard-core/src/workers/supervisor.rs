//! The supervisor: what it is told, its signals, and its own end.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use spikard_middleware::rate_limit::SharedCounters;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::crew::Crew;
use super::sockets::Sockets;
use crate::admin::{Admin, Crowd};
use crate::config::{AdminConfig, ServerConfig, load, process_environment};
use crate::reload::watch;
use crate::serve::ServeError;
use crate::server::BindError;

/// How much longer than its `shutdown_timeout` a worker may take before it is killed.
const MARGIN: Duration = Duration::from_secs(5);
/// No timer goes further.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// Starts workers, replaces them, and ends them.
#[derive(Debug, Clone)]
pub struct Supervisor {
    workers: usize,
    command: Option<(OsString, Vec<OsString>)>,
    host: String,
    port: u16,
    redirect: Option<u16>,
    shutdown_timeout: Duration,
    max_requests: Option<u64>,
    max_rss: Option<u64>,
    watch: Option<PathBuf>,
    admin: Option<AdminConfig>,
}

/// Why a supervisor did not serve.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A setting that this system cannot keep.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The first worker ended before it took a connection. What was wrong, it said itself.
    #[error("no worker comes up: the first one has ended with {0}")]
    NoWorker(ExitStatus),
    /// The admin listener cannot be had.
    #[error(transparent)]
    Admin(#[from] ServeError),
    /// The system refuses what every supervisor needs.
    #[error("cannot supervise workers: {0}")]
    System(#[from] io::Error),
}

/// What workers are started with.
pub(super) struct Plan {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) sockets: Arc<Sockets>,
    /// Kept when workers are replaced: limits go on counting.
    pub(super) counters: SharedCounters,
    pub(super) max_requests: Option<u64>,
    pub(super) max_rss: Option<u64>,
    /// Whether workers are asked what they say of themselves.
    pub(super) admin: bool,
    /// How long a worker may take to end.
    pub(super) patience: Duration,
}

impl Supervisor {
    /// A supervisor of `workers` processes (at least one) on the default host and port.
    pub fn new(workers: usize) -> Self {
        let ServerConfig { host, port, shutdown_timeout, .. } = ServerConfig::default();
        Self {
            workers: workers.max(1),
            command: None,
            host,
            port,
            redirect: None,
            shutdown_timeout,
            max_requests: None,
            max_rss: None,
            watch: None,
            admin: None,
        }
    }

    /// The command of a worker; the one that this process was started with if none is given.
    #[must_use]
    pub fn command(self, program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { command: Some((program.into(), arguments.into_iter().map(Into::into).collect())), ..self }
    }

    /// The address or host name, and the port (0: the system chooses), that all workers share.
    #[must_use]
    pub fn listen_on(self, host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, ..self }
    }

    /// A second port of the same host, where workers redirect HTTP if their settings say so
    /// (`tls.redirect_http`).
    #[must_use]
    pub fn redirect_http(self, port: u16) -> Self {
        Self { redirect: Some(port), ..self }
    }

    /// How long the workers' requests in flight may take at their end. Five seconds later they are
    /// killed.
    #[must_use]
    pub fn shutdown_timeout(self, shutdown_timeout: Duration) -> Self {
        Self { shutdown_timeout, ..self }
    }

    /// After how many requests a worker gets a successor, if it [counts](super::Worker::counted) them.
    #[must_use]
    pub fn max_requests(self, requests: u64) -> Self {
        Self { max_requests: Some(requests), ..self }
    }

    /// Where to tell operators of all workers, if those [answer](super::Worker::take_admin).
    #[must_use]
    pub fn admin(self, admin: AdminConfig) -> Self {
        Self { admin: Some(admin), ..self }
    }

    /// With how much resident memory, in bytes, a worker gets a successor. On Linux only.
    #[must_use]
    pub fn max_rss(self, bytes: u64) -> Self {
        Self { max_rss: Some(bytes), ..self }
    }

    /// Replaces the workers, one by one, when a configuration or a file that it names has other content;
    /// one that cannot be read changes nothing.
    #[must_use]
    pub fn watch(self, configuration: impl Into<PathBuf>) -> Self {
        Self { watch: Some(configuration.into()), ..self }
    }

    /// Supervises until the process is told to stop and all workers have ended. `listening` is
    /// called with the addresses once connections wait there for the workers. Belongs outside of
    /// any runtime.
    ///
    /// # Errors
    /// When the address cannot be had, or when the first worker does not come up.
    pub fn run(self, listening: impl FnOnce(&[SocketAddr])) -> Result<(), SupervisorError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.supervise(listening))
    }

    async fn supervise(self, listening: impl FnOnce(&[SocketAddr])) -> Result<(), SupervisorError> {
        if self.max_rss.is_some() && !cfg!(target_os = "linux") {
            return Err(SupervisorError::Unsupported("max_rss is set, expected none: it is known on Linux only"));
        }
        let mut signals = Signals::new()?;
        let sockets = Sockets::listen(&self.host, self.port, self.redirect, self.workers).await?;
        let crowd = Crowd::default();
        let admin = match &self.admin {
            Some(admin) => Some(Admin::of_workers(admin, crowd.clone()).await?),
            None => None,
        };
        listening(sockets.addresses());
        let (program, arguments) = match self.command {
            Some(command) => command,
            None => (std::env::current_exe()?.into(), std::env::args_os().skip(1).collect()),
        };
        let Self { max_requests, max_rss, shutdown_timeout, watch, .. } = self;
        let patience = shutdown_timeout.min(LONGEST).saturating_add(MARGIN);
        let sockets = Arc::new(sockets);
        let counters = SharedCounters::create()?;
        let plan = Plan { program, arguments, sockets, counters, max_requests, max_rss, admin: admin.is_some(), patience };
        let admin = admin.map(Admin::serve);
        let outcome = oversee(plan, crowd, &mut signals, watch).await;
        if let Some(admin) = admin {
            admin.end().await;
        }
        outcome
    }
}

/// Sees to the workers until the last one has ended.
async fn oversee(plan: Plan, crowd: Crowd, signals: &mut Signals, watched: Option<PathBuf>) -> Result<(), SupervisorError> {
    let (tasks, mut todo) = unbounded_channel();
    let (rolls, mut wanted) = unbounded_channel();
    crowd.rolls_by(rolls.clone());
    let mut crew = Crew::new(plan, crowd, tasks);
    crew.begin()?;
    if let Some(configuration) = watched {
        tokio::spawn(watch_configuration(configuration, rolls));
    }
    let mut stops = 0;
    while stops == 0 || !crew.is_empty() {
        tokio::select! {
            wish = signals.next() => match wish {
                Wish::Roll => crew.roll(),
                Wish::Stop => {
                    stops += 1;
                    if stops == 1 {
                        tracing::info!("stopping: the workers finish what is in flight");
                        crew.stop();
                    } else {
                        tracing::warn!("stopping at once: a second signal came");
                        crew.end();
                    }
                }
            },
            Some(()) = wanted.recv() => crew.roll(),
            Some(task) = todo.recv() => crew.see_to(task).map_err(SupervisorError::NoWorker)?,
        }
    }
    tracing::info!("stopped: all workers have ended");
    Ok(())
}

/// Tells of another configuration, if it can be read: whether it can be built, a new worker finds out.
async fn watch_configuration(configuration: PathBuf, rolls: UnboundedSender<()>) {
    let read = || load(&configuration, &process_environment);
    // What is wrong with it at the start, the workers say.
    let in_force = Mutex::new(read().map(|loaded| loaded.files().clone()).unwrap_or_default());
    let in_force = || in_force.lock().unwrap_or_else(PoisonError::into_inner);
    let attempt = || {
        let outcome = read().map_err(|report| report.to_string()).map(|loaded| {
            *in_force() = loaded.files().clone();
            // It fails only at the end of the supervisor.
            let _ = rolls.send(());
        });
        std::future::ready(outcome)
    };
    watch(|| in_force().clone(), attempt).await;
}

/// What signals ask a supervisor for.
enum Wish {
    Stop,
    Roll,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let [terminate, interrupt, hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        Ok(Self { terminate: terminate?, interrupt: interrupt?, hang_up: hang_up? })
    }

    /// Waits for the next signal. Dropping the future loses none.
    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hang_up.recv() => Wish::Roll,
        }
    }
}
