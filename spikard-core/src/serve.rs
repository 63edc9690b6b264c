//! From a gateway to a running server: what `App::serve` and `spikard serve` have in common.

use std::io;

use spikard_middleware::BuildError;

use crate::admin::{Admin, Shown};
use crate::config::ServerConfig;
use crate::server::{BindError, Listeners, Live, Outcome, Server, Settings, Signals};
use crate::service_manager;

/// Why a server did not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The connection to the supervisor is not there.
    #[error("cannot answer the supervisor: {0}")]
    Supervisor(io::Error),
    /// What the service manager handed over is no socket that listens.
    #[error("cannot take connections from the service manager: {0}")]
    Sockets(io::Error),
    /// The process cannot be told of signals.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

/// Serves what is live on the host and port of `config`, or on the sockets that a service manager has handed
/// over, until the process is told to stop, and what `shown` makes of it on the admin listener, if the configuration has one. `listening` is called once
/// connections are taken.
pub(crate) async fn serve(
    config: &ServerConfig,
    settings: Settings,
    live: Live,
    shown: Shown,
    listening: impl FnOnce(&Server),
) -> Result<Outcome, ServeError> {
    let signals = Signals::of_process().map_err(ServeError::Signals)?;
    let handed = service_manager::sockets().map_err(ServeError::Sockets)?;
    let server = if handed.is_empty() {
        Server::bind(&config.host, config.port, settings).await?
    } else {
        // The service manager keeps them: what waits there when this ends is for the next one.
        let listeners = Listeners { own: handed, others: Vec::new() };
        Server::from_listeners(listeners, settings).map_err(ServeError::Sockets)?
    };
    let drain = server.drain();
    tokio::spawn(async move {
        drain.begun().await;
        service_manager::stopping();
    });
    let admin = Admin::bind(config, shown, server.drain()).await?;
    listening(&server);
    let admin = admin.map(Admin::serve);
    service_manager::ready();
    let outcome = server.run(live, signals).await;
    if let Some(admin) = admin {
        admin.end().await;
    }
    match outcome {
        Outcome::Drained => tracing::info!("stopped: everything in flight was finished"),
        Outcome::TimedOut(left) => tracing::warn!(left, "stopped: the time for what was in flight ran out"),
        Outcome::Interrupted(left) => tracing::warn!(left, "stopped at once: a second signal came"),
    }
    Ok(outcome)
}
