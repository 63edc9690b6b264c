//! The server: from listening sockets to requests for one [`Service`](crate::Service), and back to silence.
//!
//! Here live connections, their limits, what of HTTP is refused outright, and the end in good
//! order. Routes and policies are the service's affair.
//!
//! ```no_run
//! # async fn example(service: std::sync::Arc<dyn spikard_core::Service>) -> Result<(), Box<dyn std::error::Error>> {
//! use spikard_core::server::{Live, Server, Settings, Signals};
//!
//! let server = Server::bind("localhost", 8000, Settings::default()).await?;
//! println!("listening on {}", server.addresses()[0]);
//! let outcome = server.run(Live::new(service), Signals::of_process()?).await;
//! # Ok(()) }
//! ```

mod bind;
mod call;
mod connection;
mod drain;
mod head;
mod http1;
mod http2;
mod hygiene;
mod link;
mod live;
mod local;
mod metered;
mod pace;
mod redirect;
mod request_body;
mod serve;
mod signals;
mod streams;
mod strip;
mod tls;
mod transport;
mod unlisten;
mod watch;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioTimer;

use crate::config::{LimitsConfig, ServerConfig};
use crate::gateway::Gateway;
use crate::tls::Tls;

pub use crate::traffic::Connections;
pub use bind::BindError;
pub(crate) use bind::listen_for_each;
pub use drain::Drain;
pub(crate) use hygiene::refused_path;
pub use live::{Live, Served};
pub use local::Local;
pub(crate) use pace::Unhurried;
pub use serve::Outcome;
pub(crate) use serve::has_waiting;
pub use signals::{Signals, Stop};
pub(crate) use unlisten::refuse_new;

/// What a server is told beside the service.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The limits of connections and request heads.
    pub limits: LimitsConfig,
    /// The TLS of connections from the network; none: they speak HTTP without it. Another one may be
    /// served in its place, but none in place of one, nor one in place of none.
    pub tls: Option<Arc<Tls>>,
    /// How long requests in flight may take when the server stops.
    pub shutdown_timeout: Duration,
    /// How long a server that was told to stop goes on taking connections before.
    pub shutdown_delay: Duration,
    /// Counts connections; none if nobody asks.
    pub connections: Option<Connections>,
}

impl Settings {
    /// What a configuration says, for a server that counts where `gateway` does.
    pub fn of(config: &ServerConfig, gateway: &Gateway) -> Self {
        Self {
            limits: config.limits.clone(),
            tls: gateway.tls().cloned(),
            shutdown_timeout: if config.graceful_shutdown { config.shutdown_timeout } else { Duration::ZERO },
            shutdown_delay: config.shutdown_delay,
            connections: config.admin.as_ref().map(|_| Connections::of(gateway.metrics())),
        }
    }
}

impl Settings {
    fn redirect(&self) -> Option<crate::tls::Redirect> {
        self.tls.as_ref().and_then(|tls| tls.redirect())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: LimitsConfig::default(),
            tls: None,
            shutdown_timeout: ServerConfig::default().shutdown_timeout,
            shutdown_delay: ServerConfig::default().shutdown_delay,
            connections: None,
        }
    }
}

/// A server that listens already, and serves when it is run.
pub struct Server {
    doors: serve::Doors,
    addresses: Vec<SocketAddr>,
    redirecting: Vec<SocketAddr>,
    settings: Settings,
    drain: Drain,
}

/// Listening sockets that several processes share, as one of them has them.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Where this process takes its connections.
    pub own: Vec<TcpListener>,
    /// Those of the others. A connection that waits there for long, because its process has
    /// crashed or is busy with something else, is taken from there.
    pub others: Vec<TcpListener>,
}

impl Server {
    /// Listens on every address of `host`, a name or an address. Port 0 lets the system choose.
    ///
    /// # Errors
    /// When the name has no address or the port is taken.
    pub async fn bind(host: &str, port: u16, settings: Settings) -> Result<Self, BindError> {
        let mut listeners = bind::listen(host, port).await?;
        if let Some(redirect) = settings.redirect() {
            listeners.extend(bind::listen(host, redirect.from).await?);
        }
        let failed = |source| BindError { address: host.into(), source };
        Self::with(listeners, Vec::new(), false, settings).map_err(failed)
    }

    /// A server on sockets that other processes hold as well. When it stops, it leaves what waits
    /// there to the others. Belongs inside a runtime.
    ///
    /// # Errors
    /// When the sockets cannot be waited for.
    pub fn from_listeners(listeners: Listeners, settings: Settings) -> io::Result<Self> {
        Self::with(listeners.own, listeners.others, true, settings)
    }

    fn with(own: Vec<TcpListener>, others: Vec<TcpListener>, are_shared: bool, settings: Settings) -> io::Result<Self> {
        for listener in own.iter().chain(&others) {
            listener.set_nonblocking(true)?;
            bind::keep_alive(listener, settings.limits.tcp_keepalive)?;
        }
        let redirected = settings.redirect().map(|redirect| redirect.from);
        let is_redirected = |address: &SocketAddr| Some(address.port()) == redirected;
        let redirects = |listener: &TcpListener| listener.local_addr().is_ok_and(|address| is_redirected(&address));
        let addresses = own.iter().filter_map(|listener| listener.local_addr().ok());
        let (redirecting, addresses) = addresses.partition(is_redirected);
        let door = |listener: TcpListener| serve::Door { redirects: redirects(&listener), listener };
        let others = others.into_iter().map(door).collect();
        let own = own.into_iter().map(door).map(|serve::Door { listener, redirects }| {
            Ok(serve::Door { listener: tokio::net::TcpListener::from_std(listener)?, redirects })
        });
        let doors = serve::Doors { own: own.collect::<io::Result<_>>()?, others, are_shared };
        Ok(Self { doors, addresses, redirecting, settings, drain: Drain::default() })
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The addresses where HTTP without TLS is redirected to these.
    pub fn redirecting(&self) -> &[SocketAddr] {
        &self.redirecting
    }

    /// `https` if the server has TLS, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.settings.tls.is_some() { "https" } else { "http" }
    }

    /// The server's end, for leaves that shall know of it.
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// Serves until the first signal; then finishes what is in flight, closes idle connections
    /// and returns. A second signal or the end of `shutdown_timeout` cuts the rest off.
    pub async fn run(self, service: Live, signals: Signals) -> Outcome {
        service.current().service.begin();
        let farewell = serve::Farewell { delay: self.settings.shutdown_delay, grace: self.settings.shutdown_timeout };
        let port = self.addresses.first().map_or(0, SocketAddr::port);
        let redirecting = self.settings.redirect().map(|redirect| {
            let service = redirect::Redirect { port: redirect.to.unwrap_or(port) };
            let settings = Settings { tls: None, ..self.settings.clone() };
            Arc::new(Shared::new(settings, Live::new(Arc::new(service)), self.drain.clone()))
        });
        let main = Arc::new(Shared::new(self.settings, service, self.drain));
        serve::run(self.doors, serve::House { main, redirecting }, farewell, signals).await
    }
}

/// The limits of request heads.
#[derive(Debug, Clone, Copy)]
struct Heads {
    fields: usize,
    uri: usize,
}

/// What all connections of a server share.
struct Shared {
    live: Live,
    drain: Drain,
    tls: Option<Arc<Tls>>,
    heads: Heads,
    times: watch::Times,
    pace: pace::Pace,
    connections: usize,
    counted: Option<Connections>,
    /// How often a connection is looked at.
    beat: Duration,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<streams::Streams>,
}

/// Further away than any limit.
const NEVER: Duration = Duration::from_hours(24 * 365);
/// The longest time between two looks at a connection.
const BEAT: Duration = Duration::from_millis(250);

impl Shared {
    /// The TLS of a new connection. Whether there is any was settled at the start.
    fn tls(&self) -> Option<Arc<Tls>> {
        let started = self.tls.as_ref()?;
        Some(Arc::clone(self.live.current().tls.as_ref().unwrap_or(started)))
    }

    fn new(settings: Settings, live: Live, drain: Drain) -> Self {
        let limits = settings.limits;
        let time = |limit: Duration| if limit.is_zero() { NEVER } else { limit.min(NEVER) };
        let times = watch::Times {
            handshake: time(limits.handshake_timeout),
            head: time(limits.head_timeout),
            idle: time(limits.idle_timeout),
            write: time(limits.write_timeout),
        };
        Self {
            live,
            drain,
            tls: settings.tls,
            heads: Heads { fields: limits.header_fields, uri: size(limits.uri) },
            times,
            pace: pace::Pace { pause: time(limits.body_timeout), rate: limits.body_rate.0 },
            counted: settings.connections,
            connections: limits.connections.min(tokio::sync::Semaphore::MAX_PERMITS),
            beat: BEAT.min(times.head / 4).min(times.write / 4),
            http1: http1_builder(&limits),
            http2: http2_builder(&limits, times.write),
        }
    }
}

fn http1_builder(limits: &LimitsConfig) -> hyper::server::conn::http1::Builder {
    /// What hyper reserves a place for without an allocation, and refuses beyond.
    const FIELDS: usize = 100;
    /// What is buffered of bodies in either direction.
    const BUFFER: usize = 128 << 10;
    let mut builder = hyper::server::conn::http1::Builder::new();
    let header_block = size(limits.header_block);
    builder.header_read_timeout(None).max_header_size(header_block).max_buf_size(header_block.max(BUFFER));
    if limits.header_fields > FIELDS {
        builder.max_headers(limits.header_fields);
    }
    builder
}

/// How many bytes of a request body a client may send before they are read.
const STREAM_WINDOW: u32 = 256 << 10;
/// The same for all streams of a connection. h2 closes a connection that has more small frames unread
/// than half of this pays for, at 256 bytes a frame: a gRPC client that sends small messages faster
/// than a handler reads them must come to the end of its stream's window before (docs/adr/0029).
const CONNECTION_WINDOW: u32 = 16 << 20;

fn http2_builder(limits: &LimitsConfig, write: Duration) -> hyper::server::conn::http2::Builder<streams::Streams> {
    let mut builder = hyper::server::conn::http2::Builder::new(streams::Streams { write });
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        // h2 takes less than it is told, not as much.
        .max_header_list_size(u32::try_from(limits.header_list.0).unwrap_or(u32::MAX).saturating_add(1));
    if !limits.ping_timeout.is_zero() {
        builder.keep_alive_interval(limits.ping_timeout).keep_alive_timeout(limits.ping_timeout);
    }
    builder
}

fn size(limit: spikard_middleware::Size) -> usize {
    usize::try_from(limit.0).unwrap_or(usize::MAX)
}
