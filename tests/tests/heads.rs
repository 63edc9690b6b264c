//! Sizes of request heads, at the limit and one past it.

use spikard_core::LimitsConfig;
use spikard_core::server::Settings;
use spikard_tests::raw::{Answer, Raw};
use spikard_tests::running::{Running, mirror};

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
