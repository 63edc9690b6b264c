//! Clients that take their time: each is closed in time, on HTTP/1.1, while others are served.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use spikard_core::server::{Served, Settings};
use spikard_core::{Body, LimitsConfig, Request, Response, Size};
use spikard_tests::raw::Raw;
use spikard_tests::running::{Leaf, Running, mirror};

const SOON: Duration = Duration::from_millis(100);
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

fn settings(limits: LimitsConfig) -> Settings {
    Settings { limits, ..Settings::default() }
}

async fn assert_others_are_served(server: &Running) {
    let mut other = Raw::connect(server.address).await;
    other.send(GET).await;
    assert_eq!(other.answer().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_slow_head_is_answered_408_and_closed() {
    let server = Running::start(settings(LimitsConfig { head_timeout: SOON, ..Default::default() }), mirror()).await;
    for start in ["G", "P", "PRI * HTTP", "GET / HTTP/1.1\r\nhost: a\r\nx: "] {
        for earlier in [0, 1, 2] {
            let mut client = Raw::connect(server.address).await;
            for _ in 0..earlier {
                client.send(GET).await;
                assert_eq!(client.answer().await.expect("an answer").status, 200);
            }
            client.send(start).await;
            let answer = client.answer().await.expect("an answer");
            assert_eq!((answer.status, answer.header("connection")), (408, Some("close")), "{start:?} after {earlier}");
            assert!(answer.text().contains("request-timeout"), "{}", answer.text());
            assert_eq!(client.rest().await, "");
        }
    }
    assert_others_are_served(&server).await;
}

#[tokio::test]
async fn a_head_that_follows_its_predecessor_too_slowly_is_answered_408() {
    let server = Running::start(settings(LimitsConfig { head_timeout: SOON, ..Default::default() }), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    client.send(format!("{GET}GET / HT")).await;
    assert_eq!(client.answer().await.expect("an answer").status, 200);
    assert_eq!(client.answer().await.expect("an answer").status, 408);
}

#[tokio::test]
async fn a_head_that_arrives_in_pieces_in_time_is_served_after_a_pause() {
    let server = Running::start(Settings::default(), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    for _ in 0..2 {
        for byte in GET.bytes() {
            client.send([byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.answer().await.expect("an answer").status, 200);
        // Long enough for the server to take the connection out of hyper.
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_before_and_after_a_request() {
    let server = Running::start(settings(LimitsConfig { idle_timeout: SOON, ..Default::default() }), mirror()).await;
    let mut fresh = Raw::connect(server.address).await;
    assert_eq!(fresh.rest().await, "");
    let mut used = Raw::connect(server.address).await;
    used.send(GET).await;
    assert_eq!(used.answer().await.expect("an answer").status, 200);
    assert_eq!(used.rest().await, "");
    assert_others_are_served(&server).await;
}

#[tokio::test]
async fn a_body_that_stalls_is_answered_408_and_closed() {
    let server = Running::start(settings(LimitsConfig { body_timeout: SOON, ..Default::default() }), mirror()).await;
    for start in ["content-length: 5\r\n\r\nhell", "content-length: 5\r\n\r\n", "transfer-encoding: chunked\r\n\r\n5\r\nhel"] {
        let mut client = Raw::connect(server.address).await;
        client.send(format!("POST / HTTP/1.1\r\nhost: a\r\n{start}")).await;
        let answer = client.answer().await.expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")), "{start:?}");
        assert_eq!(client.rest().await, "");
    }
    assert_others_are_served(&server).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_408_and_closed() {
    let limits = LimitsConfig { body_timeout: Duration::from_millis(300), body_rate: Size(1 << 20), ..Default::default() };
    let server = Running::start(settings(limits), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n").await;
    // Never a pause as long as the limit, and never fast enough.
    for _ in 0..50 {
        client.send("x").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.answer().await.expect("an answer").status, 408);
}

#[tokio::test]
async fn a_body_that_nobody_waits_for_is_not_slow() {
    let limits = LimitsConfig { body_timeout: SOON, ..Default::default() };
    let server = Running::start(
        settings(limits),
        Leaf(|request: Request| async {
            tokio::time::sleep(SOON * 4).await;
            let length = request.into_body().collect().await.map(|body| body.to_bytes().len());
            Response::new(Body::from(format!("{length:?}")))
        }),
    )
    .await;
    let mut client = Raw::connect(server.address).await;
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhell").await;
    tokio::time::sleep(SOON * 2).await;
    client.send("o").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "Ok(5)");
}

#[tokio::test]
async fn times_of_0_are_no_limits() {
    let none = Duration::ZERO;
    let limits = LimitsConfig {
        head_timeout: none,
        idle_timeout: none,
        body_timeout: none,
        write_timeout: none,
        ping_timeout: none,
        body_rate: Size(0),
        ..Default::default()
    };
    let server = Running::start(settings(limits), mirror()).await;
    let mut client = Raw::connect(server.address).await;
    for piece in ["POST / HTTP/1.1\r\nhost: a\r\n", "content-length: 5\r\n\r\n", "hell", "o"] {
        tokio::time::sleep(SOON).await;
        client.send(piece).await;
    }
    assert_eq!(client.answer().await.expect("an answer").text(), "POST / Ok(5)");
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_is_closed() {
    let limits = LimitsConfig { write_timeout: SOON, ..Default::default() };
    let (gone, mut cancelled) = tokio::sync::mpsc::unbounded_channel::<()>();
    let endless = Leaf(move |_: Request| {
        let gone = gone.clone();
        async move {
            let chunk = Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 16]));
            let chunks = futures_util::stream::repeat_with(move || {
                let _held = &gone;
                chunk.as_ref().map(Bytes::clone).map_err(|_| std::io::Error::other("never"))
            });
            Response::new(Body::from_stream(chunks))
        }
    });
    let server = Running::start(settings(limits), endless).await;
    let mut client = Raw::connect(server.address).await;
    client.send(GET).await;
    server.live.replace(Served::new(std::sync::Arc::new(mirror())));
    assert_eq!(cancelled.recv().await, None, "the endless body is dropped with its connection");
    assert_others_are_served(&server).await;
}

#[tokio::test]
async fn one_connection_more_than_the_limit_waits_for_a_place() {
    let limits = LimitsConfig { connections: 2, ..Default::default() };
    let server = Running::start(settings(limits), mirror()).await;
    let mut first = Raw::connect(server.address).await;
    let mut second = Raw::connect(server.address).await;
    for client in [&mut first, &mut second] {
        client.send(GET).await;
        assert_eq!(client.answer().await.expect("an answer").status, 200);
    }
    let mut third = Raw::connect(server.address).await;
    third.send(GET).await;
    tokio::select! {
        answer = third.answer() => panic!("answered {answer:?} beyond the limit"),
        () = tokio::time::sleep(SOON) => {}
    }
    drop(first);
    assert_eq!(third.answer().await.expect("an answer").status, 200);
}
