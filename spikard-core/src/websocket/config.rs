//! What a route says of its WebSockets.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use spikard_middleware::{Size, units};

/// The limits of the WebSockets of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSocketConfig {
    /// The largest message that is received, decompressed. A larger one closes the connection with 1009.
    pub max_message_size: Size,
    /// How many bytes may wait to be sent. While there are more, whoever sends waits. A single
    /// message may be larger.
    pub send_queue: Size,
    /// After how much silence a peer is pinged; 0: never.
    #[serde(with = "units::duration")]
    pub ping_interval: Duration,
    /// How long the peer may be silent after a ping. Then the connection is broken off.
    #[serde(with = "units::duration")]
    pub ping_timeout: Duration,
    /// How long a peer may take no byte of what is sent. Then the connection is broken off.
    #[serde(with = "units::duration")]
    pub write_timeout: Duration,
    /// How long the peer may take to answer a close, and then the handler to return.
    #[serde(with = "units::duration")]
    pub close_timeout: Duration,
    /// Whether messages are compressed for peers that offer it (permessage-deflate, RFC 7692).
    pub permessage_deflate: bool,
    /// The subprotocols that are spoken, the preferred one first (RFC 6455 section 1.9).
    pub subprotocols: Vec<String>,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            max_message_size: Size(16 << 20),
            send_queue: Size(1 << 20),
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(10),
            permessage_deflate: true,
            subprotocols: Vec::new(),
        }
    }
}
