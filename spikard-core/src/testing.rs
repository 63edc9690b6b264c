//! A client in the process: requests go through the whole stack, and through no socket.
//!
//! ```
//! use spikard_core::{Gateway, ServerConfig, TestClient};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), spikard_core::BuildError> {
//!     let client = TestClient::new(Gateway::build(&ServerConfig::default())?);
//!     let response = client.get("/missing").send().await;
//!     assert_eq!(response.status(), 404);
//!     assert_eq!(response.json()["title"], "Resource Not Found");
//!     Ok(())
//! }
//! ```

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::BodyExt;
use spikard_middleware::{Body, Client, Request, Service};

/// Sends requests to a service of this process.
#[derive(Clone)]
pub struct TestClient(Arc<dyn Service>);

impl TestClient {
    /// A client of a gateway, a stack or a leaf.
    pub fn new(service: impl Service) -> Self {
        Self(Arc::new(service))
    }

    /// A client of a service that others have, too.
    pub fn of(service: Arc<dyn Service>) -> Self {
        Self(service)
    }

    /// A GET request.
    pub fn get(&self, uri: &str) -> TestRequest {
        self.request(Method::GET, uri)
    }

    /// A POST request.
    pub fn post(&self, uri: &str) -> TestRequest {
        self.request(Method::POST, uri)
    }

    /// A request with any method.
    ///
    /// # Panics
    /// When `uri` is not a URI.
    pub fn request(&self, method: Method, uri: &str) -> TestRequest {
        let uri: Uri = uri.parse().unwrap_or_else(|error| panic!("`{uri}` is not a URI: {error}"));
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        TestRequest { service: Arc::clone(&self.0), request }
    }
}

/// A request that is being put together.
pub struct TestRequest {
    service: Arc<dyn Service>,
    request: Request,
}

impl TestRequest {
    /// Sets a header.
    ///
    /// # Panics
    /// When name or value are not valid.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap_or_else(|error| panic!("`{name}`: {error}"));
        let value: HeaderValue = value.parse().unwrap_or_else(|error| panic!("`{value}`: {error}"));
        self.request.headers_mut().insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Sets a JSON body and its media type.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Panics
    /// When the body of the answer ends in an error.
    pub async fn send(mut self) -> TestResponse {
        if self.request.extensions().get::<Client>().is_none() {
            let host = self.request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            let client = Client { host: host.into(), ..Client::local() };
            self.request.extensions_mut().insert(client);
        }
        self.service.begin();
        let (parts, body) = self.service.call(self.request).await.into_parts();
        let body = body.collect().await.unwrap_or_else(|error| panic!("the body ended in an error: {error}")).to_bytes();
        TestResponse { status: parts.status, headers: parts.headers, body }
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl TestResponse {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON: {error}: {}", self.text()))
    }
}
