//! Drives an HTTP/1.1 connection: hyper while requests come, nothing but the socket in between.
//!
//! hyper keeps 16 KiB of buffers per connection, so an idle connection is taken out of it and put
//! back with its next bytes. hyper's own timer for heads would also run while a connection is
//! idle and answers nothing; `watch` does both better.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use spikard_middleware::problem::{REQUEST_TIMEOUT, Refusal};
use tokio::io::AsyncWriteExt;
use tokio::task::coop::unconstrained;
use tokio::time::{sleep, timeout};

use super::call::call;
use super::connection::{Stream, wait_for_bytes};
use super::link::Link;
use super::transport::Transport;
use super::watch::{self, LINGER, Verdict};

/// Serves a connection until it ends. Its first bytes lie ahead in the transport.
pub(super) async fn serve<S: Stream>(mut transport: Transport<S>, link: Arc<Link>) {
    let mut is_hot = false;
    loop {
        match Box::pin(serve_requests(transport, &link, is_hot)).await {
            Pause::Ended => return,
            Pause::Slow(slow) => return refuse_slow_head(slow, &link).await,
            Pause::Idle(idle) => transport = idle,
        }
        let paused = Instant::now();
        if transport.ahead().is_empty() && !wait_for_bytes(&mut transport, &link).await {
            return transport.close().await;
        }
        is_hot = paused.elapsed() < link.server.beat;
    }
}

/// Why hyper was left.
enum Pause<S: Stream> {
    Ended,
    Idle(Transport<S>),
    Slow(Transport<S>),
}

/// What can happen while hyper has the connection.
enum Event {
    Ended(hyper::Result<()>),
    /// A request was answered and no other is there.
    Quiet,
    Beat,
}

/// Serves requests with hyper. A connection where one comes soon after the other is hot, and
/// stays with hyper for a while in between.
async fn serve_requests<S: Stream>(transport: Transport<S>, link: &Arc<Link>, is_hot: bool) -> Pause<S> {
    let server = &link.server;
    let service = service_fn(|request| call(link, request));
    let start = link.meter.reading();
    let mut connection = server.http1.serve_connection(TokioIo::new(transport), service).with_upgrades();
    let mut watch = watch::Http1::new(server.times, start, Instant::now());
    let mut beat = pin!(sleep(server.beat));
    let verdict = loop {
        let event = poll_fn(|cx| {
            if let Poll::Ready(result) = Pin::new(&mut connection).poll(cx) {
                return Poll::Ready(Event::Ended(result));
            }
            if !is_hot && link.meter.reading().is_quiet_since(&start) {
                return Poll::Ready(Event::Quiet);
            }
            // The beat comes also while a busy connection has used up its task's budget.
            Pin::new(&mut unconstrained(beat.as_mut())).poll(cx).map(|()| Event::Beat)
        });
        match event.await {
            Event::Ended(Ok(())) => return Pause::Ended,
            Event::Ended(Err(error)) => {
                tracing::debug!(peer = %link.peer, "connection failed: {error}");
                return Pause::Ended;
            }
            Event::Quiet => break Verdict::Idle,
            Event::Beat => {}
        }
        beat.as_mut().reset(tokio::time::Instant::now() + server.beat);
        match watch.look(link.meter.reading(), Instant::now()) {
            _ if server.drain.has_ended() => return Pause::Ended,
            Verdict::Wait => {}
            Verdict::Over => return Pause::Ended,
            Verdict::Stalled => {
                link.meter.give_up();
                return Pause::Ended;
            }
            verdict => break verdict,
        }
    };
    // Between two requests hyper has nothing left to write, and at most the start of a head.
    let Some(parts) = connection.into_parts() else { return Pause::Ended };
    let mut transport = parts.io.into_inner();
    let is_slow = verdict == Verdict::SlowHead && !parts.read_buf.is_empty();
    transport.give_back(&parts.read_buf);
    if is_slow { Pause::Slow(transport) } else { Pause::Idle(transport) }
}

/// Answers a head that does not arrive in time, and closes.
pub(super) async fn refuse_slow_head(transport: Transport<impl Stream>, link: &Link) {
    refuse(transport, link, REQUEST_TIMEOUT, "request head arrives too slowly").await;
}

/// Answers what is no request yet, and closes.
pub(super) async fn refuse(mut transport: Transport<impl Stream>, link: &Link, refusal: Refusal, detail: &str) {
    link.has_refused(refusal);
    let Refusal { status, slug, title, .. } = refusal;
    let body = format!(
        r#"{{"type":"https://spikard.dev/errors/{slug}","title":"{title}","status":{},"detail":"{detail}"}}"#,
        status.as_u16()
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let goodbye = async {
        transport.write_all(answer.as_bytes()).await?;
        transport.shutdown().await
    };
    // A client that does not even take this is not waited for.
    let _ = timeout(LINGER, goodbye).await;
}
