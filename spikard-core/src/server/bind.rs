//! From a host name or address to listening sockets.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// How many connections may wait in the system's queue.
const BACKLOG: i32 = 4096;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// The address as it was given.
    pub address: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Listens on every address that `host` names (`localhost` has two on most machines), all on one
/// port. An address family that this machine lacks is passed over if another works.
pub(super) async fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>, BindError> {
    let failed = |source| BindError { address: shown(host, port), source };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut listeners = Vec::new();
    let mut lacking = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    let mut chosen = port;
    for address in lookup_host((bare, port)).await.map_err(failed)? {
        match listen_on(SocketAddr::new(address.ip(), chosen)) {
            Ok(listener) => {
                chosen = listener.local_addr().map_err(failed)?.port();
                listeners.push(listener);
            }
            Err(error) if is_lacking(&error) => lacking = error,
            Err(error) => return Err(failed(error)),
        }
    }
    if listeners.is_empty() { Err(failed(lacking)) } else { Ok(listeners) }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `::` takes IPv4 as well, whatever the system's setting says.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn is_lacking(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

fn shown(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hosts(host: &str) -> Vec<String> {
        let listeners = listen(host, 0).await.unwrap_or_else(|error| panic!("{error}"));
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).map(|address| address.ip().to_string()).collect()
    }

    #[tokio::test]
    async fn names_and_addresses_of_both_families_work() {
        assert_eq!(hosts("127.0.0.1").await, ["127.0.0.1"]);
        assert!(hosts("localhost").await.contains(&"127.0.0.1".to_owned()));
        assert_eq!(hosts("[::1]").await, hosts("::1").await);
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let taken = listen("127.0.0.1", 0).await.unwrap_or_else(|error| panic!("{error}"));
        let port = taken[0].local_addr().map_or(0, |address| address.port());
        let error = listen("127.0.0.1", port).await.expect_err("the port is taken").to_string();
        assert!(error.starts_with(&format!("cannot listen on 127.0.0.1:{port}: Address already in use")), "{error}");
    }
}
