//! Leaves that want their request taken apart: [`Handler`] gets parameters, cookies and the body as
//! data. What cannot be read is refused before the handler is called.
//!
//! [`HandlerLeaf`] makes a service of a handler. A handler that wants nothing of this is an axum
//! handler or any tower service, and costs less. Whether the data fit is judged by
//! [`validation`](crate::validation), where a handler has schemas.

mod arriving;
mod body;
mod content;
mod cookies;
mod data;
mod failure;
mod file_rules;
mod fit;
#[cfg(test)]
mod fit_tests;
mod form;
mod json;
mod keys;
mod leaf;
mod limits;
mod media_type;
mod multipart;
mod params;
mod refused;
mod scan;
mod site;
mod spool;
#[cfg(test)]
mod tests;
mod upload;

use std::future::Future;
use std::pin::Pin;

use http::{Request, Response, StatusCode};
use spikard_middleware::Body;

use crate::validation::{Parameters, Schema};

pub use arriving::Arriving;
pub use body::{BodyKind, RequestBody};
pub use content::Content;
pub(crate) use content::aside;
pub use cookies::of as cookies_of;
pub use data::RequestData;
pub use failure::of_status;
pub use file_rules::FileRules;
pub(crate) use fit::judge;
pub use form::{FORM_DEPTH, Form};
pub use leaf::HandlerLeaf;
pub use limits::BodyReadingConfig;
pub use params::Params;
pub use refused::Refused;
pub use scan::scan;
pub(crate) use site::is_foreign;
pub use spool::FileContent;
pub use upload::Upload;

/// What a handler comes to: a response, or a status and a text for the log. The client sees a
/// problem (RFC 9457) with that status, never the text.
pub type HandlerResult = Result<Response<Body>, (StatusCode, String)>;

/// A leaf that wants extracted request data.
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
///
/// use http::{Request, Response, StatusCode};
/// use spikard_core::{App, Body, BodyKind, Handler, HandlerResult};
/// use spikard_core::{RequestData, RouteConfig, ServerConfig, TestClient};
///
/// struct Rename;
///
/// impl Handler for Rename {
///     fn call(
///         &self,
///         _request: Request<Body>,
///         request_data: RequestData,
///     ) -> Pin<Box<dyn Future<Output = HandlerResult> + Send + '_>> {
///         Box::pin(async move {
///             let id = request_data.path_params.get("id").unwrap_or_default();
///             let Some(name) = request_data.body.value().and_then(|body| body["name"].as_str()) else {
///                 return Err((StatusCode::BAD_REQUEST, "a rename without a name".into()));
///             };
///             Ok(Response::new(Body::from(format!("{id} is now {name}"))))
///         })
///     }
///
///     fn body_kind(&self) -> BodyKind {
///         BodyKind::Json
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), spikard_core::BuildError> {
/// let route = RouteConfig { path: "/users/{id}".into(), methods: vec!["PUT".into()], ..Default::default() };
/// let client = TestClient::new(App::new(ServerConfig::default()).handler(route, Rename).gateway()?);
///
/// let renamed = client.request(http::Method::PUT, "/users/7").json(&serde_json::json!({"name": "Ada"})).send().await;
/// assert_eq!(renamed.text(), "7 is now Ada");
///
/// let broken = client.request(http::Method::PUT, "/users/7").body("{").send().await;
/// assert_eq!(broken.json()["title"], "Malformed Request Body");
/// # Ok(())
/// # }
/// ```
pub trait Handler: Send + Sync {
    /// Answers a request. Its body is still in `request` if [`Handler::body_kind`] asks for none;
    /// otherwise it is in `request_data`, and the one of `request` is empty.
    fn call(&self, request: Request<Body>, request_data: RequestData)
    -> Pin<Box<dyn Future<Output = HandlerResult> + Send + '_>>;

    /// What is to be read of the body before the handler is called. Asked once, at start.
    fn body_kind(&self) -> BodyKind {
        BodyKind::None
    }

    /// The schema that bodies have to fit: what does not is refused with 422, and the handler is
    /// not called. A body is required then, and is read as data even if [`Handler::body_kind`] does
    /// not ask for it. The fields of a form become what the schema wants. Asked once, at start.
    fn body_schema(&self) -> Option<Schema> {
        None
    }

    /// The parameters that are read and checked, for [`RequestData::parameters`]: what does not fit
    /// is refused with 422, and the handler is not called. Asked once, at start.
    fn parameters(&self) -> Option<Parameters> {
        None
    }
}
