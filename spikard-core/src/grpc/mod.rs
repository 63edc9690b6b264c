//! gRPC: a call as messages that come in and messages that go out, whatever the messages say.
//!
//! [`Leaf`] makes a service of a [`Handler`]: it frames messages, unpacks gzip, holds sizes and
//! deadlines, and sends statuses as trailers. Every call is a stream in both directions here; that
//! a method takes or gives one message alone is the handler's knowledge ([`Messages::only`],
//! [`Reply::one`]). Descriptions of messages, health and reflection are the business of those who
//! know the messages.
//!
//! Services that `tonic-build` generates need none of this: they are tower services, and
//! [`App::service`](crate::App::service) takes them with the [`route()`] of their name.

mod code;
mod deadline;
mod leaf;
mod metadata;
mod refusal;
mod route;
#[cfg(test)]
mod tests;
mod wire;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use http::request::Parts;

pub use code::Code;
pub use leaf::{Leaf, Settings};
pub use metadata::{Metadata, MetadataError, Value};
pub(crate) use refusal::{is_call, told};
pub use route::{policies, route};
pub use wire::Messages;

/// Answers the calls of a service.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use spikard_core::grpc::{Call, Handler, Reply, Status};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     fn call(&self, mut call: Call) -> BoxFuture<'_, Result<Reply, Status>> {
///         Box::pin(async move { Ok(Reply::one(call.messages.only().await?)) })
///     }
/// }
///
/// # fn main() -> Result<(), spikard_core::BuildError> {
/// use spikard_core::{App, RouteConfig, ServerConfig};
/// let app = App::new(ServerConfig::default()).grpc("echo.Echo", RouteConfig::default(), Echo);
/// let gateway = app.gateway()?;
/// assert_eq!(gateway.routes().next().map(|route| route.name()).as_deref(), Some("POST /echo.Echo/{method}"));
/// # Ok(())
/// # }
/// ```
pub trait Handler: Send + Sync + 'static {
    /// Answers one call. Dropping the future, or later the reply's stream, calls it off: the client
    /// went away, or the deadline has passed.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Status>>;
}

/// A call.
pub struct Call {
    /// The full name of the service: `pkg.Service`.
    pub service: String,
    /// The name of the method.
    pub method: String,
    /// What the client sent beside the messages.
    pub metadata: Metadata,
    /// The head of the HTTP request, with what the policies found out.
    pub head: Parts,
    /// The messages.
    pub messages: Messages,
}

/// An answer whose first metadata are known.
pub struct Reply {
    /// What is sent before the first message.
    pub metadata: Metadata,
    /// The messages and the end.
    pub parts: BoxStream<'static, Part>,
}

/// What a reply is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A message.
    Message(Bytes),
    /// The last part: a status, whose metadata are the trailers. Without it the call ends well.
    End(Status),
}

impl Reply {
    /// One message, and a good end.
    pub fn one(message: Bytes) -> Self {
        Self::stream(stream::iter([Part::Message(message)]))
    }

    /// What a stream yields.
    pub fn stream(parts: impl Stream<Item = Part> + Send + 'static) -> Self {
        Self { metadata: Metadata::new(), parts: parts.boxed() }
    }
}

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: Code,
    /// A text for the developer at the other end.
    pub message: String,
    /// What is sent with it, as trailers.
    pub metadata: Metadata,
}

impl Status {
    /// A status without metadata.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), metadata: Metadata::new() }
    }
}
