//! What the unit tests of policies share.

pub(crate) mod keys;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum_core::body::Body;
use base64::Engine;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::policy::PolicyConfig;
use crate::service::{Request, Response, Service, Tower};

/// The layer of `config` around a leaf.
pub(crate) fn layered<F, A>(config: &impl PolicyConfig, leaf: F) -> Arc<dyn Service>
where
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let leaf = tower::service_fn(move |request: Request| {
        let answer = leaf(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let layer = config.layer().unwrap_or_else(|error| panic!("{error}"));
    layer.around(Arc::new(Tower::new(leaf)))
}

/// The whole body.
pub(crate) async fn read(body: Body) -> Result<Bytes, axum_core::Error> {
    body.collect().await.map(http_body_util::Collected::to_bytes)
}

/// The body of a response as text.
pub(crate) async fn text(response: Response) -> String {
    let bytes = read(response.into_body()).await.unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A PEM block.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A server that answers each connection's one request head with the bytes that `answer` makes of
/// it, and counts them. It ends with the test's runtime.
pub(crate) async fn answering(
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (std::net::SocketAddr, Arc<std::sync::atomic::AtomicUsize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let bytes = answer(&String::from_utf8_lossy(&head));
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    });
    (address, asked)
}
