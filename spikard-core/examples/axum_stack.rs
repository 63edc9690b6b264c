//! The effective stack of a configuration around an axum router that exists already.
//!
//! `cargo run -p spikard-core --example axum_stack`

use axum::Router;
use axum::routing::get;
use spikard_core::{BuildContext, BuildError, CompressionConfig, PolicyConfig, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router()?).await?;
    Ok(())
}

fn router() -> Result<Router, BuildError> {
    let config = ServerConfig { max_body_size: Some(65_536.into()), ..Default::default() };
    let stack = config.policies().build(&BuildContext::default(), None)?;
    // A single policy builds a layer too: this one compresses one route harder.
    let dense = CompressionConfig { quality: 11, min_size: 64.into(), ..Default::default() }.layer()?;
    Ok(Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/dense", get(|| async { "dense ".repeat(100) }).layer(dense))
        .layer(stack))
}
