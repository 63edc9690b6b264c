//! Keys of tokens over TLS: the provider is a server of ours, with a certificate of an authority that
//! nobody else knows.

use spikard_tests::program::Program;
use spikard_tests::raw::Raw;
use spikard_tests::tls::Authority;
use tempfile::TempDir;

/// A set of one key, and a token of it for the audience `api`; made by `tests/cases/key_sets.py`.
const KEYS: &str = r#"{"keys":[{"kid":"ed","use":"sig","alg":"EdDSA","kty":"OKP",
    "crv":"Ed25519","x":"AowPD6YP2yt6bBw0PLVdD6VBV5NY1IVu6f4xdy6ECCE"}]}"#;
const TOKEN: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImVkIn0.\
    eyJzdWIiOiJhbm4iLCJleHAiOjQxMDI0NDQ4MDAsImF1ZCI6ImFwaSIsImlzcyI6Imh0dHBzOi8vaWQuZXhhbXBsZSJ9.\
    9yJ5RAj9PgA8Tj0vr0wmYfoE6gQiXNkHrbCObmEq5JumST2u97F0KYCHpXN-_61v68plvCmbVbZobXhyVVhaDQ";

/// A server that shows `keys`, with a certificate of `authority` for `localhost`.
fn provider(authority: &Authority, folder: &TempDir) -> Program {
    let issued = authority.host(&["localhost"]);
    let [certificate, key] = [("host.pem", issued.certificate), ("host.key", issued.key)].map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    });
    Program::serving(&format!(
        "[tls]\ncertificates = [{{ certificate = '{}', key = '{}' }}]\n\
         [[routes]]\npath = '/keys'\nresponse = {{ body = '''{KEYS}''' }}\n",
        certificate.display(),
        key.display()
    ))
}

/// A gateway that trusts `authority` to say who the provider is.
fn gateway(provider: &Program, authority: &Authority, folder: &TempDir) -> Program {
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a file");
    let port = provider.address.port();
    Program::serving(&format!(
        "[jwt_auth]\njwks_url = 'https://localhost:{port}/keys'\nissuer = 'https://id.example'\naudience = 'api'\nfetch.ca = '{}'\n\
         [[routes]]\npath = '/'\nresponse = {{ body = 'hello' }}\n",
        ca.display()
    ))
}

async fn status(gateway: &Program) -> u16 {
    let mut client = Raw::connect(gateway.address).await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\r\n")).await;
    client.answer().await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn keys_are_taken_from_who_has_a_certificate_of_the_authority() {
    let (authority, folder) = (Authority::new("internal"), TempDir::new().expect("a folder"));
    let provider = provider(&authority, &folder);
    let gateway = gateway(&provider, &authority, &folder);
    assert_eq!(status(&gateway).await, 200, "{}", gateway.log());
}

#[tokio::test]
async fn keys_of_somebody_else_are_not_taken() {
    let (authority, folder) = (Authority::new("internal"), TempDir::new().expect("a folder"));
    let provider = provider(&authority, &folder);
    let gateway = gateway(&provider, &Authority::new("another"), &folder);
    assert_eq!(status(&gateway).await, 503);
    assert!(gateway.logged(|line| line.contains("/keys") && line.contains("certificate")).is_some());
}
