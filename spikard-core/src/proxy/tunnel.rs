//! WebSockets and other protocols that two sides switch to (RFC 9110 section 7.8): once both have
//! agreed, bytes are copied both ways.

use http::HeaderValue;
use http::header::{CONNECTION, UPGRADE};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use spikard_middleware::{Body, Response};
use tokio::io::copy_bidirectional;

use super::connection::Connection;
use super::headers::{clean_answer, tokens};

/// Whether the upstream switched to something that the client asked for.
pub(super) fn is_agreed<B>(asked: &HeaderValue, answer: &http::Response<B>) -> bool {
    let mut chosen = answer.headers().get_all(UPGRADE).iter().flat_map(tokens).peekable();
    chosen.peek().is_some() && chosen.all(|chosen| tokens(asked).any(|asked| asked.eq_ignore_ascii_case(chosen)))
}

/// Begins to copy between a client and an upstream, whose 101 is what the client is told.
pub(super) fn begin(connection: Connection, mut answer: http::Response<Incoming>, client: OnUpgrade) -> Response {
    tokio::spawn(run(connection, hyper::upgrade::on(&mut answer), client));
    let chosen = answer.headers().get(UPGRADE).cloned();
    let (mut parts, _) = answer.into_parts();
    // A 101 has no body, so nothing is wrong with its coding.
    let _ = clean_answer(parts.status, &mut parts.headers);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.extend(chosen.map(|chosen| (UPGRADE, chosen)));
    Response::from_parts(parts, Body::empty())
}

/// Copies bytes until one side has ended and the other was told.
async fn run(connection: Connection, upstream: OnUpgrade, client: OnUpgrade) {
    let ((), upstream, client) = tokio::join!(connection.switched(), upstream, client);
    let (Ok(upstream), Ok(client)) = (upstream, client) else { return };
    let (mut upstream, mut client) = (TokioIo::new(upstream), TokioIo::new(client));
    // A side that breaks off is the normal end of a tunnel.
    let _ = copy_bidirectional(&mut client, &mut upstream).await;
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
