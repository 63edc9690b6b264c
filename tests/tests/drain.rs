//! How a server ends.

use std::time::Duration;

use spikard_core::server::{Outcome, Settings};
use spikard_core::{Body, Request, Response};
use spikard_tests::raw::Raw;
use spikard_tests::running::{Leaf, Running, mirror};
use tokio::sync::{mpsc, oneshot};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A service that tells that a request has come and answers once it may.
fn gated() -> (impl spikard_core::Service, mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let service = Leaf(move |_: Request| {
        let sender = sender.clone();
        async move {
            let (open, opened) = oneshot::channel();
            let _ = sender.send(open);
            let _ = opened.await;
            Response::new(Body::from("late"))
        }
    });
    (service, receiver)
}

#[tokio::test]
async fn requests_in_flight_are_answered_and_their_connections_closed() {
    let (service, mut requests) = gated();
    let server = Running::start(Settings::default(), service).await;
    let mut client = Raw::connect(server.address).await;
    client.send(GET).await;
    let gate = requests.recv().await.expect("the request arrives");
    server.stop.signal();
    gate.send(()).expect("the service waits");

    let answer = client.answer().await.expect("an answer");
    assert_eq!((answer.text().as_str(), answer.header("connection")), ("late", Some("close")));
    assert_eq!(client.rest().await, "");
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn idle_connections_are_closed_and_hold_nothing_up() {
    let server = Running::start(Settings::default(), mirror()).await;
    let mut fresh = Raw::connect(server.address).await;
    let mut used = Raw::connect(server.address).await;
    used.send(GET).await;
    assert_eq!(used.answer().await.expect("an answer").status, 200);
    server.stop.signal();

    assert_eq!((fresh.rest().await, used.rest().await), (String::new(), String::new()));
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn a_server_that_waits_before_it_drains_takes_connections_and_keeps_none() {
    let settings = |delay| Settings { shutdown_delay: delay, ..Settings::default() };
    let server = Running::start(settings(Duration::from_hours(1)), mirror()).await;
    let mut used = Raw::connect(server.address).await;
    server.stop.signal();
    let drain = server.drain.clone();
    while !drain.is_leaving() {
        tokio::task::yield_now().await;
    }
    for client in [&mut used, &mut Raw::connect(server.address).await] {
        client.send(GET).await;
        let answer = client.answer().await.expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    assert!(!drain.has_begun());
    server.stop.signal();
    assert!(matches!(server.outcome().await, Outcome::Interrupted(_)));

    let server = Running::start(settings(Duration::from_millis(20)), mirror()).await;
    server.stop.signal();
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn what_takes_longer_than_the_time_out_is_cut_off() {
    let (service, mut requests) = gated();
    let settings = Settings { shutdown_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Running::start(settings, service).await;
    let mut client = Raw::connect(server.address).await;
    client.send(GET).await;
    let _gate = requests.recv().await.expect("the request arrives");
    server.stop.signal();

    assert_eq!(server.outcome().await, Outcome::TimedOut(1));
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (service, mut requests) = gated();
    let server = Running::start(Settings::default(), service).await;
    let mut client = Raw::connect(server.address).await;
    client.send(GET).await;
    let _gate = requests.recv().await.expect("the request arrives");
    server.stop.signal();
    server.stop.signal();

    assert_eq!(server.outcome().await, Outcome::Interrupted(1));
}

/// Clients that keep asking until they are told to go, as fast as they can.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_when_the_server_stops_under_load() {
    const CLIENTS: usize = 20;
    const BEFORE: usize = 10_000;
    let server = Running::start(Settings::default(), mirror()).await;
    let (sender, mut answered) = mpsc::unbounded_channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (address, sender) = (server.address, sender.clone());
            tokio::spawn(async move {
                let mut client = Raw::connect(address).await;
                loop {
                    client.send(GET).await;
                    let answer = client.answer().await.expect("every request is answered");
                    assert_eq!(answer.status, 200);
                    let _ = sender.send(());
                    if answer.header("connection") == Some("close") {
                        return;
                    }
                }
            })
        })
        .collect();
    for _ in 0..BEFORE {
        answered.recv().await.expect("clients go on");
    }
    server.stop.signal();

    for client in clients {
        client.await.expect("a client lost a request");
    }
    assert_eq!(server.outcome().await, Outcome::Drained);
}
