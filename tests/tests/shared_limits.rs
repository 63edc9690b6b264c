//! Several gateways that count in one Redis: exactly the limit together, and what becomes of
//! requests while it is away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustix::process::Signal;
use spikard_tests::program::Program;
use spikard_tests::raw::{Answer, Raw};
use spikard_tests::redis::Redis;
use tempfile::TempDir;
use tokio::time::sleep;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A limit under which nothing comes back while a test runs.
fn limit(burst: usize, store: &str, more: &str) -> String {
    format!(
        r#"
        [rate_limit]
        key = "header:x-tenant"
        per_second = 0.001
        burst = {burst}
        store = "{store}"
        # Long enough for a machine that does much else.
        store_timeout = "5s"
        {more}

        [[routes]]
        path = "/"
        response = {{ body = "hello" }}
        "#
    )
}

async fn ask(address: SocketAddr, path: &str, tenant: &str) -> Answer {
    let mut client = Raw::connect(address).await;
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Tenant: {tenant}\r\nConnection: close\r\n\r\n")).await;
    client.answer().await.expect("an answer")
}

/// How many of the requests of 16 clients each gateway lets pass. The others are refused.
async fn passed<const N: usize>(gateways: [SocketAddr; N], tenant: &'static str, requests: usize) -> [usize; N] {
    let clients: Vec<_> = (0..16)
        .map(|client| {
            tokio::spawn(async move {
                let mut passed = [0; N];
                for request in 0..requests / 16 {
                    let gateway = (client + request) % N;
                    match ask(gateways[gateway], "/", tenant).await.status {
                        200 => passed[gateway] += 1,
                        status => assert_eq!(status, 429),
                    }
                }
                passed
            })
        })
        .collect();
    let mut all = [0; N];
    for client in clients {
        for (all, passed) in all.iter_mut().zip(client.await.expect("a client")) {
            *all += passed;
        }
    }
    all
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_on_one_store_admit_exactly_the_limit() {
    let redis = Redis::start(&[]);
    let config = limit(200, &redis.url("redis://"), "");
    let gateways = [Program::serving(&config), Program::serving(&config)];
    let passed = passed([gateways[0].address, gateways[1].address], "a", 640).await;
    assert_eq!(passed.iter().sum::<usize>(), 200, "{passed:?}");
    assert!(passed.iter().all(|&passed| passed > 0), "both took part: {passed:?}");

    redis.say("script flush");
    assert_eq!(ask(gateways[0].address, "/", "a").await.status, 429, "the script is sent again");
    let keys = redis.say("keys *");
    assert_eq!(keys, "spikard:rate_limit:{rate_limit:header:x-tenant:1:sha256:ca978112ca1bbdcafac231b39a23dc4d}");
    assert_ne!(redis.say(&format!("pttl {keys}")), "-1", "a counter goes when its burst is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_says_what_the_memory_would_say() {
    let redis = Redis::start(&[]);
    let gateway = Program::serving(&limit(3, &redis.url("redis://"), ""));
    for remaining in [2, 1, 0] {
        let answer = ask(gateway.address, "/", "a").await;
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""header:x-tenant";q=3;w=3000"#));
        let expected = format!(r#""header:x-tenant";r={remaining};t={}"#, 1000 * (3 - remaining));
        assert_eq!(answer.header("ratelimit"), Some(expected.as_str()));
    }
    let refusal = ask(gateway.address, "/", "a").await;
    assert_eq!((refusal.status, refusal.header("retry-after")), (429, Some("1000")));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_one_name_count_together_whatever_stands_around_them() {
    let redis = Redis::start(&[]);
    let named = r#"name = "login""#;
    let first = Program::serving(&limit(4, &redis.url("redis://"), named));
    // Here the limit is that of a route, and one of several.
    let second = Program::serving(&format!(
        r#"
        [[routes]]
        path = "/"
        response = {{ body = "hello" }}
        rate_limit = [
            {{ per_second = 100, burst = 100 }},
            {{ key = "header:x-tenant", per_second = 0.001, burst = 4, name = "login", store = "{}", store_timeout = 5 }},
        ]
        "#,
        redis.url("redis://")
    ));
    for gateway in [&first, &second, &first, &second] {
        assert_eq!(ask(gateway.address, "/", "a").await.status, 200);
    }
    assert_eq!(ask(first.address, "/", "a").await.status, 429);
    assert_eq!(ask(first.address, "/", "b").await.header("ratelimit-policy"), Some(r#""login";q=4;w=4000"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_known_by_its_route_wherever_that_stands_in_the_file() {
    let redis = Redis::start(&[]);
    let limited = |path: &str| {
        let store = redis.url("redis://");
        format!(
            r#"
            [[routes]]
            path = "{path}"
            response = {{ body = "hello" }}
            rate_limit = {{ key = "global", per_second = 0.001, burst = 2, store = "{store}", store_timeout = 5 }}
            "#
        )
    };
    let first = Program::serving(&[limited("/"), limited("/users/{id}")].concat());
    let second = Program::serving(&[limited("/users/{id}"), limited("/new"), limited("/")].concat());
    for path in ["/", "/users/7"] {
        for gateway in [&first, &second] {
            assert_eq!(ask(gateway.address, path, "a").await.status, 200, "{path}");
        }
        assert_eq!(ask(first.address, path, "a").await.status, 429, "{path}");
    }
    let keys = redis.say("keys *users*");
    assert_eq!(keys, "spikard:rate_limit:{/users/<id>:rate_limit:global:1:=}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_tls_a_password_and_client_certificates() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    write("ca.pem", authority.pem());
    for name in ["server", "gateway"] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".into()]).unwrap().signed_by(&key, &authority).unwrap();
        write(&format!("{name}.pem"), certificate.pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
    let settings = [
        "--tls-cert-file",
        "server.pem",
        "--tls-key-file",
        "server.key",
        "--tls-ca-cert-file",
        "ca.pem",
        "--requirepass",
        "hidden",
    ];
    let cli = ["--tls", "--cacert", "ca.pem", "--cert", "gateway.pem", "--key", "gateway.key"];
    let redis = Redis::start_in(folder, &settings, &cli);
    let files = |names: &[(&str, &str)]| {
        let line = |(setting, name): &(&str, &str)| format!("{setting} = \"{}\"\n", redis.folder.path().join(name).display());
        names.iter().map(line).collect::<String>()
    };
    let ca = ("store_ca", "ca.pem");
    let own = [ca, ("store_certificate", "gateway.pem"), ("store_key", "gateway.key")];
    let config = limit(50, &redis.url("rediss://:hidden@"), &files(&own));
    let gateways = [Program::serving(&config), Program::serving(&config)];
    let passed = passed([gateways[0].address, gateways[1].address], "a", 160).await;
    assert_eq!(passed.iter().sum::<usize>(), 50, "{passed:?}");

    let closed = r#"on_error = "closed""#;
    for (url, names) in [("rediss://:hidden@", &own[..1]), ("rediss://:hidden@", &[]), ("rediss://:wrong@", &own)] {
        let gateway = Program::serving(&limit(50, &redis.url(url), &format!("{}{closed}", files(names))));
        assert_eq!(ask(gateway.address, "/", "a").await.status, 503, "{url} {names:?}");
        let line = gateway.logged(|line| line.contains("the store is away")).expect("it is said why");
        assert!(line.contains("rediss://:****@127.0.0.1") && !line.contains("wrong"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_has_each_counter_at_one_of_its_nodes() {
    let nodes = Redis::cluster();
    let url = format!("{}?node=127.0.0.1:{}", nodes[0].url("redis-cluster://"), nodes[1].port);
    let config = limit(20, &url, "");
    let gateways = [Program::serving(&config), Program::serving(&config)];
    let addresses = [gateways[0].address, gateways[1].address];
    for tenant in ["a", "b", "i", "j", "k"] {
        assert_eq!(passed(addresses, tenant, 64).await.iter().sum::<usize>(), 20, "{tenant}");
    }
    assert!(nodes.iter().all(|node| node.say("dbsize") != "0"), "all nodes took part");
}

/// Three routes, one for each of `on_error`, with four requests each.
fn routes_of_each_kind(redis: &Redis) -> String {
    let route = |kind: &str| {
        format!(
            r#"
            [[routes]]
            path = "/{kind}"
            response = {{ body = "hello" }}
            rate_limit = {{ key = "global", per_second = 0.001, burst = 4, store = "{}", on_error = "{kind}" }}
            "#,
            redis.url("redis://")
        )
    };
    ["local", "open", "closed"].map(route).concat()
}

/// The answers to five requests.
async fn five(gateway: &Program, path: &str) -> [Answer; 5] {
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(ask(gateway.address, path, "a").await);
    }
    answers.try_into().expect("five of them")
}

/// What becomes of requests while the store is away.
async fn fails_as_set(gateway: &Program) {
    assert_eq!(five(gateway, "/local").await.map(|answer| answer.status), [200, 200, 200, 200, 429]);
    let open = five(gateway, "/open").await;
    assert!(open.iter().all(|answer| answer.status == 200 && answer.header("ratelimit").is_none()), "{open:?}");
    for answer in five(gateway, "/closed").await {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert!(answer.text().contains(r#""type":"https://spikard.dev/errors/service-unavailable""#), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_killed_under_load_is_done_without_until_it_is_back() {
    let mut redis = Redis::start(&[]);
    let gateway = Program::serving(&routes_of_each_kind(&redis));
    for kind in ["/local", "/open", "/closed"] {
        until("the store counts", async || ask(gateway.address, kind, "a").await.header("ratelimit").is_some()).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = ["/local", "/open", "/closed", "/open"]
        .map(|path| {
            let (stop, address) = (Arc::clone(&stop), gateway.address);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let status = ask(address, path, "a").await.status;
                    assert!(status == 200 || status == 429 || (path == "/closed" && status == 503), "{path}: {status}");
                }
            })
        })
        .into();
    sleep(Duration::from_millis(200)).await;
    redis.kill();
    assert!(gateway.logged(|line| line.contains("the store is away")).is_some());
    sleep(Duration::from_millis(200)).await;
    redis.start_again();
    assert!(gateway.logged(|line| line.contains("the store is there again")).is_some());
    until("the store counts again", async || redis.say("dbsize") == "3").await;
    stop.store(true, Ordering::Relaxed);
    for client in load {
        client.await.expect("a client got what it should not");
    }
    for kind in ["/local", "/open", "/closed"] {
        // The load may have ended before it had used up what the store admits since it is back.
        until("the store refuses", async || ask(gateway.address, kind, "a").await.status == 429).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_starts_without_its_store() {
    let mut redis = Redis::start(&[]);
    redis.kill();
    let gateway = Program::serving(&routes_of_each_kind(&redis));
    fails_as_set(&gateway).await;
    redis.start_again();
    until("the store counts", async || ask(gateway.address, "/closed", "a").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stands_still_is_as_good_as_none() {
    let redis = Redis::start(&[]);
    let gateway = Program::serving(&routes_of_each_kind(&redis));
    until("the store counts", async || ask(gateway.address, "/closed", "a").await.status == 200).await;
    redis.signal(Signal::STOP);
    fails_as_set(&gateway).await;
    assert!(gateway.logged(|line| line.contains("the store is away") && line.contains("no answer")).is_some());
    redis.signal(Signal::CONT);
    until("the store counts again", async || ask(gateway.address, "/closed", "a").await.status != 503).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_is_asked_again_and_the_log_stays_short() {
    let redis = Redis::start(&["--user default on nopass ~* &* +@all -eval -evalsha"]);
    let gateway = Program::serving(&routes_of_each_kind(&redis));
    for _ in 0..30 {
        assert_eq!(ask(gateway.address, "/closed", "a").await.status, 503);
        sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(gateway.log().matches("the store is away").count(), 1, "{}", gateway.log());
    assert!(gateway.log().contains("NOPERM") || gateway.log().contains("permission"), "{}", gateway.log());
    redis.say("acl setuser default +@all");
    until("it counts", async || ask(gateway.address, "/closed", "a").await.status == 200).await;
    assert!(gateway.logged(|line| line.contains("the store is there again")).is_some());
}
