//! Certificates for tests, and clients that check and show them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CrlDistributionPoint, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RevokedCertParams, SanType,
    SerialNumber, date_time_ymd,
};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority that issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Issued {
    /// The certificate as it goes over the wire.
    ///
    /// # Panics
    /// Never: it was made here.
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Authority {
    /// An authority of this name.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new(name: &str) -> Self {
        let mut params = named(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, key()).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for host names.
    pub fn host(&self, names: &[&str]) -> Issued {
        self.issue(&named(names, names.first().copied().unwrap_or("none")), key())
    }

    /// A certificate as authorities of browsers issue them: for 90 days, and with a place where the list of
    /// revoked ones would be.
    pub fn host_for_90_days(&self, names: &[&str]) -> Issued {
        let mut params = named(names, "90 days");
        params.not_before = SystemTime::now().into();
        params.not_after = params.not_before + Duration::from_hours(24 * 90);
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec!["http://127.0.0.1:1/list".into()] }];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        self.issue(&params, key())
    }

    /// The same with an RSA key.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn host_with_rsa(&self, names: &[&str]) -> Issued {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap_or_else(|error| panic!("{error}"));
        self.issue(&named(names, "rsa"), key)
    }

    /// A certificate for a client of this name, with a URI that names it, and a number.
    ///
    /// # Panics
    /// When the name cannot be part of a URI.
    pub fn client(&self, name: &str, number: u8) -> Issued {
        let mut params = named(&[], name);
        params.distinguished_name.push(DnType::OrganizationName, "Test");
        let uri = format!("spiffe://test/{number}").try_into().unwrap_or_else(|error| panic!("{error}"));
        params.subject_alt_names.push(SanType::URI(uri));
        params.serial_number = Some(SerialNumber::from_slice(&[number]));
        self.issue(&params, key())
    }

    /// A certificate that has expired.
    pub fn expired(&self, names: &[&str]) -> Issued {
        let mut params = named(names, "expired");
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        self.issue(&params, key())
    }

    /// A list of revoked certificates, in PEM.
    ///
    /// # Panics
    /// When it cannot be signed.
    pub fn revoking(&self, numbers: &[u8]) -> String {
        let revoked = |number: &u8| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[*number]),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2999, 1, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).and_then(|list| list.pem()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn issue(&self, params: &CertificateParams, key: KeyPair) -> Issued {
        let certificate = params.signed_by(&key, &self.0).unwrap_or_else(|error| panic!("{error}"));
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn named(names: &[&str], name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap_or_else(|error| panic!("{error}"));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap_or_else(|error| panic!("{error}"))
}

/// A client that trusts one authority.
#[derive(Clone)]
pub struct Client(Arc<ClientConfig>);

impl Client {
    /// Trusts `authority`, offers HTTP/1.1, and shows no certificate.
    pub fn of(authority: &Authority) -> Self {
        Self::with(authority, None)
    }

    /// The same with a certificate of its own.
    pub fn showing(authority: &Authority, shown: &Issued) -> Self {
        Self::with(authority, Some(shown))
    }

    fn with(authority: &Authority, shown: Option<&Issued>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap_or_else(|error| panic!("{error}"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.unwrap_or_else(|error| panic!("{error}")).with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(shown) => {
                let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
                builder.with_client_auth_cert(vec![shown.der()], key).unwrap_or_else(|error| panic!("{error}"))
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }

    /// Offers another protocol.
    #[must_use]
    pub fn offering(self, protocol: &str) -> Self {
        let mut config = Arc::unwrap_or_clone(self.0);
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Self(Arc::new(config))
    }

    /// Connects and asks for a host name. With TLS 1.3 a server may still refuse the certificate of
    /// the client afterwards.
    ///
    /// # Errors
    /// When the handshake fails.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(&self, address: SocketAddr, host: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        let name = ServerName::try_from(host.to_owned()).unwrap_or_else(|error| panic!("{host}: {error}"));
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }

    /// The certificate that the server shows for a host name, checked.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn certificate(&self, address: SocketAddr, host: &str) -> Result<CertificateDer<'static>, String> {
        let mut config = ClientConfig::clone(&self.0);
        // A session that goes on is one with the certificate that it began with.
        config.resumption = Resumption::disabled();
        let stream = Self(Arc::new(config)).connect(address, host).await.map_err(|error| error.to_string())?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        chain.first().cloned().map(CertificateDer::into_owned).ok_or_else(|| "no certificate".into())
    }
}
