//! Who we are to a target over TLS, and what we call it.

use spikard_middleware::BuildError;

use super::authority::Authority;
use super::*;

/// The answer of a gate whose settings begin with those of `target`.
async fn answer(config: UpstreamConfig) -> String {
    ask(proxy(config).await, &get("/")).await
}

#[tokio::test]
async fn a_target_that_asks_who_we_are_is_shown_our_certificate() {
    let (ours, theirs, other) = (Authority::new(), Authority::new(), Authority::new());
    ours.sign("gate");
    other.sign("gate");
    for http2 in [false, true] {
        let target = theirs.upstream("localhost", &["h2", "http/1.1"], Some(&ours)).await.replace("127.0.0.1", "localhost");
        let config = UpstreamConfig { http2, ca: Some(theirs.file("ca.pem")), ..UpstreamConfig::to(target) };
        let showing = |authority: &Authority| UpstreamConfig {
            client_certificate: Some(authority.file("gate.pem")),
            client_key: Some(authority.file("gate.key")),
            ..config.clone()
        };
        let seen = answer(showing(&ours)).await;
        assert!(seen.contains(if http2 { "HTTP/2.0" } else { "HTTP/1.1 /" }), "{seen}");
        for refused in [config.clone(), showing(&other)] {
            let refused = answer(refused).await;
            assert!(refused.starts_with("HTTP/1.1 502"), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_target_that_is_an_address_can_be_asked_for_by_name() {
    let authority = Authority::new();
    let target = authority.upstream("shop.internal", &[], None).await;
    let config = UpstreamConfig { ca: Some(authority.file("ca.pem")), ..UpstreamConfig::to(target) };
    let refused = answer(config.clone()).await;
    assert!(refused.starts_with("HTTP/1.1 502"), "the certificate is for another name: {refused}");
    let seen = answer(UpstreamConfig { server_name: Some("shop.internal".into()), ..config }).await;
    assert!(seen.ends_with("for shop.internal"), "{seen}");
}

#[test]
fn what_cannot_say_who_we_are_is_told_with_its_place() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.sign("gate");
    other.sign("gate");
    let ctx = BuildContext::default();
    let error = |certificate: Option<&str>, key: Option<std::path::PathBuf>, server_name: Option<&str>| {
        let config = UpstreamConfig {
            client_certificate: certificate.map(|name| authority.file(name)),
            client_key: key,
            server_name: server_name.map(Into::into),
            ..UpstreamConfig::to("http://a")
        };
        let errors = Upstream::build(&config, &ctx).err().map(BuildError::each).unwrap_or_default();
        let errors: Vec<String> = errors.into_iter().map(|(place, message)| format!("{place}: {message}")).collect();
        errors.join("\n")
    };
    let key = || Some(authority.file("gate.key"));
    for (error, place, expected) in [
        (error(Some("gate.pem"), None, None), "client_certificate: ", "expected `client_key` beside it"),
        (error(None, key(), None), "client_key: ", "expected `client_certificate` beside it"),
        (error(Some("none.pem"), key(), None), "client_certificate: ", "cannot be read"),
        (error(Some("gate.key"), key(), None), "client_certificate: ", "it holds none"),
        (error(Some("gate.pem"), Some(authority.file("gate.pem")), None), "client_key: ", "is no private key"),
        (error(Some("gate.pem"), Some(other.file("gate.key")), None), "client_key: ", "cannot be used with the certificate"),
        (error(None, None, Some("a:1")), "server_name: ", "expected a host name or an address"),
    ] {
        assert!(error.starts_with(place) && error.contains(expected), "{error}");
    }
    assert_eq!(error(Some("gate.pem"), key(), Some("a")), "", "it is good");
    let warnings: Vec<String> = ctx.take_warnings().into_iter().map(|warning| warning.at.to_string()).collect();
    assert!(warnings.ends_with(&["client_certificate".into(), "server_name".into()]), "{warnings:?}");
}
