//! Certificates of clients: who may connect, and what handlers and upstreams are told.

use std::collections::BTreeMap;

use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::Raw;
use spikard_tests::tls::{Authority, Client};
use spikard_tests::upstream::{Reply, Seen, Upstream};
use tempfile::TempDir;

/// A gateway that asks clients for certificates, and the upstream that it tells.
struct Gateway {
    /// Of the server.
    servers: Authority,
    /// Of the clients.
    clients: Authority,
    upstream: Upstream,
    program: Program,
    folder: TempDir,
}

impl Gateway {
    async fn start(settings: &str) -> Self {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let answer = Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec());
        let upstream = Upstream::start(BTreeMap::new(), answer).await;
        let folder = TempDir::new().expect("a folder");
        let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).expect("a file");
        let host = servers.host(&["a.example"]);
        write("host.pem", &(host.certificate + &host.key));
        write("clients.pem", &clients.pem());
        write("revoked.pem", &clients.revoking(&[9]));
        let config = format!(
            "[tls]\ncertificates = [{{ certificate = 'host.pem' }}]\n[tls.client_auth]\nca = 'clients.pem'\n{settings}\n\
             headers = {{ subject = 'X-Subject', names = 'X-Names', certificate = 'Client-Cert', fingerprint = 'X-Print' }}\n\
             [upstreams.app]\ntargets = ['http://{}']\n[[routes]]\npath = '/{{*rest}}'\nupstream = 'app'\n",
            upstream.address
        );
        write("spikard.toml", &config);
        let mut command = spikard(["serve"]);
        command.arg(folder.path().join("spikard.toml")).args(["--port", "0"]);
        let program = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
        Self { servers, clients, upstream, program, folder }
    }

    /// What the upstream sees of a request; none if the client is not let in.
    async fn seen(&self, client: &Client, head: &str) -> Option<Seen> {
        let stream = client.connect(self.program.address, "a.example").await.ok()?;
        let mut raw = Raw::from(stream);
        raw.send(format!("GET / HTTP/1.1\r\nhost: a.example\r\n{head}\r\n")).await;
        let answer = raw.read(false).await.ok()??;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.upstream.take().pop()
    }
}

fn header<'s>(seen: &'s Seen, name: &str) -> Vec<&'s str> {
    seen.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
}

const FORGED: &str = "x-subject: CN=admin\r\nX_Subject: CN=admin\r\nclient-cert: :AAAA:\r\nconnection: x-subject, x-names\r\n";

#[tokio::test]
async fn only_clients_of_the_authority_are_let_in_and_upstreams_are_told_who_they_are() {
    let gateway = Gateway::start("").await;
    let shop = gateway.clients.client("shop, Zürich", 7);
    let stranger = Authority::new("others").client("shop", 7);

    assert_eq!(gateway.seen(&Client::of(&gateway.servers), "").await, None);
    assert_eq!(gateway.seen(&Client::showing(&gateway.servers, &stranger), "").await, None);
    let seen = gateway.seen(&Client::showing(&gateway.servers, &shop), FORGED).await.expect("it is let in");
    assert_eq!(header(&seen, "x-subject"), ["O=Test,CN=shop\\, Z\\c3\\bcrich"]);
    assert_eq!(header(&seen, "x_subject"), [""; 0]);
    assert_eq!(header(&seen, "x-names"), ["URI:spiffe://test/7"]);
    assert_eq!(header(&seen, "x-print")[0].len(), 64);
    let certificate: String = shop.certificate.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(header(&seen, "client-cert"), [format!(":{certificate}:")]);
    assert_eq!(header(&seen, "x-forwarded-proto"), ["https"]);
}

#[tokio::test]
async fn where_certificates_are_optional_nobody_passes_for_one_who_has_shown_one() {
    let gateway = Gateway::start("mode = 'optional'").await;
    let seen = gateway.seen(&Client::of(&gateway.servers), FORGED).await.expect("it is let in");
    assert_eq!((header(&seen, "x-subject").len(), header(&seen, "client-cert").len()), (0, 0));
    let shop = gateway.clients.client("shop", 7);
    let seen = gateway.seen(&Client::showing(&gateway.servers, &shop), "").await.expect("it is let in");
    assert_eq!(header(&seen, "x-subject"), ["O=Test,CN=shop"]);
    let stranger = Authority::new("others").client("shop", 7);
    assert_eq!(gateway.seen(&Client::showing(&gateway.servers, &stranger), "").await, None, "a bad one is no missing one");
}

#[tokio::test]
async fn who_is_revoked_is_out_also_with_a_session_from_before() {
    let gateway = Gateway::start("crl = 'revoked.pem'").await;
    let [good, revoked] = [7, 9].map(|number| gateway.clients.client("shop", number));
    let good = Client::showing(&gateway.servers, &good);
    assert_eq!(gateway.seen(&Client::showing(&gateway.servers, &revoked), "").await, None);
    assert!(gateway.seen(&good, "").await.is_some());

    std::fs::write(gateway.folder.path().join("revoked.pem"), gateway.clients.revoking(&[7, 9])).expect("a file");
    gateway.program.logged(|line| line.contains("hold from the next connection on")).expect("it is seen");
    assert_eq!(gateway.seen(&good, "").await, None);
}
