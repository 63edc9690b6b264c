//! The wire: length-prefixed messages, gzip and trailers, as tonic reads and writes them. The types
//! of tonic stay in this file.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Stream};
use http::{HeaderMap, HeaderValue};
use spikard_middleware::{Body, Response};
use tokio::time::Sleep;
use tonic::codec::{BufferSettings, Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, StreamingService};

use super::leaf::Settings;
use super::{Code, Metadata, Part, Reply, Status, deadline};

/// The messages of a call, in order. Each is read when it is asked for; until then the client
/// waits with what it has left.
pub struct Messages {
    inner: tonic::Streaming<Bytes>,
    limit: usize,
}

impl Messages {
    /// The next message; none when the client has sent all. To drop the future loses nothing.
    ///
    /// # Errors
    /// When the client breaks off, or what it sends is too large or no message.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        self.inner.message().await.map_err(|status| self.broken(&status))
    }

    /// The message of a method that takes one.
    ///
    /// # Errors
    /// When there is none or another one, or when it cannot be read.
    pub async fn only(&mut self) -> Result<Bytes, Status> {
        let expected_one = || Status::new(Code::Unimplemented, "expected one message");
        let message = self.next().await?.ok_or_else(expected_one)?;
        if self.next().await?.is_some() { Err(expected_one()) } else { Ok(message) }
    }

    fn broken(&self, status: &tonic::Status) -> Status {
        match status.code() {
            // tonic's code for a length over the limit; that of other servers says what to do.
            tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => too_large(self.limit),
            // Not a rule of the protocol that was broken, but the connection.
            tonic::Code::Unknown => Status::new(Code::Cancelled, "the client broke off"),
            _ => Status::new(Code::Internal, status.message()),
        }
    }
}

fn too_large(limit: usize) -> Status {
    Status::new(Code::ResourceExhausted, format!("message is larger than the limit of {limit} bytes"))
}

/// A request as tonic needs it: the body, and how its messages are packed.
pub(super) fn request(headers: &HeaderMap, body: Body) -> http::Request<Body> {
    let mut request = http::Request::new(body);
    for name in ["grpc-encoding", "grpc-accept-encoding"] {
        if let Some(value) = headers.get(name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    request
}

/// Answers a call with what `call` makes of its messages.
pub(super) async fn answer<'a>(
    request: http::Request<Body>,
    settings: &Settings,
    call: impl FnOnce(Messages) -> BoxFuture<'a, Result<Reply, Status>> + Send,
    ends: Ends,
) -> Response {
    let limit = if settings.max_receive_size == 0 { usize::MAX } else { settings.max_receive_size };
    let mut grpc = Grpc::new(Raw).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(limit);
    if settings.gzip {
        grpc = grpc.send_compressed(CompressionEncoding::Gzip);
    }
    let service = Once { call: Some((call, ends)), limit, largest: settings.max_send_size };
    let mut response = grpc.streaming(service, request).await.map(Body::new);
    // So that a client sends its next calls packed, if it likes.
    response.headers_mut().entry("grpc-accept-encoding").or_insert(HeaderValue::from_static("identity,gzip"));
    response
}

/// A status without a message before it.
pub(super) fn status_alone(status: Status) -> Response {
    of_status(status).into_http()
}

fn of_status(status: Status) -> tonic::Status {
    let metadata = MetadataMap::from_headers(status.metadata.into_headers());
    tonic::Status::with_metadata(tonic::Code::from_i32(status.code.number().into()), status.message, metadata)
}

/// A service for one call.
struct Once<F> {
    call: Option<(F, Ends)>,
    limit: usize,
    largest: usize,
}

impl<'a, F> StreamingService<Bytes> for Once<F>
where
    F: FnOnce(Messages) -> BoxFuture<'a, Result<Reply, Status>> + Send,
{
    type Response = Bytes;
    type ResponseStream = Outgoing;
    type Future = BoxFuture<'a, Result<tonic::Response<Outgoing>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<tonic::Streaming<Bytes>>) -> Self::Future {
        let Some((call, ends)) = self.call.take() else {
            return Box::pin(async { Err(tonic::Status::internal("called twice")) });
        };
        let answer = call(Messages { inner: request.into_inner(), limit: self.limit });
        let largest = self.largest;
        Box::pin(async move {
            let Reply { metadata, parts } = answer.await.map_err(of_status)?;
            let outgoing = Outgoing { parts: Some(parts), ends, largest };
            let metadata = MetadataMap::from_headers(Metadata::into_headers(metadata));
            Ok(tonic::Response::from_parts(metadata, outgoing, http::Extensions::new()))
        })
    }
}

/// What ends a reply from outside.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    /// The server is told to stop, and the reply is one without an end of its own.
    pub(super) drain: Option<BoxFuture<'static, ()>>,
}

impl Ends {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(deadline::exceeded());
        }
        match &mut self.drain {
            Some(drain) => drain.as_mut().poll(cx).map(|()| Status::new(Code::Unavailable, "the server is shutting down")),
            None => Poll::Pending,
        }
    }
}

/// The parts of a reply. Whatever ends them drops the rest.
struct Outgoing {
    parts: Option<BoxStream<'static, Part>>,
    ends: Ends,
    largest: usize,
}

impl Outgoing {
    fn end(&mut self, status: Status) -> Poll<Option<Result<Bytes, tonic::Status>>> {
        self.parts = None;
        let is_plain = status.code == Code::Ok && status.message.is_empty() && status.metadata.is_empty();
        Poll::Ready((!is_plain).then(|| Err(of_status(status))))
    }
}

impl Stream for Outgoing {
    type Item = Result<Bytes, tonic::Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(parts) = &mut this.parts else { return Poll::Ready(None) };
        if let Poll::Ready(status) = this.ends.poll(cx) {
            return this.end(status);
        }
        match parts.as_mut().poll_next(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Part::Message(message))) if this.largest != 0 && message.len() > this.largest => {
                let largest = this.largest;
                this.end(too_large(largest))
            }
            Poll::Ready(Some(Part::Message(message))) => Poll::Ready(Some(Ok(message))),
            Poll::Ready(Some(Part::End(status))) => this.end(status),
            Poll::Ready(None) => {
                this.parts = None;
                Poll::Ready(None)
            }
        }
    }
}

/// Messages as they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

/// A buffer to begin with, for most messages are small; and when what is encoded is sent.
fn buffers() -> BufferSettings {
    BufferSettings::new(1 << 10, 32 << 10)
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        to.put(message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}
