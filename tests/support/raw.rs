//! A client that sends bytes as they are and shows what comes back: for everything that a well
//! bred HTTP client would not send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a test waits for what must come. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response as it was on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The status line and the header fields.
    pub head: String,
    /// The body, chunks put together.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { stream, buffer: Vec::new() }
    }

    /// Sends bytes. A peer that has closed already shows in what it answered.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        self
    }

    /// Sends no more, and still reads.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Reads one response to anything but HEAD; none if the connection ends before it begins.
    ///
    /// # Panics
    /// When the response is cut off or does not come.
    pub async fn answer(&mut self) -> Option<Answer> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break String::from_utf8_lossy(&self.take(end + 4)[..end]).into_owned();
            }
            if !self.fill().await {
                assert!(self.buffer.is_empty(), "the connection ended within a head: {}", String::from_utf8_lossy(&self.buffer));
                return None;
            }
        };
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status in {head:?}"));
        let mut answer = Answer { status, head, body: Vec::new() };
        answer.body = self.body(&answer).await;
        Some(answer)
    }

    /// Reads so many bytes; none if the connection ends before.
    pub async fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.take(count))
    }

    /// Reads until the connection ends.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn rest(&mut self) -> String {
        while self.fill().await {}
        let all = self.buffer.len();
        String::from_utf8_lossy(&self.take(all)).into_owned()
    }

    async fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if answer.status < 200 || matches!(answer.status, 204 | 304) {
            return Vec::new();
        }
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap_or_else(|_| panic!("bad length in {}", answer.head));
            return self.exactly(length).await;
        }
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"), "{}", answer.head);
        let mut body = Vec::new();
        loop {
            let line = loop {
                match find(&self.buffer, b"\r\n") {
                    Some(end) => break self.take(end + 2),
                    None => assert!(self.fill().await, "the connection ended within a chunk size"),
                }
            };
            let digits = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
            let size = usize::from_str_radix(&digits, 16).unwrap_or_else(|_| panic!("bad chunk size {digits:?}"));
            let chunk = self.exactly(size + 2).await;
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        self.bytes(length).await.unwrap_or_else(|| panic!("the connection ended within a body"))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.buffer.drain(..length).collect()
    }

    /// Reads more; false at the end of the connection, however it ended.
    async fn fill(&mut self) -> bool {
        let reading = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        reading.unwrap_or_else(|_| panic!("nothing came and the connection stayed open")).unwrap_or(0) > 0
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
