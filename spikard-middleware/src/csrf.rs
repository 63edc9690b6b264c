//! Refuses requests that a page of another site makes a browser send (cross-site request forgery).
//!
//! The decision is tower-http's, after Go's `CrossOriginProtection`: it needs no token. `GET`,
//! `HEAD` and `OPTIONS` pass, so they must change nothing (RFC 9110 section 9.2.1); WebSocket
//! handshakes are `GET`, too. Any other request passes if its `Sec-Fetch-Site` is `same-origin` or
//! `none`, if its `Origin` is trusted or names the host, or if it has neither header: then no
//! browser sent it. All else is 403, `cross-origin`.
//!
//! Origins that `cors` allows are not trusted by that: reading answers is one thing, acting with a
//! user's cookies another.
//!
//! ```
//! use spikard_middleware::{CsrfConfig, PolicyConfig};
//!
//! let config = CsrfConfig { trusted_origins: vec!["https://accounts.example".into()] };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use http::header::ORIGIN;
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower_http::csrf::{Csrf, CsrfLayer, ProtectionError};

use crate::client::Client;
use crate::context::{BuildContext, BuildError};
use crate::description::{Description, Requests};
use crate::origin;
use crate::policy::PolicyConfig;
use crate::problem::{CROSS_ORIGIN, Subject};
use crate::service::{Answer, Layer, Policy, Request, Service};

/// Refuses requests that pages of other sites make a browser send.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CsrfConfig {
    /// Other origins whose pages may send requests that act: `https://accounts.example`.
    pub trusted_origins: Vec<String>,
}

impl PolicyConfig for CsrfConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let mut layer = CsrfLayer::new().with_rejection_response(refuse as Refuse);
        let mut errors = Vec::new();
        for (index, origin) in self.trusted_origins.iter().enumerate() {
            let field = format!("trusted_origins.{index}");
            // tower-http takes some forms that no browser sends; they would silently never match.
            match origin::check(origin) {
                Ok(()) => match layer.clone().add_trusted_origin(origin) {
                    Ok(trusting) => layer = trusting,
                    Err(error) => errors.push(ctx.invalid(&field, error.to_string())),
                },
                Err(message) => errors.push(ctx.invalid(&field, message)),
            }
        }
        BuildError::all(errors)?;
        Ok(Some(Layer::new(CrossOrigin { judge: tower_layer::Layer::layer(&layer, Admit) })))
    }

    fn description(&self) -> Description {
        Description::default().and(CROSS_ORIGIN, Requests::Unsafe, &[])
    }
}

struct CrossOrigin {
    /// tower-http's middleware around a service that only hands the request back: our `next` is
    /// borrowed and boxed, and this way a request that passes costs no allocation.
    judge: Csrf<Admit, Refuse>,
}

/// The request, if it was not refused.
type Verdict = http::Response<Option<Request>>;
type Refuse = fn(ProtectionError) -> Verdict;

fn refuse(_: ProtectionError) -> Verdict {
    http::Response::new(None)
}

#[derive(Clone)]
struct Admit;

impl tower_service::Service<Request> for Admit {
    type Response = Verdict;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        ready(Ok(http::Response::new(Some(request))))
    }
}

impl Policy for CrossOrigin {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) || names_host_before_proxy(&request) {
            return next.call(request);
        }
        let subject = Subject::of(&request);
        let judged = tower_service::Service::call(&mut self.judge.clone(), request).now_or_never();
        // The judge waits for nothing, so there always is a verdict.
        let Some(request) = judged.and_then(|Ok(verdict)| verdict.into_body()) else {
            let response = CROSS_ORIGIN.by("csrf").response(&subject, "the request was sent by a page of another origin");
            return Box::pin(ready(response));
        };
        next.call(request)
    }
}

/// Whether an old browser's `Origin` names the host that it asked a trusted proxy for: tower-http
/// compares with `Host`, which the proxy may have rewritten.
fn names_host_before_proxy(request: &Request) -> bool {
    let Some(client) = request.extensions().get::<Client>().filter(|client| client.by_proxy) else { return false };
    let headers = request.headers();
    let origin = headers.get(ORIGIN).and_then(|origin| Uri::try_from(origin.as_bytes()).ok());
    let host = origin.as_ref().and_then(Uri::authority);
    !headers.contains_key("sec-fetch-site") && host.is_some_and(|host| host.as_str() == &*client.host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Response;
    use crate::testing::{layered, text};
    use axum_core::body::Body;

    async fn send(method: Method, headers: &[(&str, &str)], client: Client) -> Response {
        let config = CsrfConfig { trusted_origins: vec!["https://accounts.example".into()] };
        let stack = layered(&config, |request| async { Response::new(request.into_body()) });
        let mut request = http::Request::builder().method(method).header("host", "shop.example").extension(client);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        stack.call(request.body(Body::from("order")).unwrap()).await
    }

    #[tokio::test]
    async fn a_request_that_acts_must_come_from_our_own_pages_or_no_browser() {
        const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
        for (method, headers, status) in [
            (Method::POST, &[][..], 200),
            (Method::POST, &[("sec-fetch-site", "same-origin")], 200),
            (Method::POST, &[("origin", "https://shop.example")], 200),
            (Method::POST, &[CROSS, ("origin", "https://accounts.example")], 200),
            (Method::GET, &[CROSS, ("origin", "https://evil.example")], 200),
            (Method::POST, &[CROSS], 403),
            (Method::DELETE, &[("sec-fetch-site", "same-site")], 403),
            (Method::POST, &[("origin", "https://evil.example")], 403),
            (Method::POST, &[("origin", "null")], 403),
        ] {
            let response = send(method.clone(), headers, Client::local()).await;
            assert_eq!(response.status(), status, "{method} {headers:?}");
            let body = text(response).await;
            assert!(if status == 200 { body == "order" } else { body.contains("/cross-origin") }, "{body}");
        }
    }

    #[tokio::test]
    async fn the_host_that_a_trusted_proxy_tells_is_our_own() {
        let proxied = |by_proxy| Client { host: "www.example".into(), by_proxy, ..Client::local() };
        let headers = [("origin", "https://www.example")];
        assert_eq!(send(Method::POST, &headers, proxied(true)).await.status(), 200);
        assert_eq!(send(Method::POST, &headers, proxied(false)).await.status(), 403);
    }

    #[test]
    fn refuses_trusted_origins_that_would_never_match() {
        let refused = |origin: &str| {
            let config = CsrfConfig { trusted_origins: vec![origin.into()] };
            config.layer().map_err(|error| error.to_string()).err().unwrap_or_default()
        };
        assert_eq!(
            refused("https://a.example:443"),
            "trusted_origins[0]: `https://a.example:443` is not an origin as browsers send it, expected `https://a.example`"
        );
        assert_eq!(refused("app://a"), "trusted_origins[0]: invalid origin \"app://a\": scheme must be http or https");
    }
}
