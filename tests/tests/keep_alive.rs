//! Connections that are silent are asked, by the system, whether their client is still there.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use spikard_core::LimitsConfig;
use spikard_core::server::Settings;
use spikard_tests::running::{Running, mirror};

/// Whether the system has a timer for the server's end of a connection (proc(5), `/proc/net/tcp`).
fn is_timed(server: SocketAddr, client: &TcpStream) -> bool {
    let peer = client.local_addr().expect("a port").port();
    let ports = [format!(":{:04X}", server.port()), format!(":{peer:04X}")];
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table");
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines.find(|line| line[1].ends_with(&ports[0]) && line[2].ends_with(&ports[1])).expect("the connection");
    line[5].starts_with("02:")
}

#[tokio::test]
async fn accepted_connections_take_the_setting_over() {
    for (tcp_keepalive, expected) in [(Duration::from_mins(1), true), (Duration::ZERO, false)] {
        let limits = LimitsConfig { tcp_keepalive, ..LimitsConfig::default() };
        let server = Running::start(Settings { limits, ..Settings::default() }, mirror()).await;
        let client = TcpStream::connect(server.address).expect("a connection");
        // The system has accepted it when it has answered, whatever the server does.
        while is_timed(server.address, &client) != expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(is_timed(server.address, &client), expected);
    }
}
