//! Upstreams of several servers, each a program of its own, that are killed, started again and moved.

use std::net::SocketAddr;
use std::process::Command;

use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::{Answer, Raw};
use tempfile::TempDir;

/// A server that answers with its name.
fn server(name: &str, host: &str, port: u16) -> Program {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("server.toml");
    let config = format!("[[routes]]\npath = '/{{*rest}}'\nresponse = {{ body = '{name}' }}\n");
    std::fs::write(&file, config).expect("a file");
    let mut command = spikard(["serve", "--host", host, "--port", &port.to_string()]);
    command.arg(&file);
    // The file is read before it listens.
    Program::start(command).unwrap_or_else(|log| panic!("{log}"))
}

fn gate(servers: &[&Program], settings: &str) -> Program {
    let targets: Vec<String> = servers.iter().map(|server| format!("'http://{}'", server.address)).collect();
    let targets = targets.join(", ");
    Program::serving(&format!(
        "[[routes]]\npath = '/{{*rest}}'\nupstream = 'app'\n[upstreams.app]\ntargets = [{targets}]\n{settings}\n"
    ))
}

async fn ask(address: SocketAddr, headers: &str) -> Answer {
    let mut client = Raw::connect(address).await;
    client.send(format!("GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n{headers}\r\n")).await;
    client.answer().await.expect("an answer")
}

/// Asks until `name` answers; every answer on the way is a good one.
async fn until(gate: &Program, name: &str) {
    loop {
        let answer = ask(gate.address, "").await;
        assert_eq!(answer.status, 200, "{}", gate.log());
        if answer.text() == name {
            return;
        }
    }
}

#[tokio::test]
async fn no_request_fails_while_a_server_is_killed_and_started_again() {
    let health = "health = { path = '/health', interval = '20ms', timeout = '5s' }\nejection = { time = '20ms' }";
    for settings in ["ejection = { time = '20ms' }", health] {
        let (one, other) = (server("one", "127.0.0.1", 0), server("other", "127.0.0.1", 0));
        let gate = gate(&[&one, &other], settings);
        until(&gate, "one").await;
        until(&gate, "other").await;
        let port = one.address.port();
        drop(one);
        for _ in 0..50 {
            let answer = ask(gate.address, "").await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "other"), "{}", gate.log());
        }
        let _back = server("one", "127.0.0.1", port);
        until(&gate, "one").await;
    }
}

#[tokio::test]
async fn clients_stay_with_their_server_and_only_those_of_a_lost_one_move() {
    let servers = ["a", "b", "c"].map(|name| Some(server(name, "127.0.0.1", 0)));
    let mut servers = Vec::from(servers);
    let known: Vec<&Program> = servers.iter().flatten().collect();
    let gate = gate(&known, "balance = 'hash'\nhash_by = 'cookie:SESSION'");
    let map = async || {
        let mut map = Vec::new();
        for session in 0..30 {
            map.push(ask(gate.address, &format!("Cookie: theme=dark; SESSION={session}\r\n")).await.text());
        }
        map
    };
    let before = map().await;
    assert_eq!(before, map().await);
    assert!(["a", "b", "c"].iter().all(|name| before.iter().any(|found| found == name)), "{before:?}");
    servers[1] = None;
    let after = map().await;
    for (before, after) in before.iter().zip(&after) {
        assert!(if before == "b" { after != "b" } else { before == after }, "{before} to {after}");
    }
}

#[tokio::test]
async fn requests_follow_a_name_that_moves() {
    let one = server("one", "127.0.0.1", 0);
    let port = one.address.port();
    let _other = server("other", "127.0.0.2", port);
    let folder = TempDir::new().expect("a folder");
    let (hosts, file) = (folder.path().join("hosts"), folder.path().join("gate.toml"));
    std::fs::write(&hosts, "127.0.0.1 app.test\n").expect("a file");
    let config = format!(
        "[[routes]]\npath = '/{{*rest}}'\nupstream = 'app'\n[upstreams.app]\ntargets = ['http://app.test:{port}']\nresolve_interval = '20ms'\n"
    );
    std::fs::write(&file, config).expect("a file");
    // The program sees this file in the place of /etc/hosts, and nobody else does.
    let program = spikard(["serve", "--port", "0"]);
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"", "sh"]);
    command.arg(&hosts).arg(program.get_program()).args(program.get_args()).arg(&file);
    let gate = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
    until(&gate, "one").await;
    std::fs::write(&hosts, "127.0.0.2 app.test\n").expect("a file");
    until(&gate, "other").await;
    gate.logged(|line| line.contains("(127.0.0.1) is gone")).unwrap_or_else(|| panic!("{}", gate.log()));
    drop(one);
    for _ in 0..10 {
        assert_eq!(ask(gate.address, "").await.text(), "other", "{}", gate.log());
    }
    std::fs::write(&hosts, "").expect("a file");
    gate.logged(|line| line.contains("does not resolve and stays as it is")).unwrap_or_else(|| panic!("{}", gate.log()));
    until(&gate, "other").await;
}
