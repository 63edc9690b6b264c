//! The proxy between real sockets: a client that writes bytes, an upstream that reads them.

mod authority;
mod failures;
mod framing;
mod gateway;
mod identity;
mod limits;
mod protocols;
mod retries;
mod streaming;
mod targets;
mod tunnels;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use spikard_middleware::{Body, BuildContext, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Upstream;
use crate::config::UpstreamConfig;
use crate::routes::PathPattern;
use crate::server::{Live, Outcome, Server, Settings, Signals, Stop};

/// A listener, and its address as a target.
async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    (listener, target)
}

/// An upstream that answers each request with what `answer` makes of it.
async fn upstream<F, A>(answer: F) -> String
where
    F: Fn(http::Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let (listener, target) = listener().await;
    tokio::spawn(accept(listener, answer));
    target
}

async fn accept<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(http::Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, answer.clone()));
    }
}

async fn serve<S, F, A>(stream: S, answer: F)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    F: Fn(http::Request<Incoming>) -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let service = hyper::service::service_fn(move |request| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A server with nothing but the proxy in it.
async fn proxy(config: UpstreamConfig) -> SocketAddr {
    stoppable_proxy(config).await.0
}

async fn stoppable_proxy(config: UpstreamConfig) -> (SocketAddr, Stop, JoinHandle<Outcome>) {
    let ctx = BuildContext::default();
    ctx.background().begin();
    let upstream = Upstream::build(&config, &ctx).unwrap();
    let leaf = upstream.leaf(&PathPattern::parse("/{*rest}").unwrap(), &BuildContext::default()).unwrap();
    let server = Server::bind("127.0.0.1", 0, Settings::default()).await.unwrap();
    let address = server.addresses()[0];
    let (stop, signals) = Signals::by_hand();
    let running = tokio::spawn(server.run(Live::new(Arc::new(leaf)), signals));
    (address, stop, running)
}

/// A connection to a server, written and read as bytes.
struct Raw(TcpStream);

impl Raw {
    async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn accepted(listener: &TcpListener) -> Self {
        Self(listener.accept().await.unwrap().0)
    }

    async fn send(&mut self, text: &str) -> &mut Self {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self
    }

    /// Reads until `end` has come.
    async fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let read = self.0.read(&mut byte).await.unwrap();
            assert_eq!(read, 1, "the connection ended before {end:?}: {:?}", String::from_utf8_lossy(&text));
            text.push(byte[0]);
        }
        String::from_utf8(text).unwrap()
    }

    /// Reads the head of a message.
    async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Reads to the end of the connection.
    async fn rest(&mut self) -> String {
        let mut text = Vec::new();
        // A reset ends a connection as well.
        let _ = self.0.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    }
}

/// A whole answer to a request that is sent as it is.
async fn ask(address: SocketAddr, request: &str) -> String {
    Raw::to(address).await.send(request).await.rest().await
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n")
}
