//! What the listener answers, path by path.

use std::path::Path;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use futures_util::future::BoxFuture;
use http::{StatusCode, header};
use spikard_middleware::{BuildError, CompressionConfig, Service, Tower};

use super::{live, page};
use crate::config::{RouteConfig, ServerConfig};
use crate::gateway::{Gateway, Leaf};

/// What Prometheus and others call this form of metrics.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// Where answers come from: this process, or the workers of a supervisor.
pub(super) trait Source: Send + Sync + 'static {
    /// All metrics, as text.
    fn metrics(&self) -> BoxFuture<'_, String>;

    /// Whether the server takes requests.
    fn is_ready(&self) -> bool;

    /// What answers for the routes.
    fn routes(self: Arc<Self>) -> Arc<dyn Service>;

    /// What answers for the configuration.
    fn config(self: Arc<Self>) -> Arc<dyn Service>;

    /// What says what that would change.
    fn plan(self: Arc<Self>) -> Arc<dyn Service>;

    /// What reads the configuration again.
    fn reload(self: Arc<Self>) -> Arc<dyn Service>;

    /// What forgets stored answers.
    fn purge(self: Arc<Self>) -> Arc<dyn Service>;
}

/// The routes of the listener.
pub(super) fn gateway(source: Arc<impl Source>) -> Result<Gateway, BuildError> {
    let (for_metrics, for_readiness, for_events) = (Arc::clone(&source), Arc::clone(&source), Arc::clone(&source));
    let metrics = get(async move || said(OPEN_METRICS, for_metrics.metrics().await));
    let readiness = get(async move || readiness(for_readiness.is_ready()));
    let events = get(async move || live::events(for_events));
    let mut leaves = vec![
        leaf("GET", "/metrics", handler(metrics)),
        leaf("GET", "/healthz", handler(get(async || said(TEXT, "ok\n")))),
        leaf("GET", "/readyz", handler(readiness)),
        leaf("GET", "/events", handler(events)),
        leaf("GET", "/routes", Arc::clone(&source).routes()),
        leaf("GET", "/config", Arc::clone(&source).config()),
        leaf("GET", "/plan", Arc::clone(&source).plan()),
        leaf("POST", "/reload", Arc::clone(&source).reload()),
        leaf("POST", "/cache/purge", source.purge()),
    ];
    leaves.extend(page::resources().into_iter().map(|(path, resource)| leaf("GET", &path, Arc::new(resource))));
    let mut compression = CompressionConfig::default();
    compression.types.push("application/openmetrics-text".to_owned());
    let config = ServerConfig { compression: Some(compression), ..ServerConfig::default() };
    Gateway::build_with(&config, Path::new(""), leaves)
}

fn handler(router: MethodRouter) -> Arc<dyn Service> {
    Arc::new(Tower::new(router))
}

fn leaf(method: &str, path: &str, service: Arc<dyn Service>) -> Leaf {
    let route = RouteConfig { path: path.to_owned(), methods: vec![method.to_owned()], ..RouteConfig::default() };
    Leaf { route, name: "admin".to_owned(), service, description: None }
}

/// An answer that is true only now.
pub(super) fn said(media_type: &'static str, text: impl Into<String>) -> Response {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")], text.into()).into_response()
}

fn readiness(is_ready: bool) -> Response {
    if is_ready { said(TEXT, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, said(TEXT, "draining\n")).into_response() }
}
