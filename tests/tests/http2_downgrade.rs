//! Requests over HTTP/2 that would be two requests, or other ones, if they were written to an
//! HTTP/1.1 upstream as they came (RFC 9113 section 10.3): the upstream never sees one.

use std::collections::BTreeMap;

use spikard_tests::frames::{END_HEADERS, END_STREAM, Frame, Frames, kind};
use spikard_tests::program::Program;
use spikard_tests::raw::Raw;
use spikard_tests::upstream::{Reply, Seen, Upstream};

/// What is smuggled.
const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Gateway {
    program: Program,
    upstream: Upstream,
}

impl Gateway {
    async fn start() -> Self {
        let upstream = Upstream::start(BTreeMap::new(), Reply::Bytes(ANSWER.into())).await;
        let route = "[[routes]]\npath = '/{*rest}'\nupstream = 'app'\n";
        let program = Program::serving(&format!("upstreams.app.targets = ['http://{}']\n{route}", upstream.address));
        Self { program, upstream }
    }

    /// What the upstream has seen once the request is over and a sound one behind it is answered,
    /// apart from that one. What is given up may show up later.
    async fn seen_of(&self, fields: &[(&str, &str)], data: &[&str]) -> Vec<Seen> {
        let mut client = Frames::connect(self.program.address, &[]).await;
        let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
        let end = if data.is_empty() { END_STREAM } else { 0 };
        client.send(&Frame::new(kind::HEADERS, END_HEADERS | end, 1, block)).await;
        for (number, piece) in data.iter().enumerate() {
            let end = if number + 1 == data.len() { END_STREAM } else { 0 };
            client.send(&Frame::new(kind::DATA, end, 1, *piece)).await;
        }
        while let Some(frame) = client.next().await {
            let is_over = matches!(frame.kind, kind::RST_STREAM | kind::GOAWAY) || frame.flags & END_STREAM != 0;
            if is_over && frame.kind != kind::SETTINGS {
                break;
            }
        }
        let mut other = Raw::connect(self.program.address).await;
        other.send("GET /sound HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(other.answer().await.expect("an answer").status, 200);
        let (sound, others): (Vec<_>, Vec<_>) = self.upstream.take().into_iter().partition(|seen| seen.path == "/sound");
        assert_eq!(sound.len(), 1);
        others
    }
}

/// A literal field that is not indexed (RFC 7541 section 6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("short text");
        [&[length], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

const HEAD: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":path", "/a"), (":authority", "a")];

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_request_arrives() {
    let gateway = Gateway::start().await;
    let seen = gateway.seen_of(&[&HEAD[..], &[("content-length", "5"), ("te", "trailers")]].concat(), &["hel", "lo"]).await;
    let [seen] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((seen.method.as_str(), seen.path.as_str(), seen.body.as_slice()), ("POST", "/a", &b"hello"[..]));
    assert_eq!((seen.malformed.as_ref(), seen.incomplete), (None, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_frame_or_break_a_message_never_arrive() {
    let gateway = Gateway::start().await;
    for (name, value) in [
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("connection", "transfer-encoding"),
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("upgrade", "websocket"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("x", "a\r\ntransfer-encoding: chunked"),
        ("x", "a\nb: c"),
        ("x", "a\rb"),
        ("x", "a\0b"),
        ("x\r\ntransfer-encoding", "chunked"),
        ("x: y\r\nz", "a"),
        ("x y", "a"),
        ("x:", "a"),
        ("X", "a"),
        ("", "a"),
        ("host", "b"),
        ("content-length", "5\r\nx: y"),
        ("content-length", "+5"),
        ("content-length", "5, 5"),
        ("content-length", "-1"),
        (":path", "/smuggled"),
        (":method", "GET"),
        (":authority", "b"),
        (":unknown", "x"),
    ] {
        let seen = gateway.seen_of(&[&HEAD[..], &[(name, value)]].concat(), &["0\r\n\r\n", HIDDEN]).await;
        assert!(seen.iter().all(|seen| seen.incomplete && seen.malformed.is_none()), "{name:?}: {value:?}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_would_be_another_request_line_never_arrives() {
    let gateway = Gateway::start().await;
    for (number, value) in [
        (0, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\nPOST"),
        (0, "GET /smuggled"),
        (0, ""),
        (1, "http://a/smuggled?"),
        (2, "/a HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled"),
        (2, "/a b"),
        (2, "/a\tb"),
        (2, "/a\0"),
        (2, "a"),
        (2, ""),
        (2, "*"),
        (2, "/../smuggled"),
        (2, "http://b/smuggled"),
        (3, "a\r\nx: y"),
        (3, "a b"),
        (3, "u@a"),
        (3, "a/smuggled"),
        (3, ""),
    ] {
        let mut head = HEAD;
        head[number].1 = value;
        let seen = gateway.seen_of(&head, &[]).await;
        assert_eq!(seen, [], "{:?}", head[number]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_longer_or_shorter_than_it_says_becomes_no_other_request() {
    let gateway = Gateway::start().await;
    for (lengths, data) in [
        (&["5"][..], &["hello", HIDDEN][..]),
        (&["3"], &["hello"]),
        (&["500"], &["hello"]),
        (&["5", "6"], &["hello"]),
        (&["5", "5"], &["hello"]),
        (&["5"], &[]),
    ] {
        let lengths: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        let seen = gateway.seen_of(&[&HEAD[..], &lengths].concat(), data).await;
        // The length may be reached before there turns out to be more, which goes nowhere.
        let is_harmless = |seen: &Seen| seen.incomplete || (seen.path == "/a" && seen.body == b"hello");
        assert!(seen.iter().all(|seen| seen.malformed.is_none() && is_harmless(seen)), "{lengths:?} {data:?}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_empty_is_empty() {
    let gateway = Gateway::start().await;
    let seen = gateway.seen_of(&[&HEAD[..], &[("content-length", "0")]].concat(), &[HIDDEN]).await;
    let is_empty = |seen: &Seen| seen.path == "/a" && seen.body.is_empty() && seen.malformed.is_none();
    assert!(seen.iter().all(is_empty), "{seen:?}");
}
