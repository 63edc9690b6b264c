//! What bounds the requests to an upstream: how many at once, how long in all, and whether any at
//! all while it fails.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use http::header::RETRY_AFTER;
use spikard_middleware::{Clock, Service};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::retries::{answer, failing, leaf, request};
use super::*;
use crate::config::{CircuitBreakerConfig, RetriesConfig};

const LONG: Duration = Duration::from_hours(1);

/// An upstream that answers when it is let, says when a request has come, and works on one at once.
async fn one_at_once(max_pending: usize, http2: bool) -> (Arc<dyn Service>, Arc<Semaphore>, mpsc::UnboundedReceiver<()>) {
    let (came, comes) = mpsc::unbounded_channel();
    let let_go = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&let_go);
    let target = upstream(move |_| {
        let (came, held) = (came.clone(), Arc::clone(&held));
        async move {
            came.send(()).unwrap();
            held.acquire().await.unwrap().forget();
            Response::new(Body::from("done"))
        }
    });
    let config = UpstreamConfig { max_connections: Some(1), max_pending, http2, ..UpstreamConfig::to(target.await) };
    (leaf(config, &BuildContext::default()), let_go, comes)
}

#[tokio::test]
async fn a_request_beyond_those_that_are_worked_on_and_those_that_may_wait_is_a_503() {
    for http2 in [false, true] {
        let (leaf, let_go, mut comes) = one_at_once(1, http2).await;
        let ask = || {
            let leaf = Arc::clone(&leaf);
            tokio::spawn(async move { answer(&*leaf, request("GET", "")).await })
        };
        let first = ask();
        comes.recv().await.unwrap();
        let waits = ask();
        // It stands in the queue once the next one finds no room.
        let refused = loop {
            let refused = leaf.call(request("GET", "")).now_or_never();
            match refused {
                Some(refused) => break refused,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!((refused.status().as_u16(), &refused.headers()[RETRY_AFTER]), (503, &"1".parse().unwrap()));
        assert!(comes.try_recv().is_err(), "the second one waits");
        let_go.add_permits(2);
        assert_eq!((first.await.unwrap(), waits.await.unwrap()), ((200, "done".into()), (200, "done".into())));
        let_go.add_permits(1);
        assert_eq!(answer(&*leaf, request("GET", "")).await.0, 200);
    }
}

#[tokio::test]
async fn a_request_is_worked_on_to_the_end_of_its_answer() {
    let (listener, target) = listener().await;
    let config = UpstreamConfig { max_connections: Some(1), max_pending: 0, ..UpstreamConfig::to(target) };
    let gate = proxy(config).await;
    let mut client = Raw::to(gate).await;
    client.send(&get("/")).await;
    let mut target = Raw::accepted(&listener).await;
    target.head().await;
    target.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha").await;
    client.until("ha").await;
    assert!(ask(gate, &get("/")).await.starts_with("HTTP/1.1 503"));
    target.send("lf").await;
    assert_eq!(client.rest().await, "lf");
    let request = get("/");
    let (answer, ()) = tokio::join!(ask(gate, &request), async {
        target.head().await;
        target.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_is_kept_makes_room_for_one_to_another_target() {
    let ((first, one), (second, other)) = (listener().await, listener().await);
    let config = UpstreamConfig {
        targets: vec![one.into(), other.into()],
        max_connections: Some(1),
        idle_timeout: LONG,
        ..UpstreamConfig::default()
    };
    let gate = proxy(config).await;
    let serve = async |listener: &TcpListener| {
        let mut target = Raw::accepted(listener).await;
        target.head().await;
        target.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        target
    };
    let request = get("/");
    let either = async || {
        tokio::select! {
            target = serve(&first) => target,
            target = serve(&second) => target,
        }
    };
    let (_, mut kept) = tokio::join!(ask(gate, &request), either());
    let (_, _other) = tokio::join!(ask(gate, &request), either());
    assert_eq!(timeout(Duration::from_secs(20), kept.rest()).await.expect("it is closed"), "");
}

#[tokio::test]
async fn who_waits_for_nothing_is_told_so() {
    let (leaf, _let_go, mut comes) = one_at_once(1, false).await;
    let first = Arc::clone(&leaf);
    let first = tokio::spawn(async move { answer(&*first, request("GET", "")).await });
    comes.recv().await.unwrap();
    tokio::time::pause();
    assert_eq!(answer(&*leaf, request("GET", "")).await.0, 503);
    first.abort();
}

#[tokio::test]
async fn no_answer_takes_longer_than_all_may_take() {
    let target = upstream(|_| std::future::pending()).await;
    let config = UpstreamConfig { total_timeout: Duration::from_millis(20), ..UpstreamConfig::to(target) };
    for config in [
        UpstreamConfig { response_timeout: LONG, ..config.clone() },
        UpstreamConfig { response_timeout: LONG, http2: true, ..config.clone() },
        UpstreamConfig {
            response_timeout: Duration::from_millis(5),
            retries: Some(RetriesConfig { backoff: LONG, max_backoff: LONG, ..RetriesConfig::default() }),
            ..config
        },
    ] {
        let leaf = leaf(config, &BuildContext::default());
        for _ in 0..2 {
            let answered = timeout(Duration::from_secs(20), answer(&*leaf, request("GET", "")));
            assert_eq!(answered.await.expect("it is not waited for").0, 504);
        }
    }
}

#[tokio::test]
async fn an_upstream_that_fails_is_left_alone_until_it_is_better() {
    let (target, seen) = failing(&[503, 503, 503]).await;
    let clock = Clock::manual(LONG);
    let ctx = BuildContext::new("", clock.clone());
    let breaker = CircuitBreakerConfig { min_requests: 2, probes: 1, ..CircuitBreakerConfig::default() };
    let leaf = leaf(UpstreamConfig { circuit_breaker: Some(breaker), ..UpstreamConfig::to(target) }, &ctx);
    let ask = async || answer(&*leaf, request("POST", "x")).await;
    assert_eq!([ask().await, ask().await].map(|(status, _)| status), [503, 503]);
    let refused = leaf.call(request("GET", "")).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()[RETRY_AFTER]), (503, &"5".parse().unwrap()));
    assert_eq!(seen.load(Ordering::Relaxed), 2);
    let metrics = ctx.metrics().text().unwrap();
    assert!(metrics.contains("spikard_upstream_circuit_open{upstream=\"api\"} 1\n"), "{metrics}");
    assert!(metrics.contains("spikard_upstream_refusals_total{upstream=\"api\",reason=\"circuit_open\"} 1\n"), "{metrics}");

    clock.advance(Duration::from_secs(5));
    assert_eq!(ask().await, (503, "2".into()), "one is let through, and fails");
    assert!(ask().await.1.contains("left alone"));
    clock.advance(Duration::from_secs(5));
    assert_eq!(ask().await, (200, "3".into()));
    assert_eq!(ask().await, (200, "4".into()));
    let metrics = ctx.metrics().text().unwrap();
    assert!(metrics.contains("spikard_upstream_circuit_open{upstream=\"api\"} 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_request_that_opens_the_circuit_is_not_sent_again() {
    let (target, seen) = failing(&[503]).await;
    let config = UpstreamConfig {
        circuit_breaker: Some(CircuitBreakerConfig { min_requests: 1, ..CircuitBreakerConfig::default() }),
        retries: Some(RetriesConfig::default()),
        ..UpstreamConfig::to(target)
    };
    let leaf = leaf(config, &BuildContext::default());
    assert_eq!(answer(&*leaf, request("GET", "")).await, (503, "0".into()), "the upstream's own answer");
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}
