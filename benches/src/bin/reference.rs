//! The references: bare hyper, bare axum, and axum with the layers of tower-http that do what the
//! default policies of Spikard do; each with the 27-byte answer of all benchmarks.
//!
//! `reference hyper|axum|layers PORT`

use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower_http::ServiceBuilderExt;
use tower_http::request_id::MakeRequestUuid;
use tower_http::timeout::TimeoutLayer;

const ANSWER: &[u8] = br#"{"message":"Hello, World!"}"#;
/// A list of records, 20 kB of it.
static LARGE: LazyLock<Bytes> = LazyLock::new(|| {
    let record = |number| format!(r#"{{"id":{number},"name":"user {number}","email":"user{number}@example.com","active":true}}"#);
    let records: Vec<String> = (100..374).map(record).collect();
    Bytes::from(format!("[{}]", records.join(",")))
});
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, port] = &arguments[..] else { return Err("expected `reference hyper|axum|layers PORT`".into()) };
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    match kind.as_str() {
        "hyper" => bare_hyper(listener).await,
        "axum" => Ok(axum::serve(listener, Router::new().route("/", get(axum_answer))).await?),
        "layers" => Ok(axum::serve(listener, layered()).await?),
        _ => Err("expected `hyper`, `axum` or `layers`".into()),
    }
}

/// Request id, caught panics, compression, time-out and body limit, outermost first.
fn layered() -> Router {
    let layers = tower::ServiceBuilder::new()
        .set_x_request_id(MakeRequestUuid)
        .propagate_x_request_id()
        .catch_panic()
        .compression()
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(30)))
        .layer(tower_http::limit::RequestBodyLimitLayer::new(10 << 20));
    Router::new().route("/", get(axum_answer)).layer(layers)
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

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = if request.uri().path() == "/20k" { LARGE.clone() } else { Bytes::from_static(ANSWER) };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

async fn axum_answer() -> ([(hyper::header::HeaderName, HeaderValue); 1], &'static [u8]) {
    ([(CONTENT_TYPE, JSON)], ANSWER)
}
