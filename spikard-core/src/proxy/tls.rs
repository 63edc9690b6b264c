//! TLS to upstreams: whom we trust, and which protocols we offer.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use spikard_middleware::{BuildContext, BuildError};
use tokio_rustls::TlsConnector;

use super::target::Version;
use crate::config::UpstreamConfig;

/// The TLS of one upstream: one connector for each protocol that may be wanted.
pub(super) struct Connectors {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Connectors {
    /// Reads the trusted authorities. `needed` says whether any target uses TLS.
    ///
    /// # Errors
    /// When the file of authorities cannot be read or holds none, or when the system has none.
    pub(super) fn build(config: &UpstreamConfig, ctx: &BuildContext, needed: bool) -> Result<Self, BuildError> {
        if config.ca.is_some() && !needed {
            ctx.warn("ca", "no target is `https`, so nothing is checked against these authorities");
        }
        let roots = match &config.ca {
            Some(_) => from_file(config, ctx)?,
            None if needed => from_system(ctx)?,
            None => RootCertStore::empty(),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ctx.invalid("", format!("TLS cannot be set up: {error}")))?;
        let http1 = builder.with_root_certificates(roots).with_no_client_auth();
        let mut http2 = http1.clone();
        http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { http1: Arc::new(http1).into(), http2: Arc::new(http2).into() })
    }

    /// The connector that offers `version`.
    pub(super) fn of(&self, version: Version) -> &TlsConnector {
        match version {
            Version::Http1 => &self.http1,
            Version::Http2 => &self.http2,
        }
    }
}

fn from_file(config: &UpstreamConfig, ctx: &BuildContext) -> Result<RootCertStore, BuildError> {
    let path = ctx.path(config.ca.as_deref().unwrap_or_else(|| "".as_ref()));
    let shown = path.display();
    let pem = std::fs::read(&path).map_err(|error| ctx.unavailable("ca", format!("`{shown}` cannot be read: {error}")))?;
    let bad = |reason: &dyn std::fmt::Display| {
        ctx.invalid("ca", format!("`{shown}` is no list of certificates, expected PEM: {reason}"))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
    }
    if roots.is_empty() { Err(bad(&"it holds none")) } else { Ok(roots) }
}

fn from_system(ctx: &BuildContext) -> Result<RootCertStore, BuildError> {
    let mut roots = RootCertStore::empty();
    // Single certificates that rustls cannot read are normal in the stores of systems.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ctx.unavailable("targets", "the system trusts no authorities, expected `ca` beside an `https` target"));
    }
    Ok(roots)
}
