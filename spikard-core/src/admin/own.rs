//! What a process says of itself.

use std::sync::Arc;

use axum::extract::Query;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use spikard_middleware::{Purge, Service, Tower};

use super::Shown;
use super::endpoints::{Source, TEXT, said};
use super::process::Process;
use crate::config::Format;
use crate::gateway::{Gateway, Route};
use crate::reload::Reloader;
use crate::routes::HostPattern;
use crate::server::Drain;

/// This process.
pub(super) struct Own {
    shown: Shown,
    /// The end of the server that is told of.
    drain: Drain,
    process: Process,
}

impl Own {
    pub(super) fn new(shown: Shown, drain: Drain) -> Arc<Self> {
        Arc::new(Self { shown, drain, process: Process::new() })
    }
}

impl Source for Own {
    fn metrics(&self) -> BoxFuture<'_, String> {
        let mut text = String::new();
        // Writing to text does not fail.
        let _ = self.shown.gateway().metrics().write(&mut text);
        let _ = self.process.write(&mut text, self.is_ready());
        std::future::ready(text).boxed()
    }

    fn is_ready(&self) -> bool {
        !self.drain.is_leaving()
    }

    fn routes(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Tower::new(get(async move || axum::Json(routes(&self.shown.gateway())))))
    }

    fn config(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Tower::new(get(async move |form: Query<Form>| configuration(&self.shown, form.0.format))))
    }

    fn plan(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Tower::new(get(async move || plan(self.shown.reloader.clone()).await)))
    }

    fn reload(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Tower::new(post(async move || reload(self.shown.reloader.clone()).await)))
    }

    fn purge(self: Arc<Self>) -> Arc<dyn Service> {
        Arc::new(Tower::new(post(async move |said: Bytes| purge(&self.shown.gateway(), &said))))
    }
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

async fn reload(reloader: Option<Arc<Reloader>>) -> axum::response::Response {
    let Some(reloader) = reloader else { return cannot_reload() };
    match reloader.reload_aside().await {
        Ok(changes) => axum::Json(changes).into_response(),
        Err(report) => wrong(report),
    }
}

/// What a reload would change, as `spikard plan` writes it.
async fn plan(reloader: Option<Arc<Reloader>>) -> axum::response::Response {
    let Some(reloader) = reloader else { return cannot_reload() };
    // Files are read, and everything is built.
    match tokio::task::spawn_blocking(move || reloader.plan()).await {
        Ok(Ok(changes)) => said(TEXT, changes.to_string()),
        Ok(Err(report)) => wrong(report.to_string()),
        Err(error) => wrong(error.to_string()),
    }
}

fn cannot_reload() -> axum::response::Response {
    let message = "this process has no file that it could read again: replace it\n";
    (StatusCode::CONFLICT, said(TEXT, message)).into_response()
}

fn wrong(report: String) -> axum::response::Response {
    (StatusCode::UNPROCESSABLE_ENTITY, said(TEXT, report + "\n")).into_response()
}

/// Forgets what fits all that is said, and tells how many answers these were.
fn purge(gateway: &Gateway, asked: &[u8]) -> axum::response::Response {
    let expected = "expected an object with `host`, `path` (`/a/*` for all below), `tag` or `everything`";
    match serde_json::from_slice::<Purge>(asked) {
        Ok(purge) if purge.is_meaningful() => {
            axum::Json(json!({ "purged": gateway.context().caches().purge(&purge) })).into_response()
        }
        Ok(_) => (StatusCode::BAD_REQUEST, said(TEXT, format!("it says nothing, {expected}\n"))).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, said(TEXT, format!("{error}, {expected}\n"))).into_response(),
    }
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

fn configuration(shown: &Shown, written: Written) -> axum::response::Response {
    let (format, media_type) = match written {
        Written::Toml => (Format::Toml, "application/toml; charset=utf-8"),
        Written::Yaml => (Format::Yaml, "application/yaml; charset=utf-8"),
        Written::Json => (Format::Json, "application/json"),
    };
    match (shown.text)(format) {
        Ok(text) => said(media_type, text),
        // TOML has no word for null.
        Err(message) => (StatusCode::NOT_ACCEPTABLE, said(TEXT, message + "\n")).into_response(),
    }
}
