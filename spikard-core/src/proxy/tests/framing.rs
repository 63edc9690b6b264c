//! What the upstream reads is one request, whatever the client wrote; what the client reads is
//! one answer, whatever the upstream wrote.

use super::*;

/// What an upstream reads of a request, up to the end of its head and with what follows at once.
async fn forwarded(config: impl FnOnce(UpstreamConfig) -> UpstreamConfig, request: &str) -> String {
    let (listener, target) = listener().await;
    let gate = proxy(config(UpstreamConfig::to(target))).await;
    let mut client = Raw::to(gate).await;
    client.send(request).await;
    let mut upstream = Raw::accepted(&listener).await;
    let head = upstream.head().await;
    upstream.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    head + &upstream.rest().await
}

#[tokio::test]
async fn a_request_says_for_whom_it_is_made() {
    let head =
        forwarded(|config| config, "GET /a//b%7e?x=%2F HTTP/1.1\r\nhost: gate:80\r\nx-forwarded-for: 6.6.6.6\r\n\r\n").await;
    assert_eq!(
        head,
        "GET /a//b%7e?x=%2F HTTP/1.1\r\nhost: gate:80\r\nvia: 1.1 spikard\r\n\
         forwarded: for=127.0.0.1;proto=http;host=\"gate:80\"\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: gate:80\r\n\r\n"
    );
}

#[tokio::test]
async fn the_host_and_the_path_are_the_targets_own_if_so_configured() {
    let config = |config| UpstreamConfig { preserve_host: false, strip_prefix: Some("/api".into()), ..config };
    let head = forwarded(config, &get("/api/users")).await;
    assert!(head.starts_with("GET /users HTTP/1.1\r\nhost: 127.0.0.1:"), "{head}");
    assert!(head.contains("x-forwarded-host: gate\r\n"));
}

#[tokio::test]
async fn a_request_without_host_gets_the_targets() {
    let head = forwarded(|config| config, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(head.starts_with("GET / HTTP/1.1\r\n") && head.contains("\r\nhost: 127.0.0.1:"), "{head}");
    assert!(head.contains("\r\nforwarded: for=127.0.0.1;proto=http\r\n") && !head.contains("x-forwarded-host"), "{head}");
}

#[tokio::test]
async fn a_body_without_length_is_framed_anew() {
    let bytes = forwarded(
        |config| config,
        "POST / HTTP/1.1\r\nhost: gate\r\ntransfer-encoding: chunked\r\n\r\n000003;ext=\"x\"\r\nabc\r\n0\r\n\r\n",
    )
    .await;
    assert!(bytes.ends_with("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{bytes}");
}

#[tokio::test]
async fn what_follows_a_refused_upgrade_is_no_part_of_it() {
    let bytes = forwarded(
        |config| config,
        "GET / HTTP/1.1\r\nhost: gate\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nGET /admin HTTP/1.1\r\nhost: gate\r\n\r\n",
    )
    .await;
    assert!(bytes.contains("upgrade: websocket\r\n") && !bytes.contains("admin"), "{bytes}");
}

#[tokio::test]
async fn a_path_that_servers_read_differently_is_refused() {
    let gate = proxy(UpstreamConfig::to("http://127.0.0.1:1")).await;
    for path in ["/a%2fb", "/a%5Cb", "/%00", "/a\\b"] {
        let answer = ask(gate, &get(path)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_loses_its_hop_by_hop_headers() {
    let target = upstream(|_| async {
        let answer =
            http::Response::builder().header("connection", "x-hop").header("x-hop", "1").header("keep-alive", "timeout=5");
        answer.header("x-end", "2").body(Body::from("ok")).unwrap()
    })
    .await;
    let answer = ask(proxy(UpstreamConfig::to(target)).await, &get("/")).await;
    assert!(answer.contains("x-end: 2") && answer.ends_with("\r\n\r\nok"), "{answer}");
    assert!(!answer.contains("x-hop") && !answer.contains("keep-alive"), "{answer}");
}

#[tokio::test]
async fn an_answer_without_body_stays_without() {
    for (method, answer, kept) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "content-length: 5"),
        ("GET", "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 5\r\n\r\n", "etag: \"a\""),
        ("GET", "HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n", "x-a: b"),
        ("GET", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK"),
    ] {
        let (listener, target) = listener().await;
        let gate = proxy(UpstreamConfig::to(target)).await;
        let request = get("/").replace("GET", method);
        let served = async {
            let mut upstream = Raw::accepted(&listener).await;
            upstream.head().await;
            upstream.send(answer).await;
        };
        let (seen, ()) = tokio::join!(ask(gate, &request), served);
        let body = seen.split_once("\r\n\r\n").map(|(_, body)| body);
        assert!(seen.contains(kept) && matches!(body, Some("" | "0\r\n\r\n")), "{answer}: {seen}");
    }
}
