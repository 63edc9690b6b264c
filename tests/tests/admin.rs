//! The admin listener of the program: an address of its own, which outlives the other one's drain.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use spikard_tests::program::{Program, command, spikard};
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

/// A supervisor of two workers, both ready.
fn supervised() -> Program {
    let started = Program::start(command("workers-under-test", ["2", "admin=0"]));
    let program = started.unwrap_or_else(|log| panic!("{log}"));
    for worker in 0..2 {
        assert!(program.logged(|line| line.contains("ready") && line.contains(&format!("worker={worker}"))).is_some());
    }
    program
}

/// What each worker has answered.
async fn answered(admin: SocketAddr) -> [f64; 2] {
    let mut counts = [0.0; 2];
    for (worker, count) in counts.iter_mut().enumerate() {
        let name = format!(r#"spikard_requests_total{{route="/",method="GET",status="2xx",worker="{worker}"}}"#);
        *count = sample(admin, &name).await.unwrap_or_default();
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_workers_it_tells_in_one_answer() {
    let mut program = supervised();
    let admin = admin(&program);
    for _ in 0..40 {
        assert_eq!(get(program.address, "/").await.status, 200);
    }
    until(async || (answered(admin).await.iter().sum::<f64>() - 40.0).abs() < 0.5).await;
    assert!(answered(admin).await.iter().all(|count| *count > 0.0), "both have answered some");
    assert_eq!(get(admin, "/routes").await.text().matches("\"path\":").count(), 2);
    assert!(get(admin, "/config").await.text().contains("[admin]"));
    assert_eq!(get(admin, "/readyz").await.status, 200);

    assert_eq!(post(admin, "/reload").await.status, 202);
    until(async || program.log().matches("a new worker is ready").count() == 2).await;
    until(async || answered(admin).await == [0.0, 0.0]).await;
    assert_eq!(sample(admin, r#"spikard_worker_up{worker="1"}"#).await, Some(1.0));
    program.signal(Signal::TERM);
    program.wait();
}

async fn post(address: SocketAddr, path: &str) -> Answer {
    let mut client = Raw::connect(address).await;
    client.send(format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")).await;
    client.answer().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reloads_and_says_what_has_changed_or_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spikard.toml");
    let write = |body: &str| {
        let text = format!("admin.port = 0\n[[routes]]\npath = '/'\nresponse = {{ body = {body} }}\n");
        std::fs::write(&file, text).unwrap();
    };
    write("'old'");
    let mut command = spikard(["serve"]);
    command.arg(&file).args(["--port", "0"]);
    let program = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
    let admin = admin(&program);
    write("1");
    assert_eq!(get(admin, "/plan").await.status, 422);
    let refused = post(admin, "/reload").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("spikard.toml:4"), "{}", refused.text());
    assert_eq!(get(program.address, "/").await.text(), "old");

    write("'new'");
    let planned = get(admin, "/plan").await;
    assert!(planned.status == 200 && planned.text().contains("new"), "{}", planned.text());
    assert_eq!(get(program.address, "/").await.text(), "old", "it only said so");
    let changes: serde_json::Value = serde_json::from_str(&post(admin, "/reload").await.text()).unwrap();
    assert_eq!(changes["routes"][0]["route"], "/");
    assert_eq!(get(program.address, "/").await.text(), "new");
    assert!(get(admin, "/config").await.text().contains("new"));
    let name = r#"spikard_requests_total{route="/",method="GET",status="2xx"}"#;
    assert_eq!(sample(admin, name).await, Some(3.0), "the counters go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_is_left_out_of_the_answer() {
    let program = supervised();
    let admin = admin(&program);
    let mut hanging = Raw::connect(program.address).await;
    hanging.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let up = async |worker: usize| sample(admin, &format!(r#"spikard_worker_up{{worker="{worker}"}}"#)).await;
    until(async || up(0).await == Some(0.0) || up(1).await == Some(0.0)).await;
    assert_eq!(get(admin, "/routes").await.status, 200, "another one answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_that_the_server_drains_until_the_last_request_is_over() {
    let upstream = Upstream::start(BTreeMap::new(), Reply::Silence).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_what_there_is() {
    let upstream = Upstream::start(BTreeMap::new(), Reply::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into())).await;
    let program = Program::serving(&format!(
        "admin.port = 0\nupstreams.a.targets = ['http://{}']\n[[routes]]\npath = '/'\nupstream = 'a'\n",
        upstream.address
    ));
    assert_eq!(get(program.address, "/").await.status, 200);
    assert_eq!(get(program.address, "/nowhere").await.status, 404);
    let text = get(admin(&program), "/metrics").await.text();
    let samples: Vec<&str> = text.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/grafana/spikard.json");
    let dashboard: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut expressions = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let names = expression.split(|character: char| !character.is_alphanumeric() && character != '_');
            for name in names.filter(|name| name.starts_with("spikard_") || name.starts_with("process_")) {
                assert!(samples.contains(&name), "{name}, of {}, is not in\n{text}", panel["title"]);
                expressions += 1;
            }
        }
    }
    assert!(expressions > 15, "only {expressions}");
}
