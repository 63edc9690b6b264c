//! The end of listening: a listening socket that is closed resets the connections that the system
//! has made and nobody has accepted, so no new one may begin before the last one is taken.

use std::os::fd::AsFd;

use socket2::{SockFilter, SockRef};

/// From now on the system passes over connection attempts, whose clients will find the port closed
/// when they try again. Handshakes under way are finished.
pub(crate) fn refuse_new(listener: &impl AsFd) {
    // Where the system cannot do this, what comes in the last moment is reset.
    let _ = SockRef::from(listener).attach_filter(&only_begun());
}

/// A classic BPF program over the TCP header: segments with SYN and without ACK are dropped.
fn only_begun() -> [SockFilter; 5] {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const SYN_AND_ACK: u32 = 0x12;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN_AND_ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}
