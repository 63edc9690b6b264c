//! Targets of every kind: TLS, HTTP/2, Unix sockets; and settings that cannot work.

use futures_util::StreamExt;
use hyper::client::conn::http2;
use spikard_middleware::BuildError;
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::authority::Authority;
use super::*;

/// Says what the upstream saw of a request.
async fn seen(request: http::Request<Incoming>) -> Response {
    authority::seen(request, None).await
}

const POST: &str = "POST /a?b HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n\
    2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n";

/// A server with a certificate for `localhost`, and the authority that signed it.
async fn tls_upstream(protocols: &[&str]) -> (String, Authority) {
    let authority = Authority::new();
    let target = authority.upstream("localhost", protocols, None).await;
    (target.replace("127.0.0.1", "localhost"), authority)
}

#[tokio::test]
async fn cleartext_http2_is_spoken_by_prior_knowledge() {
    let config = UpstreamConfig { http2: true, ..UpstreamConfig::to(upstream(seen).await) };
    let gate = proxy(config).await;
    for _ in 0..2 {
        let answer = ask(gate, POST).await;
        assert!(answer.contains(r#"HTTP/2.0 http://gate/a?b b"hi" Some("7")"#), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_of_http2_that_is_not_used_is_closed_once_its_answers_are_out() {
    let (listener, target) = listener().await;
    let idle_timeout = std::time::Duration::from_millis(20);
    let gate = proxy(UpstreamConfig { http2: true, idle_timeout, ..UpstreamConfig::to(target) }).await;
    let connection = async {
        let (finish, finished) = tokio::sync::oneshot::channel();
        let stream = listener.accept().await.unwrap().0;
        let finished = std::sync::Mutex::new(Some(finished));
        let slow = move |_| {
            let finished = finished.lock().unwrap().take().unwrap();
            let last = async { finished.await.map(|()| "end") };
            let body = futures_util::stream::iter([Ok("begin ")]).chain(futures_util::stream::once(last));
            std::future::ready(Response::new(Body::from_stream(body)))
        };
        tokio::join!(serve(stream, slow), async {
            tokio::time::sleep(idle_timeout * 3).await;
            finish.send(()).unwrap();
        });
    };
    let request = get("/");
    let (answer, ()) = tokio::join!(ask(gate, &request), connection);
    assert!(answer.contains("begin ") && answer.contains("end"), "{answer}");
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_takes_its_request_along() {
    let (listener, target) = listener().await;
    let stream = TcpStream::connect(proxy(UpstreamConfig::to(target)).await).await.unwrap();
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::builder().uri("http://gate/").header("cookie", "a=1").header("cookie", "b=2");
    let answer = tokio::spawn(client.send_request(request.body(Body::empty()).unwrap()));
    let mut upstream = Raw::accepted(&listener).await;
    let head = upstream.head().await;
    assert!(head.contains("\r\nhost: gate\r\n") && head.contains("\r\ncookie: a=1; b=2\r\n"), "{head}");
    answer.abort();
    assert_eq!(upstream.rest().await, "");
    assert!(!connection.is_finished(), "only the stream has ended");
}

#[tokio::test]
async fn with_tls_the_target_chooses_the_version() {
    for (protocols, http2, expected) in [
        (&["h2", "http/1.1"][..], true, "HTTP/2.0 https://gate/a?b"),
        (&["http/1.1"], true, "HTTP/1.1 /a?b"),
        (&[], true, "HTTP/1.1 /a?b"),
        (&["h2", "http/1.1"], false, "HTTP/1.1 /a?b"),
    ] {
        let (target, authority) = tls_upstream(protocols).await;
        let ca = Some(authority.file("ca.pem"));
        let gate = proxy(UpstreamConfig { http2, ca, ..UpstreamConfig::to(target) }).await;
        for _ in 0..2 {
            let answer = ask(gate, POST).await;
            assert!(answer.contains(&format!(r#"{expected} b"hi" Some("7")"#)), "{protocols:?} {http2}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_target_that_no_authority_vouches_for_is_not_spoken_to() {
    let (target, _) = tls_upstream(&[]).await;
    let (_, other) = tls_upstream(&[]).await;
    let ca = Some(other.file("ca.pem"));
    let answer = ask(proxy(UpstreamConfig { ca, ..UpstreamConfig::to(target) }).await, POST).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[tokio::test]
async fn a_target_may_be_a_unix_socket() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, seen));
        }
    });
    let answer = ask(proxy(UpstreamConfig::to(format!("unix:{}", path.display()))).await, POST).await;
    assert!(answer.contains(r#"HTTP/1.1 /a?b b"hi" Some("7")"#), "{answer}");
}

#[test]
fn settings_that_cannot_work_are_told_together_with_their_places() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("bad.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    std::fs::write(directory.path().join("empty.pem"), "").unwrap();
    let errors = |config: UpstreamConfig| {
        let ctx = BuildContext::new(directory.path(), spikard_middleware::Clock::system());
        let ctx = ctx.at(ctx.place().key("upstreams").key("api"));
        let error = Upstream::build(&config, &ctx).err().map(BuildError::each).unwrap_or_default();
        error.into_iter().map(|(place, message)| format!("{place}: {message}")).collect::<Vec<_>>()
    };
    let all = errors(UpstreamConfig {
        targets: vec!["http://a:1".into(), "a:1".into(), "http://a/b".into()],
        connect_timeout: std::time::Duration::ZERO,
        strip_prefix: Some("api".into()),
        ca: Some("none.pem".into()),
        ..UpstreamConfig::default()
    });
    assert_eq!(
        all[..4],
        [
            "upstreams.api.targets[1]: target is `a:1`, expected `http://host:port`, `https://host:port` or `unix:/path/to.sock`",
            "upstreams.api.targets[2]: target is `http://a/b`, expected no path: use `rewrite` for that",
            "upstreams.api.connect_timeout: connect_timeout is 0, expected more",
            "upstreams.api.strip_prefix: prefix is `api`, expected `/` and a segment, such as `/api`",
        ]
    );
    assert!(all[4].starts_with("upstreams.api.ca: ") && all[4].contains("cannot be read"), "{}", all[4]);
    for (config, expected) in [
        (UpstreamConfig::default(), "upstreams.api.targets: targets is an empty list"),
        (UpstreamConfig { ca: Some("bad.pem".into()), ..UpstreamConfig::to("http://a") }, "no list of certificates"),
        (UpstreamConfig { ca: Some("empty.pem".into()), ..UpstreamConfig::to("http://a") }, "it holds none"),
        (
            UpstreamConfig { strip_prefix: Some("/a".into()), rewrite: Some("/b".into()), ..UpstreamConfig::to("http://a") },
            "`rewrite` stands beside `strip_prefix`",
        ),
    ] {
        let errors = errors(config);
        assert!(errors.len() == 1 && errors[0].contains(expected), "{errors:?}");
    }
}

#[test]
fn a_rewrite_names_parameters_that_its_route_has() {
    let config = UpstreamConfig { rewrite: Some("/v2/{rest}".into()), ..UpstreamConfig::to("http://a") };
    let ctx = BuildContext::default();
    let upstream = Upstream::build(&config, &ctx).unwrap();
    let leaf = |path: &str| upstream.leaf(&PathPattern::parse(path).unwrap(), &ctx).map(drop).map_err(|error| error.to_string());
    assert_eq!(leaf("/v1/{*rest}"), Ok(()));
    let error = leaf("/v1/{id}").unwrap_err();
    assert!(error.contains("its `rewrite` has `{rest}`, expected a parameter of the path `/v1/{id}`"), "{error}");
}
