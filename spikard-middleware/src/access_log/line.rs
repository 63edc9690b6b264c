//! What is known of a request when its answer has been sent, and how that reads as a line.

use std::cell::RefCell;
use std::fmt::{self, Display, Formatter, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use http::{Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;

use super::LogFormat;
use super::sink::Sink;
use crate::client::{Client, MatchedRoute};
use crate::clock::Clock;
use crate::identity::ConsumerNote;
use crate::request_id::RequestId;
use crate::secret::MASK;
use crate::service::{Request, Response};

/// How lines are written, and where to.
pub(super) struct Log {
    format: LogFormat,
    /// None: the query is left out. Else the parameters that are masked in it.
    masked: Option<Vec<String>>,
    clock: Clock,
    sink: Arc<Sink>,
}

impl Log {
    pub(super) fn new(format: LogFormat, masked: Option<Vec<String>>, clock: Clock, sink: Arc<Sink>) -> Self {
        Self { format, masked, clock, sink }
    }

    fn write(&self, entry: &Entry) {
        thread_local! {
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            if writeln!(line, "{}", Line { entry, log: self }).is_ok() {
                self.sink.push(line.as_bytes());
            }
        });
    }
}

/// One request. Its line is written when it is dropped, so that none is lost.
pub(super) struct Entry {
    log: Arc<Log>,
    started: u64,
    method: Method,
    uri: Uri,
    client: Option<IpAddr>,
    route: Option<MatchedRoute>,
    request_id: Option<RequestId>,
    consumer: ConsumerNote,
    status: Option<StatusCode>,
    bytes: u64,
    complete: bool,
}

impl Entry {
    pub(super) fn of(request: &mut Request, log: Arc<Log>) -> Self {
        let consumer = ConsumerNote::default();
        request.extensions_mut().insert(consumer.clone());
        let extensions = request.extensions();
        Self {
            started: log.clock.monotonic(),
            log,
            method: request.method().clone(),
            uri: request.uri().clone(),
            client: extensions.get::<Client>().map(|client| client.address),
            route: extensions.get().cloned(),
            request_id: extensions.get().cloned(),
            consumer,
            status: None,
            bytes: 0,
            complete: false,
        }
    }

    /// Notes what the head of the response says.
    pub(super) fn answered(&mut self, response: &Response) {
        self.status = Some(response.status());
    }

    /// Counts bytes of the body, and returns how many there were so far.
    pub(super) fn sent(&mut self, bytes: usize) -> u64 {
        self.bytes += bytes as u64;
        self.bytes
    }

    /// Writes the line of an answer that was sent to its end.
    pub(super) fn finish(mut self) {
        self.complete = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.log.write(self);
    }
}

/// What stands in the log for lines that found no room.
pub(super) fn gap(format: LogFormat, dropped: u64) -> String {
    match format {
        LogFormat::Text => format!("# {dropped} lines dropped, the output is too slow\n"),
        LogFormat::Json => format!("{{\"dropped\":{dropped}}}\n"),
    }
}

struct Line<'a> {
    entry: &'a Entry,
    log: &'a Log,
}

impl Display for Line<'_> {
    fn fmt(&self, line: &mut Formatter<'_>) -> fmt::Result {
        let Self { entry, log } = self;
        let time = humantime::format_rfc3339_millis(UNIX_EPOCH + log.clock.wall());
        let client = entry.client;
        let method = Visible(entry.method.as_str());
        let path = Visible(entry.uri.path());
        let query = log.masked.as_deref().zip(entry.uri.query()).map(|(masked, query)| Query { query, masked });
        let status = entry.status.map(|status| status.as_u16());
        let bytes = entry.bytes;
        let micros = log.clock.monotonic().saturating_sub(entry.started) / 1000;
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let route = entry.route.as_ref().map(|route| Visible(route.as_str()));
        let id = entry.request_id.as_ref().map(|id| Visible(id.as_str()));
        let consumer = entry.consumer.consumer().map(Visible);
        let complete = entry.complete;
        match log.format {
            LogFormat::Text => {
                let (client, status, route, id, consumer) = (Dash(client), Dash(status), Dash(route), Dash(id), Dash(consumer));
                write!(line, "{time} {client} {method} {path}")?;
                if let Some(query) = query {
                    write!(line, "?{query}")?;
                }
                write!(line, " {status} {bytes} {seconds}.{micros:06} {route} {id} {consumer}")?;
                if complete { Ok(()) } else { line.write_str(" aborted") }
            }
            LogFormat::Json => {
                let (client, route, id, consumer) = (Quoted(client), Quoted(route), Quoted(id), Quoted(consumer));
                write!(line, r#"{{"time":"{time}","client":{client},"method":"{method}","path":"{path}""#)?;
                if log.masked.is_some() {
                    write!(line, r#","query":{}"#, Quoted(query))?;
                }
                match status {
                    Some(status) => write!(line, r#","status":{status}"#)?,
                    None => line.write_str(r#","status":null"#)?,
                }
                write!(line, r#","bytes":{bytes},"duration":{seconds}.{micros:06},"route":{route},"request_id":{id}"#)?;
                write!(line, r#","consumer":{consumer},"complete":{complete}}}"#)
            }
        }
    }
}

/// A column of text: the value, or `-`.
struct Dash<T>(Option<T>);

impl<T: Display> Display for Dash<T> {
    fn fmt(&self, line: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(line),
            None => line.write_str("-"),
        }
    }
}

/// A JSON string, or null. What is in it needs no escapes: [`Visible`] saw to that.
struct Quoted<T>(Option<T>);

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, line: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => write!(line, "\"{value}\""),
            None => line.write_str("null"),
        }
    }
}

/// Text with all but visible ASCII percent-encoded, quotes and backslashes too.
struct Visible<'a>(&'a str);

impl Display for Visible<'_> {
    fn fmt(&self, line: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\\')) {
            let (plain, tail) = rest.split_at(at);
            line.write_str(plain)?;
            let mut characters = tail.chars();
            let mut utf8 = [0; 4];
            let hidden = characters.next().map(|hidden| hidden.encode_utf8(&mut utf8).as_bytes()).unwrap_or_default();
            for byte in hidden {
                write!(line, "%{byte:02X}")?;
            }
            rest = characters.as_str();
        }
        line.write_str(rest)
    }
}

/// A query whose secret values are masked. A name counts as it reads when it is decoded.
struct Query<'a> {
    query: &'a str,
    masked: &'a [String],
}

impl Display for Query<'_> {
    fn fmt(&self, line: &mut Formatter<'_>) -> fmt::Result {
        for (position, pair) in self.query.split('&').enumerate() {
            if position > 0 {
                line.write_char('&')?;
            }
            match pair.split_once('=') {
                Some((name, _)) if self.is_masked(name) => write!(line, "{}={MASK}", Visible(name))?,
                _ => Visible(pair).fmt(line)?,
            }
        }
        Ok(())
    }
}

impl Query<'_> {
    fn is_masked(&self, name: &str) -> bool {
        let name = percent_decode_str(name).decode_utf8_lossy();
        self.masked.iter().any(|masked| masked.eq_ignore_ascii_case(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum_core::body::Body;
    use std::time::Duration;

    fn line(format: LogFormat, uri: &'static [u8], query: bool) -> String {
        let masked = query.then(|| vec!["api_key".to_owned()]);
        let clock = Clock::manual(Duration::from_mins(29_920_815));
        let log = Arc::new(Log::new(format, masked, clock.clone(), Arc::new(Sink::to(std::io::sink(), format))));
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_maybe_shared(uri).unwrap();
        request.extensions_mut().insert(MatchedRoute::new("/a b/\"{x}\"".into()));
        let mut entry = Entry::of(&mut request, Arc::clone(&log));
        entry.complete = true;
        clock.advance(Duration::from_micros(1_004_211));
        Line { entry: &entry, log: &log }.to_string()
    }

    #[test]
    fn a_json_line_has_every_key_and_parses() {
        let line = line(LogFormat::Json, b"/a\"\\?api_key=x", true);
        assert_eq!(
            line,
            r#"{"time":"2026-11-21T08:15:01.004Z","client":null,"method":"GET","path":"/a%22%5C","query":"api_key=****","status":null,"bytes":0,"duration":1.004211,"route":"/a%20b/%22{x}%22","request_id":null,"consumer":null,"complete":true}"#
        );
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }

    #[test]
    fn nothing_that_a_client_sends_begins_another_line() {
        let line = line(LogFormat::Text, "/\u{85}\u{2028}é".as_bytes(), false);
        assert_eq!(line, "2026-11-21T08:15:01.004Z - GET /%C2%85%E2%80%A8%C3%A9 - 0 1.004211 /a%20b/%22{x}%22 - -");
        assert_eq!(Visible("a\r\nb\u{1b}[2J\u{7f}").to_string(), "a%0D%0Ab%1B[2J%7F");
    }

    #[test]
    fn a_key_in_the_query_is_masked_however_its_name_is_written() {
        for (query, logged) in [
            ("/?a=1&api_key=hidden&b", "/?a=1&api_key=****&b"),
            ("/?API%5fkey=hidden", "/?API%5fkey=****"),
            ("/?api_key=hid=den&api_key=", "/?api_key=****&api_key=****"),
            ("/?my_api_key=seen", "/?my_api_key=seen"),
        ] {
            let line = line(LogFormat::Text, query.as_bytes(), true);
            assert_eq!(line.split(' ').nth(3), Some(logged));
        }
    }
}
