//! The task of a connection: between the socket and what the handler receives and sends.
//!
//! It ends with the connection, whoever ends it: the peer, the handler, the server, a broken rule, a
//! peer that is silent or takes nothing.

use std::future::{pending, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf, split};
use tokio::time::timeout;

use super::close::{Close, Fault, INTERNAL_ERROR};
use super::config::WebSocketConfig;
use super::decoder::{Decoder, Event};
use super::deflate::{self, Deflate};
use super::encoder::Encoder;
use super::frame::Role;
use super::message::{Kind, Message};
use super::shared::{self, Shared};
use crate::server::Drain;

/// How many bytes are read at a time. They lie on the stack: a silent connection has no buffer.
const CHUNK: usize = 16 << 10;
/// What is written together. A larger message is written from where it lies.
const BATCH: usize = 64 << 10;
/// How long what a peer still sends is read away after it was told what it did wrong.
const LINGER: Duration = Duration::from_secs(2);

/// A connection that was agreed on, and is to be run.
pub struct Connection {
    pub(super) upgrade: OnUpgrade,
    pub(super) drain: Option<Drain>,
    pub(super) link: Link,
}

/// What the parts of a connection share.
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    pub(super) config: Arc<WebSocketConfig>,
    pub(super) deflate: Option<Deflate>,
}

impl Connection {
    /// Runs it, and the handler beside it, in a task that the server waits for when it stops. When the
    /// connection has ended, the handler has a while to return; then it is dropped.
    pub fn spawn(self, handler: impl Future<Output = ()> + Send + 'static) {
        let (drain, patience) = (self.drain.clone(), self.link.config.close_timeout);
        let task = async move {
            // A handler that panics leaves its socket, which tells the client.
            let handler = AssertUnwindSafe(handler).catch_unwind();
            let (mut handler, mut connection) = (pin!(handler), pin!(self.run()));
            tokio::select! {
                _ = &mut handler => connection.await,
                () = &mut connection => drop(timeout(patience, handler).await),
            }
        };
        match drain {
            Some(drain) => drain.spawn(task),
            None => drop(tokio::spawn(task)),
        }
    }

    /// Runs it to its end.
    async fn run(self) {
        let Self { upgrade, drain, link } = self;
        if let Ok(upgraded) = upgrade.await {
            let drained = async {
                match drain {
                    Some(drain) => drain.begun().await,
                    None => pending().await,
                }
            };
            link.drive(TokioIo::new(upgraded), drained).await;
        }
    }
}

impl Drop for Link {
    /// Whatever became of the connection, the handler learns of it.
    fn drop(&mut self) {
        self.shared.is_gone(Close::abnormal("connection broke off"));
    }
}

/// How the reading side ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// With a close frame.
    Closed,
    /// By a broken rule.
    Failed,
    /// Without a word.
    Gone,
}

impl Link {
    pub(super) async fn drive<S: AsyncRead + AsyncWrite>(&self, io: S, drained: impl Future<Output = ()>) {
        let (mut reader, mut writer) = split(io);
        let ended = {
            let (mut reading, mut writing) = (pin!(self.read(&mut reader)), pin!(self.write(&mut writer)));
            let mut drained = pin!(drained);
            let mut is_told = false;
            loop {
                tokio::select! {
                    ended = &mut reading => {
                        if ended != Ended::Gone {
                            let _ = timeout(self.config.close_timeout, writing).await;
                        }
                        break ended;
                    }
                    written = &mut writing => break match written {
                        // The close frame is out: the peer has its time to answer it.
                        Ok(()) => timeout(self.config.close_timeout, reading).await.unwrap_or(Ended::Gone),
                        Err(_) => Ended::Gone,
                    },
                    () = &mut drained, if !is_told => {
                        is_told = true;
                        self.shared.go_away();
                    }
                }
            }
        };
        if ended == Ended::Gone {
            return;
        }
        let goodbye = async {
            writer.shutdown().await?;
            // To close now could reset the connection and throw our close frame away.
            while ended == Ended::Failed && reader.read_buf(&mut Vec::with_capacity(CHUNK)).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        let _ = timeout(LINGER, goodbye).await;
    }

    async fn read<S: AsyncRead>(&self, reader: &mut ReadHalf<S>) -> Ended {
        let limit = usize::try_from(self.config.max_message_size.0).unwrap_or(usize::MAX - 1);
        let mut decoder = Decoder::new(Role::Server, limit, self.deflate.is_some());
        let mut is_pinged = false;
        loop {
            self.shared.wanted().await;
            let mut events = Vec::new();
            let filled = poll_fn(|cx| fill(Pin::new(&mut *reader), &mut decoder, &mut events, cx));
            let Some(filled) = self.unless_silent(filled, is_pinged).await else {
                if is_pinged {
                    self.shared.is_gone(Close::abnormal("no answer to a ping"));
                    return Ended::Gone;
                }
                is_pinged = true;
                self.shared.ping();
                continue;
            };
            is_pinged = false;
            for event in events {
                match event {
                    Event::Message(message) => self.shared.deliver(message),
                    Event::Deflated(kind, content) => match inflated(kind, content, limit).await {
                        Ok(message) => self.shared.deliver(message),
                        Err(fault) => return self.failed(fault),
                    },
                    Event::Ping(content) => self.shared.pong(content),
                    Event::Pong => {}
                    Event::Close(close) => {
                        self.shared.closed_by_peer(close);
                        return Ended::Closed;
                    }
                }
            }
            match filled {
                Filled::More => {}
                Filled::Broken(fault) => return self.failed(fault),
                Filled::Gone => {
                    self.shared.is_gone(Close::abnormal("connection broke off"));
                    return Ended::Gone;
                }
            }
        }
    }

    /// Waits for bytes; none if the peer is silent for too long.
    async fn unless_silent(&self, filled: impl Future<Output = Filled>, is_pinged: bool) -> Option<Filled> {
        let patience = if is_pinged { self.config.ping_timeout } else { self.config.ping_interval };
        if self.config.ping_interval.is_zero() { Some(filled.await) } else { timeout(patience, filled).await.ok() }
    }

    fn failed(&self, fault: Fault) -> Ended {
        self.shared.fail(fault.into());
        Ended::Failed
    }

    /// Writes until the close frame is out.
    async fn write<S: AsyncWrite>(&self, writer: &mut WriteHalf<S>) -> io::Result<()> {
        let encoder = Encoder::new(Role::Server);
        loop {
            let next = self.shared.outgoing().await;
            let mut batch = Vec::new();
            for content in next.pongs {
                encoder.pong(&content, &mut batch);
            }
            if next.ping {
                encoder.ping(b"", &mut batch);
            }
            let mut batched = 0;
            for message in next.messages {
                batched += shared::cost(&message);
                let (kind, compressed) = (message.kind(), self.compressed(&message).await);
                let content = compressed.as_deref().unwrap_or(message.bytes());
                if content.len() < BATCH {
                    encoder.message(kind, content, compressed.is_some(), &mut batch);
                } else {
                    Encoder::head(kind, content.len(), compressed.is_some(), &mut batch);
                    self.write_all(writer, &batch).await?;
                    batch.clear();
                    self.write_all(writer, content).await?;
                }
                if batch.len() >= BATCH {
                    self.write_all(writer, &batch).await?;
                    batch.clear();
                }
                if batch.is_empty() {
                    self.shared.sent(std::mem::take(&mut batched));
                }
            }
            if let Some(close) = &next.close {
                encoder.close(close, &mut batch);
            }
            self.write_all(writer, &batch).await?;
            self.shared.sent(batched);
            if next.close.is_some() {
                return Ok(());
            }
        }
    }

    async fn write_all<S: AsyncWrite>(&self, writer: &mut WriteHalf<S>, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = timeout(self.config.write_timeout, writer.write(bytes)).await??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[written..];
        }
        writer.flush().await
    }

    /// The content of a message as it was agreed to be sent; none: as it is.
    async fn compressed(&self, message: &Message) -> Option<Vec<u8>> {
        self.deflate?;
        let content = message.bytes();
        if content.len() < deflate::SHORTEST {
            None
        } else if content.len() < deflate::SLOW {
            Deflate::compress(content)
        } else {
            let message = message.clone();
            tokio::task::spawn_blocking(move || Deflate::compress(message.bytes())).await.ok()?
        }
    }
}

/// What reading came to.
enum Filled {
    More,
    Gone,
    Broken(Fault),
}

/// Reads what is there; what it says is appended to `events`.
fn fill<S: AsyncRead + Unpin>(
    reader: Pin<&mut S>,
    decoder: &mut Decoder,
    events: &mut Vec<Event>,
    cx: &mut Context<'_>,
) -> Poll<Filled> {
    let mut chunk = [MaybeUninit::uninit(); CHUNK];
    let mut buffer = ReadBuf::uninit(&mut chunk);
    if ready!(reader.poll_read(cx, &mut buffer)).is_err() || buffer.filled().is_empty() {
        return Poll::Ready(Filled::Gone);
    }
    let mut input = buffer.filled();
    loop {
        match decoder.read(&mut input) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return Poll::Ready(Filled::More),
            Err(fault) => return Poll::Ready(Filled::Broken(fault)),
        }
    }
}

/// The message that was compressed. A long one is inflated elsewhere.
async fn inflated(kind: Kind, content: Vec<u8>, limit: usize) -> Result<Message, Fault> {
    const FAILED: Fault = Fault { code: INTERNAL_ERROR, reason: "" };
    let is_slow = content.len() >= deflate::SLOW / 4;
    let inflate = move || Message::of(kind, deflate::inflate(&content, limit)?);
    if is_slow { tokio::task::spawn_blocking(inflate).await.unwrap_or(Err(FAILED)) } else { inflate() }
}
