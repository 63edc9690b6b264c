//! The service manager that started the program, if one did: the sockets that it hands over
//! (systemd.socket(5)), and what it is told (`sd_notify(3)`).
//!
//! Without one, all of this does nothing.

use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;
use sd_notify::NotifyState;

/// The listening sockets that were handed over; none were if the list is empty.
///
/// # Errors
/// When one of them is no TCP socket that listens.
pub(crate) fn sockets() -> io::Result<Vec<TcpListener>> {
    let mut handed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..handed.len() {
        listeners.extend(handed.take_tcp_listener(index)?);
    }
    Ok(listeners)
}

/// Says that connections are taken, after a start or a reload.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Says that the configuration is being read again; [`ready`] says that it is done, well or not.
pub(crate) fn reloading() {
    // Who cannot say when must not say that either.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// Says that the end has begun.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}
