//! What the listener answers, path by path.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use axum::extract::Query;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use spikard_middleware::{BuildError, Service, Tower};

use super::{Inside, live, page};
use crate::config::{Format, RouteConfig, ServerConfig};
use crate::gateway::{Gateway, Leaf, Route};
use crate::routes::HostPattern;

/// What Prometheus and others call this form of metrics.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The routes of the listener.
pub(super) fn gateway(inside: &Arc<Inside>) -> Result<Gateway, BuildError> {
    let about = |answer: fn(&Inside) -> axum::response::Response| {
        let inside = Arc::clone(inside);
        get(move || std::future::ready(answer(&inside)))
    };
    let config = {
        let inside = Arc::clone(inside);
        get(move |form: Query<Form>| std::future::ready(configuration(&inside, form.0.format)))
    };
    let events = {
        let inside = Arc::clone(inside);
        get(move || std::future::ready(live::events(Arc::clone(&inside))))
    };
    let mut leaves: Vec<Leaf> = [
        ("/metrics", about(|inside| said(OPEN_METRICS, inside.metrics()))),
        ("/healthz", get(|| std::future::ready(said(TEXT, "ok\n")))),
        ("/readyz", about(readiness)),
        ("/routes", about(|inside| axum::Json(routes(&inside.shown.gateway())).into_response())),
        ("/config", config),
        ("/events", events),
    ]
    .into_iter()
    .map(|(path, answer): (_, MethodRouter<(), Infallible>)| leaf(path, Arc::new(Tower::new(answer))))
    .collect();
    leaves.extend(page::resources().into_iter().map(|(path, resource)| leaf(&path, Arc::new(resource))));
    Gateway::build_with(&ServerConfig::default(), Path::new(""), leaves)
}

fn leaf(path: &str, service: Arc<dyn Service>) -> Leaf {
    let route = RouteConfig { path: path.to_owned(), methods: vec!["GET".to_owned()], ..RouteConfig::default() };
    Leaf { route, name: "admin".to_owned(), service, description: None }
}

/// An answer that is true only now.
fn said(media_type: &'static str, text: impl Into<String>) -> axum::response::Response {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")], text.into()).into_response()
}

fn readiness(inside: &Inside) -> axum::response::Response {
    if inside.drain.is_leaving() {
        return (StatusCode::SERVICE_UNAVAILABLE, said(TEXT, "draining\n")).into_response();
    }
    said(TEXT, "ready\n")
}

fn routes(gateway: &Gateway) -> Value {
    gateway.routes().map(route).collect()
}

fn route(route: &Route) -> Value {
    let key = route.key();
    let methods: Vec<&str> = key.methods.iter().map(http::Method::as_str).collect();
    let host = (key.host != HostPattern::Any).then(|| key.host.to_string());
    let layers: Vec<&str> = route.stack().names().collect();
    json!({
        "methods": methods,
        "host": host,
        "path": key.path.to_string(),
        "leaf": route.leaf(),
        "public": route.is_public(),
        "layers": layers,
        "place": route.place().to_string(),
        "source": route.source(),
    })
}

/// `?format=json`
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    format: Written,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    #[default]
    Toml,
    Yaml,
    Json,
}

fn configuration(inside: &Inside, written: Written) -> axum::response::Response {
    let (format, media_type) = match written {
        Written::Toml => (Format::Toml, "application/toml; charset=utf-8"),
        Written::Yaml => (Format::Yaml, "application/yaml; charset=utf-8"),
        Written::Json => (Format::Json, "application/json"),
    };
    match (inside.shown.text)(format) {
        Ok(text) => said(media_type, text),
        // TOML has no word for null.
        Err(message) => (StatusCode::NOT_ACCEPTABLE, said(TEXT, message + "\n")).into_response(),
    }
}
