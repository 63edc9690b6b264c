//! A small service that embeds `spikard-core`: the upstream behind `config-examples/gateway.toml`.
//!
//! `cargo run -p spikard-core --example upstream -- 9000`

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use spikard_core::{App, ServeError, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), ServeError> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(9000);
    upstream(config(port)).serve().await
}

/// The gateway stands in front: what it says of clients is believed.
pub(crate) fn config(port: u16) -> ServerConfig {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap_or_default()];
    ServerConfig { port, trusted_proxies, ..Default::default() }
}

/// The routes.
pub(crate) fn upstream(config: ServerConfig) -> App {
    App::new(config)
        .get("/users/{id}", user)
        .get("/headers", headers)
        .get("/slow", slow)
        .post("/echo", |body: String| async move { body })
}

async fn user(Path(id): Path<u64>) -> Json<Value> {
    Json(json!({ "id": id, "name": format!("user {id}") }))
}

/// What arrived, to see what the gateway adds and removes.
async fn headers(headers: HeaderMap) -> Json<Value> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Json(headers.iter().map(|(name, value)| (name.to_string(), Value::String(text(value)))).collect())
}

/// Slow enough to try time limits on.
async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(20)).await;
    "at last\n"
}
