//! An HTTP client for what policies fetch: key sets, documents. Small answers, seldom.
//!
//! HTTP/1.1 and HTTP/2, with TLS against the authorities of the system or of a file. Redirects are
//! not followed: where keys come from is a matter of the settings, and of nobody on the way. No
//! connection is kept: between two fetches lie minutes.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::context::{BuildContext, BuildError};

/// A client; clones are the same one.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    trust: Arc<str>,
}

impl BuildContext {
    /// A client that trusts the authorities of the PEM file `ca`, which the setting `field` names,
    /// or those of the system. All who ask for the same file get the same client.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificates.
    pub fn http_client(&self, field: &str, ca: Option<&Path>) -> Result<HttpClient, BuildError> {
        let Some(path) = ca else {
            let client = self.shared("system", || HttpClient::trusting(authorities_of_the_system(), "system".into()));
            return Ok(HttpClient::clone(&client));
        };
        let path = self.path(path);
        let pem = std::fs::read(&path)
            .map_err(|error| self.unavailable(field, format!("`{}` cannot be read: {error}", path.display())))?;
        let roots = read_authorities(&pem).map_err(|reason| {
            self.invalid(field, format!("`{}` is no list of certificates, expected PEM: {reason}", path.display()))
        })?;
        // Another content is another client, although the file has the same name.
        let trust: Arc<str> = format!("{:x?}", digest(&SHA256, &pem).as_ref()).into();
        let client = self.shared(&trust, || HttpClient::trusting(roots, Arc::clone(&trust)));
        Ok(HttpClient::clone(&client))
    }
}

impl HttpClient {
    fn trusting(roots: RootCertStore, trust: Arc<str>) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            // The provider has the suites of both versions.
            .unwrap_or_else(|_| unreachable!("aws-lc-rs speaks TLS 1.2 and 1.3"))
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().build();
        Self { client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector), trust }
    }

    /// What tells clients apart that trust different authorities.
    pub(crate) fn trust(&self) -> &str {
        &self.trust
    }

    /// The body of a 200, of at most `limit` bytes, and all of it within `timeout`.
    ///
    /// # Errors
    /// Why there is none: `answered 500 Internal Server Error`.
    pub async fn get(&self, uri: &Uri, limit: usize, timeout: Duration) -> Result<Bytes, String> {
        let answer = tokio::time::timeout(timeout, self.fetch(uri, limit)).await;
        answer.unwrap_or_else(|_| Err(format!("did not answer within {}", humantime::format_duration(timeout))))
    }

    async fn fetch(&self, uri: &Uri, limit: usize) -> Result<Bytes, String> {
        let request = Request::get(uri)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("spikard/", env!("CARGO_PKG_VERSION")));
        let request = request.body(Empty::new()).map_err(said)?;
        let answer = self.client.request(request).await.map_err(|error| with_causes(&error))?;
        if answer.status() != http::StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), limit).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| format!("sent no body of {limit} bytes or less: {error}"))
    }
}

fn said(error: impl Display) -> String {
    error.to_string()
}

/// What an error says and what it was caused by, which says more.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn read_authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(said)?).map_err(said)?;
    }
    if roots.is_empty() { Err("it holds none".into()) } else { Ok(roots) }
}

fn authorities_of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Single certificates that rustls cannot read are normal in the stores of systems.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::answering;

    async fn got(answer: &'static str, limit: usize) -> Result<String, String> {
        let (address, _) = answering(move |_| answer.to_owned()).await;
        let client = BuildContext::default().http_client("ca", None).unwrap();
        let uri = format!("http://{address}/keys").parse().unwrap();
        let body = client.get(&uri, limit, Duration::from_secs(20)).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_whole_answer_is_a_body_and_all_else_a_reason() {
        let hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(got(hello, 5).await.as_deref(), Ok("hello"));
        assert_eq!(got(hello, 4).await.unwrap_err(), "sent no body of 4 bytes or less: length limit exceeded");
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(got(moved, 9).await.unwrap_err(), "answered 302 Found");
        assert!(got("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", 9).await.is_err(), "cut short");
        assert!(got("", 9).await.is_err());
    }

    #[tokio::test]
    async fn who_does_not_answer_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let client = BuildContext::default().http_client("ca", None).unwrap();
        let error = client.get(&uri, 9, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error, "did not answer within 20ms");
    }
}
