//! What becomes of a connection whose request was answered before its body had arrived.

use spikard_core::server::Settings;
use spikard_core::{Body, Request, Response};
use spikard_tests::raw::{Answer, Raw};
use spikard_tests::running::{Leaf, Running};

/// A service that says which method it saw, and reads of a body at most the first piece: on paths
/// that say so.
async fn start() -> Running {
    let service = Leaf(|request: Request| async move {
        let method = request.method().to_string();
        if request.uri().path() == "/peek" {
            let mut body = request.into_body();
            let _ = http_body_util::BodyExt::frame(&mut body).await;
        }
        Response::new(Body::from(method))
    });
    Running::start(Settings::default(), service).await
}

async fn post(client: &mut Raw, path: &str, fields: &str) -> Answer {
    client.send(format!("POST {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n")).await;
    client.answer().await.expect("an answer")
}

#[tokio::test]
async fn a_little_that_is_left_costs_nothing() {
    let server = start().await;
    for (size, sent_first) in [(1, 0), (1, 1), (262_144, 0), (262_144, 1), (262_144, 262_143)] {
        for path in ["/", "/peek"] {
            if path == "/peek" && sent_first == 0 {
                continue;
            }
            let mut client = Raw::connect(server.address).await;
            let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n");
            client.send(head).await.send(vec![b'x'; sent_first]).await;
            let answer = client.answer().await.expect("an answer");
            assert_eq!((answer.text().as_str(), answer.header("connection")), ("POST", None), "{path} {size}");
            // The next request comes right behind what is left.
            client.send(vec![b'x'; size - sent_first]).await.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            assert_eq!(client.answer().await.expect("a second answer").text(), "GET", "{path} {size}, {sent_first} first");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_says_so() {
    let server = start().await;
    for (path, fields) in [
        ("/", "content-length: 262145\r\n"),
        ("/", "transfer-encoding: chunked\r\n"),
        ("/", "content-length: 5\r\nexpect: 100-continue\r\n"),
        ("/peek", "content-length: 99999999\r\n\r\nx"),
    ] {
        let mut client = Raw::connect(server.address).await;
        let answer = post(&mut client, path, fields).await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{path} {fields}");
        client.finish().await;
        assert_eq!(client.rest().await, "", "{path} {fields}");
    }
}

#[tokio::test]
async fn a_request_that_is_refused_for_its_form_keeps_its_connection() {
    let server = start().await;
    let mut client = Raw::connect(server.address).await;
    let refused = post(&mut client, "/%00", "content-length: 3\r\n").await;
    assert_eq!((refused.status, refused.header("connection")), (400, None));
    client.send("abcGET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.expect("a second answer").text(), "GET");
}
