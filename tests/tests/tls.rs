//! TLS of the program as clients meet it: certificates by name, protocols, files that change, and
//! what is not TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::HandshakeKind;
use spikard_core::config::CertificateConfig;
use spikard_core::server::{Live, Server, Settings, Signals};
use spikard_core::{Gateway, ServerConfig, TlsConfig};
use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::Raw;
use spikard_tests::tls::{Authority, Client, Issued};
use tempfile::TempDir;

const GET: &str = "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n";
const ROUTES: &str = "\n[[routes]]\npath = '/'\nresponse = { body = 'secure' }\n";

/// A folder with certificates and the program that shows them.
struct Site {
    folder: TempDir,
    program: Program,
}

impl Site {
    /// Starts the program with `[tls]` and these certificates, `0.pem` and `0.key` on.
    fn start(certificates: &[&Issued], settings: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let entries: Vec<String> =
            (0..certificates.len()).map(|number| format!("{{ certificate = '{number}.pem', key = '{number}.key' }}")).collect();
        for (number, issued) in certificates.iter().enumerate() {
            put(folder.path(), &number.to_string(), issued);
        }
        let config = format!("tls.certificates = [{}]\n{settings}{ROUTES}", entries.join(", "));
        std::fs::write(folder.path().join("spikard.toml"), config).expect("a file");
        let mut command = spikard(["serve"]);
        command.arg(folder.path().join("spikard.toml")).args(["--port", "0"]);
        let program = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
        Self { folder, program }
    }
}

fn put(folder: &Path, name: &str, issued: &Issued) {
    // As tools do that care: what is read is never half a file.
    for (ending, content) in [("key", &issued.key), ("pem", &issued.certificate)] {
        let new = folder.join(format!("{name}.{ending}.new"));
        std::fs::write(&new, content).expect("a file");
        std::fs::rename(new, folder.join(format!("{name}.{ending}"))).expect("the same folder");
    }
}

#[tokio::test]
async fn a_client_gets_the_certificate_of_the_host_that_it_asks_for() {
    let authority = Authority::new("root");
    let [first, exact, wildcard, rsa] = [
        authority.host(&["a.example"]),
        authority.host(&["b.example", "x.w.example"]),
        authority.host(&["*.w.example"]),
        authority.host_with_rsa(&["a.example"]),
    ];
    let site = Site::start(&[&first, &exact, &wildcard, &rsa], "");
    let client = Client::of(&authority);
    for (host, expected) in
        [("a.example", &first), ("b.example", &exact), ("B.example", &exact), ("x.w.example", &exact), ("y.w.example", &wildcard)]
    {
        assert_eq!(client.certificate(site.program.address, host).await, Ok(expected.der()), "{host}");
    }
    for unknown in ["c.example", "w.example", "x.y.w.example"] {
        let error = client.certificate(site.program.address, unknown).await.expect_err("the first one has another name");
        assert!(error.contains("not valid for name"), "{unknown}: {error}");
    }
    // A client that can check RSA keys only gets the certificate with one.
    let arguments = ["s_client", "-tls1_2", "-sigalgs", "RSA-PSS+SHA256", "-servername", "a.example", "-connect"];
    let shown = Command::new("openssl").args(arguments).arg(site.program.address.to_string()).output().expect("openssl");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(text.contains("CN = rsa"), "{text}");
}

#[tokio::test]
async fn http_2_and_http_1_are_spoken_as_the_client_prefers_and_nothing_else() {
    let authority = Authority::new("root");
    let site = Site::start(&[&authority.host(&["a.example"])], "");
    let client = Client::of(&authority);

    let stream = client.connect(site.program.address, "a.example").await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut raw = Raw::from(stream);
    raw.send(GET).await.send(GET).await;
    for _ in 0..2 {
        assert_eq!(raw.answer().await.expect("an answer").text(), "secure");
    }

    let stream = client.clone().offering("h2").connect(site.program.address, "a.example").await.expect("a handshake");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = http::Request::builder().uri("https://a.example/").body(Empty::<bytes::Bytes>::new()).expect("a request");
    let body = sender.send_request(request).await.expect("an answer").into_body().collect().await.expect("a body");
    assert_eq!(body.to_bytes(), "secure");

    let refused = client.offering("smtp").connect(site.program.address, "a.example").await;
    assert!(refused.is_err_and(|error| error.to_string().contains("NoApplicationProtocol")));
}

#[tokio::test]
async fn versions_before_the_oldest_are_refused() {
    let authority = Authority::new("root");
    let host = authority.host(&["a.example"]);
    let offered = |site: &Site, version: &str| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-cipher", "ALL:@SECLEVEL=0", version, "-connect", &site.program.address.to_string()]);
        let output = command.stdin(std::process::Stdio::null()).output().expect("openssl");
        String::from_utf8_lossy(&output.stdout).contains("Server certificate")
    };
    let site = Site::start(&[&host], "");
    assert_eq!(["-tls1_1", "-tls1_2", "-tls1_3"].map(|version| offered(&site, version)), [false, true, true]);
    let site = Site::start(&[&host], "tls.min_version = '1.3'\n");
    assert_eq!(["-tls1_1", "-tls1_2", "-tls1_3"].map(|version| offered(&site, version)), [false, false, true]);
}

#[tokio::test]
async fn new_files_hold_from_the_next_connection_on_and_bad_ones_do_not() {
    let authority = Authority::new("root");
    let [old, new, other] = [0, 1, 2].map(|_| authority.host(&["a.example"]));
    let site = Site::start(&[&old], "");
    let client = Client::of(&authority);
    let shown = async || client.certificate(site.program.address, "a.example").await.expect("a handshake");
    let open = client.connect(site.program.address, "a.example").await.expect("a handshake");

    put(site.folder.path(), "0", &new);
    site.program.logged(|line| line.contains("hold from the next connection on")).expect("they are seen");
    assert_eq!(shown().await, new.der());
    let mut open = Raw::from(open);
    open.send(GET).await;
    assert_eq!(open.answer().await.expect("an answer").status, 200, "a connection that is open stays so");

    std::fs::write(site.folder.path().join("0.key"), &other.key).expect("a file");
    let line = site.program.logged(|line| line.contains("the old ones go on")).expect("it is seen");
    assert!(line.contains("tls.certificates[0].key: ") && line.contains("the key of another certificate"), "{line}");
    assert_eq!(shown().await, new.der());

    std::fs::write(site.folder.path().join("0.pem"), &other.certificate).expect("a file");
    let expected = other.der();
    while shown().await != expected {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn sessions_go_on_where_the_client_left_off() {
    let authority = Authority::new("root");
    let site = Site::start(&[&authority.host(&["a.example"])], "");
    let client = Client::of(&authority);
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let stream = client.connect(site.program.address, "a.example").await.expect("a handshake");
        kinds.push(stream.get_ref().1.handshake_kind());
        let mut raw = Raw::from(stream);
        // The ticket comes with the answer.
        raw.send(GET).await.answer().await.expect("an answer");
    }
    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
}

#[tokio::test]
async fn http_without_tls_is_redirected_at_its_port_and_explained_at_the_other() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let authority = Authority::new("root");
    let site = Site::start(&[&authority.host(&["a.example"])], &format!("tls.redirect_http = {free}\n"));
    let redirecting = format!("redirecting http://127.0.0.1:{free}");
    site.program.logged(|line| line == redirecting).expect("the banner says so");

    let mut client = Raw::connect(([127, 0, 0, 1], free).into()).await;
    client.send("POST /x?y HTTP/1.1\r\nhost: a.example:80\r\ncontent-length: 2\r\n\r\nhi").await;
    let answer = client.answer().await.expect("an answer");
    let location = format!("https://a.example:{}/x?y", site.program.address.port());
    assert_eq!((answer.status, answer.header("location")), (308, Some(location.as_str())));

    let mut client = Raw::connect(site.program.address).await;
    client.send(GET).await;
    let answer = client.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (400, Some("close")));
    assert!(answer.text().contains("this port takes HTTPS"), "{}", answer.text());
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn what_becomes_of_handshakes_is_counted() {
    let (folder, authority) = (TempDir::new().expect("a folder"), Authority::new("root"));
    put(folder.path(), "0", &authority.host(&["a.example"]));
    let certificate = CertificateConfig { certificate: folder.path().join("0.pem"), key: Some(folder.path().join("0.key")) };
    let tls = TlsConfig { certificates: vec![certificate], ..TlsConfig::default() };
    let config = ServerConfig { tls: Some(tls), ..ServerConfig::default() };
    let gateway = Arc::new(Gateway::build(&config).expect("it builds"));
    let server = Server::bind("127.0.0.1", 0, Settings::of(&config, &gateway)).await.expect("a port");
    let address = server.addresses()[0];
    let (_stop, signals) = Signals::by_hand();
    tokio::spawn(server.run(Live::new(Arc::clone(&gateway) as _), signals));

    let client = Client::of(&authority);
    for _ in 0..2 {
        let mut raw = Raw::from(client.connect(address, "a.example").await.expect("a handshake"));
        raw.send(GET).await.answer().await.expect("an answer");
    }
    client.offering("smtp").connect(address, "a.example").await.expect_err("no common protocol");
    Raw::connect(address).await.send(GET).await.answer().await.expect("an answer");
    let counted = |outcome| {
        let line = format!("spikard_tls_handshakes_total{{outcome=\"{outcome}\"}} 1\n");
        gateway.metrics().text().expect("text").contains(&line)
    };
    for outcome in ["full", "resumed", "failed", "plain"] {
        while !counted(outcome) {
            tokio::task::yield_now().await;
        }
    }
}
