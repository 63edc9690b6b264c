//! A server with one service on a port of its own.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use spikard_core::server::{Drain, Live, Outcome, Served, Server, Settings, Signals, Stop};
use spikard_core::{Answer, Body, Request, Response, Service};
use tokio::task::JoinHandle;

/// A running server. It ends with the test's runtime, or when it is told to.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The signals that end it.
    pub stop: Stop,
    /// What is being served.
    pub live: Live,
    /// The server's end.
    pub drain: Drain,
    outcome: JoinHandle<Outcome>,
}

impl Running {
    /// Starts a server.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn start(settings: Settings, service: impl Service) -> Self {
        Self::serving(settings, Served::new(Arc::new(service))).await
    }

    /// Starts a server of what is served in its own way.
    ///
    /// # Panics
    /// As there.
    pub async fn serving(settings: Settings, served: Served) -> Self {
        let bound = Server::bind("127.0.0.1", 0, settings).await.unwrap_or_else(|error| panic!("{error}"));
        let address = bound.addresses()[0];
        let (stop, signals) = Signals::by_hand();
        let live = Live::serving(served);
        let drain = bound.drain();
        let outcome = tokio::spawn(bound.run(live.clone(), signals));
        Self { address, stop, live, drain, outcome }
    }

    /// How the server ended.
    ///
    /// # Panics
    /// When it panicked.
    pub async fn outcome(self) -> Outcome {
        self.outcome.await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A service made of a function.
pub struct Leaf<F>(pub F);

impl<F, A> Service for Leaf<F>
where
    F: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    fn call(&self, request: Request) -> Answer<'_> {
        Box::pin(self.0(request))
    }
}

/// A service that says what it saw: method, path and length of the body.
pub fn mirror() -> impl Service {
    Leaf(|request: Request| async move {
        let seen = format!("{} {}", request.method(), request.uri());
        let body = http_body_util::BodyExt::collect(request.into_body()).await;
        let length = body.map(|body| body.to_bytes().len());
        Response::new(Body::from(format!("{seen} {length:?}")))
    })
}
