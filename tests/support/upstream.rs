//! An upstream that records what reaches it and reads it strictly: whatever a lenient server might
//! understand in another way is recorded as malformed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits for what must come. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as the upstream saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The request target.
    pub path: String,
    /// The header fields in their order, the names as they came.
    pub headers: Vec<(String, String)>,
    /// The body, chunks put together.
    pub body: Vec<u8>,
    /// Why this is not a request that every server reads alike.
    pub malformed: Option<String>,
    /// Whether the connection ended before the request did: the other side gave it up.
    pub incomplete: bool,
}

/// What the upstream answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, and the connection stays.
    Bytes(Vec<u8>),
    /// These bytes, and the connection is closed.
    Last(Vec<u8>),
    /// These bytes, and then whatever comes is sent back.
    Echo(Vec<u8>),
    /// Nothing, and the connection stays.
    Silence,
}

/// A running upstream. It ends with the runtime that it was started in.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    /// Starts an upstream that answers by the path, without its query, and else with `other`.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub async fn start(replies: BTreeMap<String, Reply>, other: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let replies = Arc::new((replies, other));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&replies), Arc::clone(&record)));
            }
        });
        Self { address, seen }
    }

    /// What it has seen since it was last asked, as soon as these are so many requests; what there
    /// is, if they do not come.
    pub async fn expect(&self, count: usize) -> Vec<Seen> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while self.seen.lock().unwrap_or_else(PoisonError::into_inner).len() < count && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.take()
    }

    /// What it has seen since it was last asked.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(mut stream: TcpStream, replies: Arc<(BTreeMap<String, Reply>, Reply)>, record: Arc<Mutex<Vec<Seen>>>) {
    let mut reader = Reader { buffer: Vec::new() };
    while let Some(seen) = reader.request(&mut stream).await {
        let path = seen.path.split('?').next().unwrap_or_default();
        let reply = replies.0.get(path).unwrap_or(&replies.1);
        let is_readable = seen.malformed.is_none() && !seen.incomplete;
        record.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        match reply {
            _ if !is_readable => return,
            Reply::Silence => {}
            Reply::Bytes(bytes) => drop(stream.write_all(bytes).await),
            Reply::Last(bytes) => return drop(stream.write_all(bytes).await),
            Reply::Echo(bytes) => {
                let _ = stream.write_all(bytes).await;
                let _ = stream.write_all(&reader.buffer).await;
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                return;
            }
        }
    }
}

/// Why a body cannot be read.
enum Fault {
    Ended,
    Malformed(String),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// The next request; none at the end of the connection.
    async fn request(&mut self, stream: &mut TcpStream) -> Option<Seen> {
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break self.buffer.drain(..end + 4).take(end).collect::<Vec<u8>>();
            }
            if stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                let left = std::mem::take(&mut self.buffer);
                return (!left.is_empty()).then(|| unreadable(&left, "the connection ended within a head"));
            }
        };
        let mut seen = match parse(&head) {
            Ok(seen) => seen,
            Err(reason) => return Some(unreadable(&head, &reason)),
        };
        match self.body(stream, &seen).await {
            Ok(body) => seen.body = body,
            Err(Fault::Ended) => seen.incomplete = true,
            Err(Fault::Malformed(reason)) => seen.malformed = Some(reason),
        }
        Some(seen)
    }

    async fn body(&mut self, stream: &mut TcpStream, seen: &Seen) -> Result<Vec<u8>, Fault> {
        let (encodings, lengths) = (values(seen, "transfer-encoding"), values(seen, "content-length"));
        match (&encodings[..], &lengths[..]) {
            ([], []) => Ok(Vec::new()),
            ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                let length = length.parse().map_err(|_| format!("content-length {length}"))?;
                self.exactly(stream, length).await
            }
            (["chunked"], []) => self.chunks(stream).await,
            _ => Err(format!("content-length {lengths:?}, transfer-encoding {encodings:?}").into()),
        }
    }

    async fn chunks(&mut self, stream: &mut TcpStream) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        loop {
            let line = self.line(stream).await?;
            let is_hex = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
            let size = usize::from_str_radix(&line, 16).ok().filter(|_| is_hex);
            let size = size.ok_or_else(|| format!("chunk size {line:?}"))?;
            if size == 0 {
                while !self.line(stream).await?.is_empty() {}
                return Ok(body);
            }
            let mut chunk = self.exactly(stream, size + 2).await?;
            if chunk.split_off(size) != b"\r\n" {
                return Err(Fault::Malformed("a chunk without its line end".into()));
            }
            body.append(&mut chunk);
        }
    }

    async fn line(&mut self, stream: &mut TcpStream) -> Result<String, Fault> {
        let mut end = 0;
        while !self.buffer[..end].ends_with(b"\r\n") {
            end += 1;
            if self.buffer.len() < end && stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return Err(Fault::Ended);
            }
        }
        let line: Vec<u8> = self.buffer.drain(..end).collect();
        Ok(String::from_utf8_lossy(&line[..end - 2]).into_owned())
    }

    async fn exactly(&mut self, stream: &mut TcpStream, length: usize) -> Result<Vec<u8>, Fault> {
        while self.buffer.len() < length {
            if stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return Err(Fault::Ended);
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }
}

fn unreadable(bytes: &[u8], reason: &str) -> Seen {
    let reason = format!("{reason}: {:?}", String::from_utf8_lossy(bytes));
    Seen { malformed: Some(reason), ..Seen::default() }
}

fn values<'a>(seen: &'a Seen, name: &str) -> Vec<&'a str> {
    seen.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
}

/// A head without its empty line, read without any of the leniencies of RFC 9112.
fn parse(head: &[u8]) -> Result<Seen, String> {
    let text = std::str::from_utf8(head).map_err(|_| "not UTF-8")?;
    let mut lines = text.split("\r\n");
    let (method, target) = match lines.next().unwrap_or_default().split(' ').collect::<Vec<_>>()[..] {
        [method, target, "HTTP/1.1"] if is_token(method) && !target.is_empty() => (method, target),
        _ => return Err("request line".into()),
    };
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a field without a colon")?;
        if !is_token(name) || value.bytes().any(|byte| byte < b' ' && byte != b'\t') {
            return Err(format!("field {line:?}"));
        }
        headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    let seen = Seen { method: method.into(), path: target.into(), headers, ..Seen::default() };
    match values(&seen, "host")[..] {
        [_] => Ok(seen),
        _ => Err("not exactly one Host".into()),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_nothing_that_two_servers_could_read_differently() {
        assert!(parse(b"GET / HTTP/1.1\r\nhost: a").is_ok());
        for head in [
            "GET  / HTTP/1.1\r\nhost: a",
            "GET / HTTP/1.0\r\nhost: a",
            "GET / HTTP/1.1",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: a",
            "GET / HTTP/1.1\r\nhost: a\nx: 1",
            "GET / HTTP/1.1\r\nhost: a\r\nx : 1",
            "GET / HTTP/1.1\r\nhost: a\r\n x: 1",
            "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r2",
        ] {
            assert!(parse(head.as_bytes()).is_err(), "{head:?}");
        }
    }
}
