//! Calls through a gateway, as frames in and frames out.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use futures_util::stream;
use http::{HeaderMap, Method, Version};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use spikard_middleware::{ApiKeyConfig, Body, Override, Request, Service};

use super::*;
use crate::config::RouteConfig;
use crate::{App, ServerConfig};

/// What a method name asks for.
struct Methods;

impl Handler for Methods {
    fn call(&self, mut call: Call) -> BoxFuture<'_, Result<Reply, Status>> {
        Box::pin(async move {
            match call.method.as_str() {
                "Echo" => Ok(Reply { metadata: call.metadata, ..Reply::one(call.messages.only().await?) }),
                "Each" => Ok(Reply::stream(stream::unfold(call.messages, |mut messages| async {
                    let part = match messages.next().await {
                        Ok(message) => Part::Message(message?),
                        Err(status) => Part::End(status),
                    };
                    Some((part, messages))
                }))),
                "Trailers" => {
                    let mut status = Status::new(Code::Ok, "");
                    status.metadata.append("x-last", &Value::Text("1".into())).unwrap_or_default();
                    Ok(Reply::stream(stream::iter([Part::Message("a".into()), Part::End(status)])))
                }
                "Never" => std::future::pending().await,
                _ => Ok(Reply::stream(stream::pending())),
            }
        })
    }
}

fn framed(messages: &[&[u8]]) -> Body {
    let mut frames = BytesMut::new();
    for message in messages {
        frames.put_u8(0);
        frames.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
        frames.put_slice(message);
    }
    Body::new(StreamBody::new(stream::iter([Ok::<_, std::io::Error>(Frame::data(frames.freeze()))])))
}

struct Answered {
    status: u16,
    head: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

impl Answered {
    /// The status of the call, wherever it stands.
    fn code(&self) -> Option<&str> {
        let status = self.trailers.get("grpc-status").or_else(|| self.head.get("grpc-status"));
        status.and_then(|status| status.to_str().ok())
    }
}

async fn ask(app: App, method: &str, headers: &[(&'static str, &str)], messages: &[&[u8]]) -> Answered {
    answered(&app.gateway().unwrap(), method, headers, messages).await
}

async fn answered(service: &impl Service, method: &str, headers: &[(&'static str, &str)], messages: &[&[u8]]) -> Answered {
    let mut request = Request::new(framed(messages));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = format!("/test.Test/{method}").parse().unwrap();
    for (name, value) in [("content-type", "application/grpc")].iter().chain(headers) {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (head, body) = service.call(request).await.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    Answered { status: head.status.as_u16(), head: head.headers, body: body.to_bytes().to_vec(), trailers }
}

fn app() -> App {
    App::new(ServerConfig::default()).grpc("test.Test", RouteConfig::default(), Methods)
}

#[tokio::test]
async fn a_message_comes_back_with_metadata_and_a_status() {
    let answered = ask(app(), "Echo", &[("x-a", "1"), ("te", "trailers")], &[b"hello"]).await;
    assert_eq!((answered.status, answered.code()), (200, Some("0")));
    assert_eq!(answered.body, b"\0\0\0\0\x05hello");
    assert_eq!((answered.head.get("x-a").map(http::HeaderValue::as_bytes), answered.head.get("te")), (Some(&b"1"[..]), None));
    assert!(answered.head.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_method_of_one_message_takes_no_other_number() {
    for messages in [&[][..], &[&b"a"[..], b"b"]] {
        assert_eq!(ask(app(), "Echo", &[], messages).await.code(), Some("12"));
    }
}

#[tokio::test]
async fn messages_are_answered_one_by_one_and_trailers_come_last() {
    assert_eq!(ask(app(), "Each", &[], &[b"a", b"", b"c"]).await.body, b"\0\0\0\0\x01a\0\0\0\0\0\0\0\0\0\x01c");
    let answered = ask(app(), "Trailers", &[], &[]).await;
    assert_eq!((answered.code(), answered.trailers["x-last"].as_bytes()), (Some("0"), &b"1"[..]));
}

#[tokio::test]
async fn replies_are_packed_where_the_settings_and_the_client_want_it() {
    for (gzip, accepted, encoding) in [(true, "identity,gzip", Some("gzip")), (true, "identity", None), (false, "gzip", None)] {
        let settings = Settings { gzip, ..Settings::default() };
        let leaf = Leaf::new(Methods, settings);
        let answered = answered(&leaf, "Echo", &[("grpc-accept-encoding", accepted)], &[&[b'x'; 1000]]).await;
        assert_eq!(answered.code(), Some("0"));
        assert_eq!(answered.head.get("grpc-encoding").and_then(|value| value.to_str().ok()), encoding);
        assert_eq!((answered.body[0], answered.body.len() < 1000), (u8::from(encoding.is_some()), encoding.is_some()));
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_one_at_it_is_not() {
    let large = vec![b'x'; (4 << 20) + 1];
    assert_eq!(ask(app(), "Echo", &[], &[&large[1..]]).await.code(), Some("0"));
    let refused = ask(app(), "Echo", &[], &[&large]).await;
    assert_eq!(refused.code(), Some("8"));
    let message = refused.head["grpc-message"].to_str().unwrap().replace("%20", " ");
    assert_eq!(message, "message is larger than the limit of 4194304 bytes");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_call_before_and_after_its_head() {
    for method in ["Never", "Silent"] {
        let started = tokio::time::Instant::now();
        let answered = ask(app(), method, &[("grpc-timeout", "90S")], &[]).await;
        assert_eq!((answered.code(), started.elapsed().as_secs()), (Some("4"), 90), "{method}");
        assert_eq!(answered.head.contains_key("grpc-status"), method == "Never");
    }
    assert_eq!(ask(app(), "Echo", &[("grpc-timeout", "soon")], &[b""]).await.code(), Some("13"));
}

#[tokio::test(start_paused = true)]
async fn the_time_out_of_requests_holds_where_a_route_says_so() {
    let tight = RouteConfig { request_timeout: Override::On(Duration::from_secs(5).into()), ..RouteConfig::default() };
    let app = App::new(ServerConfig::default()).grpc("test.Test", tight, Methods);
    assert_eq!(ask(app, "Never", &[], &[]).await.code(), Some("4"));
}

#[tokio::test]
async fn refusals_of_the_stack_are_statuses() {
    let keys = ApiKeyConfig::new(["0123456789abcdef"]);
    let guarded = RouteConfig { api_key_auth: Override::On(keys), ..RouteConfig::default() };
    let app = || App::new(ServerConfig::default()).grpc("test.Test", guarded.clone(), Methods);
    let refused = ask(app(), "Echo", &[], &[b""]).await;
    assert_eq!((refused.status, refused.code()), (200, Some("16")));
    assert_eq!(refused.head["content-type"], "application/grpc");
    assert!(refused.head["grpc-message"].to_str().is_ok_and(|message| message.contains("X-API-Key")));
    assert!(refused.body.is_empty() && refused.head.contains_key("www-authenticate"));
    assert_eq!(ask(app(), "Echo", &[("x-api-key", "0123456789abcdef")], &[b""]).await.code(), Some("0"));
    assert_eq!(ask(app(), "no/such", &[], &[]).await.code(), Some("12"));
}

#[tokio::test]
async fn what_is_no_call_gets_a_problem() {
    let gateway = app().gateway().unwrap();
    for (content_type, version, expected) in
        [("application/json", Version::HTTP_2, 415), ("application/grpc", Version::HTTP_11, 426)]
    {
        let mut request = Request::new(framed(&[b""]));
        *request.method_mut() = Method::POST;
        *request.version_mut() = version;
        *request.uri_mut() = "/test.Test/Echo".parse().unwrap();
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        let response = gateway.call(request).await;
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
