//! From a gateway to a running server: what `App::serve` and `spikard serve` have in common.

use std::io;
use std::sync::Arc;

use spikard_middleware::BuildError;

use crate::config::ServerConfig;
use crate::gateway::Gateway;
use crate::server::{BindError, Live, Outcome, Server, Settings, Signals};

/// Why a server did not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The process cannot be told of signals.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

/// Serves a gateway on the host and port of `config` until the process is told to stop.
/// `listening` is called once connections are taken.
pub(crate) async fn serve(
    config: &ServerConfig,
    gateway: Gateway,
    listening: impl FnOnce(&Server),
) -> Result<Outcome, ServeError> {
    let settings = Settings::of(config, &gateway);
    let signals = Signals::of_process().map_err(ServeError::Signals)?;
    let server = Server::bind(&config.host, config.port, settings).await?;
    listening(&server);
    let outcome = server.run(Live::new(Arc::new(gateway)), signals).await;
    match outcome {
        Outcome::Drained => tracing::info!("stopped: everything in flight was finished"),
        Outcome::TimedOut(left) => tracing::warn!(left, "stopped: the time for what was in flight ran out"),
        Outcome::Interrupted(left) => tracing::warn!(left, "stopped at once: a second signal came"),
    }
    Ok(outcome)
}
