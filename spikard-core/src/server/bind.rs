//! From a host name or address to listening sockets: of one process, or of several that share a port.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::lookup_host;

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
    on_each_address(host, port, |address| {
        let socket = bound(address)?;
        socket.listen(BACKLOG)?;
        let port = local_port(&socket)?;
        Ok((socket.into(), port))
    })
    .await
}

/// Listens like [`listen`] for several processes; gives for each address the sockets of all.
pub(crate) async fn listen_for_each(host: &str, port: u16, processes: usize) -> Result<Vec<Vec<TcpListener>>, BindError> {
    on_each_address(host, port, |address| shared(address, processes)).await
}

/// Lets the system ask clients that are silent for so long whether they are still there. Accepted
/// sockets take this over from the listening one.
pub(super) fn keep_alive(listener: &TcpListener, after: Duration) -> io::Result<()> {
    /// The longest time that Linux takes.
    const LONGEST: Duration = Duration::from_secs(32_767);
    const SHORTEST: Duration = Duration::from_secs(1);
    /// How many questions stay without an answer.
    const QUESTIONS: u32 = 4;
    if after.is_zero() {
        return SockRef::from(listener).set_keepalive(false);
    }
    let interval = (after / QUESTIONS).clamp(SHORTEST, LONGEST);
    let settings = TcpKeepalive::new().with_time(after.clamp(SHORTEST, LONGEST)).with_interval(interval).with_retries(QUESTIONS);
    SockRef::from(listener).set_tcp_keepalive(&settings)
}

/// What `listen` makes of each address, together with the port that it got.
async fn on_each_address<T>(
    host: &str,
    port: u16,
    listen: impl Fn(SocketAddr) -> io::Result<(T, u16)>,
) -> Result<Vec<T>, BindError> {
    let failed = |source| BindError { address: shown(host, port), source };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let mut listening = Vec::new();
    let mut lacking = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    let mut chosen = port;
    for address in lookup_host((bare, port)).await.map_err(failed)? {
        match listen(SocketAddr::new(address.ip(), chosen)) {
            Ok((made, port)) => {
                chosen = port;
                listening.push(made);
            }
            Err(error) if is_lacking(&error) => lacking = error,
            Err(error) => return Err(failed(error)),
        }
    }
    if listening.is_empty() { Err(failed(lacking)) } else { Ok(listening) }
}

/// A socket of its own for each process: the system spreads connections over them evenly.
#[cfg(target_os = "linux")]
fn shared(address: SocketAddr, processes: usize) -> io::Result<(Vec<TcpListener>, u16)> {
    // Sockets that share a port do not mind another program that would share it, too. This one
    // does, so that a second server on the port is an error; it only binds.
    let port = local_port(&bound(address)?)?;
    let listen = |_| {
        let socket = unbound(address)?;
        socket.set_reuse_port(true)?;
        socket.bind(&SocketAddr::new(address.ip(), port).into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    Ok(((0..processes).map(listen).collect::<io::Result<_>>()?, port))
}

/// One socket for all processes: elsewhere the last socket on a port would get all connections.
#[cfg(not(target_os = "linux"))]
fn shared(address: SocketAddr, processes: usize) -> io::Result<(Vec<TcpListener>, u16)> {
    let socket = bound(address)?;
    socket.listen(BACKLOG)?;
    let listeners = (0..processes).map(|_| Ok(socket.try_clone()?.into())).collect::<io::Result<_>>()?;
    Ok((listeners, local_port(&socket)?))
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = unbound(address)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn unbound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `::` takes IPv4 as well, whatever the system's setting says.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn local_port(socket: &Socket) -> io::Result<u16> {
    Ok(socket.local_addr()?.as_socket().map_or(0, |address| address.port()))
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
