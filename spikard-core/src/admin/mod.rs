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
//! | `/events` | what the live page shows, as server-sent events |
//!
//! It is a gateway of its own, on an address of its own, so that nothing a client of the server does
//! can reach it; it goes on while the server drains. The settings are those of
//! [`AdminConfig`](crate::AdminConfig).

mod endpoints;
mod guard;
mod live;
mod page;
mod process;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use spikard_middleware::BuildError;
use tokio::task::JoinHandle;

use crate::config::{Format, Loaded, ServerConfig, print};
use crate::gateway::Gateway;
use crate::reload::Reloader;
use crate::serve::ServeError;
use crate::server::{Drain, Live, Server, Settings, Signals, Stop};
use guard::Guard;

/// What the listener tells of, as it is when it is asked.
pub struct Shown {
    gateway: Box<dyn Fn() -> Arc<Gateway> + Send + Sync>,
    text: Box<dyn Fn(Format) -> Result<String, String> + Send + Sync>,
}

impl Shown {
    /// A gateway, and the configuration that it was built of.
    pub fn of_config(gateway: Arc<Gateway>, config: ServerConfig) -> Self {
        Self { gateway: Box::new(move || Arc::clone(&gateway)), text: Box::new(move |format| print(&config, format)) }
    }

    /// The same for a file, whose references are shown as they stand there.
    pub fn of_file(gateway: Arc<Gateway>, file: Loaded) -> Self {
        Self { gateway: Box::new(move || Arc::clone(&gateway)), text: Box::new(move |format| file.print(format)) }
    }

    /// A file that may be reloaded.
    pub fn of_reloader(reloader: Arc<Reloader>) -> Self {
        let of_text = Arc::clone(&reloader);
        Self { gateway: Box::new(move || reloader.gateway()), text: Box::new(move |format| of_text.print(format)) }
    }

    fn gateway(&self) -> Arc<Gateway> {
        (self.gateway)()
    }
}

/// All that the answers are made of.
struct Inside {
    shown: Shown,
    /// The end of the server that is told of.
    drain: Drain,
    process: process::Process,
}

impl Inside {
    /// All metrics, as text.
    fn metrics(&self) -> String {
        let mut text = String::new();
        // Writing to text does not fail.
        let _ = self.shown.gateway().metrics().write(&mut text);
        let _ = self.process.write(&mut text, !self.drain.is_leaving());
        text
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
        let service = service(config, shown, drain)?;
        // Scrapes and pages are short or end with the process: there is nothing to wait for.
        let settings = Settings { shutdown_timeout: Duration::ZERO, ..Settings::default() };
        let server = Server::bind(&admin.host, admin.port, settings).await?;
        Ok(Some(Self { server, service }))
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

/// What answers on the listener.
fn service(config: &ServerConfig, shown: Shown, drain: Drain) -> Result<Arc<Guard>, BuildError> {
    let admin = config.admin.clone().unwrap_or_default();
    let inside = Arc::new(Inside { shown, drain, process: process::Process::new() });
    Ok(Arc::new(Guard::new(&admin, endpoints::gateway(&inside)?)))
}

#[cfg(test)]
mod tests;
