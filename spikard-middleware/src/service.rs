//! How requests move through a stack: a [`Service`] answers, a [`Policy`] stands around one.
//!
//! Services are called through `&self`, so that one stack behind one [`Arc`] serves all
//! connections and nothing is cloned per request. Tower's own `Service` appears at the rim only:
//! [`Layer`] puts a policy around any tower service, [`Tower`] makes any tower service a leaf.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use bytes::Bytes;
use http_body::Body as HttpBody;
use tower::ServiceExt;

use crate::problem::{INTERNAL_SERVER_ERROR, Subject};

/// A request on its way through the stack.
pub type Request = http::Request<Body>;
/// An answer on its way back.
pub type Response = http::Response<Body>;
/// The answer of a service that is still being made. Dropping it cancels the work.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// Something that answers requests and never fails: a refusal or a defect is a response too.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: Request) -> Answer<'_>;

    /// Called inside the runtime by who is going to serve this, before the first request: the time
    /// to [begin](crate::Background::begin) work that goes on beside requests. It may be called again.
    fn begin(&self) {}
}

/// What one policy does around the rest of the stack.
///
/// A policy that has nothing to do for a request returns `next.call(request)` as it is: then it
/// costs a virtual call and no allocation.
pub trait Policy: Send + Sync + 'static {
    /// Answers one request itself, or lets `next` answer and looks at what comes back.
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a>;
}

/// A policy that keeps what it stands around, and so can call it when no request is there that waits
/// for it. All others are [`Policy`], which borrows it for one call.
pub trait Wrapper: Send + Sync + 'static {
    /// Puts the policy around a service of the stack.
    fn around(&self, inner: Arc<dyn Service>) -> Arc<dyn Service>;
}

/// A policy that is built and ready to be put around services; cheap to clone, and every clone
/// shares the policy's state (the counters of a rate limit, say).
///
/// It is a [`tower_layer::Layer`], so it fits `axum::Router::layer` and `tower::ServiceBuilder`.
#[derive(Clone)]
pub struct Layer(Arc<dyn Wrapper>);

impl Layer {
    /// Makes a layer of a policy.
    pub fn new(policy: impl Policy) -> Self {
        Self(Arc::new(Each(Arc::new(policy))))
    }

    /// Makes a layer of a policy that keeps what it stands around.
    pub fn wrapping(policy: impl Wrapper) -> Self {
        Self(Arc::new(policy))
    }

    /// Puts the policy around a service of the stack.
    pub fn around(&self, inner: Arc<dyn Service>) -> Arc<dyn Service> {
        self.0.around(inner)
    }

    /// Whether both are the same policy with the same state.
    pub fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Layer")
    }
}

/// One policy around each of several services.
struct Each<P>(Arc<P>);

impl<P: Policy> Wrapper for Each<P> {
    fn around(&self, inner: Arc<dyn Service>) -> Arc<dyn Service> {
        Arc::new(Around { policy: Arc::clone(&self.0), inner })
    }
}

struct Around<P> {
    policy: Arc<P>,
    inner: Arc<dyn Service>,
}

impl<P: Policy> Service for Around<P> {
    fn call(&self, request: Request) -> Answer<'_> {
        self.policy.call(request, &*self.inner)
    }
}

/// A tower service as a leaf of the stack.
///
/// An error of the service is logged and becomes a 500.
pub struct Tower<S>(S);

impl<S> Tower<S> {
    /// Makes a leaf of a tower service.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S> Service for Tower<S>
where
    S: tower_service::Service<Request> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Error: Display + Send,
    S::Future: Send,
{
    fn call(&self, request: Request) -> Answer<'_> {
        let service = self.0.clone();
        Box::pin(async move {
            let subject = Subject::of(&request);
            match service.oneshot(request).await {
                Ok(response) => response.into_response(),
                Err(error) => {
                    tracing::error!(request_id = subject.request_id(), "service failed: {error}");
                    INTERNAL_SERVER_ERROR.response(&subject, "Internal server error")
                }
            }
        })
    }
}

/// A stack, or a single layer, around a service as a tower service of its own.
#[derive(Clone)]
pub struct Rim(Arc<dyn Service>);

impl Rim {
    /// Makes a tower service of a service of the stack.
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self(service)
    }
}

impl<S> tower_layer::Layer<S> for Layer
where
    S: tower_service::Service<Request> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Error: Display + Send,
    S::Future: Send,
{
    type Service = Rim;

    fn layer(&self, inner: S) -> Rim {
        Rim(self.around(Arc::new(Tower::new(inner))))
    }
}

impl<B> tower_service::Service<http::Request<B>> for Rim
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum_core::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The inner service is made ready when it is called: a policy may answer without it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let service = Arc::clone(&self.0);
        Box::pin(async move { Ok(service.call(request.map(Body::new)).await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stamp(&'static str);

    impl Policy for Stamp {
        fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
            Box::pin(async move {
                let mut response = next.call(request).await;
                response.headers_mut().append("x-stamp", http::HeaderValue::from_static(self.0));
                response
            })
        }
    }

    #[tokio::test]
    async fn a_layer_fits_around_a_tower_service_and_around_a_leaf() {
        let leaf = tower::service_fn(|_: Request| async { Ok::<_, Infallible>("hello") });
        let layer = Layer::new(Stamp("a"));

        let rim = tower_layer::Layer::layer(&layer, leaf);
        let from_rim = rim.oneshot(http::Request::new(Body::empty())).await.unwrap_or_default();
        let stack = Layer::new(Stamp("b")).around(layer.around(Arc::new(Tower::new(leaf))));
        let from_stack = stack.call(http::Request::new(Body::empty())).await;

        assert_eq!(from_rim.headers()["x-stamp"], "a");
        let stamps: Vec<_> = from_stack.headers().get_all("x-stamp").iter().collect();
        assert_eq!(stamps, ["a", "b"]);
    }
}
