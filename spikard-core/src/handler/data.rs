//! What a handler gets of a request.

use http::{HeaderMap, Method};
use spikard_middleware::problem::BAD_REQUEST;
use spikard_middleware::{Identity, Request};

use super::body::{BodyKind, RequestBody};
use super::cookies;
use super::file_rules::FileRules;
use super::limits::BodyReadingConfig;
use super::params::Params;
use super::refused::Refused;
use crate::routes::PathParams;
use crate::validation::Parameter;

/// A request, taken apart.
#[derive(Debug, Clone)]
pub struct RequestData {
    /// The method.
    pub method: Method,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The parameters of the route's path, percent-decoded.
    pub path_params: PathParams,
    /// The parameters of the query, decoded.
    pub query_params: Params,
    /// What [`Handler::parameters`](super::Handler::parameters) asks for, in its order; none for
    /// those that are absent.
    pub parameters: Vec<Option<Parameter<'static>>>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The cookies, as they were sent: quotes and percent-encoding stay.
    pub cookies: Params,
    /// The body, as far as it was asked for.
    pub body: RequestBody,
    /// Who the request is from, on routes with authentication.
    pub identity: Option<Identity>,
}

impl RequestData {
    /// Takes a request apart. What is read of the body is taken out of the request.
    ///
    /// # Errors
    /// When the query or the body cannot be read; the refusal is what the client is answered.
    pub async fn extract(request: &mut Request, kind: BodyKind, limits: &BodyReadingConfig) -> Result<Self, Refused> {
        let query = request.uri().query().unwrap_or_default();
        let query_params =
            Params::urlencoded(query.as_bytes()).map_err(|_| Refused::new(BAD_REQUEST, "query parameters are not UTF-8"))?;
        let mut data = Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            path_params: request.extensions_mut().remove::<PathParams>().unwrap_or_default(),
            query_params,
            parameters: Vec::new(),
            headers: request.headers().clone(),
            cookies: cookies::of(request.headers()),
            body: RequestBody::default(),
            identity: request.extensions().get::<Identity>().cloned(),
        };
        data.body = RequestBody::read(request, kind, limits, &FileRules::default()).await?;
        Ok(data)
    }
}
