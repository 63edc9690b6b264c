//! A request body while it arrives: in pieces, as a whole, or as far as it has come.
//!
//! Whoever waits for a piece may be called off: nothing that has come is lost, and the time until
//! the next wait is not counted against the client.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::header;
use http_body::{Body as HttpBody, Frame, SizeHint};
use spikard_middleware::{Body, Request, waits};

use super::body::{is_declared, mismatch};
use super::refused::Refused;

/// How much is taken of a body before somebody asks for it.
const AHEAD: usize = 64 << 10;

/// A request body that may have begun to arrive.
///
/// ```
/// use spikard_core::{Body, handler::Arriving};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), spikard_core::handler::Refused> {
/// let mut body = Arriving::new(Body::from("hello"));
/// assert_eq!(body.piece().await?.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(body.piece().await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Arriving {
    ahead: VecDeque<Bytes>,
    /// What is still to come; none after the end.
    body: Option<Body>,
    failed: Option<Box<Refused>>,
}

impl Arriving {
    /// A body of which nothing was read yet.
    pub fn new(body: Body) -> Self {
        Self { body: (!body.is_end_stream()).then_some(body), ..Self::default() }
    }

    /// Takes the body out of a request, and what has already come of it, without waiting for the
    /// client. A client that waits for `100 Continue` (RFC 9110 section 10.1.1) goes on waiting.
    ///
    /// # Errors
    /// When the body does not have the length that was declared.
    pub async fn begin(request: &mut Request) -> Result<Self, Refused> {
        let length = request.body().size_hint().exact();
        if length.is_some_and(|length| !is_declared(request.headers(), length)) {
            return Err(mismatch());
        }
        let mut arriving = Self::new(std::mem::take(request.body_mut()));
        if !request.headers().contains_key(header::EXPECT) {
            arriving.look().await;
        }
        Ok(arriving)
    }

    /// The bytes, if all of them are there.
    pub fn complete(&mut self) -> Option<Bytes> {
        if self.body.is_some() || self.failed.is_some() {
            return None;
        }
        if self.ahead.len() > 1 {
            self.ahead = VecDeque::from([self.ahead.make_contiguous().concat().into()]);
        }
        Some(self.ahead.front().cloned().unwrap_or_default())
    }

    /// Waits for the next piece; none after the last.
    ///
    /// # Errors
    /// When the body is broken off: too large, too slow, or the client has gone.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Refused> {
        if let Some(piece) = self.ahead.pop_front() {
            return Ok(Some(piece));
        }
        Wait { arriving: self, waits: false }.await?;
        Ok(self.ahead.pop_front())
    }

    /// Waits for all pieces.
    ///
    /// # Errors
    /// As [`piece`](Self::piece).
    pub async fn whole(&mut self) -> Result<Bytes, Refused> {
        loop {
            if let Some(bytes) = self.complete() {
                return Ok(bytes);
            }
            Wait { arriving: self, waits: false }.await?;
        }
    }

    /// Puts a piece back in front of the others.
    pub fn put_back(&mut self, piece: Bytes) {
        self.ahead.push_front(piece);
    }

    /// Takes what is there.
    async fn look(&mut self) {
        let mut looked_twice = false;
        while self.ahead.iter().map(Bytes::len).sum::<usize>() < AHEAD {
            let polled = self.poll_more(&mut Context::from_waker(Waker::noop()));
            match polled {
                Poll::Ready(Ok(true)) => looked_twice = false,
                Poll::Ready(_) => return,
                Poll::Pending if looked_twice => return,
                // What the connection has read already comes when it knows that somebody asks.
                Poll::Pending => {
                    looked_twice = true;
                    give_way().await;
                }
            }
        }
    }

    /// Takes one more piece; false at the end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Refused>> {
        loop {
            if let Some(refused) = &self.failed {
                return Poll::Ready(Err(Refused::clone(refused)));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(false)) };
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if body.is_end_stream() {
                        self.body = None;
                    }
                    match frame.into_data() {
                        Ok(piece) if !piece.is_empty() => {
                            self.ahead.push_back(piece);
                            return Poll::Ready(Ok(true));
                        }
                        _ => {}
                    }
                }
                Some(Err(error)) => {
                    self.body = None;
                    self.failed = Some(Box::new(Refused::of_broken_body(&error)));
                }
                None => self.body = None,
            }
        }
    }
}

/// Lets the connection work before this goes on.
async fn give_way() {
    let mut given = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Waits for one more piece.
struct Wait<'a> {
    arriving: &'a mut Arriving,
    waits: bool,
}

impl Future for Wait<'_> {
    type Output = Result<bool, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.arriving.poll_more(cx);
        self.waits = polled.is_pending() && waits(cx);
        polled
    }
}

impl Drop for Wait<'_> {
    /// Says that nobody waits any more, by one more look.
    fn drop(&mut self) {
        if self.waits {
            let _kept = self.arriving.poll_more(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// The pieces that are there, then those that come.
impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = Refused;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Refused>>> {
        if self.ahead.is_empty()
            && let Err(refused) = ready!(self.poll_more(cx))
        {
            return Poll::Ready(Some(Err(refused)));
        }
        Poll::Ready(self.ahead.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.body.is_none() && self.failed.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead: u64 = self.ahead.iter().map(|piece| piece.len() as u64).sum();
        match self.body.as_ref().map_or(Some(0), |body| body.size_hint().exact()) {
            Some(rest) if self.failed.is_none() => SizeHint::with_exact(ahead + rest),
            _ => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    type Pieces = mpsc::UnboundedSender<&'static str>;

    fn body() -> (Pieces, Body) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let pieces = futures_util::stream::unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<&'static str>| async move {
            let piece = receiver.recv().await?;
            Some((Ok::<_, std::io::Error>(piece), receiver))
        });
        (sender, Body::from_stream(pieces))
    }

    #[tokio::test]
    async fn what_has_come_is_taken_and_nothing_is_waited_for() {
        let (sender, body) = body();
        sender.send("a").unwrap();
        sender.send("b").unwrap();
        let mut arriving = Arriving::begin(&mut Request::new(body)).await.unwrap();
        assert_eq!((arriving.ahead.len(), arriving.complete()), (2, None));
        drop(sender);
        assert_eq!(arriving.whole().await.unwrap(), "ab");
        assert_eq!((arriving.complete(), arriving.piece().await.unwrap()), (Some("ab".into()), Some("ab".into())));
        assert_eq!(arriving.piece().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_client_that_waits_for_100_continue_is_not_asked() {
        let (sender, body) = body();
        sender.send("a").unwrap();
        let request = http::Request::post("/").header("expect", "100-continue").body(body);
        let mut arriving = Arriving::begin(&mut request.unwrap()).await.unwrap();
        assert!(arriving.ahead.is_empty());
        assert_eq!(arriving.piece().await.unwrap(), Some("a".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_lost_when_a_wait_is_called_off() {
        let (sender, body) = body();
        let mut arriving = Arriving::new(body);
        sender.send("a").unwrap();
        assert!(timeout(Duration::from_secs(1), arriving.whole()).await.is_err());
        sender.send("b").unwrap();
        let piece = arriving.piece().await.unwrap().unwrap();
        arriving.put_back(piece);
        drop(sender);
        assert_eq!(arriving.whole().await.unwrap(), "ab");
    }

    #[tokio::test]
    async fn a_body_that_broke_off_says_so_every_time() {
        let body = Body::from_stream(futures_util::stream::iter([Ok("a"), Err(std::io::Error::other("reset"))]));
        let mut arriving = Arriving::new(body);
        for _ in 0..2 {
            assert_eq!(arriving.whole().await.unwrap_err().detail(), "request body ended before it was complete");
        }
        assert_eq!(arriving.complete(), None);
    }
}
