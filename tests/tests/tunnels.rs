//! Connections that were upgraded: no longer HTTP, and still the server's to end.

use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use hyper_util::rt::TokioIo;
use spikard_core::server::{Drain, Outcome, Settings};
use spikard_core::{Body, Request, Response, Service};
use spikard_tests::raw::Raw;
use spikard_tests::running::{Leaf, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Tunnel = TokioIo<hyper::upgrade::Upgraded>;

const UPGRADE_REQUEST: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";

/// A service that upgrades and then lives as `live` says.
fn upgrading<F>(live: impl Fn(Tunnel, Drain) -> F + Clone + Send + Sync + 'static) -> impl Service
where
    F: Future<Output = ()> + Send,
{
    Leaf(move |mut request: Request| {
        let live = live.clone();
        async move {
            let drain = request.extensions().get::<Drain>().expect("an upgrade can register").clone();
            let upgrade = hyper::upgrade::on(&mut request);
            let own = drain.clone();
            drain.spawn(async move { live(TokioIo::new(upgrade.await.expect("an upgrade")), own).await });
            let response = http::Response::builder().status(101).header(CONNECTION, "upgrade").header(UPGRADE, "x");
            response.body(Body::empty()).unwrap_or_else(|_| Response::default())
        }
    })
}

async fn upgraded(server: &Running) -> Raw {
    let mut client = Raw::connect(server.address).await;
    client.send(UPGRADE_REQUEST).await;
    let answer = client.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (101, Some("upgrade")));
    client
}

#[tokio::test]
async fn one_direction_may_end_before_the_other() {
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let service = upgrading(move |mut tunnel, _| {
        let sender = sender.clone();
        async move {
            tunnel.shutdown().await.expect("a half close");
            let mut bytes = Vec::new();
            tunnel.read_to_end(&mut bytes).await.expect("the other half");
            let _ = sender.send(bytes);
        }
    });
    let server = Running::start(Settings::default(), service).await;
    let mut client = upgraded(&server).await;
    assert_eq!(client.rest().await, "");
    client.send("any\nbytes\r\n\r\n").await.finish().await;
    assert_eq!(received.recv().await, Some(b"any\nbytes\r\n\r\n".to_vec()));
}

#[tokio::test]
async fn a_tunnel_can_say_goodbye_when_the_server_drains() {
    let service = upgrading(|mut tunnel, drain| async move {
        drain.begun().await;
        let _ = tunnel.write_all(b"goodbye").await;
    });
    let server = Running::start(Settings::default(), service).await;
    let mut client = upgraded(&server).await;
    server.stop.signal();
    assert_eq!(client.rest().await, "goodbye");
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn a_tunnel_that_does_not_end_is_cut_off() {
    let service = upgrading(|tunnel, _| async move {
        std::future::pending::<()>().await;
        drop(tunnel);
    });
    let settings = Settings { shutdown_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Running::start(settings, service).await;
    let mut client = upgraded(&server).await;
    server.stop.signal();
    assert_eq!(server.outcome().await, Outcome::TimedOut(1));
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn bytes_sent_ahead_of_an_upgrade_reach_the_tunnel() {
    let service = upgrading(|mut tunnel, _| async move {
        let mut bytes = [0; 5];
        tunnel.read_exact(&mut bytes).await.expect("bytes");
        let _ = tunnel.write_all(&bytes).await;
    });
    let server = Running::start(Settings::default(), service).await;
    let mut client = Raw::connect(server.address).await;
    client.send(format!("{UPGRADE_REQUEST}early")).await;
    assert_eq!(client.answer().await.expect("an answer").status, 101);
    assert_eq!(client.rest().await, "early");
}
