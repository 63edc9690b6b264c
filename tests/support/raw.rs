//! A client that sends bytes as they are and shows what comes back: for everything that a well
//! bred HTTP client would not send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a test waits for what must come. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub struct Raw<S = TcpStream> {
    stream: S,
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

impl<S> From<S> for Raw<S> {
    fn from(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(address: SocketAddr) -> Self {
        TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}")).into()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
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
        self.read(false).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads one response, without a body if it is one to HEAD; none if the connection ends
    /// before it begins.
    ///
    /// # Errors
    /// When the response is cut off, malformed, or does not come.
    pub async fn read(&mut self, to_head: bool) -> Result<Option<Answer>, String> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break String::from_utf8_lossy(&self.take(end + 4)[..end]).into_owned();
            }
            if !self.fill().await? {
                let rest = String::from_utf8_lossy(&self.buffer);
                return if rest.is_empty() { Ok(None) } else { Err(format!("the connection ended within a head: {rest}")) };
            }
        };
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| format!("no status in {head:?}"))?;
        let mut answer = Answer { status, head, body: Vec::new() };
        if !to_head {
            answer.body = self.body(&answer).await?;
        }
        Ok(Some(answer))
    }

    /// Reads so many bytes; none if the connection ends before.
    pub async fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        self.exactly(count).await.ok()
    }

    /// Reads until the connection ends.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn rest(&mut self) -> String {
        while self.fill().await.unwrap_or_else(|error| panic!("{error}")) {}
        let all = self.buffer.len();
        String::from_utf8_lossy(&self.take(all)).into_owned()
    }

    async fn body(&mut self, answer: &Answer) -> Result<Vec<u8>, String> {
        if answer.status < 200 || matches!(answer.status, 204 | 304) {
            return Ok(Vec::new());
        }
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().map_err(|_| format!("bad length in {}", answer.head))?;
            return self.exactly(length).await;
        }
        if answer.header("transfer-encoding").is_none() {
            while self.fill().await? {}
            return Ok(std::mem::take(&mut self.buffer));
        }
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = usize::from_str_radix(&line, 16).map_err(|_| format!("bad chunk size {line:?}"))?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            let chunk = self.exactly(size + 2).await?;
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                return Ok(String::from_utf8_lossy(&self.take(end + 2)[..end]).into_owned());
            }
            if !self.fill().await? {
                return Err("the connection ended within a chunked body".into());
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, String> {
        while self.buffer.len() < length {
            if !self.fill().await? {
                return Err("the connection ended within a body".into());
            }
        }
        Ok(self.take(length))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.buffer.drain(..length).collect()
    }

    /// Reads more; false at the end of the connection, however it ended.
    async fn fill(&mut self) -> Result<bool, String> {
        let reading = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        let read = reading.map_err(|_| "nothing came and the connection stayed open")?;
        Ok(read.unwrap_or(0) > 0)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
