//! The certificates of clients: whose are taken, and what one says.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use spikard_middleware::{BuildContext, BuildError, ClientCertificate, SubjectName};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Error};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::files;
use crate::config::{ClientAuthConfig, ClientAuthMode};

/// Which clients are trusted.
pub(super) struct Trust {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    /// The content of the files that say so.
    pub(super) text: Vec<u8>,
}

impl Trust {
    /// Reads the authorities and the lists of what they have revoked.
    ///
    /// # Errors
    /// When a file cannot be read or holds nothing of use.
    pub(super) fn load(
        config: &ClientAuthConfig,
        ctx: &BuildContext,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, BuildError> {
        let (mut text, shown) = files::read(&config.ca, "ca", ctx)?;
        let bad = |reason: &dyn std::fmt::Display| {
            ctx.invalid("ca", format!("`{shown}` is no list of certificates, expected PEM: {reason}"))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
        }
        if roots.is_empty() {
            return Err(bad(&"it holds none"));
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        if config.mode == ClientAuthMode::Optional {
            builder = builder.allow_unauthenticated();
        }
        if let Some(path) = &config.crl {
            let (pem, shown) = files::read(path, "crl", ctx)?;
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
            let lists = lists.ok().filter(|lists| !lists.is_empty());
            let lists =
                lists.ok_or_else(|| ctx.invalid("crl", format!("`{shown}` is no list of revoked certificates, expected PEM")))?;
            builder = builder.with_crls(lists).only_check_end_entity_revocation();
            text.extend(pem);
        }
        let field = if config.crl.is_some() { "crl" } else { "ca" };
        let verifier = builder.build().map_err(|error| ctx.invalid(field, format!("the file cannot be used: {error}")))?;
        Ok(Self { verifier, text })
    }
}

/// What a certificate says.
///
/// # Errors
/// When it is none.
pub(super) fn read(der: &[u8]) -> Result<ClientCertificate, Error> {
    let certificate = Certificate::from_der(der)?;
    let certificate = certificate.tbs_certificate();
    let names = certificate.get_extension::<SubjectAltName>()?.map(|(_, names)| names.0);
    Ok(ClientCertificate {
        subject: certificate.subject().to_string(),
        names: names.iter().flatten().filter_map(subject_name).collect(),
        serial: hexadecimal(certificate.serial_number().as_bytes()),
        fingerprint: hexadecimal(digest(&SHA256, der).as_ref()),
        der: der.to_vec(),
    })
}

/// A name that can be written as text; the other kinds are rare, and nobody has agreed on one.
fn subject_name(name: &GeneralName) -> Option<SubjectName> {
    let (kind, value) = match name {
        GeneralName::DnsName(name) => ("DNS", name.to_string()),
        GeneralName::UniformResourceIdentifier(uri) => ("URI", uri.to_string()),
        GeneralName::Rfc822Name(address) => ("email", address.to_string()),
        GeneralName::DirectoryName(name) => ("DirName", name.to_string()),
        GeneralName::IpAddress(bytes) => ("IP", address(bytes.as_bytes())?.to_string()),
        _ => return None,
    };
    Some(SubjectName { kind, value })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
