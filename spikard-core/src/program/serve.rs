//! `serve`: the server, from its banner to its drain.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{check, inspect};
use crate::admin::Shown;
use crate::config::ServerConfig;
use crate::gateway::{Gateway, Route};
use crate::python::NoPython;
use crate::reload::Reloader;
use crate::serve::{ServeError, serve};
use crate::server::{Outcome, Server, Settings};

/// Arguments of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArguments {
    /// The configuration: .toml, .yaml, .yml or .json
    pub file: PathBuf,
    /// The address or host name to listen on
    #[arg(long, env = "SPIKARD_HOST")]
    pub host: Option<String>,
    /// The port to listen on; 0 lets the system choose
    #[arg(long, env = "SPIKARD_PORT")]
    pub port: Option<u16>,
    /// Reload when the file, or one that it names, changes
    #[arg(long)]
    pub watch: bool,
}

impl ServeArguments {
    /// Takes host and port from the arguments, where they are given.
    pub fn apply(&self, config: &mut ServerConfig) {
        if let Some(host) = &self.host {
            config.host.clone_from(host);
        }
        config.port = self.port.unwrap_or(config.port);
    }
}

pub(super) fn run(arguments: &ServeArguments) -> ExitCode {
    log();
    let edition = match check::built(&arguments.file, &NoPython) {
        Ok(edition) => edition,
        Err(code) => return code,
    };
    let routes = banner(&arguments.file, &edition.gateway);
    let above_the_file = arguments.clone();
    let reloader = Reloader::new(&arguments.file, edition, Box::new(move |config| above_the_file.apply(config)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let announce = |server: &Server| {
        // A closed standard output is no reason not to serve.
        let _ = inspect::write(&(listening(server.scheme(), server.addresses(), server.redirecting()) + &routes));
    };
    match runtime.block_on(reloading(Arc::new(reloader), arguments.watch, announce)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Serves, and reloads when it is asked to.
async fn reloading(reloader: Arc<Reloader>, watch: bool, announce: impl FnOnce(&Server)) -> Result<Outcome, ServeError> {
    tokio::spawn(reloader.on_hangup().map_err(ServeError::Signals)?);
    if watch {
        tokio::spawn(Arc::clone(&reloader).on_change());
    }
    let config = reloader.config();
    let settings = Settings::of(&config, &reloader.gateway());
    serve(&config, settings, reloader.live(), Shown::of_reloader(reloader), announce).await
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("spikard: {error}");
    ExitCode::FAILURE
}

/// Sends logs to standard error; `RUST_LOG` chooses them.
pub fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call in one process keeps the first subscriber.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = log.with_ansi(std::io::stderr().is_terminal()).try_init();
}

/// Where the server listens, for the banner.
fn listening(scheme: &str, addresses: &[SocketAddr], redirecting: &[SocketAddr]) -> String {
    let mut text = format!("spikard {}\n", env!("CARGO_PKG_VERSION"));
    for address in addresses {
        let _ = writeln!(text, "listening on {scheme}://{address}");
    }
    for address in redirecting {
        let _ = writeln!(text, "redirecting http://{address}");
    }
    text
}

/// What is served, and which routes ask for no credentials although others do.
pub fn banner(file: &Path, gateway: &Gateway) -> String {
    let routes: Vec<&Route> = gateway.routes().collect();
    let noun = if routes.len() == 1 { "route" } else { "routes" };
    let mut text = format!("{} {noun} from {}\n", routes.len(), file.display());
    let public: Vec<&Route> = routes.iter().copied().filter(|route| route.is_public()).collect();
    if public.len() == routes.len() && !routes.is_empty() {
        text.push_str("all routes are public: none asks for credentials\n");
    } else if !public.is_empty() {
        // A page is named once, whatever files it is made of.
        let names: Vec<String> = public.chunk_by(|one, next| one.is_page_of(next)).map(|page| page[0].name()).collect();
        let _ = writeln!(text, "public routes, which ask for no credentials: {}", names.join(", "));
    }
    text
}
