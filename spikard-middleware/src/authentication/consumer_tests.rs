//! What keys of consumers are good for: until when, where, and how often.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::testing::text;
use crate::{Body, BuildContext, Clock, MatchedRoute, Tower};

const NOW: u64 = 1_800_000_000; // 2027-01-15T08:00:00Z

struct Server {
    service: Arc<dyn Service>,
    clock: Clock,
}

impl Server {
    fn of(api_key: Value, with_tokens: bool) -> Self {
        let clock = Clock::manual(Duration::from_secs(NOW));
        let ctx = BuildContext::new("", clock.clone());
        let api_key: ApiKeyConfig = serde_json::from_value(api_key).unwrap();
        let jwt = with_tokens.then(|| JwtConfig::new("0123456789abcdef0123456789abcdef"));
        let layer = build(Setting { config: jwt.as_ref(), ctx: &ctx }, Setting { config: Some(&api_key), ctx: &ctx });
        let leaf = tower::service_fn(|request: Request| async move {
            let name = request.extensions().get::<Identity>().and_then(|identity| identity.consumer.clone());
            Ok::<_, Infallible>(Response::new(Body::from(name.unwrap_or_default().to_string())))
        });
        Self { service: layer.unwrap().unwrap().around(Arc::new(Tower::new(leaf))), clock }
    }

    async fn ask(&self, method: &str, route: Option<&str>, headers: &[(&str, &str)]) -> Response {
        let mut request = http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        if let Some(route) = route {
            request.extensions_mut().insert(MatchedRoute::new(route.into()));
        }
        self.service.call(request).await
    }

    /// Status and detail, or body, for a key.
    async fn says(&self, method: &str, route: Option<&str>, key: &str) -> (u16, String) {
        let response = self.ask(method, route, &[("x-api-key", key)]).await;
        let status = response.status().as_u16();
        let body = text(response).await;
        let problem: Value = serde_json::from_str(&body).unwrap_or_default();
        (status, problem["detail"].as_str().map_or(body, str::to_owned))
    }
}

fn passes(name: &str) -> (u16, String) {
    (200, name.to_owned())
}

#[tokio::test]
async fn keys_end_and_all_keys_of_a_consumer_are_one_consumer() {
    let server = Server::of(
        json!({
            "keys": ["nameless"],
            "consumers": { "ann": { "keys": ["old", "new"], "expires": "2027-01-16" }, "bob": { "keys": ["b"] } }
        }),
        false,
    );
    for (key, name) in [("nameless", "key-1"), ("old", "ann"), ("new", "ann"), ("b", "bob")] {
        assert_eq!(server.says("GET", None, key).await, passes(name));
    }
    server.clock.advance(Duration::from_secs(16 * 3600 - 1));
    assert_eq!(server.says("GET", None, "new").await, passes("ann"));
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.says("GET", None, "new").await, (401, "The provided API key has expired".into()));
    assert_eq!(server.says("GET", None, "b").await, passes("bob"));
    assert_eq!(server.says("GET", None, "c").await, (401, "The provided API key is not valid".into()));
}

#[tokio::test]
async fn a_key_for_some_routes_is_no_key_for_others() {
    let keys = json!({ "consumers": { "ann": { "keys": ["a"], "routes": ["GET /orders/{id}", "/reports/*"] } } });
    let server = Server::of(keys.clone(), false);
    let refused = (403, "The provided API key is not for this route".to_owned());
    for (method, route, expected) in [
        ("GET", Some("/orders/{id}"), passes("ann")),
        ("DELETE", Some("/orders/{id}"), refused.clone()),
        ("POST", Some("/reports/{year}"), passes("ann")),
        ("GET", Some("/orders"), refused.clone()),
        ("GET", None, refused.clone()),
    ] {
        assert_eq!(server.says(method, route, "a").await, expected, "{method} {route:?}");
    }
    // Beside a token it is a bad credential like any other: the token's refusal is told.
    let server = Server::of(keys, true);
    let both = server.ask("GET", Some("/orders"), &[("x-api-key", "a"), ("authorization", "Bearer a.b.c")]).await;
    assert_eq!(both.status(), 401);
    assert_eq!(server.says("GET", Some("/orders"), "a").await, refused);
}

#[tokio::test]
async fn a_consumer_has_a_limit_over_all_its_keys_and_nobody_elses_counts() {
    let server = Server::of(
        json!({
            "consumers": {
                "ann": { "keys": ["a1", "a2"], "rate_limit": { "per_second": 1, "burst": 2 } },
                "bob": { "keys": ["b"], "rate_limit": { "per_second": 1, "burst": 2 } },
                "eve": { "keys": ["e"] }
            }
        }),
        false,
    );
    let first = server.ask("GET", None, &[("x-api-key", "a1")]).await;
    assert_eq!(first.headers()["ratelimit-policy"], r#""consumer";q=2;w=2"#);
    assert_eq!(first.headers()["ratelimit"], r#""consumer";r=1;t=1"#);
    assert_eq!(server.says("GET", None, "a2").await, passes("ann"));
    let over = server.ask("GET", None, &[("x-api-key", "a1")]).await;
    assert_eq!((over.status().as_u16(), &over.headers()["retry-after"]), (429, &HeaderValue::from_static("1")));
    assert_eq!(server.says("GET", None, "b").await, passes("bob"));
    for _ in 0..5 {
        assert_eq!(server.says("GET", None, "e").await, passes("eve"));
    }
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.says("GET", None, "a2").await, passes("ann"));
}

#[tokio::test]
async fn keys_of_a_file_pass_beside_those_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consumers.json");
    std::fs::write(&path, json!({ "ann": { "keys": ["a"] } }).to_string()).unwrap();
    let server = Server::of(json!({ "keys": ["k"], "consumers_file": path }), false);
    assert_eq!(server.says("GET", None, "a").await, passes("ann"));
    assert_eq!(server.says("GET", None, "k").await, passes("key-1"));
    assert_eq!(server.says("GET", None, "b").await.0, 401);
}
