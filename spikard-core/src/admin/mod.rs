//! The admin listener: where an operator asks a running server how it is.
//!
//! | path | what it says |
//! |---|---|
//! | `/` | a live page, which asks no other host |
//! | `/metrics` | all that the server counts and measures, as `OpenMetrics` |
//! | `/healthz` | 200 as long as the process answers |
//! | `/readyz` | 200 while it takes requests, 503 once it drains |
//! | `/routes` | the routes, as JSON |
//! | `/config` | the configuration in force, secrets masked |
//! | `POST /reload` | reads the configuration again, and says what has changed |
//! | `POST /cache/purge` | forgets stored answers, and says how many |
//! | `/plan` | what a reload would change |
//! | `/events` | what the live page shows, as server-sent events |
//!
//! It is a gateway of its own, on an address of its own, so that nothing a client of the server does
//! can reach it; it goes on while the server drains. The settings are those of
//! [`AdminConfig`].

mod crowd;
mod endpoints;
mod guard;
mod live;
mod merge;
mod own;
mod page;
mod process;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::config::{AdminConfig, Format, LimitsConfig, Loaded, ServerConfig, print};
use crate::gateway::Gateway;
use crate::reload::Reloader;
use crate::serve::ServeError;
use crate::server::{Drain, Live, Local, Server, Settings, Signals, Stop};
pub(crate) use crowd::{Crowd, Member};
use endpoints::Source;
use guard::Guard;
use own::Own;

/// What the listener tells of, as it is when it is asked.
pub struct Shown {
    gateway: Box<dyn Fn() -> Arc<Gateway> + Send + Sync>,
    text: Box<dyn Fn(Format) -> Result<String, String> + Send + Sync>,
    /// None: there is nothing that could be read again.
    reloader: Option<Arc<Reloader>>,
}

impl Shown {
    /// A gateway, and the configuration that it was built of.
    pub fn of_config(gateway: Arc<Gateway>, config: ServerConfig) -> Self {
        Self {
            gateway: Box::new(move || Arc::clone(&gateway)),
            text: Box::new(move |format| print(&config, format)),
            reloader: None,
        }
    }

    /// The same for a file, whose references are shown as they stand there.
    pub fn of_file(gateway: Arc<Gateway>, file: Loaded) -> Self {
        Self { gateway: Box::new(move || Arc::clone(&gateway)), text: Box::new(move |format| file.print(format)), reloader: None }
    }

    /// A file that may be reloaded.
    pub fn of_reloader(reloader: Arc<Reloader>) -> Self {
        let (of_gateway, of_text) = (Arc::clone(&reloader), Arc::clone(&reloader));
        Self {
            gateway: Box::new(move || of_gateway.gateway()),
            text: Box::new(move |format| of_text.print(format)),
            reloader: Some(reloader),
        }
    }

    fn gateway(&self) -> Arc<Gateway> {
        (self.gateway)()
    }
}

/// An admin listener that has its address, and does not answer yet.
pub struct Admin {
    server: Server,
    service: Arc<Guard>,
}

impl Admin {
    /// Listens as the configuration says; none where it has no `admin`. `drain` is that of the server.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(config: &ServerConfig, shown: Shown, drain: Drain) -> Result<Option<Self>, ServeError> {
        let Some(admin) = &config.admin else { return Ok(None) };
        Self::listen(admin, Own::new(shown, drain)).await.map(Some)
    }

    /// Listens for a supervisor.
    pub(crate) async fn of_workers(config: &AdminConfig, workers: Crowd) -> Result<Self, ServeError> {
        Self::listen(config, Arc::new(workers)).await
    }

    async fn listen(config: &AdminConfig, source: Arc<impl Source>) -> Result<Self, ServeError> {
        let service = Arc::new(Guard::new(config, endpoints::gateway(source)?));
        // Scrapes and pages are short or end with the process: there is nothing to wait for.
        let settings = Settings { shutdown_timeout: Duration::ZERO, ..Settings::default() };
        let server = Server::bind(&config.host, config.port, settings).await?;
        Ok(Self { server, service })
    }

    /// Answers the supervisor of this process what [`Admin::bind`] would answer others. Belongs inside a
    /// runtime.
    ///
    /// # Errors
    /// When the connection to the supervisor cannot be waited for.
    pub fn answer_supervisor(stream: std::os::unix::net::UnixStream, shown: Shown, drain: Drain) -> Result<(), ServeError> {
        let gateway = endpoints::gateway(Own::new(shown, drain))?;
        stream.set_nonblocking(true).map_err(ServeError::Supervisor)?;
        let stream = UnixStream::from_std(stream).map_err(ServeError::Supervisor)?;
        // It is open for as long as both processes are.
        let limits = LimitsConfig { idle_timeout: Duration::ZERO, ping_timeout: Duration::ZERO, ..LimitsConfig::default() };
        Local::new(Live::new(Arc::new(gateway)), Settings { limits, ..Settings::default() }).serve(stream);
        Ok(())
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    /// Answers until the handle that is returned ends it. Belongs inside a runtime.
    pub fn serve(self) -> Serving {
        for address in self.addresses() {
            tracing::info!("admin listener on http://{address}");
        }
        let (stop, signals) = Signals::by_hand();
        let task = tokio::spawn(async move {
            self.server.run(Live::new(self.service), signals).await;
        });
        Serving { stop, task }
    }
}

/// An admin listener that answers.
pub struct Serving {
    stop: Stop,
    task: JoinHandle<()>,
}

impl Serving {
    /// Ends it at once.
    pub async fn end(self) {
        self.stop.end();
        // It fails only if it has panicked, which was logged.
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod tests;
