//! WebSockets and other protocols that two sides switch to (RFC 9110 section 7.8): once both have
//! agreed, bytes are copied both ways.

use http::HeaderValue;
use http::header::{CONNECTION, UPGRADE};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use spikard_middleware::{Body, Request, Response};
use tokio::io::{AsyncWriteExt, copy_bidirectional};

use super::balance::Lease;
use super::connection::Connection;
use super::headers::{clean_answer, tokens};
use crate::server::Drain;

/// Whether the upstream switched to something that the client asked for.
pub(super) fn is_agreed<B>(asked: &HeaderValue, answer: &http::Response<B>) -> bool {
    let mut chosen = answer.headers().get_all(UPGRADE).iter().flat_map(tokens).peekable();
    chosen.peek().is_some() && chosen.all(|chosen| tokens(asked).any(|asked| asked.eq_ignore_ascii_case(chosen)))
}

/// The client's side of a switch that it asks for.
pub(super) struct Switch {
    client: OnUpgrade,
    drain: Option<Drain>,
}

impl Switch {
    /// Takes it out of a request.
    pub(super) fn of(request: &mut Request) -> Self {
        Self { client: hyper::upgrade::on(&mut *request), drain: request.extensions_mut().remove() }
    }

    /// Begins to copy between the client and an upstream, whose 101 is what the client is told.
    pub(super) fn begin(self, connection: Connection, lease: Lease, mut answer: http::Response<Incoming>) -> Response {
        let upstream = hyper::upgrade::on(&mut answer);
        let Self { client, drain } = self;
        let ending = drain.clone();
        let tunnel = async move {
            let (socket, upstream, client) = tokio::join!(connection.switched(), upstream, client);
            if let (Ok(upstream), Ok(client)) = (upstream, client) {
                copy(upstream, client, ending).await;
            }
            drop(socket);
            drop(lease);
        };
        match drain {
            Some(drain) => drain.spawn(tunnel),
            None => drop(tokio::spawn(tunnel)),
        }
        let chosen = answer.headers().get(UPGRADE).cloned();
        let (mut parts, _) = answer.into_parts();
        // A 101 has no body, so nothing is wrong with its coding.
        let _ = clean_answer(parts.status, &mut parts.headers);
        parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.extend(chosen.map(|chosen| (UPGRADE, chosen)));
        Response::from_parts(parts, Body::empty())
    }
}

/// Copies bytes until one side has ended and the other was told, or until the server drains: a
/// tunnel has no end of its own that could be waited for.
async fn copy(upstream: Upgraded, client: Upgraded, drain: Option<Drain>) {
    let (mut upstream, mut client) = (TokioIo::new(upstream), TokioIo::new(client));
    let drained = async {
        match drain {
            Some(drain) => drain.begun().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // A side that breaks off is the normal end of a tunnel.
        _ = copy_bidirectional(&mut client, &mut upstream) => {}
        () = drained => {
            let _ = tokio::join!(client.shutdown(), upstream.shutdown());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_nobody_asked_for_is_not_agreed() {
        let asked = HeaderValue::from_static("foo/2, websocket");
        let answer = |value: &str| http::Response::builder().header(UPGRADE, value).body(()).unwrap();
        assert!(is_agreed(&asked, &answer("WebSocket")));
        assert!(!is_agreed(&asked, &answer("h2c")));
        assert!(!is_agreed(&asked, &http::Response::new(())));
    }
}
