//! TLS of the configuration: the certificates that the server shows, and those that it asks for.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::units;

/// TLS on the port of the server, which then takes HTTPS alone: HTTP/2 and HTTP/1.1, as the client
/// prefers.
///
/// The files are looked at every two seconds. When they change they are read anew, and hold from the
/// next connection on; if they cannot be used, the log says so and what was there goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["certificates"]))]
pub struct TlsConfig {
    /// The certificates. A client gets the one that has the host name that it asks for (SNI), or the
    /// first one if none has; with several of one name, the first whose kind of key it can check.
    #[schemars(length(min = 1))]
    pub certificates: Vec<CertificateConfig>,
    /// The oldest version of TLS that is spoken.
    pub min_version: TlsVersion,
    /// The certificates of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuthConfig>,
    /// A port on the same host where HTTP without TLS is answered with a redirect (308) to HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub redirect_http: Option<u16>,
    /// The port that these redirects name, where clients do not reach the server at `port`: 443, if
    /// that is what a container publishes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub public_port: Option<u16>,
}

/// A certificate and its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["certificate"]))]
pub struct CertificateConfig {
    /// A PEM file with the certificate, and behind it those that lead to its authority.
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub certificate: PathBuf,
    /// A PEM file with the key (PKCS #8, PKCS #1 or SEC 1, without a password). Without it the key is
    /// in the file of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub key: Option<PathBuf>,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), and 1.3 where the client has it.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3 (RFC 8446) alone.
    #[serde(rename = "1.3")]
    V1_3,
}

/// The certificates of clients: who may connect, and who is told of them. Handlers find the
/// certificate on the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["ca"]))]
pub struct ClientAuthConfig {
    /// A PEM file with the authorities whose certificates are taken.
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub ca: PathBuf,
    /// Whether every client must show a certificate. One that is shown is checked in both cases.
    pub mode: ClientAuthMode,
    /// A PEM file with lists of revoked certificates. A certificate whose issuer has no list there
    /// is not taken; certificates of intermediate authorities are not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub crl: Option<PathBuf>,
    /// The headers in which upstreams are told.
    pub headers: ClientCertificateHeadersConfig,
}

/// Whether every client must show a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ClientAuthMode {
    /// A connection without one is not made.
    #[default]
    Required,
    /// Handlers and upstreams see who has shown one.
    Optional,
}

/// The headers in which upstreams are told of the certificate of a client. What clients send under
/// these names is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientCertificateHeadersConfig {
    /// The header with the certificate itself, in the form of `Client-Cert` (RFC 9440).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<units::HeaderNameText>")]
    pub certificate: Option<String>,
    /// The header with the subject: `CN=shop,O=Example` (RFC 4514), all beyond ASCII escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<units::HeaderNameText>")]
    pub subject: Option<String>,
    /// The header with the alternative names: `DNS:shop.example,URI:spiffe://example/shop`. A comma
    /// in a name is written `\2c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<units::HeaderNameText>")]
    pub names: Option<String>,
    /// The header with the SHA-256 fingerprint in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<units::HeaderNameText>")]
    pub fingerprint: Option<String>,
}
