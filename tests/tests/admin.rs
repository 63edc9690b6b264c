//! The admin listener of the program: an address of its own, which outlives the other one's drain.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use spikard_tests::program::Program;
use spikard_tests::raw::{Answer, Raw};
use spikard_tests::upstream::{Reply, Upstream};

/// Where the admin listener is.
fn admin(program: &Program) -> SocketAddr {
    let line = program.logged(|line| line.contains("admin listener on")).expect("it says where it listens");
    line.rsplit_once("http://").and_then(|(_, address)| address.trim().parse().ok()).expect("an address")
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    let mut client = Raw::connect(address).await;
    client.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await;
    client.answer().await.expect("an answer")
}

/// The value of a sample.
async fn sample(address: SocketAddr, name: &str) -> Option<f64> {
    let text = get(address, "/metrics").await.text();
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(found, _)| found == name))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

/// Waits for what must come. No test measures time by it.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < end, "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_counts_connections_and_what_no_route_sees() {
    let program = Program::serving("admin.port = 0\n[[routes]]\npath = '/'\nresponse = {}\n");
    let admin = admin(&program);
    let mut open = Raw::connect(program.address).await;
    open.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.answer().await.expect("an answer");
    let mut bad = Raw::connect(program.address).await;
    assert_eq!(bad.send("GET / HTTP/1.1\r\n\r\n").await.answer().await.expect("an answer").status, 400);
    bad.rest().await;

    assert_eq!(sample(admin, "spikard_connections_total").await, Some(2.0));
    assert_eq!(sample(admin, r#"spikard_refusals_total{policy="server",reason="bad-request"}"#).await, Some(1.0));
    assert_eq!(sample(admin, r#"spikard_requests_total{route="/",method="GET",status="2xx"}"#).await, Some(1.0));
    assert!(sample(admin, "spikard_open_connections").await.is_some_and(|open| open >= 1.0));
    assert!(sample(admin, "process_resident_memory_bytes").await.is_some_and(|bytes| bytes > 1e6));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_the_server_drains_until_the_last_request_is_over() {
    let upstream = Upstream::start(Default::default(), Reply::Silence).await;
    let mut program = Program::serving(&format!(
        "admin.port = 0\nshutdown_timeout = '3s'\nupstreams.a.targets = ['http://{}']\n[[routes]]\npath = '/'\nupstream = 'a'\n",
        upstream.address
    ));
    let admin = admin(&program);
    assert_eq!(get(admin, "/readyz").await.status, 200);
    let mut waiting = Raw::connect(program.address).await;
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    until(async || sample(admin, "spikard_requests_in_flight").await == Some(1.0)).await;

    program.signal(Signal::TERM);
    until(async || get(admin, "/readyz").await.status == 503).await;
    assert_eq!(get(admin, "/healthz").await.status, 200);
    assert_eq!(sample(admin, "spikard_ready").await, Some(0.0));
    program.wait();
    assert!(tokio::net::TcpStream::connect(admin).await.is_err(), "it ends with the server");
}
