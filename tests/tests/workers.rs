//! Several processes that share a port: who serves, who is replaced, how it ends.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use spikard_tests::program::{Program, command};
use spikard_tests::raw::Raw;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A supervisor whose workers are all ready.
fn supervised(workers: usize, settings: &[&str]) -> Program {
    let count = workers.to_string();
    let started = Program::start(command("workers-under-test", [&[count.as_str()], settings].concat()));
    let program = started.unwrap_or_else(|log| panic!("{log}"));
    for worker in 0..workers {
        assert!(program.logged(|line| line.contains("ready") && line.contains(&format!("worker={worker}"))).is_some());
    }
    program
}

/// Asks on a new connection; none if it is closed without an answer.
async fn ask(address: SocketAddr, path: &str) -> Option<String> {
    let mut client = Raw::connect(address).await;
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
    let answer = client.read(false).await.ok().flatten()?;
    assert_eq!(answer.status, 200);
    Some(answer.text())
}

/// The processes that answer, seen over a number of connections.
async fn serving(address: SocketAddr) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        seen.extend(ask(address, "/").await);
    }
    seen
}

fn pid(text: &str) -> Pid {
    text.parse().ok().and_then(Pid::from_raw).unwrap_or_else(|| panic!("{text} is no process"))
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Clients that ask without a pause, on connections of their own or on new ones each time.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicUsize::new(0));
        let client = |keeps: bool| {
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let mut client = Raw::connect(address).await;
                    loop {
                        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
                        let answer = client.answer().await.expect("every request is answered");
                        assert_eq!(answer.status, 200);
                        answers.fetch_add(1, Ordering::Relaxed);
                        if !keeps || answer.header("connection") == Some("close") || stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                }
            })
        };
        let clients = (0..16).map(|number| client(number % 2 == 0)).collect();
        Self { stop, answers, clients }
    }

    /// Waits for so many more answers.
    async fn go_on(&self, answers: usize) {
        let before = self.answers.load(Ordering::Relaxed);
        until("the clients go on", async || self.answers.load(Ordering::Relaxed) >= before + answers).await;
    }

    /// Ends the clients. A request that failed fails the test.
    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.expect("a client lost a request");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_spread_over_all_workers() {
    let program = supervised(4, &[]);
    assert_eq!(serving(program.address).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_crashes_is_replaced() {
    let program = supervised(2, &[]);
    for _ in 0..5 {
        assert_eq!(ask(program.address, "/crash").await, None);
        // Connections meanwhile are answered, by whomever.
        for _ in 0..20 {
            assert!(ask(program.address, "/").await.is_some(), "{}", program.log());
        }
    }
    until("two workers again", async || serving(program.address).await.len() == 2).await;
    assert_eq!(program.log().matches("has ended").count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_worker_that_hangs_are_served_by_another() {
    let program = supervised(2, &[]);
    let mut hanging = Raw::connect(program.address).await;
    hanging.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    for _ in 0..20 {
        assert!(ask(program.address, "/").await.is_some());
    }
    assert!(start.elapsed() < PATIENCE, "no connection waits for the end of the hanging one");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_replaces_all_workers_and_no_request_fails() {
    let program = supervised(2, &[]);
    let before = serving(program.address).await;
    let load = Load::on(program.address);
    for _ in 0..10 {
        load.go_on(500).await;
        let ready = program.log().matches("a new worker is ready").count();
        program.signal(Signal::HUP);
        until("two new workers", async || program.log().matches("a new worker is ready").count() == ready + 2).await;
    }
    until("the old ones are gone", async || before.iter().all(|old| test_kill_process(pid(old)).is_err())).await;
    load.end().await;
    assert!(serving(program.address).await.is_disjoint(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_worker_that_does_not_come_up_leaves_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    let program = supervised(2, &[&format!("broken={}", broken.display())]);
    let before = serving(program.address).await;
    std::fs::write(&broken, "").unwrap();
    program.signal(Signal::HUP);
    assert!(program.logged(|line| line.contains("the old ones go on")).is_some());
    assert_eq!(serving(program.address).await, before);
    std::fs::remove_file(&broken).unwrap();
    program.signal(Signal::HUP);
    until("two new workers", async || serving(program.address).await.is_disjoint(&before)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_served_enough_gets_a_successor_and_no_request_fails() {
    let program = supervised(2, &["max_requests=500"]);
    let before = serving(program.address).await;
    let load = Load::on(program.address);
    until("several successors", async || program.log().matches("a new worker is ready").count() >= 4).await;
    load.end().await;
    assert!(serving(program.address).await.is_disjoint(&before));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_grown_too_large_gets_a_successor() {
    let program = supervised(2, &["max_rss=50000000"]);
    let grown = ask(program.address, "/grow").await.unwrap();
    until("it is gone", async || test_kill_process(pid(&grown)).is_err()).await;
    assert_eq!(serving(program.address).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_counts_over_all_workers_and_over_their_replacement() {
    const BURST: usize = 200;
    let program = supervised(4, &[&format!("burst={BURST}")]);
    let address = program.address;
    let ask = async move || {
        let mut client = Raw::connect(address).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        client.answer().await.expect("an answer")
    };
    let clients: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for _ in 0..40 {
                    answers.push(ask().await);
                }
                answers
            })
        })
        .collect();
    let mut answers = Vec::new();
    for client in clients {
        answers.extend(client.await.unwrap());
    }
    let passed: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!((passed.len(), answers.iter().filter(|answer| answer.status == 429).count()), (BURST, 640 - BURST));
    assert_eq!(passed.iter().map(|answer| answer.text()).collect::<BTreeSet<_>>().len(), 4, "all workers took part");

    program.signal(Signal::HUP);
    until("four new workers", async || program.log().matches("a new worker is ready").count() == 4).await;
    for _ in 0..20 {
        assert_eq!(ask().await.status, 429, "the new workers go on counting");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_all_workers() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = supervised(2, &[]);
        let address = program.address;
        let slow: Vec<_> = (0..8).map(|_| tokio::spawn(async move { ask(address, "/slow").await })).collect();
        sleep(Duration::from_millis(300)).await;
        program.signal(signal);
        let mut served_by = BTreeSet::new();
        for request in slow {
            served_by.insert(request.await.unwrap().expect("what is in flight is finished"));
        }
        assert_eq!(program.wait().code(), Some(0), "{}", program.log());
        assert!(served_by.iter().all(|worker| test_kill_process(pid(worker)).is_err()), "all have ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_when_it_ends_under_load() {
    let mut program = supervised(2, &[]);
    let address = program.address;
    let fresh: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn(async move {
                while let Ok(stream) = tokio::net::TcpStream::connect(address).await {
                    let mut client = Raw::from(stream);
                    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
                    client.answer().await.expect("a connection that was made is answered");
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(500)).await;
    program.signal(Signal::TERM);
    for client in fresh {
        client.await.expect("a client lost a request");
    }
    assert_eq!(program.wait().code(), Some(0), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let mut program = supervised(2, &[]);
    let mut hanging = Raw::connect(program.address).await;
    hanging.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    program.signal(Signal::TERM);
    assert!(program.logged(|line| line.contains("the workers finish")).is_some());
    program.signal(Signal::INT);
    assert_eq!(program.wait().code(), Some(0), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_do_not_outlive_a_supervisor_that_is_killed() {
    let program = supervised(3, &[]);
    let workers = serving(program.address).await;
    assert_eq!(workers.len(), 3);
    program.signal(Signal::KILL);
    until("no orphans", async || workers.iter().all(|worker| test_kill_process(pid(worker)).is_err())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_by_somebody_is_replaced() {
    let program = supervised(2, &[]);
    let before = serving(program.address).await;
    for worker in &before {
        kill_process(pid(worker), Signal::TERM).unwrap();
    }
    until("two others", async || {
        let now = serving(program.address).await;
        now.len() == 2 && now.is_disjoint(&before)
    })
    .await;
}

#[test]
fn without_any_worker_the_supervisor_ends_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "").unwrap();
    let mut program = Program::start(command("workers-under-test", ["4", &format!("broken={}", broken.display())])).unwrap();
    assert_eq!(program.wait().code(), Some(1));
    assert!(program.logged(|line| line.contains("the first one has ended with exit status: 3")).is_some(), "{}", program.log());
}

#[test]
fn a_second_supervisor_on_the_port_is_refused() {
    let first = supervised(2, &[]);
    let port = format!("port={}", first.address.port());
    let log = Program::start(command("workers-under-test", ["2", &port])).err().expect("the port is taken");
    assert!(log.contains("Address already in use"), "{log}");
}
