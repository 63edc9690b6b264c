//! Sizes of request heads, at the limit and one past it.

use std::sync::Arc;

use http_body_util::BodyExt;
use spikard_core::server::{Served, Settings};
use spikard_core::{Body, LimitsConfig, Request, Response};
use spikard_tests::raw::{Answer, Raw};
use spikard_tests::running::{Leaf, Running, mirror};

async fn answer_to(server: &Running, head: &str) -> Answer {
    let mut client = Raw::connect(server.address).await;
    client.send(head).await;
    client.answer().await.expect("an answer")
}

fn with_target(length: usize) -> String {
    format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(length - 1))
}

fn with_fields(count: usize) -> String {
    format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(count - 1))
}

fn with_size(size: usize) -> String {
    let frame = "GET / HTTP/1.1\r\nhost: a\r\nx: \r\n\r\n";
    frame.replace("x: ", &format!("x: {}", "y".repeat(size - frame.len())))
}

#[tokio::test]
async fn a_reserved_header_is_dropped_as_a_trailer_too() {
    let service = Leaf(|request: Request| async move {
        let collected = request.into_body().collect().await.expect("a whole body");
        let names: Vec<_> = collected.trailers().into_iter().flat_map(|trailers| trailers.keys()).collect();
        Response::new(Body::from(format!("{names:?}")))
    });
    let content = Served::new(Arc::new(service)).upstream_headers(&["x-user".parse().expect("a name")]);
    let server = Running::serving(Settings::default(), content).await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-user, x_user, x-sum\r\n\r\n\
                   1\r\na\r\n0\r\nx-user: admin\r\nx_user: admin\r\nx-sum: 1\r\n\r\n";
    assert_eq!(answer_to(&server, request).await.text(), r#"["x-sum"]"#);
}

#[tokio::test]
async fn a_target_may_be_as_long_as_the_limit() {
    let server = Running::start(Settings::default(), mirror()).await;
    assert_eq!(answer_to(&server, &with_target(8192)).await.status, 200);
    let refused = answer_to(&server, &with_target(8193)).await;
    assert_eq!(refused.status, 414);
    assert!(refused.text().contains("https://spikard.dev/errors/uri-too-long"), "{}", refused.text());
    assert_eq!(answer_to(&server, &with_target(60_000)).await.status, 414);
}

#[tokio::test]
async fn a_head_may_have_as_many_fields_as_the_limit() {
    let server = Running::start(Settings::default(), mirror()).await;
    assert_eq!(answer_to(&server, &with_fields(100)).await.status, 200);
    assert_eq!(answer_to(&server, &with_fields(101)).await.status, 431);
    for fields in [10, 300] {
        let limits = LimitsConfig { header_fields: fields, ..Default::default() };
        let server = Running::start(Settings { limits, ..Settings::default() }, mirror()).await;
        assert_eq!(answer_to(&server, &with_fields(fields)).await.status, 200);
        assert_eq!(answer_to(&server, &with_fields(fields + 1)).await.status, 431);
    }
}

#[tokio::test]
async fn a_head_may_be_as_large_as_the_limit() {
    let server = Running::start(Settings::default(), mirror()).await;
    assert_eq!(answer_to(&server, &with_size(65_536)).await.status, 200);
    assert_eq!(answer_to(&server, &with_size(65_537)).await.status, 431);
    assert_eq!(answer_to(&server, &with_size(1 << 20)).await.status, 431, "the answer survives what is still being sent");
}
