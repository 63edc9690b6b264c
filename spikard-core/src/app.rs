//! A service that embeds Spikard: axum handlers and any tower services as routes, behind the
//! policies of a [`ServerConfig`].
//!
//! ```no_run
//! use axum::extract::Path;
//! use spikard_core::{App, ServerConfig};
//!
//! async fn user(Path(id): Path<u64>) -> String {
//!     format!("user {id}")
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), spikard_core::ServeError> {
//!     App::new(ServerConfig { port: 8080, ..Default::default() }).get("/users/{id}", user).serve().await
//! }
//! ```

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler as AxumHandler;
use axum::response::IntoResponse;
use axum::routing::any;
use http::Method;
use http::request::Parts;
use serde::Serialize;
use spikard_middleware::{BuildError, ConfigPath, Request, Service, Tower};
use spikard_openapi::foreign::Foreign;

use crate::admin::Shown;
use crate::config::{RouteConfig, ServerConfig};
use crate::gateway::{Gateway, Leaf};
use crate::grpc;
use crate::handler::{Handler, HandlerLeaf};
use crate::routes::PathPattern;
use crate::serve::{ServeError, serve};
use crate::server::{Live, Served, Settings};
use crate::websocket::{WebSocket, WebSocketLeaf};

/// A server in the making: a configuration, and the routes that exist in the program only.
///
/// The routes of the configuration are served beside them, from one table.
pub struct App {
    config: ServerConfig,
    directory: PathBuf,
    leaves: Vec<Leaf>,
    documents: Vec<Result<Arc<Foreign>, BuildError>>,
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        #[doc = concat!("Answers ", stringify!($method), " requests for a path with an axum handler.")]
        #[must_use]
        pub fn $name<H, T>(self, path: &str, handler: H) -> Self
        where
            H: AxumHandler<T, ()>,
            T: 'static,
        {
            self.axum(path, &Method::$method, handler)
        }
    )*};
}

impl App {
    /// An app with a configuration. Relative paths in it start at the working directory.
    pub fn new(config: ServerConfig) -> Self {
        Self { config, directory: PathBuf::new(), leaves: Vec::new(), documents: Vec::new() }
    }

    /// Makes relative paths of the configuration start at `directory`.
    #[must_use]
    pub fn directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ..self }
    }

    methods! {
        get GET;
        post POST;
        put PUT;
        patch PATCH;
        delete DELETE;
        head HEAD;
        options OPTIONS;
        trace TRACE;
    }

    /// Answers a route with any tower service, such as an `axum::Router`. `route` gives path,
    /// methods, host and policies; its fields for leaves stay empty.
    #[must_use]
    pub fn service<S>(self, route: RouteConfig, service: S) -> Self
    where
        S: tower::Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send,
    {
        self.leaf(route, "tower service", Arc::new(Tower::new(service)))
    }

    /// Answers a route with a [`Handler`], which gets its request taken apart. `route` gives path,
    /// methods, host and policies; its fields for leaves stay empty.
    #[must_use]
    pub fn handler(self, route: RouteConfig, handler: impl Handler + 'static) -> Self {
        let leaf = HandlerLeaf::new(handler).limits(self.config.limits.body);
        self.leaf(route, "handler", Arc::new(leaf))
    }

    /// Answers the calls of a gRPC service, `pkg.Service`. `route` gives the host and policies; path
    /// and methods are those of the protocol.
    #[must_use]
    pub fn grpc(self, service: &str, route: RouteConfig, handler: impl grpc::Handler) -> Self {
        let leaf = grpc::Leaf::new(handler, grpc::Settings::default());
        self.leaf(grpc::route(service, route), &format!("grpc {service}"), Arc::new(leaf))
    }

    /// Opens WebSockets. `route` gives path, host and policies, all of which a request has passed when
    /// it becomes a WebSocket; its fields for leaves stay empty.
    #[must_use]
    pub fn websocket<F, R>(self, route: RouteConfig, leaf: WebSocketLeaf<F>) -> Self
    where
        F: Fn(WebSocket, Parts) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.leaf(RouteConfig { methods: vec![Method::GET.to_string()], ..route }, "websocket", Arc::new(leaf))
    }

    /// Takes what routes of the program do from an OpenAPI document, such as the one that utoipa makes.
    /// What their policies ask and answer is added to it. Nothing of it is served, unless the
    /// configuration says `openapi.enabled`.
    ///
    /// ```
    /// use spikard_core::{App, OpenApiConfig, ServerConfig};
    /// use utoipa::OpenApi;
    ///
    /// #[utoipa::path(get, path = "/users/{id}", params(("id" = u64, Path)), responses((status = 200, body = String)))]
    /// async fn user(axum::extract::Path(id): axum::extract::Path<u64>) -> String {
    ///     format!("user {id}")
    /// }
    ///
    /// #[derive(OpenApi)]
    /// #[openapi(paths(user))]
    /// struct Users;
    ///
    /// let openapi = OpenApiConfig { enabled: true, title: "Users".into(), ..Default::default() };
    /// let config = ServerConfig { openapi: Some(openapi), ..Default::default() };
    /// let app = App::new(config).get("/users/{id}", user).openapi(Users::openapi());
    /// # let gateway = app.gateway()?;
    /// # let document = gateway.describe(&Default::default()).value;
    /// # assert_eq!(document["paths"]["/users/{id}"]["get"]["operationId"], "user");
    /// # Ok::<_, spikard_core::BuildError>(())
    /// ```
    #[must_use]
    pub fn openapi(mut self, document: impl Serialize) -> Self {
        self.documents.push(read(document).map(Arc::new));
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    /// All errors of the configuration and of the routes.
    pub fn gateway(self) -> Result<Gateway, BuildError> {
        let (documents, errors): (Vec<_>, Vec<_>) = self.documents.into_iter().partition(Result::is_ok);
        let documents: Vec<_> = documents.into_iter().flatten().collect();
        let mut errors: Vec<_> = errors.into_iter().filter_map(Result::err).collect();
        let built = Gateway::build_described(&self.config, &self.directory, self.leaves, &documents);
        let gateway = built.map_err(|error| errors.push(error)).ok();
        BuildError::all(errors)?;
        gateway.ok_or_else(|| BuildError::Several(Vec::new()))
    }

    /// Builds the routes and serves them on the host and port of the configuration, or of
    /// `SPIKARD_HOST` and `SPIKARD_PORT`, until the process is told to stop.
    ///
    /// # Errors
    /// All errors of the configuration and of the routes, or an address that cannot be had.
    pub async fn serve(self) -> Result<(), ServeError> {
        let mut config = self.config.clone();
        config.take_address(&|name| std::env::var(name).ok())?;
        let gateway = Arc::new(self.gateway()?);
        let shown = Shown::of_config(Arc::clone(&gateway), config.clone());
        let settings = Settings::of(&config, &gateway);
        let live = Live::serving(Served::of(&config, gateway));
        serve(&config, settings, live, shown, |_| ()).await.map(drop)
    }

    fn axum<H, T>(self, path: &str, method: &Method, handler: H) -> Self
    where
        H: AxumHandler<T, ()>,
        T: 'static,
    {
        let route = RouteConfig { path: path.into(), methods: vec![method.to_string()], ..Default::default() };
        // axum panics on a path that it cannot read; the gateway reports it with all other errors.
        let known = PathPattern::parse(path);
        // A router of its own gives the handler what axum's extractors look for.
        let router = known.map_or_else(|_| Router::new(), |path| Router::new().route(&path.for_axum(), any(handler)));
        self.leaf(route, "axum handler", Arc::new(Tower::new(router)))
    }

    fn leaf(mut self, route: RouteConfig, name: &str, service: Arc<dyn Service>) -> Self {
        self.leaves.push(Leaf { route, name: name.into(), service, description: None });
        self
    }
}

/// A document of the program.
fn read(document: impl Serialize) -> Result<Foreign, BuildError> {
    let wrong = |message: String| BuildError::Invalid {
        at: ConfigPath::root().key("openapi"),
        message: format!("document of the program: {message}"),
    };
    let document = serde_json::to_value(document).map_err(|error| wrong(error.to_string()))?;
    Foreign::read(document)
        .map_err(|errors| BuildError::Several(errors.into_iter().map(|error| wrong(error.to_string())).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClient;
    use axum::extract::Path;
    use spikard_middleware::Override;

    #[tokio::test]
    async fn handlers_and_tower_services_stand_in_one_table_with_the_policies() {
        let tight = RouteConfig { path: "/tight".into(), max_body_size: Override::On(2.into()), ..Default::default() };
        let gateway = App::new(ServerConfig::default())
            .get("/users/{id:int}", |Path(id): Path<u64>| async move { format!("user {id}") })
            .post("/users/{id:int}", |body: String| async move { body })
            .service(tight, Router::new().fallback(|| async { "tight" }))
            .gateway()
            .unwrap();
        let client = TestClient::new(gateway);

        let user = client.get("/users/7").send().await;
        assert_eq!((user.text().as_str(), user.header("x-request-id").len()), ("user 7", 36));
        assert_eq!(client.get("/users/x").send().await.status(), 422);
        assert_eq!(client.post("/users/7").body("hi").send().await.text(), "hi");
        assert_eq!(client.post("/tight").body("123").send().await.status(), 413);
        assert_eq!(client.request(Method::DELETE, "/users/7").send().await.header("allow"), "GET, HEAD, OPTIONS, POST");
    }

    #[test]
    fn a_path_that_cannot_be_read_is_an_error_not_a_panic() {
        let app = App::new(ServerConfig::default()).get("users", || async { "" }).get("/a/{", || async { "" });
        assert_eq!(app.gateway().err().map(|error| error.each().len()), Some(2));
    }
}
