//! The limits of the server itself: what one client may ask of it before any policy is reached.
//!
//! The size of bodies and the time of handlers are policies (`max_body_size`, `request_timeout`).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::{Size, units};

use crate::handler::BodyReadingConfig;

/// The limits of connections and request heads. A time of 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// The largest head of an HTTP/1.1 request: request line, header fields and line ends. More is answered 431.
    #[schemars(range(min = 8192))]
    pub header_block: Size,
    /// The largest number of header fields of a request. More is answered 431.
    #[schemars(range(min = 1, max = 1000))]
    pub header_fields: usize,
    /// The longest path with its query. Longer is answered 414.
    #[schemars(range(min = 1, max = 65534))]
    pub uri: Size,
    /// How long a request head may take from its first byte, on HTTP/2 the first one. Slower is answered 408.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub head_timeout: Duration,
    /// How long a connection may be open without a request.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub idle_timeout: Duration,
    /// How long the handshake of TLS may take from the start of the connection.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub handshake_timeout: Duration,
    /// How long a connection may be silent before the system asks whether its client is still there;
    /// four questions without an answer close it.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub tcp_keepalive: Duration,
    /// How long a request body may pause; after this time in all, it must also keep to `body_rate`. Slower is answered 408.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub body_timeout: Duration,
    /// The bytes per second that a request body must reach on average; 0 is no limit.
    pub body_rate: Size,
    /// How long a client may take no byte of a response before the connection is closed.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub write_timeout: Duration,
    /// How often an HTTP/2 connection is pinged, and how long the answer may take.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub ping_timeout: Duration,
    /// The number of concurrent streams of an HTTP/2 connection.
    #[schemars(range(min = 1))]
    pub streams: u32,
    /// The largest header list of an HTTP/2 request (RFC 9113 section 6.5.2). More is answered 431.
    #[schemars(range(min = 1))]
    pub header_list: Size,
    /// The number of connections served at a time. One more waits in the backlog of the system.
    #[schemars(range(min = 1))]
    pub connections: usize,
    /// The limits of bodies that are read as data: for handlers of the program, and where `validate` checks them.
    pub body: BodyReadingConfig,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            header_block: Size(64 << 10),
            header_fields: 100,
            uri: Size(8 << 10),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            handshake_timeout: Duration::from_secs(10),
            tcp_keepalive: Duration::from_mins(1),
            body_timeout: Duration::from_secs(30),
            body_rate: Size(256),
            write_timeout: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
            streams: 100,
            header_list: Size(64 << 10),
            connections: 10_000,
            body: BodyReadingConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let defaults = serde_json::to_string(&LimitsConfig::default()).unwrap_or_default();
        assert_eq!(
            defaults,
            r#"{"header_block":65536,"header_fields":100,"uri":8192,"head_timeout":"10s","idle_timeout":"1m","handshake_timeout":"10s","tcp_keepalive":"1m","body_timeout":"30s","body_rate":256,"write_timeout":"30s","ping_timeout":"20s","streams":100,"header_list":65536,"connections":10000,"body":{"json_depth":128,"form_fields":1000,"form_files":100}}"#
        );
    }
}
