//! The accept loops and the end of a server.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::link::Link;
use super::signals::Signals;
use super::unlisten::refuse_new;
use super::{Shared, connection};

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything in flight was finished.
    Drained,
    /// The time for it ran out: so many connections and tunnels were cut off.
    TimedOut(usize),
    /// A second signal came: so many connections and tunnels were cut off.
    Interrupted(usize),
}

/// How long accepting pauses when the system is out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How often sockets of other processes are looked at.
const GLEANING: Duration = Duration::from_millis(250);
/// How long a process that works may leave a connection waiting.
const MOMENT: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(super) struct Doors {
    pub(super) own: Vec<Door<TcpListener>>,
    /// Those of other processes, which are not registered anywhere: their connections wake nobody.
    pub(super) others: Vec<Door<std::net::TcpListener>>,
    /// Whether other processes hold the sockets as well, and go on when this one ends.
    pub(super) are_shared: bool,
}

/// A listening socket.
pub(super) struct Door<L> {
    pub(super) listener: L,
    /// Whether what comes here is sent to the other doors.
    pub(super) redirects: bool,
}

/// What is served at the doors.
#[derive(Clone)]
pub(super) struct House {
    pub(super) main: Arc<Shared>,
    /// Behind the doors that redirect.
    pub(super) redirecting: Option<Arc<Shared>>,
}

impl House {
    fn behind<L>(&self, door: &Door<L>) -> &Arc<Shared> {
        self.redirecting.as_ref().filter(|_| door.redirects).unwrap_or(&self.main)
    }
}

/// The end of a server: how long it still takes connections, and how long what is in flight then may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Farewell {
    pub(super) delay: Duration,
    pub(super) grace: Duration,
}

/// Accepts and serves until the first signal, and then until the farewell is over.
pub(super) async fn run(doors: Doors, house: House, farewell: Farewell, mut signals: Signals) -> Outcome {
    let server = &house.main;
    let seats = Arc::new(Semaphore::new(server.connections));
    let Doors { own, others, are_shared } = doors;
    let accept = |door| {
        let server = Arc::clone(house.behind(&door));
        tokio::spawn(accept(door.listener, are_shared, server, Arc::clone(&seats)))
    };
    let mut accepting: Vec<_> = own.into_iter().map(accept).collect();
    if !others.is_empty() {
        accepting.push(tokio::spawn(glean(others, house.clone(), Arc::clone(&seats))));
    }
    let accepting = futures_util::future::join_all(accepting);
    signals.next().await;
    let drain = &server.drain;
    drain.leave();
    // Of several processes, the others take what comes.
    if !are_shared && !farewell.delay.is_zero() {
        tracing::info!("stopping in {}: connections are still taken", humantime::format_duration(farewell.delay));
        tokio::select! {
            () = sleep(farewell.delay) => {}
            () = signals.next() => {
                drain.end();
                return Outcome::Interrupted(drain.in_flight());
            }
        }
    }
    tracing::info!(in_flight = drain.in_flight(), "stopping: finishing what is in flight");
    drain.begin();
    let finished = async {
        accepting.await;
        drain.finished().await;
    };
    let outcome = tokio::select! {
        finished = timeout(farewell.grace, finished) => match finished {
            Ok(()) => Outcome::Drained,
            Err(_) => Outcome::TimedOut(drain.in_flight()),
        },
        () = signals.next() => Outcome::Interrupted(drain.in_flight()),
    };
    drain.end();
    outcome
}

/// Accepts connections while there are seats; what waits beyond them waits in the system's queue.
async fn accept(listener: TcpListener, is_shared: bool, server: Arc<Shared>, seats: Arc<Semaphore>) {
    let mut draining = std::pin::pin!(server.drain.begun());
    loop {
        let next = async {
            let seat = Arc::clone(&seats).acquire_owned().await;
            (listener.accept().await, seat)
        };
        let (accepted, seat) = tokio::select! {
            next = next => next,
            () = &mut draining => break,
        };
        match (accepted, seat) {
            (Ok((stream, _)), Ok(seat)) => start(stream, &server, seat),
            (Err(error), _) if is_of_one_connection(&error) => {}
            (Err(error), _) => {
                tracing::error!("cannot accept connections: {error}");
                sleep(BACK_OFF).await;
            }
            (_, Err(_)) => break,
        }
    }
    if is_shared {
        // What waits is for the others; the supervisor sees to the last ones.
        return;
    }
    // Some clients are connected already; closing the socket now would reset them.
    refuse_new(&listener);
    let last = async {
        while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => start(stream, &server, seat),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => break,
            }
        }
    };
    // This ends by the time-out, unless something is wrong with the socket.
    let _ = timeout(server.beat, last).await;
}

/// Takes what waits at the sockets of other processes. One that lives and works leaves nothing
/// there: this is for clients of one that has crashed, or that is busy with something else.
async fn glean(doors: Vec<Door<std::net::TcpListener>>, house: House, seats: Arc<Semaphore>) {
    let has_waiting = |door: &&Door<std::net::TcpListener>| has_waiting(&door.listener);
    while timeout(GLEANING, house.main.drain.begun()).await.is_err() {
        let left: Vec<_> = doors.iter().filter(has_waiting).collect();
        if left.is_empty() {
            continue;
        }
        sleep(MOMENT).await;
        for door in left.into_iter().filter(has_waiting) {
            while let Ok(seat) = Arc::clone(&seats).try_acquire_owned() {
                let taken = door.listener.accept().and_then(|(stream, _)| {
                    stream.set_nonblocking(true)?;
                    TcpStream::from_std(stream)
                });
                match taken {
                    Ok(stream) => start(stream, house.behind(door), seat),
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(_) => break,
                }
            }
        }
    }
}

/// Whether a connection waits to be accepted.
pub(crate) fn has_waiting(listener: &impl AsFd) -> bool {
    poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

fn start(stream: TcpStream, server: &Arc<Shared>, seat: OwnedSemaphorePermit) {
    // It fails only where the peer is gone again; then there is nothing to serve.
    let Ok(peer) = stream.set_nodelay(true).and_then(|()| stream.peer_addr()) else { return };
    let scheme = if server.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let link = Arc::new(Link::new(Arc::clone(server), peer.ip(), scheme, seat));
    server.drain.spawn_connection(connection::serve_tcp(stream, link));
}

/// Whether an error of `accept` says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
