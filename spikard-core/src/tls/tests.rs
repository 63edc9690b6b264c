//! The files of TLS: what is wrong with them, and what becomes of changes.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, KeyPair};
use spikard_middleware::{BuildContext, Clock};

use super::watch::Watched;
use super::{Acceptance, Tls};
use crate::config::{CertificateConfig, ClientAuthConfig, TlsConfig};

/// A self-signed certificate and its key.
fn issued(names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let key = KeyPair::generate().unwrap();
    (CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn config() -> TlsConfig {
    let certificate = CertificateConfig { certificate: "host.pem".into(), key: Some("host.key".into()) };
    TlsConfig { certificates: vec![certificate], ..TlsConfig::default() }
}

fn put(folder: &Path, (certificate, key): &(String, String)) {
    std::fs::write(folder.join("host.pem"), certificate).unwrap();
    std::fs::write(folder.join("host.key"), key).unwrap();
}

fn errors(folder: &Path, config: &TlsConfig) -> Vec<String> {
    let built = Tls::build(config, &BuildContext::new(folder, Clock::system()));
    let folder = format!("{}/", folder.display());
    let errors = built.map_or_else(spikard_middleware::BuildError::each, |_| Vec::new());
    errors.into_iter().map(|(at, message)| format!("{at}: {}", message.replace(&folder, ""))).collect()
}

#[test]
fn what_is_wrong_with_a_file_is_said_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) = (issued(&["a.example"]), issued(&["a.example"]));
    put(folder.path(), &ours);
    assert_eq!(errors(folder.path(), &config()), [""; 0]);

    put(folder.path(), &(ours.0.clone(), others.1));
    let other = "certificates[0].key: `host.key` holds the key of another certificate, expected that of `certificate`";
    assert_eq!(errors(folder.path(), &config()), [other]);

    put(
        folder.path(),
        &(ours.0.clone(), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----".into()),
    );
    let locked = "certificates[0].key: `host.key` holds a key with a password, expected one without";
    assert_eq!(errors(folder.path(), &config()), [locked]);

    let mut without_key = config();
    without_key.certificates[0].key = None;
    without_key.client_auth = Some(ClientAuthConfig { ca: "host.key".into(), ..ClientAuthConfig::default() });
    let expected = [
        "certificates[0].certificate: `host.pem` holds no private key, expected one in PEM",
        "client_auth.ca: `host.key` is no list of certificates, expected PEM: it holds none",
    ];
    assert_eq!(errors(folder.path(), &without_key), expected);
}

#[test]
fn a_certificate_that_no_client_will_get_or_take_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &issued(&[]));
    let mut twice = config();
    twice.certificates.push(twice.certificates[0].clone());
    let ctx = BuildContext::new(folder.path(), Clock::system());
    assert!(Tls::build(&twice, &ctx).is_ok());
    let places: Vec<String> = ctx.take_warnings().iter().map(|warning| warning.at.to_string()).collect();
    assert_eq!(places, ["certificates[1].certificate"]);
}

/// What is watched, and what holds.
fn watched(folder: &Path, config: &TlsConfig) -> (Watched, ArcSwap<Acceptance>) {
    let ctx = BuildContext::new(folder, Clock::system());
    (Watched::new(config, &ctx), ArcSwap::from_pointee(Acceptance::build(config, &ctx).unwrap()))
}

#[test]
fn a_change_holds_once_certificate_and_key_fit_and_sessions_go_on() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &issued(&["a.example"]));
    let (mut watched, current) = watched(folder.path(), &config());
    let first = current.load_full();
    watched.look(&current);
    assert!(Arc::ptr_eq(&current.load(), &first), "nothing has changed");

    let new = issued(&["a.example"]);
    std::fs::write(folder.path().join("host.pem"), &new.0).unwrap();
    for _ in 0..3 {
        watched.look(&current);
        assert!(Arc::ptr_eq(&current.load(), &first), "the key is still the old one");
    }
    std::fs::write(folder.path().join("host.key"), &new.1).unwrap();
    watched.look(&current);
    let second = current.load_full();
    assert!(!Arc::ptr_eq(&second, &first));
    assert!(Arc::ptr_eq(&second.config.ticketer, &first.config.ticketer));
}

#[test]
fn a_link_that_leads_elsewhere_is_a_change_and_other_clients_mean_new_sessions() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let version = folder.path().join(name);
        std::fs::create_dir(&version).unwrap();
        put(&version, &issued(&["a.example"]));
        std::fs::write(version.join("ca.pem"), issued(&["ca"]).0).unwrap();
    }
    // As Kubernetes does: the files are links through a folder that is itself a link.
    let link = |to: &str| {
        std::os::unix::fs::symlink(to, folder.path().join("new")).unwrap();
        std::fs::rename(folder.path().join("new"), folder.path().join("data")).unwrap();
    };
    link("one");
    let mut config = config();
    config.certificates = vec![CertificateConfig { certificate: "data/host.pem".into(), key: Some("data/host.key".into()) }];
    config.client_auth = Some(ClientAuthConfig { ca: "data/ca.pem".into(), ..ClientAuthConfig::default() });
    let (mut watched, current) = watched(folder.path(), &config);
    let first = current.load_full();
    link("two");
    watched.look(&current);
    let second = current.load_full();
    assert!(!Arc::ptr_eq(&second, &first));
    assert!(!Arc::ptr_eq(&second.config.ticketer, &first.config.ticketer), "a session would skip the check");
}

#[tokio::test]
async fn certificates_say_when_they_expire_for_as_long_as_they_are_in_force() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &issued(&["a.example"]));
    let ctx = BuildContext::new(folder.path(), Clock::system());
    let tls = Tls::build(&config(), &ctx).unwrap();
    let says = || ctx.metrics().text().unwrap().contains("_expiry_timestamp_seconds{certificate=\"host.pem\"} 670");
    assert!(!says(), "it may be built to be looked at");
    ctx.background().begin();
    while !says() {
        tokio::task::yield_now().await;
    }
    drop(tls);
    while says() {
        tokio::task::yield_now().await;
    }
}
