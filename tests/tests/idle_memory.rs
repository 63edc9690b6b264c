//! What an idle connection costs. In a file of its own, because it looks at its whole process.

use std::io::{Read, Write};
use std::net::TcpStream;

use spikard_core::server::Settings;
use spikard_tests::running::{Running, mirror};

const CONNECTIONS: usize = 400;
const LIMIT: usize = 6 * 1024;

/// The memory of this process that is not shared with a file, in bytes (proc(5), `RssAnon`).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line");
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_costs_at_most_6_kb_used_or_not() {
    let server = Running::start(Settings::default(), mirror()).await;
    let address = server.address;
    let grown = tokio::task::spawn_blocking(move || {
        let used = || {
            let mut stream = TcpStream::connect(address).expect("the server listens");
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("it reads");
            assert!(stream.read(&mut [0; 1024]).expect("it answers") > 0);
            stream
        };
        let _warm: Vec<TcpStream> = (0..20).map(|_| used()).collect();
        let before = resident();
        let clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| used()).collect();
        let grown = resident().saturating_sub(before);
        drop(clients);
        grown
    });
    let each = grown.await.expect("no panic") / CONNECTIONS;
    assert!(each <= LIMIT, "{each} bytes each");
}
