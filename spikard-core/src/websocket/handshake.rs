//! The opening handshake (RFC 6455 section 4.2): from a request of HTTP to a connection.
//!
//! Policies have been passed before: what they refuse is a plain answer of HTTP.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use spikard_middleware::problem::{BAD_REQUEST, CROSS_ORIGIN, Subject, UPGRADE_REQUIRED};
use spikard_middleware::{Body, Request, Response};

use super::config::WebSocketConfig;
use super::connection::{Connection, Link};
use super::deflate::Deflate;
use super::shared::Shared;
use super::socket::WebSocket;
use crate::handler::is_foreign;
use crate::server::Drain;

/// What follows the key of the client before both are hashed (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that asks for a WebSocket, and may have one.
pub struct Opening {
    accept: HeaderValue,
    offered: Vec<String>,
    deflate: Option<Deflate>,
    upgrade: OnUpgrade,
    drain: Option<Drain>,
}

impl Opening {
    /// Looks at a request. What it takes to switch is taken out of it.
    ///
    /// # Errors
    /// The refusal: 426 where no WebSocket of our version is asked for, 400 where the handshake is
    /// not one, 403 where a page of another site asks and `cors` does not allow it.
    pub fn of(request: &mut Request) -> Result<Self, Box<Response>> {
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let drain = request.extensions_mut().remove();
        let headers = request.headers();
        let is_asked_for = has_token(headers, &UPGRADE, "websocket") && has_token(headers, &CONNECTION, "upgrade");
        let Some(upgrade) = upgrade.filter(|_| is_asked_for && request.version() == Version::HTTP_11) else {
            return Err(Box::new(required(request, "a WebSocket is opened with `Upgrade: websocket` over HTTP/1.1")));
        };
        if is_foreign(request) {
            // No preflight stands before it, and it carries the cookies of the user.
            let detail = "a WebSocket is not opened for a page of another site";
            return Err(Box::new(CROSS_ORIGIN.response(&Subject::of(request), detail)));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Box::new(required(request, "Sec-WebSocket-Version is not 13")));
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let key = keys.next().filter(|key| BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16) && keys.next().is_none());
        let Some(key) = key else {
            let refused = BAD_REQUEST.response(&Subject::of(request), "Sec-WebSocket-Key is not 16 bytes in base64");
            return Err(Box::new(refused));
        };
        let offered = tokens(headers, &SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect();
        let deflate = Deflate::accept(headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok()));
        Ok(Self { accept: accept(key), offered, deflate, upgrade, drain })
    }

    /// Prepares the connection: the answer that opens it, the handler's side of it, and its task,
    /// which begins when the answer has been sent.
    pub fn prepare(self, config: &Arc<WebSocketConfig>) -> (Acceptance, WebSocket, Connection) {
        let Self { accept, offered, deflate, upgrade, drain } = self;
        let deflate = deflate.filter(|_| config.permessage_deflate);
        let shared = Arc::new(Shared::new(usize::try_from(config.send_queue.0).unwrap_or(usize::MAX)));
        let link = Link { shared: Arc::clone(&shared), config: Arc::clone(config), deflate };
        let acceptance = Acceptance { accept, offered, config: Arc::clone(config), deflate };
        (acceptance, WebSocket::new(shared), Connection { upgrade, drain, link })
    }
}

/// The answer that opens a connection, to be.
#[derive(Debug)]
pub struct Acceptance {
    accept: HeaderValue,
    offered: Vec<String>,
    config: Arc<WebSocketConfig>,
    deflate: Option<Deflate>,
}

/// A subprotocol that the client did not offer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("subprotocol is `{chosen}`, expected one that the client offered: {}", list(.offered))]
pub struct NotOffered {
    chosen: String,
    offered: Vec<String>,
}

impl Acceptance {
    /// The subprotocols that the client offers, the preferred one first.
    pub fn offered(&self) -> &[String] {
        &self.offered
    }

    /// The subprotocol that is spoken if nobody chooses: the first of the configuration that the
    /// client offers.
    pub fn preferred(&self) -> Option<&str> {
        self.config.subprotocols.iter().find(|spoken| self.offered.contains(spoken)).map(String::as_str)
    }

    /// The answer, 101. The preferred subprotocol is spoken, if there is one.
    pub fn response(&self) -> Response {
        self.speaking(self.preferred())
    }

    /// The answer, 101, with a subprotocol.
    ///
    /// # Errors
    /// When the client did not offer it.
    pub fn response_with(&self, subprotocol: &str) -> Result<Response, NotOffered> {
        if self.offered.iter().any(|offered| offered == subprotocol) {
            Ok(self.speaking(Some(subprotocol)))
        } else {
            Err(NotOffered { chosen: subprotocol.to_owned(), offered: self.offered.clone() })
        }
    }

    fn speaking(&self, subprotocol: Option<&str>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        // It came as part of a header, so it can be one.
        if let Some(Ok(subprotocol)) = subprotocol.map(HeaderValue::from_str) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        if self.deflate.is_some() {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(Deflate::ANSWER));
        }
        response
    }
}

/// 426, with what is required (RFC 9110 section 15.5.22, RFC 6455 section 4.4).
fn required(request: &Request, detail: &str) -> Response {
    let mut response = UPGRADE_REQUIRED.response(&Subject::of(request), detail);
    let headers = response.headers_mut();
    if request.version() <= Version::HTTP_11 {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

/// The answer to a key (RFC 6455 section 4.2.2).
fn accept(key: &HeaderValue) -> HeaderValue {
    let hashed = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID.as_bytes()].concat());
    // Base64 has nothing that a header may not have.
    HeaderValue::from_str(&BASE64.encode(hashed)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_has_its_answer() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    fn acceptance(spoken: &[&str], offered: &[&str]) -> Acceptance {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Acceptance {
            accept: HeaderValue::from_static("x"),
            offered: names(offered),
            config: Arc::new(WebSocketConfig { subprotocols: names(spoken), ..Default::default() }),
            deflate: None,
        }
    }

    #[test]
    fn a_subprotocol_is_one_that_both_know() {
        let spoken = |response: Response| Some(response.headers().get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?.to_owned());
        let both = acceptance(&["b", "a"], &["a", "b", "c"]);
        assert_eq!(spoken(both.response()).as_deref(), Some("b"));
        assert_eq!(both.response_with("c").map(spoken), Ok(Some("c".into())));
        let error = both.response_with("d").expect_err("it was not offered");
        assert_eq!(error.to_string(), "subprotocol is `d`, expected one that the client offered: a, b, c");
        assert_eq!(spoken(acceptance(&["x"], &["a"]).response()), None);
    }
}
