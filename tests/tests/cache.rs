//! The cache before an upstream that is slow, changes, or dies: over sockets, with the program.

use spikard_tests::program::Program;
use spikard_tests::raw::{Answer, Raw};
use tokio::net::TcpListener;

/// An upstream in the hands of the test.
struct Upstream {
    listener: TcpListener,
}

impl Upstream {
    async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    /// The gateway before it.
    fn gateway(&self, cache: &str) -> Gateway {
        let address = self.listener.local_addr().expect("an address");
        let config = format!(
            "upstreams.app.targets = [\"http://{address}\"]\n[cache]\n{cache}\n[[routes]]\npath = \"/{{*rest}}\"\nupstream = \"app\"\n"
        );
        Gateway(Program::serving(&config))
    }

    /// The next connection, after its first request.
    async fn asked(&self) -> Asked {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        let mut asked = Asked { connection: Raw::from(stream), head: String::new() };
        asked.again().await;
        asked
    }
}

/// A connection from the gateway.
struct Asked {
    connection: Raw,
    head: String,
}

impl Asked {
    /// Reads the next request.
    async fn again(&mut self) {
        self.head.clear();
        while !self.head.ends_with("\r\n\r\n") {
            let byte = self.connection.bytes(1).await.expect("a request");
            self.head.push(char::from(byte[0]));
        }
    }

    async fn says(&mut self, bytes: &str) {
        self.connection.send(bytes).await;
    }

    async fn answers(&mut self, cache_control: &str, body: &str) {
        let length = body.len();
        self.says(&format!("HTTP/1.1 200 OK\r\nCache-Control: {cache_control}\r\nContent-Length: {length}\r\n\r\n{body}")).await;
    }
}

struct Gateway(Program);

impl Gateway {
    async fn client(&self) -> Raw {
        let mut client = Raw::connect(self.0.address).await;
        client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client
    }

    async fn get(&self) -> Answer {
        self.client().await.answer().await.expect("an answer")
    }
}

fn said(answer: &Answer) -> &str {
    answer.header("cache-status").unwrap_or_default()
}

/// Reads until the text has come.
async fn until(client: &mut Raw, text: &str) {
    let mut seen = String::new();
    while !seen.ends_with(text) {
        let byte = client.bytes(1).await.unwrap_or_else(|| panic!("no {text} in {seen}"));
        seen.push(char::from(byte[0]));
    }
}

#[tokio::test]
async fn fifty_clients_cost_the_upstream_one_request() {
    let upstream = Upstream::new().await;
    let gateway = upstream.gateway("");
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(gateway.client().await);
    }
    let mut asked = upstream.asked().await;
    asked.answers("max-age=600", "for all").await;
    for mut client in clients {
        assert_eq!(client.answer().await.expect("an answer").text(), "for all");
    }
    let more = tokio::time::timeout(std::time::Duration::ZERO, upstream.listener.accept()).await;
    assert!(more.is_err(), "nobody else was asked for");
}

#[tokio::test]
async fn who_comes_while_a_body_arrives_gets_it_from_its_beginning_and_outlives_the_first() {
    let upstream = Upstream::new().await;
    let gateway = upstream.gateway("");
    let mut first = gateway.client().await;
    let mut asked = upstream.asked().await;
    asked.says("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n").await;
    until(&mut first, "begin").await;
    let mut second = gateway.client().await;
    until(&mut second, "begin").await;
    drop(first);
    asked.says("3\r\nend\r\n0\r\n\r\n").await;
    until(&mut second, "end\r\n0\r\n\r\n").await;
    let third = gateway.get().await;
    assert_eq!((third.text().as_str(), third.header("content-length")), ("beginend", Some("8")));
    assert!(said(&third).starts_with("spikard; hit; ttl="), "{}", third.head);
}

#[tokio::test]
async fn a_body_that_all_have_left_is_stored_nevertheless() {
    let upstream = Upstream::new().await;
    let gateway = upstream.gateway("");
    let mut first = gateway.client().await;
    let mut asked = upstream.asked().await;
    asked.says("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 8\r\n\r\nbegin").await;
    until(&mut first, "begin").await;
    drop(first);
    asked.says("end").await;
    assert_eq!(gateway.get().await.text(), "beginend");
}

#[tokio::test]
async fn an_upstream_that_is_gone_shows_as_an_old_answer() {
    let upstream = Upstream::new().await;
    let gateway = upstream.gateway("stale_if_error = \"1h\"");
    let mut client = gateway.client().await;
    let mut asked = upstream.asked().await;
    asked.answers("max-age=0", "old").await;
    assert_eq!(client.answer().await.expect("an answer").text(), "old");
    drop((asked, upstream));
    let answer = gateway.get().await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "old"));
    assert!(
        said(&answer).contains("fwd=stale; fwd-status=50") && said(&answer).ends_with("detail=stale-if-error"),
        "{}",
        answer.head
    );
}

#[tokio::test]
async fn an_old_answer_is_given_while_a_new_one_is_fetched() {
    let upstream = Upstream::new().await;
    let gateway = upstream.gateway("stale_while_revalidate = \"1h\"");
    let mut client = gateway.client().await;
    let mut asked = upstream.asked().await;
    asked.answers("max-age=0", "old").await;
    client.answer().await.expect("an answer");
    // The upstream is silent, and nobody waits for it.
    for _ in 0..3 {
        assert_eq!(gateway.get().await.text(), "old");
    }
    asked.again().await;
    asked.answers("max-age=600", "new").await;
    while gateway.get().await.text() == "old" {}
    assert_eq!(gateway.get().await.text(), "new");
}

#[tokio::test]
async fn events_and_upgrades_pass_as_they_come() {
    let upstream = Upstream::new().await;
    let gateway = upstream.gateway("default_ttl = \"1h\"");
    for _ in 0..2 {
        let mut client = gateway.client().await;
        let mut asked = upstream.asked().await;
        asked.says("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n").await;
        until(&mut client, "data: 1\n\n").await;
    }
    let mut client = Raw::connect(gateway.0.address).await;
    client.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n").await;
    let mut asked = upstream.asked().await;
    asked.says("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello").await;
    until(&mut client, "\r\n\r\nhello").await;
}
