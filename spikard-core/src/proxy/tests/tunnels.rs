//! Switched protocols: agreed by both sides, then bytes and nothing else.

use super::*;

const UPGRADE: &str =
    "GET /ws HTTP/1.1\r\nhost: gate\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s\r\n\r\n";

#[tokio::test]
async fn bytes_pass_both_ways_once_both_sides_have_switched() {
    let (listener, target) = listener().await;
    let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
    // The bytes behind the head wait for the 101.
    client.send(&format!("{UPGRADE}early")).await;
    let mut upstream = Raw::accepted(&listener).await;
    let head = upstream.head().await;
    assert!(
        head.contains("connection: upgrade\r\nupgrade: websocket\r\n") && head.contains("sec-websocket-key: k\r\n"),
        "{head}"
    );
    upstream.send(&format!("{SWITCHED}hello")).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("sec-websocket-accept: s\r\n"), "{head}");
    assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
    client.until("hello").await;
    upstream.until("early").await;
    client.send("ping").await;
    upstream.until("ping").await;
    upstream.send("pong").await;
    client.until("pong").await;
}

#[tokio::test]
async fn a_tunnel_ends_when_either_side_does() {
    for client_first in [true, false] {
        let (listener, target) = listener().await;
        let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
        client.send(UPGRADE).await;
        let mut upstream = Raw::accepted(&listener).await;
        upstream.head().await;
        upstream.send(SWITCHED).await;
        client.head().await;
        let (leaving, mut staying) = if client_first { (client, upstream) } else { (upstream, client) };
        drop(leaving);
        assert_eq!(staying.rest().await, "");
    }
}

#[tokio::test]
async fn an_upstream_may_decline() {
    let (listener, target) = listener().await;
    let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
    client.send(UPGRADE).await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.send("HTTP/1.1 426 Upgrade Required\r\nconnection: upgrade\r\nupgrade: foo/2\r\ncontent-length: 2\r\n\r\nno").await;
    let answer = client.until("no").await;
    assert!(answer.starts_with("HTTP/1.1 426") && answer.contains("upgrade: foo/2\r\n"), "{answer}");
    // The connection is one of HTTP still.
    client.send("GET /next HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    assert!(upstream.head().await.starts_with("GET /next "));
}

#[tokio::test]
async fn a_switch_to_what_was_not_asked_for_is_a_502() {
    let (listener, target) = listener().await;
    let mut client = Raw::to(proxy(UpstreamConfig::to(target)).await).await;
    client.send(UPGRADE).await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 502"));
    assert_eq!(upstream.rest().await, "");
}

#[tokio::test]
async fn tunnels_end_when_the_server_does() {
    let (listener, target) = listener().await;
    let (gate, stop, running) = stoppable_proxy(UpstreamConfig::to(target)).await;
    let mut client = Raw::to(gate).await;
    client.send(UPGRADE).await;
    let mut upstream = Raw::accepted(&listener).await;
    upstream.head().await;
    upstream.send(SWITCHED).await;
    client.head().await;
    stop.signal();
    assert_eq!(client.rest().await, "");
    assert_eq!(upstream.rest().await, "");
    running.await.unwrap();
}
