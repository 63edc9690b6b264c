//! What one connection's parts share: its transport (inside hyper), its requests and its driver.
//!
//! Only counters and flags live here. No part reads a clock: the driver looks at the counters a few
//! times a second and does all timing (`watch`), so that time limits cost a request nothing.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use http::uri::Scheme;
use spikard_middleware::problem::Refusal;
use tokio::sync::OwnedSemaphorePermit;

use super::Shared;
use super::head::Ambiguity;
use crate::tls::Shown;
use crate::traffic::{Connections, OpenConnection};

/// A connection.
pub(super) struct Link {
    pub(super) server: Arc<Shared>,
    pub(super) peer: IpAddr,
    pub(super) scheme: Scheme,
    pub(super) meter: Meter,
    /// The certificate of the client, if it has shown one.
    shown: OnceLock<Shown>,
    /// Its place among the connections that are allowed; a tunnel keeps it after an upgrade.
    _seat: OwnedSemaphorePermit,
    _counted: Option<OpenConnection>,
}

impl Link {
    pub(super) fn new(server: Arc<Shared>, peer: IpAddr, scheme: Scheme, seat: OwnedSemaphorePermit) -> Self {
        let counted = server.counted.as_ref().map(Connections::opened);
        let (meter, shown) = (Meter::default(), OnceLock::new());
        Self { server, peer, scheme, meter, shown, _seat: seat, _counted: counted }
    }

    /// Notes the certificate of the client.
    pub(super) fn shows(&self, certificate: Shown) {
        // There is one handshake on a connection.
        let _ = self.shown.set(certificate);
    }

    pub(super) fn shown(&self) -> Option<&Shown> {
        self.shown.get()
    }

    /// Notes that a request was refused before it came to a route.
    pub(super) fn has_refused(&self, refusal: Refusal) {
        if let Some(counted) = &self.server.counted {
            counted.refused(refusal);
        }
    }
}

/// Counters of a connection. Each has one writer at a time; readers need no order between them.
#[derive(Default)]
pub(super) struct Meter {
    read: AtomicU64,
    written: AtomicU64,
    blocked: AtomicBool,
    calls: AtomicU32,
    open: AtomicU32,
    mark: AtomicU64,
    body: AtomicU8,
    lingering: AtomicBool,
    given_up: AtomicBool,
    head: AtomicU8,
}

const HEAD_CLEAR: u8 = 0;
const HEAD_FOREIGN: u8 = u8::MAX;
const HEAD_TUNNEL: u8 = u8::MAX - 1;

const BODY_NONE: u8 = 0;
const BODY_OPEN: u8 = 1;
const BODY_LEFT: u8 = 2;

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// Bytes read.
    pub(super) read: u64,
    /// Bytes written.
    pub(super) written: u64,
    /// Whether the peer takes no bytes although there are some.
    pub(super) blocked: bool,
    /// Requests so far.
    pub(super) calls: u32,
    /// Requests that are not answered to the end.
    pub(super) open: u32,
    /// Bytes that had been read when a request last began or ended: more are a head on its way.
    pub(super) mark: u64,
    /// Whether the body of the last request is still being read.
    pub(super) body_open: bool,
    /// Whether it was given up before its end.
    pub(super) body_left: bool,
    /// Whether the bytes are no longer ours.
    pub(super) tunnel: bool,
    /// Whether all is said and only the peer's rest is read away.
    pub(super) lingering: bool,
}

impl Reading {
    /// The counters of a new connection.
    #[cfg(test)]
    pub(super) const NONE: Self = Self {
        read: 0,
        written: 0,
        blocked: false,
        calls: 0,
        open: 0,
        mark: 0,
        body_open: false,
        body_left: false,
        tunnel: false,
        lingering: false,
    };

    /// Whether a request is in flight.
    pub(super) fn is_busy(&self) -> bool {
        self.open > 0 || self.body_open
    }

    /// Whether requests were answered since `start`, and nothing else is under way.
    pub(super) fn is_quiet_since(&self, start: &Self) -> bool {
        let is_settled = !self.is_busy() && !self.body_left && !self.blocked && !self.lingering && !self.tunnel;
        is_settled && self.calls != start.calls && self.read == self.mark
    }

    /// Whether part of a request head has arrived.
    pub(super) fn is_in_head(&self) -> bool {
        !self.is_busy() && self.read > self.mark
    }
}

impl Meter {
    pub(super) fn reading(&self) -> Reading {
        let body = self.body.load(Relaxed);
        Reading {
            read: self.read.load(Relaxed),
            written: self.written.load(Relaxed),
            blocked: self.blocked.load(Relaxed),
            calls: self.calls.load(Relaxed),
            open: self.open.load(Relaxed),
            mark: self.mark.load(Relaxed),
            body_open: body == BODY_OPEN,
            body_left: body == BODY_LEFT,
            tunnel: self.head.load(Relaxed) == HEAD_TUNNEL,
            lingering: self.lingering.load(Relaxed),
        }
    }

    pub(super) fn has_read(&self, bytes: usize) {
        self.read.store(self.read.load(Relaxed) + bytes as u64, Relaxed);
    }

    pub(super) fn has_written(&self, bytes: usize) {
        self.written.store(self.written.load(Relaxed) + bytes as u64, Relaxed);
        self.blocked.store(false, Relaxed);
    }

    pub(super) fn is_blocked(&self) {
        self.blocked.store(true, Relaxed);
    }

    pub(super) fn body_is_open(&self) {
        self.body.store(BODY_OPEN, Relaxed);
    }

    /// Notes that nobody reads the body any more, to the end or not.
    pub(super) fn body_is_over(&self, complete: bool) {
        self.body.store(if complete { BODY_NONE } else { BODY_LEFT }, Relaxed);
    }

    /// Whether the last body was given up before its end.
    pub(super) fn has_left_body(&self) -> bool {
        self.body.load(Relaxed) == BODY_LEFT
    }

    /// Whether the next byte begins a head.
    pub(super) fn awaits_head(&self) -> bool {
        self.open.load(Relaxed) == 0
            && self.read.load(Relaxed) == self.mark.load(Relaxed)
            && self.body.load(Relaxed) == BODY_NONE
            && self.head.load(Relaxed) < HEAD_TUNNEL
    }

    /// Notes what was seen in a head on its way to hyper.
    pub(super) fn saw_head(&self, ambiguity: Option<Ambiguity>) {
        self.head.store(ambiguity.map_or(HEAD_CLEAR, |ambiguity| ambiguity as u8), Relaxed);
    }

    /// Notes that the bytes are not HTTP/1.1.
    pub(super) fn saw_other_protocol(&self) {
        self.head.store(HEAD_FOREIGN, Relaxed);
    }

    /// Notes that the bytes are no longer ours to understand.
    pub(super) fn becomes_tunnel(&self) {
        self.head.store(HEAD_TUNNEL, Relaxed);
    }

    /// What was seen in the last head.
    pub(super) fn ambiguity(&self) -> Option<Ambiguity> {
        let seen = self.head.load(Relaxed);
        Ambiguity::ALL.into_iter().find(|ambiguity| *ambiguity as u8 == seen)
    }

    pub(super) fn linger(&self) {
        self.lingering.store(true, Relaxed);
    }

    /// Notes that the peer takes no bytes: what the system still holds for it is not worth keeping.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Relaxed);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Relaxed)
    }

    /// Whether the peer has sent or may be sending what nobody reads.
    pub(super) fn has_unread(&self) -> bool {
        let is_tunnel = self.head.load(Relaxed) == HEAD_TUNNEL;
        !is_tunnel && (self.body.load(Relaxed) != BODY_NONE || self.reading().is_in_head())
    }

    /// Sets the mark so that the last `unparsed` bytes count as a head.
    pub(super) fn mark(&self, unparsed: usize) {
        self.mark.store(self.read.load(Relaxed) - unparsed as u64, Relaxed);
    }
}

/// A request in flight: from its head to the last byte of its response, or to its end by any
/// other way.
pub(super) struct Flight(Arc<Link>);

impl Flight {
    pub(super) fn begin(link: &Arc<Link>) -> Self {
        let meter = &link.meter;
        meter.calls.fetch_add(1, Relaxed);
        meter.open.fetch_add(1, Relaxed);
        meter.body_is_over(true);
        meter.mark(0);
        Self(Arc::clone(link))
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.0
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let meter = &self.0.meter;
        meter.mark(0);
        meter.open.fetch_sub(1, Relaxed);
    }
}
