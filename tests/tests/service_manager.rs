//! The program under a service manager: its sockets, and what it is told. `systemd-socket-activate` is that
//! of systemd; who listens to what the program says is this test.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::Raw;

const CONFIG: &str = "[[routes]]\npath = '/'\nresponse = { body = 'hello' }\n";
const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("spikard.toml"), config).expect("a file");
    folder
}

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

#[tokio::test]
async fn the_sockets_of_a_service_manager_take_the_place_of_host_and_port() {
    // The file says a port that another has: it does not count.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let folder = folder(&format!("port = {}\n{CONFIG}", taken.local_addr().unwrap().port()));
    let port = free_port();
    let mut command = Command::new("systemd-socket-activate");
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--setenv=RUST_LOG"]);
    command.arg(spikard(["serve"]).get_program()).arg("serve").arg(folder.path().join("spikard.toml"));
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    // It starts the program when somebody connects: until it listens itself, nobody can.
    let first = tokio::spawn(async move {
        loop {
            if let Ok(stream) = tokio::net::TcpStream::connect(address).await {
                return drop(stream);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut program =
        tokio::task::spawn_blocking(|| Program::start(command)).await.unwrap().unwrap_or_else(|log| panic!("{log}"));
    first.await.unwrap();
    assert_eq!(program.address, address);
    for _ in 0..2 {
        let mut client = Raw::connect(address).await;
        client.send(GET).await;
        assert_eq!(client.answer().await.expect("an answer").text(), "hello");
    }
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_service_manager_is_told_of_the_start_of_reloads_and_of_the_end() {
    let folder = folder(CONFIG);
    let manager = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
    let heard = || {
        let mut message = [0; 512];
        let length = manager.recv(&mut message).expect("the program says something");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut command = spikard(["serve"]);
    command.arg(folder.path().join("spikard.toml")).args(["--port", "0"]).env("NOTIFY_SOCKET", folder.path().join("notify"));
    let mut program = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
    assert_eq!(heard(), "READY=1\n");

    // A good file and a bad one: the manager is told in both cases that the reload is over.
    for config in [CONFIG.replace("hello", "hello again"), "nonsense".to_owned()] {
        std::fs::write(folder.path().join("spikard.toml"), config).expect("a file");
        program.signal(Signal::HUP);
        let reloading = heard();
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(heard(), "READY=1\n");
    }

    program.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1\n");
    assert_eq!(program.wait().code(), Some(0));
}
