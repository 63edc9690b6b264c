//! HTTP/2 without TLS: the same hygiene and the same limits as HTTP/1.1, and those of its own.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use spikard_core::server::{Outcome, Settings};
use spikard_core::{Body, LimitsConfig, Request, Response, Size};
use spikard_tests::frames::{END_HEADERS, END_STREAM, Frame, Frames, GET, kind};
use spikard_tests::running::{Leaf, Running, mirror};

const SOON: Duration = Duration::from_millis(100);
/// `SETTINGS_INITIAL_WINDOW_SIZE`.
const INITIAL_WINDOW: u16 = 4;

async fn limited(limits: LimitsConfig) -> Running {
    Running::start(Settings { limits, ..Settings::default() }, mirror()).await
}

async fn client(server: &Running) -> SendRequest<Body> {
    let stream = tokio::net::TcpStream::connect(server.address).await.expect("the server listens");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = handshake.expect("a handshake");
    tokio::spawn(connection);
    sender
}

fn request(uri: &str) -> http::request::Builder {
    http::Request::builder().uri(uri)
}

async fn status(sender: &mut SendRequest<Body>, request: Request) -> (u16, String) {
    let response = sender.send_request(request).await.expect("a response");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn get(stream: u32) -> Frame {
    Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, stream, GET)
}

#[tokio::test]
async fn prior_knowledge_is_served_with_one_host_in_one_place() {
    let server = limited(LimitsConfig::default()).await;
    let mut sender = client(&server).await;
    let body = || Body::from("hello");
    for (request, expected) in [
        (request("http://a/x?y").method("POST").body(body()), (200, "POST /x?y Ok(5)")),
        (request("http://a/x").header("host", "A").method("POST").body(body()), (200, "POST /x Ok(5)")),
        (request("http://a/x").header("host", "b").body(body()), (400, "different hosts")),
        (request("http://a_b!/x").body(body()), (400, "authority is not")),
        (request("http://a/x/../y").body(body()), (400, "`..` segment")),
        (request("http://a/%zz").body(body()), (400, "percent sign")),
        (request(&format!("http://a/{}", "a".repeat(8191))).body(Body::empty()), (200, "GET /a")),
        (request(&format!("http://a/{}", "a".repeat(8192))).body(Body::empty()), (414, "uri-too-long")),
    ] {
        let (status, text) = status(&mut sender, request.expect("a request")).await;
        assert_eq!(status, expected.0, "{text}");
        assert!(text.contains(expected.1), "{text}");
    }
}

#[tokio::test]
async fn a_header_list_may_be_as_large_as_the_limit() {
    // RFC 9113 section 6.5.2: name, value and 32 bytes for each field.
    let fixed = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", "x", ""];
    let fixed = fixed.iter().map(|text| text.len()).sum::<usize>() + 5 * 32;
    let server = limited(LimitsConfig::default()).await;
    let mut sender = client(&server).await;
    for (size, expected) in [(65_536, 200), (65_537, 431)] {
        let request = request("http://a/").header("x", "y".repeat(size - fixed)).body(Body::empty());
        assert_eq!(status(&mut sender, request.expect("a request")).await.0, expected, "{size}");
    }
}

#[tokio::test]
async fn a_head_may_have_as_many_fields_as_the_limit() {
    let server = limited(LimitsConfig::default()).await;
    let mut sender = client(&server).await;
    // The server adds the Host that HTTP/2 leaves out after it has counted.
    for (count, expected) in [(100, 200), (101, 431)] {
        let request = (0..count).fold(request("http://a/"), |request, _| request.header("x", "y")).body(Body::empty());
        assert_eq!(status(&mut sender, request.expect("a request")).await.0, expected, "{count}");
    }
}

#[tokio::test]
async fn a_client_may_open_as_many_streams_as_the_limit() {
    let server = Running::start(
        Settings { limits: LimitsConfig { streams: 2, ..Default::default() }, ..Settings::default() },
        Leaf(|_: Request| std::future::pending::<Response>()),
    )
    .await;
    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&get(1)).await.send(&get(3)).await.send(&get(5)).await;
    let refused = client.next_of(kind::RST_STREAM).await.expect("a reset");
    assert_eq!((refused.stream, refused.payload), (5, 7_u32.to_be_bytes().to_vec()), "REFUSED_STREAM");
}

#[tokio::test]
async fn a_body_that_stalls_is_answered_408_and_reset_while_others_are_served() {
    let server = limited(LimitsConfig { body_timeout: SOON, ..Default::default() }).await;
    let mut sender = client(&server).await;
    let first = Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from_static(b"hell")));
    let stalled = futures_util::stream::StreamExt::chain(futures_util::stream::iter([first]), futures_util::stream::pending());
    let stalled = Body::new(StreamBody::new(stalled));
    let (status_of_stalled, text) =
        status(&mut sender, request("http://a/").method("POST").body(stalled).expect("a request")).await;
    assert_eq!(status_of_stalled, 408, "{text}");
    let sound = Body::from("hello");
    assert_eq!(status(&mut sender, request("http://a/").method("POST").body(sound).expect("a request")).await.0, 200);

    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&Frame::new(kind::HEADERS, END_HEADERS, 1, GET)).await;
    assert_eq!(client.next_of(kind::RST_STREAM).await.map(|frame| frame.stream), Some(1));
}

#[tokio::test]
async fn a_stream_that_takes_no_bytes_is_reset_and_its_body_dropped() {
    let large = Leaf(|_: Request| async { Response::new(Body::from(vec![b'x'; 1 << 20])) });
    let limits = LimitsConfig { write_timeout: SOON, ..Default::default() };
    let server = Running::start(Settings { limits, ..Settings::default() }, large).await;
    for window in [0, 10, 100_000] {
        let mut client = Frames::connect(server.address, &[(INITIAL_WINDOW, window)]).await;
        client.send(&get(1)).await;
        assert_eq!(client.next_of(kind::RST_STREAM).await.map(|frame| frame.stream), Some(1), "window {window}");
    }
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_and_an_idle_one_told_to_go() {
    let server = limited(LimitsConfig { head_timeout: SOON, ..Default::default() }).await;
    let mut client = Frames::connect(server.address, &[]).await;
    assert_eq!(client.next_of(kind::HEADERS).await, None);

    let server = limited(LimitsConfig { idle_timeout: SOON, ..Default::default() }).await;
    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&get(1)).await;
    assert!(client.next_of(kind::GOAWAY).await.is_some());
    assert_eq!(client.next_of(kind::HEADERS).await, None);
}

#[tokio::test]
async fn an_unanswered_ping_ends_the_connection() {
    let server = limited(LimitsConfig { ping_timeout: SOON, ..Default::default() }).await;
    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&get(1)).await;
    assert!(client.next_of(kind::PING).await.is_some());
    while client.next().await.is_some() {}
}

#[tokio::test]
async fn floods_of_resets_and_of_continuations_end_in_goaway() {
    let server = limited(LimitsConfig::default()).await;
    let mut client = Frames::connect(server.address, &[]).await;
    for stream in (1..20_000).step_by(2) {
        client.send(&get(stream)).await.send(&Frame::new(kind::RST_STREAM, 0, stream, 8_u32.to_be_bytes())).await;
    }
    assert!(client.next_of(kind::GOAWAY).await.is_some(), "resets");

    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&Frame::new(kind::HEADERS, 0, 1, GET)).await;
    for _ in 0..10_000 {
        client.send(&Frame::new(kind::CONTINUATION, 0, 1, &b"\x00\x01x\x01y"[..])).await;
    }
    assert!(client.next_of(kind::GOAWAY).await.is_some(), "continuations");
}

#[tokio::test]
async fn a_draining_server_finishes_streams_and_takes_no_more() {
    let (sender, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let gated = Leaf(move |_: Request| {
        let sender = sender.clone();
        async move {
            let (open, opened) = tokio::sync::oneshot::channel::<()>();
            let _ = sender.send(open);
            let _ = opened.await;
            Response::new(Body::from("late"))
        }
    });
    let server = Running::start(Settings::default(), gated).await;
    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&get(1)).await;
    let gate = requests.recv().await.expect("the request arrives");
    server.stop.signal();
    assert!(client.next_of(kind::GOAWAY).await.is_some());
    gate.send(()).expect("the service waits");

    assert_eq!(client.next_of(kind::HEADERS).await.map(|frame| frame.stream), Some(1));
    assert_eq!(client.next_of(kind::DATA).await.map(|frame| frame.payload), Some(b"late".to_vec()));
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn the_size_of_a_trickling_body_is_held_to_the_rate() {
    let limits = LimitsConfig { body_timeout: Duration::from_millis(300), body_rate: Size(1 << 20), ..Default::default() };
    let server = limited(limits).await;
    let mut client = Frames::connect(server.address, &[]).await;
    client.send(&Frame::new(kind::HEADERS, END_HEADERS, 1, GET)).await;
    for _ in 0..50 {
        client.send(&Frame::new(kind::DATA, 0, 1, &b"x"[..])).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.next_of(kind::RST_STREAM).await.map(|frame| frame.stream), Some(1));
}
