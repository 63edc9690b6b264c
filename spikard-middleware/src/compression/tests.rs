//! What a client sees of the policy.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{ACCEPT_ENCODING, VARY};
use http_body_util::BodyExt;

use super::*;
use crate::testing::{layered, read};

fn page() -> String {
    (0..800).flat_map(|n: u32| [n.to_string(), (n * 7919 % 1013).to_string(), "</li>\n<li>".into()]).collect()
}

/// The answer of a leaf with these header fields, and with `text/html` of some size if none says
/// otherwise, to a request with this `Accept-Encoding`.
async fn answer(config: &CompressionConfig, accept: &'static str, fields: &[(&'static str, &'static str)]) -> Response {
    let fields = fields.to_vec();
    let stack = layered(config, move |_| {
        let mut response = Response::new(Body::from(page()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        for (name, value) in &fields {
            response.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        async { response }
    });
    stack.call(request("GET", accept)).await
}

fn request(method: &str, accept: &'static str) -> Request {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.parse().unwrap();
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
    request
}

fn decoded(coding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_string(&mut text),
        "zstd" => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_string(&mut text),
        other => panic!("{other}"),
    }
    .unwrap();
    text
}

#[tokio::test]
async fn every_coding_arrives_whole_and_the_quality_reaches_its_encoder() {
    for coding in ["gzip", "br", "zstd"] {
        let mut sizes = Vec::new();
        for quality in [1, 9] {
            let config = CompressionConfig { quality, ..CompressionConfig::default() };
            let response = answer(&config, coding, &[]).await;
            assert_eq!(response.headers()[CONTENT_ENCODING], coding);
            let bytes = read(response.into_body()).await.unwrap();
            assert_eq!(decoded(coding, &bytes), page());
            sizes.push(bytes.len());
        }
        assert!(sizes[1] < sizes[0], "{coding}: {sizes:?}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_another_representation() {
    let fields = [("etag", "\"v1\""), ("accept-ranges", "bytes"), ("content-length", "9")];
    let response = answer(&CompressionConfig::default(), "gzip", &fields).await;
    let headers = response.headers();
    assert_eq!(
        (&headers[ETAG], &headers[VARY]),
        (&HeaderValue::from_static("W/\"v1\""), &HeaderValue::from_static("accept-encoding"))
    );
    assert!(!headers.contains_key(ACCEPT_RANGES) && !headers.contains_key(CONTENT_LENGTH));
}

#[tokio::test]
async fn a_client_that_refuses_everything_gets_the_body_as_it_is() {
    for accept in ["identity;q=0", "*;q=0", "gzip;q=0", "deflate"] {
        let response = answer(&CompressionConfig::default(), accept, &[("etag", "\"v1\"")]).await;
        assert_eq!(response.status(), 200, "{accept}");
        assert_eq!(
            (&response.headers()[ETAG], response.headers()[VARY].as_bytes()),
            (&HeaderValue::from_static("\"v1\""), &b"accept-encoding"[..])
        );
        assert_eq!(read(response.into_body()).await.unwrap(), page(), "{accept}");
    }
}

#[tokio::test]
async fn leaves_alone_what_must_not_or_need_not_be_compressed() {
    for field in [
        ("content-type", "text/event-stream"),
        ("content-type", "application/grpc"),
        ("content-type", "image/png"),
        ("content-encoding", "br"),
        ("content-range", "bytes 0-9/10"),
        ("cache-control", "max-age=1, No-Transform"),
        ("content-digest", "sha-256=:AA==:"),
    ] {
        let response = answer(&CompressionConfig::default(), "gzip", &[field, ("etag", "\"v1\"")]).await;
        assert_eq!(
            (&response.headers()[ETAG], response.headers().get(VARY)),
            (&HeaderValue::from_static("\"v1\""), None),
            "{field:?}"
        );
        assert_eq!(read(response.into_body()).await.unwrap(), page(), "{field:?}");
    }
}

#[tokio::test]
async fn a_body_is_compressed_from_min_size_on() {
    let size = page().len() as u64;
    for (min_size, expected) in [(size, true), (size + 1, false)] {
        let config = CompressionConfig { min_size: Size(min_size), ..CompressionConfig::default() };
        assert_eq!(answer(&config, "gzip", &[]).await.headers().contains_key(CONTENT_ENCODING), expected);
    }
}

#[tokio::test]
async fn statuses_without_a_whole_body_pass_as_they_are() {
    for status in [204, 205, 206] {
        let stack = layered(&CompressionConfig::default(), move |_| async move {
            let mut response = Response::new(Body::from(page()));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            response
        });
        let response = stack.call(request("GET", "gzip")).await;
        assert!(!response.headers().contains_key(CONTENT_ENCODING), "{status}");
        // Another part, or the whole, may be compressed.
        assert_eq!(response.headers().contains_key(VARY), status == 206, "{status}");
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let stack = layered(&CompressionConfig::default(), |request: Request| async move {
        let body = if request.method() == Method::HEAD { Body::empty() } else { Body::from(page()) };
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        response.headers_mut().insert(CONTENT_LENGTH, page().len().into());
        response.headers_mut().insert(ETAG, HeaderValue::from_static("\"v1\""));
        response
    });
    let get = stack.call(request("GET", "br")).await;
    let head = stack.call(request("HEAD", "br")).await;
    assert_eq!(get.headers(), head.headers());
    assert_eq!(head.headers()[CONTENT_ENCODING], "br");
    assert!(read(head.into_body()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_304_names_the_tag_that_the_client_holds() {
    let stack = layered(&CompressionConfig::default(), |_| async {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(ETAG, HeaderValue::from_static("\"v1\""));
        response
    });
    for (held, expected) in [("\"v0\", W/\"v1\"", "W/\"v1\""), ("\"v1\"", "\"v1\"")] {
        let mut request = request("GET", "gzip");
        request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static(held));
        assert_eq!(stack.call(request).await.headers()[ETAG], expected);
    }
}

#[tokio::test]
async fn a_slow_stream_is_not_held_back() {
    for coding in ["gzip", "br", "zstd"] {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
        let stack = stream_of(receiver);
        let mut body = stack.call(request("GET", coding)).await.into_body();
        sender.send(Bytes::from_static(b"first ")).await.unwrap();
        // The leaf says no more until its first words are here.
        let mut bytes = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
        sender.send(Bytes::from_static(b"last")).await.unwrap();
        drop(sender);
        bytes.extend(read(body).await.unwrap());
        assert_eq!(decoded(coding, &bytes), "first last");
    }
}

#[tokio::test]
async fn a_long_stream_arrives_whole_at_the_highest_quality() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(4);
    let stack = stream_of(receiver);
    let body = stack.call(request("GET", "br")).await.into_body();
    let feed = tokio::spawn(async move {
        for _ in 0..40 {
            sender.send(Bytes::from(page())).await.unwrap();
        }
    });
    assert_eq!(decoded("br", &read(body).await.unwrap()), page().repeat(40));
    feed.await.unwrap();
}

fn stream_of(receiver: tokio::sync::mpsc::Receiver<Bytes>) -> Arc<dyn Service> {
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    layered(&CompressionConfig::default(), move |_| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let chunks = futures_util::stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let mut response = Response::new(Body::from_stream(chunks.map(Ok::<_, io::Error>)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        async { response }
    })
}

#[test]
fn refuses_settings_that_cannot_work() {
    let message = |config: CompressionConfig| config.layer().unwrap_err().to_string();
    let default = CompressionConfig::default;
    assert_eq!(message(CompressionConfig { quality: 12, ..default() }), "quality: quality is 12, expected 0 to 11");
    assert_eq!(
        message(CompressionConfig { types: vec!["text/*".into(), "json".into()], ..default() }),
        "types[1]: media type is `json`, expected a media type such as \"text/css\", \"text/*\" or \"*/*+json\""
    );
}
