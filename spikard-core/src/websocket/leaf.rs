//! A function that talks to clients, as a leaf of the route table.

use std::sync::Arc;

use http::request::Parts;
use spikard_middleware::{Answer, Request, Service};

use super::config::WebSocketConfig;
use super::handshake::Opening;
use super::socket::WebSocket;

/// Opens a WebSocket for every request, and gives it to a function.
pub struct WebSocketLeaf<F> {
    handler: F,
    config: Arc<WebSocketConfig>,
}

impl<F, R> WebSocketLeaf<F>
where
    F: Fn(WebSocket, Parts) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    /// The leaf of a function, which gets the WebSocket and the head of the request. When it returns,
    /// the connection is closed.
    pub fn new(handler: F) -> Self {
        Self { handler, config: Arc::default() }
    }

    /// The same leaf with other limits.
    #[must_use]
    pub fn config(self, config: WebSocketConfig) -> Self {
        Self { config: Arc::new(config), ..self }
    }
}

impl<F, R> Service for WebSocketLeaf<F>
where
    F: Fn(WebSocket, Parts) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    fn call(&self, mut request: Request) -> Answer<'_> {
        Box::pin(async move {
            let (acceptance, socket, connection) = match Opening::of(&mut request) {
                Ok(opening) => opening.prepare(&self.config),
                Err(refused) => return *refused,
            };
            connection.spawn((self.handler)(socket, request.into_parts().0));
            acceptance.response()
        })
    }
}
