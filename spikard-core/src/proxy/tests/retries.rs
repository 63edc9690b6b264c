//! Requests that are sent once more, and those that are not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use spikard_middleware::{Request, Service};

use super::*;
use crate::config::{EjectionConfig, RetriesConfig, RetryFailure, RetryMethod};

/// The leaf of an upstream whose targets stay in the game whatever they answer, and which the
/// configuration calls `api`.
pub(super) fn leaf(config: UpstreamConfig, ctx: &BuildContext) -> Arc<dyn Service> {
    let ejection = EjectionConfig { failures: 0, ..EjectionConfig::default() };
    let ctx = ctx.at(ctx.place().key("api"));
    let upstream = Upstream::build(&UpstreamConfig { ejection, ..config }, &ctx).unwrap_or_else(|error| panic!("{error}"));
    Arc::new(upstream.leaf(&PathPattern::parse("/{*rest}").unwrap(), &ctx).unwrap())
}

/// Rules that make nobody wait.
fn rules() -> RetriesConfig {
    let soon = Duration::from_millis(1);
    RetriesConfig { backoff: soon, max_backoff: soon, ..RetriesConfig::default() }
}

fn retrying(target: &str, rules: RetriesConfig) -> UpstreamConfig {
    UpstreamConfig { retries: Some(rules), ..UpstreamConfig::to(target) }
}

pub(super) fn request(method: &str, body: &'static str) -> Request {
    http::Request::builder().method(method).uri("/a").body(Body::from(body)).unwrap()
}

/// The status and body of an answer.
pub(super) async fn answer(leaf: &dyn Service, request: Request) -> (u16, String) {
    let (parts, body) = leaf.call(request).await.into_parts();
    let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    (parts.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
}

/// An upstream that gives its first answers with these statuses and all others with 200, each with
/// its number; and how many it gave.
pub(super) async fn failing(statuses: &'static [u16]) -> (String, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let target = upstream(move |_| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::new(Body::from(number.to_string()));
        *response.status_mut() = statuses.get(number).map_or(StatusCode::OK, |status| StatusCode::from_u16(*status).unwrap());
        std::future::ready(response)
    });
    (target.await, seen)
}

#[tokio::test]
async fn another_answer_takes_the_place_of_one_with_such_a_status() {
    for http2 in [false, true] {
        for (statuses, expected) in [
            (&[503][..], (200, "1")),
            (&[502, 504], (200, "2")),
            (&[503, 503, 503, 503], (503, "2")),
            (&[500], (500, "0")),
            (&[404], (404, "0")),
        ] {
            let (target, seen) = failing(statuses).await;
            let leaf = leaf(UpstreamConfig { http2, ..retrying(&target, rules()) }, &BuildContext::default());
            let (status, body) = answer(&*leaf, request("GET", "")).await;
            assert_eq!((status, body.as_str()), expected, "{statuses:?}");
            assert_eq!(seen.load(Ordering::Relaxed), body.parse::<usize>().unwrap() + 1);
        }
    }
}

#[tokio::test]
async fn only_requests_without_body_by_methods_that_the_rules_name_are_sent_again() {
    let named = RetriesConfig { methods: vec![RetryMethod::Get, RetryMethod::Delete], ..rules() };
    for (rules, method, body, again) in [
        (rules(), Method::GET, "", true),
        (rules(), Method::HEAD, "", true),
        (rules(), Method::OPTIONS, "", true),
        (rules(), Method::GET, "x", false),
        (rules(), Method::POST, "", false),
        (rules(), Method::PATCH, "", false),
        (rules(), Method::PUT, "", false),
        (rules(), Method::DELETE, "", false),
        (named.clone(), Method::DELETE, "", true),
        (named, Method::HEAD, "", false),
    ] {
        let (target, _) = failing(&[503]).await;
        let leaf = leaf(retrying(&target, rules), &BuildContext::default());
        let (status, _) = answer(&*leaf, request(method.as_str(), body)).await;
        assert_eq!(status == 200, again, "{method} {body:?}");
    }
}

#[tokio::test]
async fn what_is_sent_again_is_what_was_sent_and_over_the_same_connection_if_that_is_free() {
    let (listener, target) = listener().await;
    let gate = proxy(retrying(&target, rules())).await;
    let mut client = Raw::to(gate).await;
    client.send("GET /a?b HTTP/1.1\r\nhost: gate\r\nx-a: 1\r\nx-a: 2\r\ncookie: a=b\r\n\r\n").await;
    let mut target = Raw::accepted(&listener).await;
    let head = target.head().await;
    target.send("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy").await;
    assert_eq!(target.head().await, head);
    target.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert!(client.until("ok").await.starts_with("HTTP/1.1 200"));
}

/// What a client gets if an upstream reads the first request, sends `begun` and closes, and answers
/// the second.
async fn answer_after(begun: &str, rules: RetriesConfig) -> String {
    let (listener, target) = listener().await;
    let gate = proxy(retrying(&target, rules)).await;
    let served = async {
        let mut first = Raw::accepted(&listener).await;
        first.head().await;
        first.send(begun).await;
        drop(first);
        let mut second = Raw::accepted(&listener).await;
        second.head().await;
        second.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    };
    let request = get("/");
    tokio::select! {
        answer = ask(gate, &request) => answer,
        () = async { served.await; std::future::pending().await } => String::new(),
    }
}

#[tokio::test]
async fn a_connection_that_ends_is_a_reason_only_before_an_answer_begins() {
    assert!(answer_after("", rules()).await.starts_with("HTTP/1.1 200"));
    for begun in ["H", "HTTP/1.1 200 OK\r\ncontent-le", "no HTTP\r\n\r\n"] {
        assert!(answer_after(begun, rules()).await.starts_with("HTTP/1.1 502"), "{begun}");
    }
    let others = RetriesConfig { failures: vec![RetryFailure::Connect, RetryFailure::Timeout], ..rules() };
    assert!(answer_after("", others).await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_reason() {
    for (failures, status) in [(vec![RetryFailure::Reset], 504), (vec![RetryFailure::Timeout], 200)] {
        let seen = Arc::new(AtomicUsize::new(0));
        let target = upstream(move |_| {
            let is_first = seen.fetch_add(1, Ordering::Relaxed) == 0;
            async move { if is_first { std::future::pending().await } else { Response::new(Body::from("second")) } }
        });
        let config = retrying(&target.await, RetriesConfig { failures, ..rules() });
        let response_timeout = Duration::from_millis(200);
        let leaf = leaf(UpstreamConfig { response_timeout, ..config }, &BuildContext::default());
        assert_eq!(answer(&*leaf, request("GET", "")).await.0, status);
    }
}

#[tokio::test]
async fn a_target_that_is_not_there_is_tried_again_whatever_the_method() {
    for (failures, times) in [(vec![RetryFailure::Connect], 2), (vec![RetryFailure::Reset], 0)] {
        let (gone, target) = listener().await;
        drop(gone);
        let ctx = BuildContext::default();
        let leaf = leaf(retrying(&target, RetriesConfig { failures, ..rules() }), &ctx);
        assert_eq!(answer(&*leaf, request("POST", "x")).await.0, 502);
        let metrics = ctx.metrics().text().unwrap();
        let expected = format!("spikard_upstream_retries_total{{upstream=\"api\",outcome=\"sent\"}} {times}\n");
        assert!(metrics.contains(&expected), "{metrics}");
    }
}

#[tokio::test]
async fn a_request_goes_to_another_target_first() {
    let (bad, seen) = failing(&[503; 100]).await;
    let (good, _) = failing(&[]).await;
    let targets = UpstreamConfig { targets: vec![bad.into(), good.into()], ..retrying("", rules()) };
    let leaf = leaf(targets, &BuildContext::default());
    for _ in 0..6 {
        assert_eq!(answer(&*leaf, request("GET", "")).await.0, 200);
    }
    assert!(seen.load(Ordering::Relaxed) <= 6, "no request comes to it twice");
}

#[tokio::test]
async fn where_all_fails_no_more_is_sent_than_the_budget_has() {
    let (target, seen) = failing(&[503; 100]).await;
    let ctx = BuildContext::default();
    let leaf = leaf(retrying(&target, RetriesConfig { budget_percent: 50, budget_per_second: 0, ..rules() }), &ctx);
    for _ in 0..10 {
        assert_eq!(answer(&*leaf, request("GET", "")).await.0, 503);
    }
    assert_eq!(seen.load(Ordering::Relaxed), 15);
    let metrics = ctx.metrics().text().unwrap();
    assert!(metrics.contains("spikard_upstream_retries_total{upstream=\"api\",outcome=\"sent\"} 5\n"), "{metrics}");
    assert!(metrics.contains("outcome=\"over_budget\"}"), "{metrics}");
}
