//! A configuration that changes under a running program: what is asked meanwhile is answered, what is
//! open stays open, what counts goes on counting, and what is wrong changes nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::{Answer, Raw};
use spikard_tests::upstream::{Reply, Upstream};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A program, and its file.
struct Reloaded {
    program: Program,
    file: PathBuf,
    _folder: TempDir,
}

impl Reloaded {
    fn serving(config: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("spikard.toml");
        std::fs::write(&file, config).expect("a file");
        Self::start(folder, file, &["--port", "0"])
    }

    fn start(folder: TempDir, file: PathBuf, arguments: &[&str]) -> Self {
        let mut command = spikard(["serve"]);
        command.arg(&file).args(arguments);
        let program = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
        Self { program, file, _folder: folder }
    }

    /// Puts another file in the place of the first, and tells the program.
    fn put(&self, config: &str) {
        replace(&self.file, config);
        self.program.signal(Signal::HUP);
    }

    /// Waits for what the program says of a reload.
    fn says(&self, text: &str) {
        assert!(self.program.logged(|line| line.contains(text)).is_some(), "{text}: {}", self.program.log());
    }

    async fn ask(&self, path: &str) -> Answer {
        get(&mut Raw::connect(self.program.address).await, path).await
    }
}

/// Puts another file in the place of one, at once.
fn replace(file: &Path, text: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, text).expect("a file");
    std::fs::rename(next, file).expect("another file");
}

async fn get(client: &mut Raw, path: &str) -> Answer {
    client.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    client.answer().await.expect("an answer")
}

/// An upstream that answers one request with a stream of what it is given.
async fn stream_of_events() -> (mpsc::UnboundedSender<String>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, mut events) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = vec![0; 4096];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
        while let Some(event) = events.recv().await {
            let _ = stream.write_all(event.as_bytes()).await;
        }
    });
    (sender, address)
}

fn ok(body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_reloads_under_load_no_request_notices() {
    const RELOADS: usize = 1000;
    const CLIENTS: usize = 8;
    let upstream = Upstream::start(BTreeMap::new(), ok("upstream")).await;
    // The route of the version, the policies and the upstream of the other one change with every reload.
    let config = |number: usize| {
        format!(
            "max_body_size = {number}\nupstreams.stays.targets = ['http://{0}']\n\
             upstreams.changes = {{ targets = ['http://{0}'], idle_connections = {number} }}\n\
             [[routes]]\npath = '/stays'\nupstream = 'stays'\n[[routes]]\npath = '/changes'\nupstream = 'changes'\n\
             [[routes]]\npath = '/version'\nresponse.body = 'version {number}'\n",
            upstream.address
        )
    };
    let server = Arc::new(Reloaded::serving(&config(1)));
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (server, over, answered) = (Arc::clone(&server), Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut client = Raw::connect(server.program.address).await;
                while !over.load(Ordering::Relaxed) {
                    if number % 2 == 0 {
                        client = Raw::connect(server.program.address).await;
                    }
                    let path = ["/stays", "/changes", "/version"][answered.fetch_add(1, Ordering::Relaxed) % 3];
                    assert_eq!(get(&mut client, path).await.status, 200, "{path}");
                }
            })
        })
        .collect();
    for number in 2..=RELOADS + 1 {
        server.put(&config(number));
        while server.ask("/version").await.text() != format!("version {number}") {}
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("a client lost a request");
    }
    assert!(answered.load(Ordering::Relaxed) > RELOADS, "{answered:?}");
    assert_eq!(server.program.log().matches("reloaded: ").count(), RELOADS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_tunnel_and_an_open_stream_live_on() {
    let upgrade = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n".to_vec();
    let upstream = Upstream::start(BTreeMap::new(), Reply::Echo(upgrade)).await;
    let (events, streaming) = stream_of_events().await;
    let config = |path: &str| {
        format!(
            "upstreams = {{ a.targets = ['http://{}'], b.targets = ['http://{streaming}'] }}\n\
             [[routes]]\npath = '{path}'\nupstream = 'a'\n[[routes]]\npath = '/stream'\nupstream = 'b'\n",
            upstream.address
        )
    };
    let server = Reloaded::serving(&config("/tunnel"));
    let mut tunnel = Raw::connect(server.program.address).await;
    tunnel.send("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    assert_eq!(tunnel.answer().await.map(|answer| answer.status), Some(101));
    let mut stream = Raw::connect(server.program.address).await;
    stream.send("GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(stream.read(true).await.map(|answer| answer.map(|answer| answer.status)), Ok(Some(200)));

    // Even its own route goes, and with it the upstream.
    for (next, says) in [(config("/other"), "1 route added, 1 removed"), (String::new(), "upstreams: a, b")] {
        server.put(&next);
        server.says(says);
        tunnel.send("still there?").await;
        assert_eq!(tunnel.bytes(12).await.as_deref(), Some(&b"still there?"[..]));
        events.send(format!("data: {says}\n\n")).expect("the upstream is asked");
    }
    drop(events);
    let rest = stream.rest().await;
    assert!(rest.contains("1 route added") && rest.contains("upstreams: a") && rest.contains("\r\n0\r\n"), "{rest}");
    assert_eq!(server.ask("/tunnel").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_a_limit_go_on_wherever_its_route_stands_and_whatever_it_admits() {
    let limit = |path: &str, burst: usize| {
        format!("[[routes]]\npath = '{path}'\nresponse.body = 'x'\nrate_limit = {{ per_second = 0.001, burst = {burst} }}\n")
    };
    let free = "[[routes]]\npath = '/free'\nresponse.body = 'x'\nrate_limit = false\n";
    let head = "rate_limit = { per_second = 0.001, burst = 3 }\n[[routes]]\npath = '/server'\nresponse.body = 'x'\n";
    let server = Reloaded::serving(&format!("{head}{}{}", limit("/own", 2), limit("/changes", 2)));
    let used = async |path: &str| server.ask(path).await.status;
    assert_eq!([used("/server").await, used("/own").await, used("/changes").await], [200; 3]);

    server.put(&format!("{head}{free}{}{}", limit("/changes", 3), limit("/own", 2)));
    server.says("1 route added, 1 changed");
    assert_eq!(used("/free").await, 200);
    assert_eq!([used("/server").await, used("/server").await, used("/server").await], [200, 200, 429]);
    assert_eq!([used("/own").await, used("/own").await], [200, 429]);
    // One of three is used: a limit with another burst counts on, too.
    assert_eq!([used("/changes").await, used("/changes").await, used("/changes").await], [200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_changes_nothing_and_says_why() {
    let good = "[[routes]]\npath = '/'\nresponse.body = 'good'\n";
    let server = Reloaded::serving(good);
    for (bad, reason) in [
        ("[[routes]\n", "error"),
        ("[[routes]]\npath = '/'\nresponse.body = 'bad'\nrate_limit = { per_second = -1, burst = 1 }\n", "per_second is -1"),
        ("[[routes]]\npath = '/'\nupstream = 'nobody'\n", "upstream is `nobody`"),
    ] {
        server.put(bad);
        server.says(reason);
        assert_eq!(server.ask("/").await.text(), "good");
    }
    server.put("port = 1\nshutdown_timeout = '1s'\n[[routes]]\npath = '/'\nresponse.body = 'better'\n");
    server.says("shutdown_timeout: \"30s\" -> \"1s\": this needs a restart");
    assert_eq!(server.ask("/").await.text(), "better");
    assert!(!server.program.log().contains("port"), "the port is that of the command line: {}", server.program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_believed_of_clients_changes_with_the_routes() {
    let upstream = Upstream::start(BTreeMap::new(), ok("")).await;
    let config = format!("upstreams.a.targets = ['http://{}']\n[[routes]]\npath = '/'\nupstream = 'a'\n", upstream.address);
    let server = Reloaded::serving(&config);
    let claim = "jwt_auth = { secret = 'a secret of thirty-two bytes, or more', claim_headers = { sub = 'X-User' } }\n";
    let ask = async || {
        let mut client = Raw::connect(server.program.address).await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-User: root\r\n\r\n").await;
        client.answer().await.expect("an answer");
    };
    ask().await;
    server.put(&format!(
        "trusted_proxies = ['127.0.0.0/8']\n{config}jwt_auth = false\n[[routes]]\npath = '/other'\nresponse = {{}}\n{claim}"
    ));
    server.says("server: trusted_proxies");
    ask().await;
    let seen = upstream.expect(2).await;
    let header = |number: usize, name: &str| {
        let fields = seen[number].headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.clone())
    };
    assert_eq!(header(0, "x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(header(1, "x-forwarded-for").as_deref(), Some("192.0.2.7, 127.0.0.1"));
    assert_eq!([header(0, "x-user").as_deref(), header(1, "x-user").as_deref()], [Some("root"), None]);
}
