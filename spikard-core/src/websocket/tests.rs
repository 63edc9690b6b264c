//! Frames of a client, right and wrong, and what a server makes of them: by the sections of RFC 6455.

use super::frame::mask;
use super::*;

/// A frame of a client. The first byte has the flags and the opcode.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | u8::try_from(length).unwrap_or_default()),
        length @ 126..65536 => {
            bytes.push(0xFE);
            bytes.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
        }
        length => {
            bytes.push(0xFF);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(key);
    let start = bytes.len();
    bytes.extend(payload);
    mask(&mut bytes[start..], key, 0);
    bytes
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// What is read of bytes that come in pieces of this size: events, and the fault.
fn read_in(pieces: usize, bytes: &[u8], limit: usize) -> (Vec<Event>, Option<u16>) {
    let mut decoder = Decoder::new(Role::Server, limit, false);
    let mut events = Vec::new();
    for mut piece in bytes.chunks(pieces) {
        loop {
            match decoder.read(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fault) => return (events, Some(fault.code)),
            }
        }
    }
    (events, None)
}

/// The same for pieces of every size.
fn read(frames: &[Vec<u8>]) -> (Vec<Event>, Option<u16>) {
    let bytes = frames.concat();
    let whole = read_in(bytes.len().max(1), &bytes, 1 << 20);
    for pieces in [1, 2, 3, 5, 7, 11, 64] {
        assert_eq!(read_in(pieces, &bytes, 1 << 20), whole, "pieces of {pieces}");
    }
    whole
}

fn text(text: &str) -> Event {
    Event::Message(text.into())
}

fn binary(bytes: &[u8]) -> Event {
    Event::Message(Message::Binary(bytes.to_vec().into()))
}

#[test]
fn messages_of_every_length_are_read() {
    for length in [0, 1, 125, 126, 127, 128, 65535, 65536] {
        let content = "a".repeat(length);
        assert_eq!(read(&[frame(TEXT, content.as_bytes())]), (vec![text(&content)], None));
        assert_eq!(read(&[frame(BINARY, content.as_bytes())]), (vec![binary(content.as_bytes())], None));
    }
}

#[test]
fn section_5_4_fragments_are_put_together_and_control_frames_stand_between_them() {
    let frames = [frame(0x01, b"Hel"), frame(PING, b"p"), frame(0x00, b""), frame(PONG, b""), frame(0x80, b"lo")];
    assert_eq!(read(&frames), (vec![Event::Ping(b"p".to_vec()), Event::Pong, text("Hello")], None));
    let frames = [frame(0x02, b""), frame(0x00, b""), frame(0x80, b""), frame(TEXT, b"next")];
    assert_eq!(read(&frames), (vec![binary(b""), text("next")], None));
}

#[test]
fn section_5_4_fragments_out_of_order_are_refused() {
    for frames in [
        vec![frame(0x80, b"x")],
        vec![frame(0x00, b"x")],
        vec![frame(0x01, b"a"), frame(TEXT, b"b")],
        vec![frame(0x01, b"a"), frame(0x02, b"b")],
        vec![frame(0x01, b"a"), frame(0x80, b"b"), frame(0x80, b"c")],
    ] {
        let (events, fault) = read(&frames);
        assert_eq!(fault, Some(PROTOCOL_ERROR), "{frames:x?}");
        assert!(events.len() <= 1);
    }
}

#[test]
fn section_5_2_reserved_bits_and_opcodes_are_refused_and_what_came_before_is_read() {
    for first in [0x91, 0xA1, 0xB1, 0xC1, 0xD1, 0xF2, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8B, 0x8C, 0x8F, 0x99, 0xC9] {
        let frames = [frame(TEXT, b"before"), frame(PING, b""), frame(first, b"")];
        assert_eq!(read(&frames), (vec![text("before"), Event::Ping(vec![])], Some(PROTOCOL_ERROR)), "{first:x}");
    }
}

#[test]
fn section_5_5_control_frames_are_short_and_whole() {
    assert_eq!(read(&[frame(PING, &[7; 125])]), (vec![Event::Ping(vec![7; 125])], None));
    for frames in [frame(PING, &[0; 126]), frame(0x09, b""), frame(0x08, b""), frame(0x0A, b""), frame(CLOSE, &[3; 126])] {
        assert_eq!(read(&[frames]), (vec![], Some(PROTOCOL_ERROR)));
    }
}

#[test]
fn section_5_1_a_client_masks_its_frames_and_a_server_does_not() {
    assert_eq!(read(&[vec![TEXT, 1, b'x']]), (vec![], Some(PROTOCOL_ERROR)));
    let mut client = Decoder::new(Role::Client, 99, false);
    assert_eq!(client.read(&mut &[TEXT, 1, b'x'][..]), Ok(Some(text("x"))));
    assert!(client.read(&mut &frame(TEXT, b"x")[..]).is_err());
}

#[test]
fn section_7_4_close_codes_are_those_that_may_be_sent() {
    let close = |code: u16, reason: &[u8]| read(&[frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())]);
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(close(code, b"why"), (vec![Event::Close(Close::new(code, "why"))], None), "{code}");
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(close(code, b""), (vec![], Some(PROTOCOL_ERROR)), "{code}");
    }
    assert_eq!(close(1000, b"\xff"), (vec![], Some(INVALID_DATA)));
    assert_eq!(read(&[frame(CLOSE, b"")]), (vec![Event::Close(Close::new(NO_CODE, ""))], None));
    assert_eq!(read(&[frame(CLOSE, b"\x03")]), (vec![], Some(PROTOCOL_ERROR)));
}

#[test]
fn nothing_is_read_after_a_close_frame() {
    let frames = [frame(CLOSE, &[0x03, 0xe8]), frame(TEXT, b"late"), vec![0xff; 99]];
    assert_eq!(read(&frames), (vec![Event::Close(Close::new(1000, ""))], None));
}

#[test]
fn section_8_1_text_is_utf_8_however_it_is_cut() {
    let whole = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}\u{10ffff}\u{0}\u{ffff}".as_bytes();
    for cut in 0..=whole.len() {
        let frames = [frame(0x01, &whole[..cut]), frame(PING, b""), frame(0x80, &whole[cut..])];
        assert_eq!(read(&frames).0.last(), Some(&text(std::str::from_utf8(whole).unwrap_or_default())), "cut at {cut}");
    }
    for wrong in [
        &b"\xce\xba\xed\xa0\x80edited"[..],
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf8\x88\x80\x80\x80",
        b"\xfe",
        b"\x80",
        b"ab\xff",
    ] {
        for cut in 0..=wrong.len() {
            let frames = [frame(0x01, &wrong[..cut]), frame(0x80, &wrong[cut..])];
            assert_eq!(read(&frames), (vec![], Some(INVALID_DATA)), "{wrong:x?} cut at {cut}");
        }
    }
    for unfinished in [&b"\xce"[..], b"\xe1\xbd", b"\xf0\x9f\x92"] {
        assert_eq!(read(&[frame(TEXT, unfinished)]), (vec![], Some(INVALID_DATA)));
        assert_eq!(read(&[frame(0x01, unfinished), frame(0x80, b"")]), (vec![], Some(INVALID_DATA)));
        assert_eq!(read(&[frame(0x01, unfinished), frame(0x80, b"a")]), (vec![], Some(INVALID_DATA)));
    }
}

#[test]
fn wrong_text_is_refused_before_its_message_is_complete() {
    let mut decoder = Decoder::new(Role::Server, 1 << 20, false);
    let bytes = frame(TEXT, &[b"\xff".as_slice(), &[b'a'; 1000]].concat());
    assert_eq!(decoder.read(&mut &bytes[..10]).map_err(|fault| fault.code), Err(INVALID_DATA));
    assert_eq!(read(&[frame(0x01, b"\xce\xba\xff")]), (vec![], Some(INVALID_DATA)));
}

#[test]
fn a_message_may_reach_the_limit_and_not_pass_it() {
    let pieces = |count: usize| [vec![frame(0x02, b"1234")], vec![frame(0x00, b"12"); count], vec![frame(0x80, b"")]].concat();
    assert_eq!(read_in(99, &pieces(3).concat(), 10), (vec![binary(b"1234121212")], None));
    assert_eq!(read_in(99, &pieces(4).concat(), 10), (vec![], Some(TOO_BIG)));
    assert_eq!(read_in(99, &frame(BINARY, &[0; 10]), 10).1, None);
    // It is refused by its head, before anything of it has come.
    assert_eq!(read_in(99, &[BINARY, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4], 1 << 20), (vec![], Some(TOO_BIG)));
}

#[test]
fn compression_is_marked_on_the_first_frame_of_a_message_alone() {
    let read = |frames: &[Vec<u8>]| {
        let bytes = frames.concat();
        let mut decoder = Decoder::new(Role::Server, 99, true);
        let mut input = &bytes[..];
        decoder.read(&mut input)
    };
    let deflated = Event::Deflated(Kind::Text, b"ab".to_vec());
    assert_eq!(read(&[frame(0x41, b"a"), frame(0x80, b"b")]), Ok(Some(deflated)));
    assert!(read(&[frame(0x41, b"a"), frame(0xC0, b"b")]).is_err());
    assert!(read(&[frame(0xC9, b"")]).is_err());
}
