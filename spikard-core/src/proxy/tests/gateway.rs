//! Routes whose leaf is an upstream, behind their policies.

use spikard_middleware::Override;
use spikard_middleware::headers::{HeaderEdits, HeadersConfig};

use super::*;
use crate::config::{RouteConfig, ServerConfig};
use crate::gateway::Gateway;
use crate::testing::TestClient;

/// What an upstream is asked for, and the headers that it sees.
async fn echo(request: http::Request<Incoming>) -> Response {
    let mut response = Response::new(Body::from(request.uri().to_string()));
    *response.headers_mut() = request.into_parts().0.headers;
    response
}

async fn client(route: RouteConfig, upstream_config: impl FnOnce(UpstreamConfig) -> UpstreamConfig) -> TestClient {
    let target = UpstreamConfig::to(upstream(echo).await);
    let upstreams = [("api".into(), upstream_config(target))].into();
    let route = RouteConfig { upstream: Some("api".into()), ..route };
    let config = ServerConfig { routes: vec![route], upstreams, ..ServerConfig::default() };
    TestClient::new(Gateway::build(&config).unwrap())
}

#[tokio::test]
async fn a_template_writes_the_path_from_the_parameters() {
    let route = RouteConfig { path: "/v1/{id}/{*rest}".into(), ..RouteConfig::default() };
    let config = |config| UpstreamConfig { rewrite: Some("/v2/{rest}/of-{id}".into()), ..config };
    let client = client(route, config).await;
    for (asked, expected) in [("/v1/7/a/b?x=1", "/v2/a/b/of-7?x=1"), ("/v1/a%3Fb%25/%C3%A9", "/v2/%C3%A9/of-a%3Fb%25")] {
        assert_eq!(client.get(asked).send().await.text(), expected, "{asked}");
    }
}

#[tokio::test]
async fn a_client_cannot_have_a_header_removed_that_a_policy_sets() {
    let set = [("x-team".to_owned(), "blue".to_owned())].into();
    let request = HeaderEdits { set, ..HeaderEdits::default() };
    let headers = HeadersConfig { request, ..HeadersConfig::default() };
    let route = RouteConfig { path: "/".into(), headers: Override::On(headers), ..RouteConfig::default() };
    let client = client(route, |config| config).await;
    let request = client.get("/").header("connection", "x-team, x-own").header("x-own", "1");
    let seen = request.send().await;
    assert_eq!((seen.header("x-team"), seen.header("x-own")), ("blue", ""));
}
