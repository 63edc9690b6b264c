//! How the program ends: SIGTERM and SIGINT finish what is in flight, a second signal does not.

use std::net::SocketAddr;

use rustix::process::Signal;
use spikard_tests::program::Program;
use spikard_tests::raw::Raw;
use spikard_tests::upstream::{Reply, Upstream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const FIXED: &str = "[[routes]]\npath = '/'\nresponse = { body = 'hello' }\n";

/// Asks on one connection until told to go.
fn persistent(address: SocketAddr, answered: mpsc::UnboundedSender<()>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut client = Raw::connect(address).await;
        loop {
            client.send(GET).await;
            let answer = client.answer().await.expect("every request is answered");
            assert_eq!(answer.status, 200);
            let _ = answered.send(());
            if answer.header("connection") == Some("close") {
                return;
            }
        }
    })
}

/// Asks on a new connection each time, until there is no server any more.
fn fresh(address: SocketAddr, answered: mpsc::UnboundedSender<()>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok(stream) = TcpStream::connect(address).await {
            let mut client = Raw::from(stream);
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
            let answer = client.answer().await.expect("a connection that was taken is answered");
            assert_eq!(answer.status, 200);
            let _ = answered.send(());
        }
    })
}

async fn assert_no_request_fails(clients: impl Fn(SocketAddr, mpsc::UnboundedSender<()>) -> JoinHandle<()>) {
    const CLIENTS: usize = 20;
    const BEFORE: usize = 10_000;
    let mut program = Program::serving(FIXED);
    let (sender, mut answered) = mpsc::unbounded_channel();
    let clients: Vec<_> = (0..CLIENTS).map(|_| clients(program.address, sender.clone())).collect();
    for _ in 0..BEFORE {
        answered.recv().await.expect("clients go on");
    }
    program.signal(Signal::TERM);

    for client in clients {
        client.await.expect("a client lost a request");
    }
    assert!(program.wait().success(), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_of_10_000_on_persistent_connections_fails() {
    assert_no_request_fails(persistent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_of_10_000_on_fresh_connections_fails() {
    assert_no_request_fails(fresh).await;
}

/// A gateway whose upstream never answers, and a request that waits for it.
async fn waiting(config: &str) -> (Program, Raw, Upstream) {
    let upstream = Upstream::start(std::collections::BTreeMap::new(), Reply::Silence).await;
    let route = "[[routes]]\npath = '/'\nupstream = 'app'\n";
    let program = Program::serving(&format!("{config}\nupstreams.app.targets = ['http://{}']\n{route}", upstream.address));
    let mut client = Raw::connect(program.address).await;
    client.send(GET).await;
    assert_eq!(upstream.expect(1).await.len(), 1, "the request is in flight");
    (program, client, upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_has_its_time_out_to_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut program, mut client, _upstream) = waiting("request_timeout = '500ms'").await;
        program.signal(signal);
        let answer = client.answer().await.expect("the request is finished");
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert_eq!(program.wait().code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_than_the_shutdown_timeout_is_cut_off() {
    let (mut program, mut client, _upstream) = waiting("shutdown_timeout = '100ms'").await;
    program.signal(Signal::TERM);
    assert_eq!(client.answer().await, None);
    assert_eq!(program.wait().code(), Some(0));
    assert!(program.log().contains("ran out"), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_graceful_shutdown_nothing_is_finished() {
    let (mut program, mut client, _upstream) = waiting("graceful_shutdown = false").await;
    program.signal(Signal::TERM);
    assert_eq!(client.answer().await, None);
    assert_eq!(program.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let (mut program, mut client, _upstream) = waiting("").await;
    program.signal(Signal::TERM);
    assert!(program.logged(|line| line.contains("stopping")).is_some(), "{}", program.log());
    program.signal(Signal::INT);
    assert_eq!(client.answer().await, None);
    program.wait();
    assert!(program.log().contains("second signal"), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_hold_nothing_up() {
    let mut program = Program::serving(FIXED);
    let mut unused = Raw::connect(program.address).await;
    let mut used = Raw::connect(program.address).await;
    used.send(GET).await;
    assert_eq!(used.answer().await.expect("an answer").status, 200);
    program.signal(Signal::TERM);
    assert_eq!((unused.rest().await, used.rest().await), (String::new(), String::new()));
    assert_eq!(program.wait().code(), Some(0));
}
