//! WebSockets (RFC 6455): a connection of HTTP becomes one over which both sides send messages.
//!
//! Here live the opening handshake, frames, limits, pings and the closing handshake; who talks over a
//! connection, and what about, is a leaf's affair. Nothing waits in unbounded queues: a handler that
//! does not receive stops the client, and a client that does not receive stops the handler.
//!
//! ```no_run
//! use spikard_core::websocket::{Message, WebSocketLeaf};
//! use spikard_core::{App, RouteConfig, ServerConfig};
//!
//! # async fn example() -> Result<(), spikard_core::ServeError> {
//! let echo = WebSocketLeaf::new(async |socket, _head| {
//!     while let Ok(message) = socket.receive().await {
//!         if socket.send(message).await.is_err() {
//!             break;
//!         }
//!     }
//! });
//! App::new(ServerConfig::default()).websocket(RouteConfig { path: "/echo".into(), ..Default::default() }, echo).serve().await
//! # }
//! ```
//!
//! `docs/adr/0027` says why the protocol is implemented here.

mod close;
mod config;
mod connection;
#[cfg(test)]
mod connection_tests;
mod decoder;
mod deflate;
mod encoder;
mod frame;
mod handshake;
mod leaf;
mod message;
mod shared;
mod socket;
#[cfg(test)]
mod tests;

pub use close::{ABNORMAL, Close, Fault, GOING_AWAY, INTERNAL_ERROR, INVALID_DATA, NO_CODE, NORMAL, PROTOCOL_ERROR, TOO_BIG};
pub use config::WebSocketConfig;
pub use connection::Connection;
pub use decoder::{Decoder, Event};
pub use encoder::Encoder;
pub use frame::Role;
pub use handshake::{Acceptance, NotOffered, Opening};
pub use leaf::WebSocketLeaf;
pub use message::{Kind, Message};
pub use socket::WebSocket;
