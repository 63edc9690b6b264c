//! Bodies pass as they come, both ways, and end where they end.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn the_answers_first_byte_arrives_before_its_last_is_sent() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send(&get("/stream")).await;

    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n7\r\ndata: a\r\n")
        .await;
    assert!(client.until("data: a\r\n").await.contains("200 OK"));
    upstream.send("7\r\ndata: b\r\n0\r\n\r\n").await;
    assert!(client.rest().await.ends_with("data: b\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn the_uploads_first_byte_arrives_before_its_last_is_sent() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send("POST /up HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;

    let mut upstream = Raw::accepted(&listener).await;
    assert!(upstream.head().await.contains("transfer-encoding: chunked"));
    assert_eq!(upstream.until("first\r\n").await, "5\r\nfirst\r\n");
    client.send("4\r\nlast\r\n0\r\n\r\n").await;
    assert_eq!(upstream.until("0\r\n\r\n").await, "4\r\nlast\r\n0\r\n\r\n");
    upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 204"));
}

const EXPECTING: &str = "POST / HTTP/1.1\r\nhost: gate\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";

#[tokio::test]
async fn a_client_is_told_to_send_its_body_when_the_upstream_wants_it() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send(EXPECTING).await;
    let mut upstream = Raw::accepted(&listener).await;
    assert!(upstream.head().await.contains("expect: 100-continue\r\n"));
    upstream.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body").await;
    upstream.until("body").await;
    upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 204"));
}

#[tokio::test]
async fn a_client_whose_body_is_not_wanted_is_not_told_to_send_it() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send(EXPECTING).await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 417"));
}

#[tokio::test]
async fn an_upstream_that_does_not_say_that_it_wants_a_body_gets_it_all_the_same() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send(EXPECTING).await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    client.head().await;
    client.send("body").await;
    upstream.until("body").await;
}

#[tokio::test]
async fn an_answer_may_come_while_the_upload_goes_on() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send("POST /echo HTTP/1.1\r\nhost: gate\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n").await;

    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.until("1\r\na\r\n").await;
    upstream.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nA\r\n").await;
    client.until("1\r\nA\r\n").await;
    client.send("1\r\nb\r\n").await;
    upstream.until("1\r\nb\r\n").await;
    upstream.send("1\r\nB\r\n").await;
    client.until("1\r\nB\r\n").await;
    client.send("0\r\n\r\n").await;
    upstream.until("0\r\n\r\n").await;
    upstream.send("0\r\n\r\n").await;
    client.until("0\r\n\r\n").await;
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client
        .send("POST / HTTP/1.1\r\nhost: gate\r\nte: trailers\r\nconnection: te, close\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: up\r\n\r\n")
        .await;

    let mut upstream = Raw::accepted(&listener).await;
    let head = upstream.head().await;
    assert!(head.contains("te: trailers\r\n") && head.contains("connection: te\r\n"), "{head}");
    assert!(upstream.until("\r\n\r\n").await.ends_with("0\r\nx-sum: up\r\n\r\n"));
    upstream
        .send("HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nx-sum: down\r\n\r\n")
        .await;
    assert!(client.rest().await.ends_with("0\r\nx-sum: down\r\n\r\n"));
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_request_along() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart"] {
        let (listener, target) = listener().await;
        let gate = proxy(UpstreamConfig::to(target)).await;
        let mut client = Raw::to(gate).await;
        client.send("GET / HTTP/1.1\r\nhost: gate\r\n\r\n").await;
        let mut upstream = Raw::accepted(&listener).await;
        upstream.head().await;
        upstream.send(answer).await;
        if !answer.is_empty() {
            client.until("part").await;
        }
        drop(client);
        assert_eq!(upstream.rest().await, "", "the upstream sees the end of the connection");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_upload() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send("POST / HTTP/1.1\r\nhost: gate\r\ncontent-length: 9\r\n\r\npart").await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    drop(client);
    assert_eq!(upstream.rest().await, "part");
}

#[tokio::test]
async fn connections_are_used_again() {
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send("GET /1 HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    let mut upstream = Raw::accepted(&listener).await;
    // With a body at once, with one in parts, with an upload, and without any.
    upstream.head().await;
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    client.until("ok").await;
    client.send("GET /2 HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    assert!(upstream.head().await.starts_with("GET /2 "));
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npa").await;
    client.until("pa").await;
    upstream.send("rt").await;
    client.until("rt").await;
    client.send("POST /3 HTTP/1.1\r\nhost: gate\r\ncontent-length: 3\r\n\r\nabc").await;
    assert!(upstream.head().await.starts_with("POST /3 "));
    upstream.until("abc").await;
    upstream.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.head().await;
    upstream.send("1\r\nx\r\n0\r\n\r\n").await;
    client.until("0\r\n\r\n").await;
    client.send("HEAD /4 HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    assert!(upstream.head().await.starts_with("HEAD /4 "));
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n").await;
    assert!(client.head().await.contains("content-length: 7"));
    client.send("GET /5 HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    assert!(upstream.head().await.starts_with("GET /5 "));
}

#[tokio::test]
async fn an_upload_goes_on_when_its_answer_is_out() {
    for (answer, end) in [
        ("content-length: 0\r\n\r\n", "\r\n\r\n"),
        ("content-length: 2\r\n\r\nok", "\r\n\r\nok"),
        ("transfer-encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n\r\n0\r\n\r\n"),
    ] {
        let (listener, target) = listener().await;
        let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
        client.send("POST / HTTP/1.1\r\nhost: gate\r\ncontent-length: 4\r\n\r\nha").await;
        let mut upstream = Raw::accepted(&listener).await;
        upstream.until("ha").await;
        upstream.send(&format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        client.until(end).await;
        client.send("lf").await;
        upstream.until("lf").await;
        // Both connections are as good as new.
        client.send("GET /next HTTP/1.1\r\nhost: gate\r\n\r\n").await;
        assert!(upstream.head().await.starts_with("GET /next "));
    }
}

#[tokio::test]
async fn an_upstream_that_has_answered_and_takes_no_more_of_the_upload_is_left() {
    let (listener, target) = listener().await;
    let response_timeout = Duration::from_millis(50);
    let mut client = Raw::to(proxy(UpstreamConfig { response_timeout, ..UpstreamConfig::to(target) }).await).await;
    client.send("POST / HTTP/1.1\r\nhost: gate\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n").await;
    client.head().await;
    // More than the sockets hold, so that the gate waits for the upstream, which does not read.
    let chunk = format!("4000000\r\n{}", "x".repeat(64 << 20));
    let _ = client.0.write_all(chunk.as_bytes()).await;
    client.rest().await;
}

#[tokio::test]
async fn a_connection_that_is_not_used_is_closed() {
    for (idle_timeout, idle_connections) in [(Duration::from_millis(20), 1), (Duration::from_mins(1), 0)] {
        let (listener, target) = listener().await;
        let gate = proxy(UpstreamConfig { idle_timeout, idle_connections, ..UpstreamConfig::to(target) }).await;
        let mut client = Raw::to(gate).await;
        client.send("GET / HTTP/1.1\r\nhost: gate\r\n\r\n").await;
        let mut upstream = Raw::accepted(&listener).await;
        upstream.head().await;
        upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        client.until("ok").await;
        assert_eq!(upstream.rest().await, "");
    }
}

#[tokio::test]
async fn an_upload_passes_while_nobody_reads_the_answer() {
    const SIZE: usize = 16 << 20;
    let (listener, target) = listener().await;
    let gate = proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send(&format!("POST / HTTP/1.1\r\nhost: gate\r\ncontent-length: {SIZE}\r\n\r\nx")).await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n")).await;
    client.head().await;
    let (mut from_gate, mut to_gate) = upstream.0.split();
    let answer = vec![b'y'; SIZE];
    let upload = vec![b'x'; SIZE - 1];
    let mut taken = vec![0; SIZE];
    let (mut down, mut up) = client.0.split();
    // The client reads only once its upload is out.
    let client = async {
        up.write_all(&upload).await.unwrap();
        let mut got = vec![0; SIZE];
        down.read_exact(&mut got).await.unwrap();
        got
    };
    let (got, sent, read) = tokio::join!(client, to_gate.write_all(&answer), from_gate.read_exact(&mut taken));
    sent.unwrap();
    read.unwrap();
    assert!(got == answer);
}
