//! Requests that two readers could understand differently: refused, and the connection closed.

use spikard_core::server::Settings;
use spikard_tests::raw::Raw;
use spikard_tests::running::{Running, mirror};

/// What a client would smuggle: it must never be answered as a request of its own.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";

/// All that comes back for bytes on a connection of their own.
async fn answers_to(server: &Running, bytes: impl AsRef<[u8]>) -> String {
    let mut client = Raw::connect(server.address).await;
    client.send(bytes).await;
    client.rest().await
}

async fn assert_refused(server: &Running, head: &str) {
    let seen = answers_to(server, format!("{head}{SMUGGLED}")).await;
    assert!(seen.starts_with("HTTP/1.1 400 ") || seen.starts_with("HTTP/1.1 431 "), "{head:?} is answered {seen}");
    assert_eq!(seen.matches("HTTP/1.1").count(), 1, "{head:?} is answered {seen}");
    assert!(!seen.contains("/smuggled"), "{head:?} is answered {seen}");
}

#[tokio::test]
async fn doubtful_framing_is_refused() {
    let server = Running::start(Settings::default(), mirror()).await;
    for head in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: identity\r\n\r\n",
        "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
        "transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n\r\n",
        "transfer-encoding:\r\n\r\n",
        "content-length: 0\r\ncontent-length: 0\r\n\r\n",
        "content-length: 0\r\ncontent-length: 40\r\n\r\n",
        "content-length: 0, 0\r\n\r\n",
        "content-length: +0\r\n\r\n",
        "content-length: -1\r\n\r\n",
        "content-length: 0x0\r\n\r\n",
        "content-length: 0 0\r\n\r\n",
        "content-length:\r\n\r\n",
        "content-length: 99999999999999999999\r\n\r\n",
        "content-length : 0\r\n\r\n",
        "x: y\n\r\n",
        "x: y\r\n\n",
        "x: a\rb\r\n\r\n",
        "x: a\0b\r\n\r\n",
        "x y\r\n\r\n",
        ": y\r\n\r\n",
    ] {
        assert_refused(&server, &format!("POST / HTTP/1.1\r\nhost: a\r\n{head}")).await;
    }
}

#[tokio::test]
async fn doubtful_request_lines_and_hosts_are_refused() {
    let server = Running::start(Settings::default(), mirror()).await;
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: u@a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n\r\n",
        "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET http://a@b/ HTTP/1.1\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\nhost: a\n\n",
        "GET  / HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET / HTTP/1.1 x\r\nhost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nhost: a\r\n\r\n",
        "GET /\r\nhost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nhost: a\r\n\r\n",
        "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n",
        "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_refused(&server, head).await;
    }
}

#[tokio::test]
async fn a_bad_chunk_ends_the_connection() {
    let server = Running::start(Settings::default(), mirror()).await;
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "0x5\r\nhello\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n",
        "ffffffffffffffffff\r\n",
        "5\r\nhello\n0\r\n\r\n",
    ] {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let seen = answers_to(&server, format!("{head}{chunks}{SMUGGLED}")).await;
        assert!(!seen.contains("/smuggled"), "{chunks:?} is answered {seen}");
    }
}

#[tokio::test]
async fn refusals_of_the_server_are_problems_that_say_why() {
    let server = Running::start(Settings::default(), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    client.send("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").await;
    let answer = client.answer().await.expect("an answer");

    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("connection"), Some("close"));
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(problem["type"], "https://spikard.dev/errors/bad-request");
    assert_eq!(problem["detail"], "request has both Content-Length and Transfer-Encoding");
}

#[tokio::test]
async fn sound_requests_follow_one_another_on_one_connection() {
    let server = Running::start(Settings::default(), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    for (request, seen) in [
        ("GET /a HTTP/1.1\r\nhost: a\r\n\r\n", "GET /a Ok(0)"),
        ("POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello", "POST /b Ok(5)"),
        (
            "POST /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n",
            "POST /c Ok(8)",
        ),
        ("GET http://a/d HTTP/1.1\r\nhost: a\r\n\r\n", "GET /d Ok(0)"),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "OPTIONS * Ok(0)"),
    ] {
        client.send(request).await;
        assert_eq!(client.answer().await.expect("an answer").text(), seen);
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = Running::start(Settings::default(), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    let request = |path: usize| format!("POST /{path} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
    client.send((0..50).map(request).collect::<String>()).await;
    for path in 0..50 {
        assert_eq!(client.answer().await.expect("an answer").text(), format!("POST /{path} Ok(3)"));
    }
}
