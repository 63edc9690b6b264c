//! Connections with TLS have the limits of others, and end as they do.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;
use spikard_tests::program::Program;
use spikard_tests::raw::Raw;
use spikard_tests::tls::{Authority, Client};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A program with TLS for `a.example`, and a client that trusts it.
fn started(settings: &str) -> (Program, Client, TempDir) {
    let (folder, authority) = (TempDir::new().expect("a folder"), Authority::new("root"));
    let host = authority.host(&["a.example"]);
    let file = folder.path().join("host.pem");
    std::fs::write(&file, host.key + &host.certificate).expect("a file");
    std::fs::write(folder.path().join("large"), vec![b'x'; 32 << 20]).expect("a file");
    let config = format!(
        "tls.certificates = [{{ certificate = '{}' }}]\n{settings}\n[[routes]]\npath = '/'\nresponse = {{ body = 'secure' }}\n\
         [[static_files]]\ndirectory = '{}'\nroute_prefix = '/files'\n",
        file.display(),
        folder.path().display()
    );
    (Program::serving(&config), Client::of(&authority), folder)
}

#[test]
fn a_handshake_that_takes_too_long_is_cut_off() {
    let (program, _, _folder) = started("limits.handshake_timeout = '100ms'");
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut client = TcpStream::connect(program.address).expect("a connection");
        std::io::Write::write_all(&mut client, begun).expect("it is taken");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        assert_eq!(client.read(&mut [0; 64]).unwrap_or(0), 0, "{begun:?}");
    }
}

#[tokio::test]
async fn a_head_that_comes_slowly_is_answered_408() {
    let (program, client, _folder) = started("limits.head_timeout = '100ms'");
    let mut raw = Raw::from(client.connect(program.address, "a.example").await.expect("a handshake"));
    raw.send("GET / HTTP/1.1\r\nhost: a").await;
    assert_eq!(raw.answer().await.expect("an answer").status, 408);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off_and_one_that_takes_slowly_is_not() {
    let (program, client, _folder) = started("limits.write_timeout = '1s'");
    let asking = async || {
        let mut stream = client.connect(program.address, "a.example").await.expect("a handshake");
        stream.write_all(b"GET /files/large HTTP/1.1\r\nhost: a.example\r\n\r\n").await.expect("it is taken");
        stream
    };
    let mut slow = asking().await;
    let mut stalled = asking().await;
    let mut taken = 0;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        taken += slow.read_exact(&mut vec![0; 1 << 20]).await.expect("it goes on");
    }
    let slows = read_to_end(&mut slow, taken).await;
    assert!(slows > 32 << 20, "{slows}");
    let stalled = read_to_end(&mut stalled, 0).await;
    assert!(stalled < 32 << 20, "{stalled}");
}

async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin), mut taken: usize) -> usize {
    let mut buffer = vec![0; 256 << 10];
    while taken <= 32 << 20 {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => taken += read,
        }
    }
    taken
}

#[tokio::test]
async fn idle_connections_are_closed_with_a_word_of_goodbye() {
    let (program, client, _folder) = started("limits.idle_timeout = '200ms'");
    for used in [false, true] {
        let mut stream = client.connect(program.address, "a.example").await.expect("a handshake");
        if used {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n").await.expect("it is taken");
        }
        let mut rest = Vec::new();
        // Without `close_notify` this would be an error: a client could not tell the end from a cut.
        stream.read_to_end(&mut rest).await.expect("the end");
        assert_eq!(rest.is_empty(), !used);
    }
}

#[tokio::test]
async fn a_server_that_stops_waits_for_requests_and_not_for_handshakes() {
    let (mut program, client, _folder) = started("");
    let _silent = TcpStream::connect(program.address).expect("a connection");
    let mut idle = client.connect(program.address, "a.example").await.expect("a handshake");
    program.signal(Signal::TERM);
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("the end");
    assert!(program.wait().success());
    program.logged(|line| line.contains("everything in flight was finished")).expect("it drained");
}
