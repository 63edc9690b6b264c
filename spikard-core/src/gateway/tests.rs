//! What the gateway does with routes, methods and overrides.

use http::Method;

use super::Gateway;
use crate::TestClient;
use crate::config::{ResponseConfig, RouteConfig, ServerConfig};
use spikard_middleware::{CorsConfig, DirectoryConfig, Override};

fn route(path: &str, methods: &[&str], body: &str) -> RouteConfig {
    RouteConfig {
        path: path.into(),
        methods: methods.iter().map(|&method| method.into()).collect(),
        response: Some(ResponseConfig { body: Some(body.into()), ..Default::default() }),
        ..Default::default()
    }
}

fn client(routes: Vec<RouteConfig>) -> TestClient {
    let config = ServerConfig { routes, ..Default::default() };
    TestClient::new(Gateway::build(&config).unwrap_or_else(|error| panic!("{error}")))
}

#[tokio::test]
async fn refusals_of_the_table_pass_the_stack_of_the_server() {
    let client = client(vec![route("/users/{id}", &["GET", "PUT"], "user")]);
    let missing = client.get("/nowhere").send().await;
    let wrong = client.request(Method::DELETE, "/users/7").send().await;
    let options = client.request(Method::OPTIONS, "/users/7").send().await;

    assert_eq!((missing.status().as_u16(), missing.header("x-request-id").len()), (404, 36));
    assert_eq!((wrong.status().as_u16(), wrong.header("allow")), (405, "GET, HEAD, OPTIONS, PUT"));
    assert_eq!((options.status().as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS, PUT"));
}

#[tokio::test]
async fn a_directory_answers_other_methods_like_any_route() {
    let directory = tempfile::tempdir().unwrap();
    let files = Some(DirectoryConfig::new(directory.path()));
    let files = RouteConfig { path: "/files/{*rest}".into(), static_files: files, ..Default::default() };
    let client = client(vec![files, route("/files/{*rest}", &["POST"], "posted")]);
    let options = client.request(Method::OPTIONS, "/files/a").send().await;
    assert_eq!((options.status().as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS, POST"));
    assert_eq!(client.post("/files/a").send().await.text(), "posted");
    assert_eq!(client.request(Method::PUT, "/files/a").send().await.status(), 405);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let client = client(vec![route("/", &["GET"], "hello")]);
    let head = client.request(Method::HEAD, "/").send().await;
    assert_eq!((head.status().as_u16(), head.header("content-length"), head.text().as_str()), (200, "5", ""));
}

#[tokio::test]
async fn a_route_switches_a_policy_off_and_replaces_another() {
    let open = RouteConfig { enable_request_id: Override::Off, ..route("/open", &[], "open") };
    let tight = RouteConfig { max_body_size: Override::On(4.into()), ..route("/tight", &[], "tight") };
    let client = client(vec![open, tight]);

    assert_eq!(client.get("/open").send().await.header("x-request-id"), "");
    assert_eq!(client.post("/open").body("12345").send().await.status(), 200);
    assert_eq!(client.post("/tight").body("12345").send().await.status(), 413);
}

#[tokio::test]
async fn a_preflight_is_about_the_route_of_the_method_that_it_asks_for() {
    let cors = |origins| Override::On(CorsConfig::new([origins]));
    let own = RouteConfig { cors: cors("https://own.example"), ..route("/own", &["PUT"], "own") };
    let closed = RouteConfig { cors: Override::Off, ..route("/closed", &["PUT"], "closed") };
    let by_hand = RouteConfig { cors: Override::Off, ..route("/by-hand", &["OPTIONS"], "by hand") };
    let put = RouteConfig { cors: Override::Off, ..route("/by-hand", &["PUT"], "put") };
    let all = RouteConfig { cors: cors("*"), ..route("/{*rest}", &[], "all") };
    let client = client(vec![own, closed, by_hand, put, all]);
    for (path, allowed, body) in
        [("/own", "https://own.example", ""), ("/closed", "", ""), ("/by-hand", "", "by hand"), ("/other", "*", "")]
    {
        let preflight = client.request(Method::OPTIONS, path).header("origin", "https://own.example");
        let answer = preflight.header("access-control-request-method", "PUT").send().await;
        assert_eq!(answer.header("allow").is_empty(), path != "/closed", "{path}");
        assert_eq!((answer.header("access-control-allow-origin"), answer.text().as_str()), (allowed, body), "{path}");
    }
}

#[test]
fn all_errors_come_at_once_with_their_places() {
    let routes = vec![
        route("users", &["get"], "a"),
        RouteConfig { response: None, ..route("/none", &[], "b") },
        route("/same/{a}", &["GET"], "c"),
        route("/same/{b}", &[], "d"),
    ];
    let error = Gateway::build(&ServerConfig { routes, ..Default::default() })
        .err()
        .map(spikard_middleware::BuildError::each)
        .unwrap_or_default();
    let lines: Vec<String> = error.iter().map(|(at, message)| format!("{at}: {message}")).collect();
    assert_eq!(
        lines,
        [
            "routes[0].path: path is `users`, expected it to start with `/`",
            "routes[0].methods[0]: `get` is not a method, expected one such as `GET` in upper case, other than `CONNECT`",
            "routes[1]: the route has nothing that answers, expected one of `upstream`, `static_files`, `response`, `redirect`, `python`",
            "routes[3]: /same/{b} answers the same requests as GET /same/{a} at routes[2], expected another path, host or method",
        ]
    );
}
