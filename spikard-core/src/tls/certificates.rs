//! The certificates of the server: read, held against their keys, and found by host name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use spikard_middleware::{BuildContext, BuildError};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::files;
use crate::config::CertificateConfig;

/// All certificates, in the order of the configuration.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    all: Vec<Arc<CertifiedKey>>,
    /// Those of each name, in lower case; `*.` stands for one label.
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// When each expires, in seconds since 1970, by its file.
    expiries: Vec<(String, i64)>,
}

impl Certificates {
    /// Reads the certificates.
    ///
    /// # Errors
    /// All that is wrong with any of them.
    pub(super) fn load(configs: &[CertificateConfig], ctx: &BuildContext, provider: &CryptoProvider) -> Result<Self, BuildError> {
        let mut certificates = Self::default();
        let mut errors = Vec::new();
        if configs.is_empty() {
            errors.push(ctx.invalid("certificates", "certificates is empty, expected at least one"));
        }
        for (number, config) in configs.iter().enumerate() {
            let ctx = ctx.at(ctx.place().key("certificates").index(number));
            match load(config, &ctx, provider) {
                Ok((key, names, expires)) => {
                    certificates.add(Arc::new(key), names, &ctx);
                    certificates.expiries.push((config.certificate.display().to_string(), expires));
                }
                Err(error) => errors.push(error),
            }
        }
        BuildError::all(errors)?;
        Ok(certificates)
    }

    fn add(&mut self, key: Arc<CertifiedKey>, names: Vec<String>, ctx: &BuildContext) {
        if names.is_empty() && !self.all.is_empty() {
            ctx.warn("certificate", "the certificate has no host name (subject alternative name), so no client gets it");
        }
        for name in names {
            self.by_name.entry(name).or_default().push(Arc::clone(&key));
        }
        self.all.push(key);
    }

    pub(super) fn expiries(&self) -> &[(String, i64)] {
        &self.expiries
    }

    /// The certificates of a host name: its own before those of a wildcard (RFC 9525 section 6.3).
    fn of(&self, name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let name = name.to_ascii_lowercase();
        let wildcard = || self.by_name.get(&format!("*.{}", name.split_once('.')?.1));
        self.by_name.get(&name).or_else(wildcard).map(Vec::as_slice)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let candidates = hello.server_name().and_then(|name| self.of(name)).unwrap_or(&self.all);
        let is_understood = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        candidates.iter().find(is_understood).or(candidates.first()).cloned()
    }
}

/// A certificate with its key, its host names, and the time at which it expires.
fn load(
    config: &CertificateConfig,
    ctx: &BuildContext,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, Vec<String>, i64), BuildError> {
    let (pem, shown) = files::read(&config.certificate, "certificate", ctx)?;
    let bad = |reason: &dyn std::fmt::Display| {
        ctx.invalid("certificate", format!("`{shown}` is no certificate, expected PEM: {reason}"))
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| bad(&error))?;
    let leaf = chain.first().ok_or_else(|| bad(&"it holds none"))?;
    let certificate = Certificate::from_der(leaf).map_err(|error| bad(&error))?;
    let names = host_names(&certificate).map_err(|error| bad(&error))?;
    warn_of_its_time(&certificate, ctx);
    let (field, key) = match &config.key {
        Some(path) => ("key", files::read(path, "key", ctx)?),
        None => ("certificate", (pem, shown)),
    };
    let key = paired(chain, key.0, provider).map_err(|reason| ctx.invalid(field, format!("`{}` {reason}", key.1)))?;
    let expires = certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
    Ok((key, names, i64::try_from(expires).unwrap_or(i64::MAX)))
}

/// A chain with the key that a file holds. An error goes on behind the name of the file.
fn paired(chain: Vec<CertificateDer<'static>>, pem: Vec<u8>, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    const ENCRYPTED: &[u8] = b"ENCRYPTED";
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        _ if pem.windows(ENCRYPTED.len()).any(|text| text == ENCRYPTED) => {
            "holds a key with a password, expected one without".to_owned()
        }
        pem::Error::NoItemsFound => "holds no private key, expected one in PEM".to_owned(),
        error => format!("is no private key, expected PEM: {error}"),
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "holds the key of another certificate, expected that of `certificate`".to_owned()
        }
        error => format!("cannot be used: {error}"),
    })
}

fn host_names(certificate: &Certificate) -> Result<Vec<String>, x509_cert::der::Error> {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>()?.map(|(_, names)| names.0);
    let host = |name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    };
    Ok(names.into_iter().flatten().filter_map(host).collect())
}

/// Clients refuse such a certificate; the server could still be reached by those that know it.
fn warn_of_its_time(certificate: &Certificate, ctx: &BuildContext) {
    let validity = certificate.tbs_certificate().validity();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if validity.not_after.to_unix_duration() < now {
        ctx.warn("certificate", format!("the certificate has expired at {}, expected one that is valid", validity.not_after));
    } else if validity.not_before.to_unix_duration() > now {
        ctx.warn("certificate", format!("the certificate is valid from {}, expected one that is valid", validity.not_before));
    }
}
