//! What the unit tests of policies share.

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
