//! The references: bare hyper and bare axum, each with the 27-byte answer of all benchmarks.
//!
//! `reference hyper|axum PORT`

use std::convert::Infallible;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const ANSWER: &[u8] = br#"{"message":"Hello, World!"}"#;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, port] = &arguments[..] else { return Err("expected `reference hyper|axum PORT`".into()) };
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    match kind.as_str() {
        "hyper" => bare_hyper(listener).await,
        "axum" => Ok(axum::serve(listener, Router::new().route("/", get(axum_answer))).await?),
        _ => Err("expected `hyper` or `axum`".into()),
    }
}

async fn bare_hyper(listener: TcpListener) -> Result<(), Box<dyn std::error::Error>> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that breaks off is no concern of a benchmark.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

async fn axum_answer() -> ([(hyper::header::HeaderName, HeaderValue); 1], &'static [u8]) {
    ([(CONTENT_TYPE, JSON)], ANSWER)
}
