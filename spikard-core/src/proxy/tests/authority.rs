//! Certificates for tests: an authority, what it signs, and servers that show it.

use http_body_util::BodyExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority, and a folder with the files that it has made, its own `ca.pem` among them.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a certificate for `name` to `name.pem`, and its key to `name.key`.
    pub(super) fn sign(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.into()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.file(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// A server that is called `name` and tells what it saw. `clients`: it speaks only to who has a
    /// certificate of this authority.
    pub(super) async fn upstream(&self, name: &str, protocols: &[&str], clients: Option<&Authority>) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.into()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (listener, target) = listener().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let asked = stream.get_ref().1.server_name().map(str::to_owned);
                    tokio::spawn(serve(stream, move |request| seen(request, asked.clone())));
                }
            }
        });
        target.replace("http://", "https://")
    }
}

/// Says what an upstream saw of a request.
pub(super) async fn seen(request: http::Request<Incoming>, server_name: Option<String>) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap();
    let trailer = body.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
    let name = server_name.map(|name| format!(" for {name}")).unwrap_or_default();
    let text = format!("{:?} {} {:?} {trailer:?}{name}", parts.version, parts.uri, body.to_bytes());
    Response::new(Body::from(text))
}
