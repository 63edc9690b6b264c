//! Drives an HTTP/2 connection: hyper throughout, GOAWAY when it is idle or the server drains.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;
use tokio::time::sleep;

use super::call::call;
use super::connection::Stream;
use super::link::Link;
use super::transport::Transport;
use super::watch::{self, LINGER, Verdict};

/// Serves a connection until it ends. Its first bytes lie ahead in the transport.
pub(super) async fn serve<S: Stream>(transport: Transport<S>, link: Arc<Link>) {
    let server = &link.server;
    link.meter.saw_other_protocol();
    let service = service_fn(|request| call(&link, request));
    let mut connection = Box::pin(server.http2.serve_connection(TokioIo::new(transport), service));
    let mut watch = watch::Http2::new(server.times, link.meter.reading(), Instant::now());
    let mut beat = pin!(sleep(server.beat));
    let mut leaving: Option<Instant> = None;
    loop {
        let ended = poll_fn(|cx| {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            // The beat comes also while a busy connection has used up its task's budget.
            Pin::new(&mut unconstrained(beat.as_mut())).poll(cx).map(|()| None)
        });
        if let Some(result) = ended.await {
            if let Err(error) = result {
                tracing::debug!(peer = %link.peer, "connection failed: {error}");
            }
            return;
        }
        let now = Instant::now();
        beat.as_mut().reset(tokio::time::Instant::now() + server.beat);
        let reading = link.meter.reading();
        let verdict = watch.look(reading, now);
        if verdict == Verdict::Stalled {
            link.meter.give_up();
        }
        if server.drain.has_ended() || verdict == Verdict::Stalled {
            return;
        }
        if leaving.is_none() && (verdict != Verdict::Wait || server.drain.has_begun()) {
            connection.as_mut().graceful_shutdown();
            leaving = Some(now);
        }
        if reading.lingering {
            leaving.get_or_insert(now);
        }
        // A client that does not answer the GOAWAY is not waited for once its streams are done.
        if reading.open == 0 && leaving.is_some_and(|since| now - since >= LINGER) {
            return;
        }
    }
}
