//! TLS to upstreams: whom we trust, who we are, and which protocols we offer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use spikard_middleware::{BuildContext, BuildError};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::target::Version;
use crate::config::UpstreamConfig;

/// The TLS of one upstream: one connector for each protocol that may be wanted.
pub(super) struct Connectors {
    http1: TlsConnector,
    http2: TlsConnector,
    /// The name that targets are asked for and checked against, if it is not their own.
    name: Option<ServerName<'static>>,
}

impl Connectors {
    /// Reads the trusted authorities and our certificate. `needed` says whether any target uses TLS.
    ///
    /// # Errors
    /// When files cannot be read or do not hold what they should, or when the system trusts nobody.
    pub(super) fn build(config: &UpstreamConfig, ctx: &BuildContext, needed: bool) -> Result<Self, BuildError> {
        for (field, is_set, done) in [
            ("ca", config.ca.is_some(), "nothing is checked against these authorities"),
            ("client_certificate", config.client_certificate.is_some(), "nobody is shown this certificate"),
            ("server_name", config.server_name.is_some(), "nobody is asked for this name"),
        ] {
            if is_set && !needed {
                ctx.warn(field, format!("no target is `https`, so {done}"));
            }
        }
        let name = config.server_name.as_ref().map(|name| {
            let expected = || format!("server_name is `{name}`, expected a host name or an address, without a port");
            ServerName::try_from(name.clone()).map_err(|_| ctx.invalid("server_name", expected()))
        });
        let roots = match &config.ca {
            Some(path) => from_file(path, ctx),
            None if needed => from_system(ctx),
            None => Ok(RootCertStore::empty()),
        };
        let (name, roots, identity) = match (name.transpose(), roots, identity(config, ctx)) {
            (Ok(name), Ok(roots), Ok(identity)) => (name, roots, identity),
            (name, roots, identity) => {
                let errors = [name.err(), roots.err(), identity.err()];
                return Err(BuildError::Several(errors.into_iter().flatten().collect()));
            }
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ctx.invalid("", format!("TLS cannot be set up: {error}")))?;
        let builder = builder.with_root_certificates(roots);
        let http1 = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
                ctx.invalid("client_key", format!("the key cannot be used with the certificate of `client_certificate`: {error}"))
            })?,
        };
        let mut http2 = http1.clone();
        http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { http1: Arc::new(http1).into(), http2: Arc::new(http2).into(), name })
    }

    /// Offers `version` over a connection to the target that is called `name`.
    ///
    /// # Errors
    /// When the two sides do not agree, or we do not trust the target.
    pub(super) async fn connect(
        &self,
        version: Version,
        name: &ServerName<'static>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let connector = match version {
            Version::Http1 => &self.http1,
            Version::Http2 => &self.http2,
        };
        connector.connect(self.name.as_ref().unwrap_or(name).clone(), stream).await
    }
}

/// Our certificate with those that vouch for it, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(config: &UpstreamConfig, ctx: &BuildContext) -> Result<Option<Identity>, BuildError> {
    let (certificate, key) = match (&config.client_certificate, &config.client_key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => {
            return Err(ctx.invalid("client_certificate", "a certificate alone proves nothing, expected `client_key` beside it"));
        }
        (None, Some(_)) => {
            return Err(ctx.invalid("client_key", "a key alone proves nothing, expected `client_certificate` beside it"));
        }
    };
    let chain = certificates("client_certificate", certificate, ctx)?;
    let pem = read("client_key", key, ctx)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        let shown = ctx.path(key);
        ctx.invalid("client_key", format!("`{}` is no private key, expected PEM without a password: {error}", shown.display()))
    })?;
    Ok(Some((chain, key)))
}

fn from_file(path: &Path, ctx: &BuildContext) -> Result<RootCertStore, BuildError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", path, ctx)? {
        roots.add(certificate).map_err(|error| not_certificates("ca", path, ctx, &error))?;
    }
    Ok(roots)
}

/// The certificates of the file that `field` names, at least one.
fn certificates(field: &str, path: &Path, ctx: &BuildContext) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let pem = read(field, path, ctx)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| not_certificates(field, path, ctx, &error))?;
    if certificates.is_empty() { Err(not_certificates(field, path, ctx, &"it holds none")) } else { Ok(certificates) }
}

fn not_certificates(field: &str, path: &Path, ctx: &BuildContext, reason: &dyn std::fmt::Display) -> BuildError {
    let shown = ctx.path(path);
    ctx.invalid(field, format!("`{}` is no list of certificates, expected PEM: {reason}", shown.display()))
}

fn read(field: &str, path: &Path, ctx: &BuildContext) -> Result<Vec<u8>, BuildError> {
    let path = ctx.path(path);
    std::fs::read(&path).map_err(|error| ctx.unavailable(field, format!("`{}` cannot be read: {error}", path.display())))
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
