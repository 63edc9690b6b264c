//! The four modes of `slowhttptest`: slow heads, slow bodies, ranges and slow reading. All slow
//! clients are closed in time, while others are served.
//!
//! A slow reader goes on reading what is left in its own buffer when its connection has long been
//! reset, so the program's end of the connections is looked at.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use spikard_tests::program::Program;
use spikard_tests::raw::Raw;
use spikard_tests::upstream::{Reply, Upstream};
use tempfile::TempDir;

const CLIENTS: usize = 200;
const CONFIG: &str = "
compression = false
upstreams.app.targets = ['http://UPSTREAM']

[limits]
head_timeout = '1s'
idle_timeout = '1s'
body_timeout = '1s'
write_timeout = '1s'

[[static_files]]
directory = 'FILES'
route_prefix = '/'

[[routes]]
path = '/form'
upstream = 'app'
";

/// How many connections the program holds.
fn connections(program: &Program) -> usize {
    let folder = program.proc("fd");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let links = entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// Attacks the program, and asks it for something meanwhile, until it holds no slow client any
/// more. How many it held at most.
async fn withstands(mode: &str, path: &str) -> usize {
    const PATIENCE: Duration = Duration::from_mins(1);
    let upstream = Upstream::start(BTreeMap::new(), Reply::Silence).await;
    let files = TempDir::new().expect("a folder");
    // More than the system buffers for one connection.
    std::fs::write(files.path().join("large"), vec![b'x'; 16 << 20]).expect("a file");
    std::fs::write(files.path().join("small"), "small").expect("a file");
    let config = CONFIG.replace("UPSTREAM", &upstream.address.to_string());
    let program = Program::serving(&config.replace("FILES", &files.path().display().to_string()));
    let own = connections(&program);
    let url = format!("http://{}{path}", program.address);
    let clients = CLIENTS.to_string();
    let arguments = [mode, "-c", &clients, "-r", &clients, "-l", "60", "-i", "2", "-p", "5", "-n", "2", "-u", &url];
    let attack = Command::new("slowhttptest").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut attack = attack.unwrap_or_else(|error| panic!("slowhttptest: {error}, expected what tests/install.sh installs"));

    let start = Instant::now();
    let (mut most, mut others) = (0, 0);
    loop {
        let mut other = Raw::connect(program.address).await;
        other.send("GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let answer = other.answer().await.expect("others are served");
        assert_eq!((answer.status, answer.text().as_str()), (200, "small"));
        others += 1;
        let held = connections(&program).saturating_sub(own);
        most = most.max(held);
        let is_under_way = most > CLIENTS / 2 || attack.try_wait().is_ok_and(|ended| ended.is_some());
        if is_under_way && held <= 2 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{mode}: {held} slow clients are still there, of {most} at most");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let _ = attack.kill();
    let _ = attack.wait();
    assert!(others > 10, "{mode}: only {others} others were served meanwhile");
    most
}

#[tokio::test]
async fn slow_heads_are_closed() {
    assert!(withstands("-H", "/small").await > CLIENTS / 2);
}

#[tokio::test]
async fn slow_bodies_are_closed() {
    assert!(withstands("-B", "/form").await > CLIENTS / 2);
}

#[tokio::test]
async fn slow_readers_are_closed() {
    assert!(withstands("-X", "/large").await > CLIENTS / 2);
}

#[tokio::test]
async fn requests_for_very_many_ranges_are_answered() {
    withstands("-R", "/large").await;
}
