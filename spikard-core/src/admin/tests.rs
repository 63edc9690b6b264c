use http::{Method, StatusCode};
use spikard_middleware::Secret;

use super::*;
use crate::TestClient;
use crate::config::{AdminConfig, ResponseConfig, RouteConfig};

fn config(token: Option<&str>) -> ServerConfig {
    let route = |path: &str| RouteConfig {
        path: path.into(),
        methods: vec!["GET".into()],
        response: Some(ResponseConfig { body: Some("hello".into()), ..Default::default() }),
        ..Default::default()
    };
    let admin = AdminConfig { token: token.map(Secret::new), ..AdminConfig::default() };
    let limited = RouteConfig { max_body_size: spikard_middleware::Override::On(1.into()), ..route("/limited") };
    ServerConfig { admin: Some(admin), routes: vec![route("/users/{id}"), limited], ..Default::default() }
}

/// Clients of the server and of its admin listener, and the end of the server.
fn clients(token: Option<&str>) -> (TestClient, TestClient, Drain) {
    clients_of(config(token))
}

fn clients_of(config: ServerConfig) -> (TestClient, TestClient, Drain) {
    let gateway = Arc::new(Gateway::build(&config).unwrap());
    let drain = Drain::default();
    let shown = Shown::of_config(Arc::clone(&gateway), config.clone());
    let inner = endpoints::gateway(Own::new(shown, drain.clone())).unwrap();
    let admin = Guard::new(&config.admin.unwrap(), inner);
    (TestClient::of(gateway), TestClient::new(admin), drain)
}

#[tokio::test]
async fn metrics_count_what_clients_did() {
    let (client, admin, _) = clients(None);
    for path in ["/users/1", "/users/2", "/nowhere"] {
        client.get(path).send().await;
    }
    client.get("/limited").body("too large").send().await;

    let answer = admin.get("/metrics").send().await;
    assert_eq!(answer.header("content-type"), endpoints::OPEN_METRICS);
    let text = answer.text();
    for line in [
        r#"spikard_requests_total{route="/users/{id}",method="GET",status="2xx"} 2"#,
        r#"spikard_requests_total{route="(none)",method="GET",status="4xx"} 1"#,
        r#"spikard_refusals_total{policy="routes",reason="not-found"} 1"#,
        r#"spikard_refusals_total{policy="body_limit",reason="payload-too-large"} 1"#,
        r#"spikard_request_duration_seconds_count{route="/users/{id}"} 2"#,
        "spikard_requests_in_flight 0",
        "spikard_ready 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    let compressed = admin.get("/metrics").header("accept-encoding", "gzip").send().await;
    assert_eq!(compressed.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_server_that_drains_is_healthy_and_not_ready() {
    let (_, admin, drain) = clients(None);
    let statuses = async || [admin.get("/healthz").send().await.status(), admin.get("/readyz").send().await.status()];
    assert_eq!(statuses().await, [200, 200]);
    drain.begin();
    assert_eq!(statuses().await, [200, 503]);
    assert!(admin.get("/metrics").send().await.text().contains("spikard_ready 0\n"));
}

#[tokio::test]
async fn routes_and_configuration_are_those_in_force_and_secrets_are_not_shown() {
    let (_, admin, _) = clients(Some("a token that nobody guesses"));
    let bearer = async |path: &str| admin.get(path).header("authorization", "Bearer a token that nobody guesses").send().await;
    let routes = bearer("/routes").await.json();
    assert_eq!(routes[0]["path"], "/users/{id}");
    assert_eq!(routes[0]["layers"][0], "request_id");
    assert_eq!(routes[1]["place"], "routes[1]");
    for format in ["toml", "yaml", "json"] {
        let text = bearer(&format!("/config?format={format}")).await.text();
        assert!(text.contains("/users/{id}") && text.contains("****") && !text.contains("nobody"), "{text}");
    }
    assert_eq!(bearer("/config?format=xml").await.status(), 400);
}

#[tokio::test]
async fn with_a_token_only_probes_are_answered_without_it() {
    let (_, admin, _) = clients(Some("open sesame"));
    let status = async |path: &str, credentials: &str| admin.get(path).header("authorization", credentials).send().await.status();
    for path in ["/", "/metrics", "/config", "/routes", "/events", "/live.js", "/nowhere"] {
        let refused = admin.get(path).send().await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(refused.headers().get_all("www-authenticate").iter().count(), 2);
    }
    assert_eq!(admin.get("/readyz").send().await.status(), 200);
    // The password of `ops:open sesame`, and of one without a user.
    for right in ["Bearer open sesame", "Basic b3BzOm9wZW4gc2VzYW1l", "basic Om9wZW4gc2VzYW1l"] {
        assert_eq!(status("/metrics", right).await, 200, "{right}");
    }
    for wrong in ["Bearer", "Bearer open", "Basic b3BlbiBzZXNhbWU=", "Digest open sesame", "open sesame"] {
        assert_eq!(status("/metrics", wrong).await, 401, "{wrong}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing() {
    let (_, admin, _) = clients(None);
    let asked_as = async |host: &str| admin.get("/config").header("host", host).send().await.status().as_u16();
    for (host, status) in [
        ("127.0.0.1:9901", 200),
        ("[::1]:9901", 200),
        ("localhost", 200),
        ("gateway:9901", 200),
        ("rebound.example:9901", 403),
        ("127.0.0.1.rebound.example", 403),
        ("", 403),
    ] {
        assert_eq!(asked_as(host).await, status, "{host}");
    }
    let foreign = admin.request(Method::POST, "/routes").header("origin", "https://elsewhere.example").send().await;
    assert_eq!(foreign.status(), 403);
    assert_eq!(admin.request(Method::POST, "/routes").send().await.status(), 405);
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let (_, admin, _) = clients(None);
    let page = admin.get("/").send().await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
    for file in page.text().split('"').filter(|text| text.starts_with('/')) {
        assert_eq!(admin.get(file).send().await.status(), 200, "{file}");
    }
}

#[test]
fn without_admin_no_request_is_counted() {
    let gateway = Gateway::build(&ServerConfig { admin: None, ..config(None) }).unwrap();
    assert_eq!(gateway.metrics().text().unwrap(), "# EOF\n");
}

#[tokio::test]
async fn targets_show_what_they_answer_and_whether_they_take_part() {
    let text = r#"
        admin = {}
        upstreams.api = { targets = ["http://127.0.0.1:1", "http://127.0.0.1:2"], ejection = { failures = 2, max_percent = 100 } }
        [[routes]]
        path = "/"
        upstream = "api"
    "#;
    let config = crate::config::load_text("x.toml", text, Format::Toml, "".as_ref(), &|_| None).unwrap().config;
    let (client, admin, _) = clients_of(config);
    let healthy = async || {
        let text = admin.get("/metrics").send().await.text();
        text.lines().find_map(|line| {
            line.strip_prefix(r#"spikard_upstream_healthy{upstream="api",target="http://127.0.0.1:1"} "#)?.parse().ok()
        })
    };
    assert_eq!(healthy().await, Some(1));
    for _ in 0..2 {
        assert_eq!(client.get("/").send().await.status(), 502);
    }
    assert_eq!(healthy().await, Some(0));
    let text = admin.get("/metrics").send().await.text();
    let line = r#"spikard_upstream_requests_total{upstream="api",target="http://127.0.0.1:1",outcome="unreachable"} 2"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains(r#"spikard_upstream_in_flight{upstream="api",target="http://127.0.0.1:1"} 0"#), "{text}");
}
