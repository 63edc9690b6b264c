//! A server of several processes, with a service that can crash, hang and grow.
//!
//! `workers-under-test WORKERS [port=PORT] [max_requests=N] [max_rss=BYTES] [burst=N] [broken=FILE] [admin=PORT]`:
//! where the file exists, workers end before they are ready.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use spikard_core::admin::{Admin, Shown};
use spikard_core::server::{Live, Server, Settings, Signals};
use spikard_core::workers::{Supervisor, Worker, inherited};
use spikard_core::{
    AdminConfig, Body, Gateway, RateLimitConfig, RateLimitKey, Request, Response, RouteConfig, ServerConfig, Service,
};
use spikard_tests::running::Leaf;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let setting = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str| setting(name).and_then(|value| value.parse::<u32>().ok());
    let ended = match inherited() {
        Ok(Some(_)) if setting("broken").is_some_and(|file| Path::new(file).exists()) => return ExitCode::from(3),
        Ok(Some(worker)) => serve(worker, number("burst")).map_err(|error| error.to_string()),
        Ok(None) => {
            let workers = arguments.first().and_then(|count| count.parse().ok()).unwrap_or(1);
            let port = setting("port").and_then(|port| port.parse().ok()).unwrap_or(0);
            let mut supervisor = Supervisor::new(workers).listen_on("127.0.0.1", port);
            if let Some(most) = number("max_requests") {
                supervisor = supervisor.max_requests(most.into());
            }
            if let Some(port) = number("admin").and_then(|port| port.try_into().ok()) {
                supervisor = supervisor.admin(AdminConfig { port, ..AdminConfig::default() });
            }
            if let Some(most) = number("max_rss") {
                supervisor = supervisor.max_rss(most.into());
            }
            let listening = |addresses: &[std::net::SocketAddr]| println!("listening on http://{}", addresses[0]);
            supervisor.run(listening).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(mut worker: Worker, burst: Option<u32>) -> Result<(), Box<dyn std::error::Error>> {
    let limit = RateLimitConfig { key: Some(RateLimitKey::Global), ..RateLimitConfig::new(0.001, burst.unwrap_or(1)) };
    let admin = Some(AdminConfig::default());
    let config = ServerConfig { rate_limit: burst.map(|_| limit.into()), admin, ..ServerConfig::default() };
    let leaf = |path: &str| spikard_core::gateway::Leaf {
        route: RouteConfig { path: path.into(), ..RouteConfig::default() },
        name: path.into(),
        service: Arc::new(Leaf(answer)),
        description: None,
    };
    let gateway = Arc::new(Gateway::build_in(&config, &worker.context(""), vec![leaf("/"), leaf("/{*rest}")])?);
    let service = worker.counted(Arc::clone(&gateway) as Arc<dyn Service>);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = Signals::of_process()?;
        worker.obey(signals.stop())?;
        let settings = Settings { shutdown_timeout: Duration::from_secs(10), ..Settings::default() };
        let server = Server::from_listeners(worker.take_listeners(), settings)?;
        if let Some(stream) = worker.take_admin() {
            Admin::answer_supervisor(stream, Shown::of_config(gateway, config), server.drain())?;
        }
        worker.ready();
        server.run(Live::new(service), signals).await;
        Ok(())
    })
}

/// Does what the path says, and tells who did it.
async fn answer(request: Request) -> Response {
    match request.uri().path() {
        "/crash" => std::process::abort(),
        "/slow" => tokio::time::sleep(Duration::from_secs(1)).await,
        // The thread of all connections.
        "/hang" => std::thread::sleep(Duration::from_mins(1)),
        "/grow" => drop(Box::leak(vec![1_u8; 64 << 20].into_boxed_slice())),
        _ => {}
    }
    Response::new(Body::from(std::process::id().to_string()))
}
