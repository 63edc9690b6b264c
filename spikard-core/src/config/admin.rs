//! The settings of the admin listener: where an operator asks the server how it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::{BuildContext, BuildError, Secret};

use super::ServerConfig;

/// A listener for operators, beside that for clients: metrics, health, routes, the configuration and
/// a live page. Routes and policies do not apply to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// The address or host name to listen on.
    pub host: String,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// What a request must show, as `Authorization: Bearer` or as the password of any user (`Basic`, for
    /// which browsers ask). Without it everybody who reaches the address is answered. `/healthz` and
    /// `/readyz` never ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// A token that can be guessed is none.
const SHORTEST: usize = 16;

impl AdminConfig {
    /// Checks the listener of a server; `ctx` is that of these settings.
    ///
    /// # Errors
    /// When it is where the server itself listens, or its token is empty.
    pub(crate) fn check(&self, server: &ServerConfig, ctx: &BuildContext) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        if self.port != 0 && self.port == server.port && self.host == server.host {
            let message = format!("port is {}, expected another one than that of the server", self.port);
            errors.push(ctx.invalid("port", message));
        }
        match &self.token {
            None if !is_of_this_machine(&self.host) => {
                let message =
                    format!("host is `{}`, expected `token` beside it: everybody who reaches it is answered", self.host);
                ctx.warn("host", message);
            }
            Some(token) if token.expose().is_empty() => errors.push(ctx.invalid("token", "token is empty, expected text")),
            Some(token) if token.expose().len() < SHORTEST => {
                let length = token.expose().len();
                ctx.warn("token", format!("token has {length} bytes, expected at least {SHORTEST}: it can be guessed"));
            }
            _ => {}
        }
        BuildError::all(errors)
    }
}

fn is_of_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { host: "127.0.0.1".into(), port: 9901, token: None }
    }
}
