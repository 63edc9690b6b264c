//! A connection and its peer over a pipe: limits of time and of memory, and every way to its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::connection::Link;
use super::shared::Shared;
use super::*;

/// A peer that says and hears frames, and the handler's side.
struct Peer {
    io: DuplexStream,
    decoder: Decoder,
    socket: WebSocket,
    task: JoinHandle<()>,
    drain: Option<oneshot::Sender<()>>,
}

impl Peer {
    fn new(config: WebSocketConfig) -> Self {
        let (io, ours) = duplex(1 << 10);
        let shared = Arc::new(Shared::new(usize::try_from(config.send_queue.0).unwrap_or(usize::MAX)));
        let link = Link { shared: Arc::clone(&shared), config: Arc::new(config), deflate: None };
        let (drain, drained) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let drained = async {
                if drained.await.is_err() {
                    pending::<()>().await;
                }
            };
            link.drive(ours, drained).await;
        });
        let decoder = Decoder::new(Role::Client, 64 << 20, false);
        Self { io, decoder, socket: WebSocket::new(shared), task, drain: Some(drain) }
    }

    async fn say(&mut self, write: impl FnOnce(Encoder, &mut Vec<u8>)) {
        let mut frame = Vec::new();
        write(Encoder::new(Role::Client), &mut frame);
        self.io.write_all(&frame).await.expect("the connection is there");
    }

    async fn text(&mut self, text: &str) {
        self.say(|encoder, out| encoder.message(Kind::Text, text.as_bytes(), false, out)).await;
    }

    /// The next frame; none at the end of the connection.
    async fn hear(&mut self) -> Option<Event> {
        let mut byte = [0];
        while self.io.read(&mut byte).await.expect("a pipe does not fail") > 0 {
            if let Some(event) = self.decoder.read(&mut &byte[..]).expect("the server keeps to the protocol") {
                return Some(event);
            }
        }
        None
    }
}

fn close(code: u16, reason: &str) -> Event {
    Event::Close(Close::new(code, reason))
}

#[tokio::test(start_paused = true)]
async fn both_sides_may_close() {
    let mut peer = Peer::new(WebSocketConfig::default());
    peer.text("last").await;
    peer.say(|encoder, out| encoder.close(&Close::new(3000, "enough"), out)).await;
    assert_eq!((peer.hear().await, peer.hear().await), (Some(close(3000, "")), None));
    assert_eq!(peer.socket.receive().await, Ok("last".into()), "what was said before counts");
    assert_eq!(peer.socket.receive().await, Err(Close::new(3000, "enough")));
    assert_eq!(peer.socket.send("late").await, Err(Close::new(3000, "enough")));

    let mut peer = Peer::new(WebSocketConfig::default());
    peer.socket.send("first").await.expect("it is open");
    peer.socket.close(Close::new(4000, "done"));
    assert_eq!(peer.hear().await, Some(Event::Message("first".into())));
    assert_eq!(peer.hear().await, Some(close(4000, "done")));
    peer.say(|encoder, out| encoder.close(&Close::new(4000, ""), out)).await;
    assert_eq!(peer.hear().await, None);
    assert_eq!(peer.socket.receive().await, Err(Close::new(4000, "done")));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_left_after_a_while() {
    let mut peer = Peer::new(WebSocketConfig::default());
    let begun = Instant::now();
    let _told = peer.drain.take().map(|drain| drain.send(()));
    assert_eq!(peer.hear().await, Some(close(GOING_AWAY, "")));
    assert_eq!(peer.hear().await, None);
    assert!((10..12).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(peer.socket.closed(), Some(Close::new(GOING_AWAY, "")));
}

#[tokio::test(start_paused = true)]
async fn a_broken_rule_is_told_and_ends_it() {
    let mut peer = Peer::new(WebSocketConfig { max_message_size: 10.into(), ..Default::default() });
    peer.socket.send("unsent").await.expect("it is open");
    peer.text("01234567890").await;
    let told: Vec<_> = [peer.hear().await, peer.hear().await, peer.hear().await].into_iter().flatten().collect();
    assert_eq!(told.into_iter().last(), Some(close(TOO_BIG, "message is larger than the limit")));
    assert_eq!(peer.socket.receive().await.map_err(|close| close.code), Err(TOO_BIG));
    drop(peer.io);
    peer.task.await.expect("it ends when the peer does");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_then_left() {
    let mut peer = Peer::new(WebSocketConfig::default());
    let begun = Instant::now();
    assert_eq!(peer.hear().await, Some(Event::Ping(vec![])));
    assert_eq!(begun.elapsed().as_secs(), 20);
    peer.say(|encoder, out| encoder.pong(b"", out)).await;
    assert_eq!(peer.hear().await, Some(Event::Ping(vec![])));
    assert_eq!(begun.elapsed().as_secs(), 40);
    assert_eq!(peer.hear().await, None);
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(peer.socket.receive().await, Err(Close::abnormal("no answer to a ping")));
}

#[tokio::test(start_paused = true)]
async fn each_ping_is_answered() {
    let mut peer = Peer::new(WebSocketConfig::default());
    peer.say(|encoder, out| encoder.ping(b"one", out)).await;
    peer.say(|encoder, out| encoder.ping(b"two", out)).await;
    peer.text("three").await;
    assert_eq!(peer.socket.receive().await, Ok("three".into()));
    peer.socket.close(Close::new(NORMAL, ""));
    assert_eq!((peer.hear().await, peer.hear().await), (Some(Event::Pong), Some(Event::Pong)));
    assert_eq!(peer.hear().await, Some(close(NORMAL, "")));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_waits_in_a_queue_that_is_bounded_and_then_for_the_peer() {
    let config = WebSocketConfig { send_queue: 4096.into(), ..Default::default() };
    let mut peer = Peer::new(config);
    let message = || Message::from("x".repeat(1000));
    let mut sent = 0;
    while timeout(Duration::from_secs(1), peer.socket.send(message())).await.is_ok() {
        sent += 1;
    }
    assert!(sent <= 6, "{sent} messages of 1 KB were taken for a queue of 4 KiB and a pipe of 1");
    for _ in 0..sent {
        assert_eq!(peer.hear().await, Some(Event::Message(message())));
    }
    assert!(timeout(Duration::from_secs(1), peer.socket.send(message())).await.is_ok());
    // A peer that takes nothing is left.
    while peer.socket.send(message()).await.is_ok() {}
    assert_eq!(peer.socket.closed(), Some(Close::abnormal("connection broke off")));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_received_is_not_read() {
    let mut peer = Peer::new(WebSocketConfig::default());
    let text = "x".repeat(1000);
    let mut said = 0;
    while timeout(Duration::from_secs(1), peer.text(&text)).await.is_ok() {
        said += 1;
    }
    assert!((64..100).contains(&said), "{said} messages of 1 KB were read ahead of the handler");
    for _ in 0..64 {
        assert_eq!(peer.socket.receive().await, Ok(text.clone().into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_off_is_an_end() {
    let peer = Peer::new(WebSocketConfig::default());
    drop(peer.io);
    assert_eq!(peer.socket.receive().await, Err(Close::abnormal("connection broke off")));
    peer.task.await.expect("it ends");
}
