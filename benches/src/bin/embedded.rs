//! An axum handler embedded with `spikard_core::App`: without policies, or with the default ones.
//!
//! `embedded none|default PORT`

use axum::http::header::{CONTENT_TYPE, HeaderName};
use spikard_core::{App, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, policies, port] = &arguments[..] else { return Err("expected `embedded none|default PORT`".into()) };
    let default = ServerConfig { port: port.parse()?, ..Default::default() };
    let config = match policies.as_str() {
        "default" => default,
        "none" => ServerConfig {
            enable_request_id: None,
            catch_panic: None,
            compression: None,
            request_timeout: None,
            max_body_size: None,
            ..default
        },
        _ => return Err("expected `none` or `default`".into()),
    };
    Ok(App::new(config).get("/", answer).serve().await?)
}

async fn answer() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], r#"{"message":"Hello, World!"}"#)
}
