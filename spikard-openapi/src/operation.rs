//! What a route says of itself: the input of a document.
//!
//! Schemas are JSON Schemas, each complete in itself: what it refers to lies in its own `$defs`, and
//! what has a name there becomes a component of the document.

use serde_json::Value;

/// Says what a route does. It is asked when the document is made, not before.
pub trait Describe: Send + Sync {
    /// The operation of the route, the same for each of its methods; none: the route is left out.
    fn describe(&self) -> Option<Operation>;
}

/// What a route takes and gives (OpenAPI 3.1 section 4.8.10).
///
/// What its policies and the server itself ask for and answer is not said here: the document adds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Operation {
    /// The name by which generated clients call it; none: made of method and path.
    pub id: Option<String>,
    /// What it does, in one line.
    pub summary: Option<String>,
    /// What it does, in `CommonMark`.
    pub description: Option<String>,
    /// What it belongs to.
    pub tags: Vec<String>,
    /// Whether it should no longer be used.
    pub deprecated: bool,
    /// The values that it reads beside the body, in order.
    pub parameters: Vec<Parameter>,
    /// The body that it reads.
    pub body: Option<RequestBody>,
    /// Whether a request may be refused with 422 although it fits all that is said here.
    pub checks_more: bool,
    /// What it answers, in order.
    pub responses: Vec<Response>,
    /// What it speaks.
    pub protocol: Protocol,
}

/// What a route speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Requests and responses.
    #[default]
    Http,
    /// WebSocket, after an upgrade.
    WebSocket,
    /// Server-sent events.
    Events,
}

/// A value in path, query, headers or cookies (OpenAPI 3.1 section 4.8.12).
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name there.
    pub name: String,
    /// Where it stands.
    pub location: ParameterLocation,
    /// What it is for.
    pub description: Option<String>,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Whether it should no longer be used.
    pub deprecated: bool,
    /// What it may be.
    pub schema: Value,
    /// What stands between the elements of a list in one value; none: a list is a repeated key.
    pub separator: Option<String>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterLocation {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

/// A body that is read (OpenAPI 3.1 section 4.8.13).
#[derive(Debug, Clone, PartialEq)]
pub struct RequestBody {
    /// What it is for.
    pub description: Option<String>,
    /// Whether a request without it is refused.
    pub required: bool,
    /// The media types that it may have, in order.
    pub content: Vec<Content>,
    /// Whether a body that does not fit is a 422, and one that cannot be read a 400, 413 or 415.
    pub is_checked: bool,
}

/// A body of one media type (OpenAPI 3.1 section 4.8.14).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// The media type.
    pub media_type: String,
    /// What it may be; none: anything.
    pub schema: Option<Value>,
    /// The media types that single fields of a form may have, where not all are taken: the name, and
    /// the types with commas between them (OpenAPI 3.1 section 4.8.15).
    pub encoding: Vec<(String, String)>,
}

impl Content {
    /// A body of this media type.
    pub fn new(media_type: impl Into<String>, schema: Option<Value>) -> Self {
        Self { media_type: media_type.into(), schema, encoding: Vec::new() }
    }
}

/// An answer (OpenAPI 3.1 section 4.8.17).
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status: `200`, `4XX`, `default`.
    pub status: String,
    /// When it comes.
    pub description: String,
    /// The headers that it has.
    pub headers: Vec<Header>,
    /// The media types that it may have, in order; none: it has no body.
    pub content: Vec<Content>,
}

impl Response {
    /// An answer without headers and body.
    pub fn new(status: impl Into<String>, description: impl Into<String>) -> Self {
        Self { status: status.into(), description: description.into(), headers: Vec::new(), content: Vec::new() }
    }
}

/// A header of an answer (OpenAPI 3.1 section 4.8.21).
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// What it says.
    pub description: Option<String>,
    /// Whether it is always there.
    pub required: bool,
    /// What it may be.
    pub schema: Value,
}
