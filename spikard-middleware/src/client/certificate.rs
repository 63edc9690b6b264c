//! The certificate that a client has shown on its connection, for whoever wants to know who it is.

/// A certificate of a client, verified by the server. `Arc<ClientCertificate>` is an extension of
/// every request on a connection where one was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The subject as text (RFC 4514), such as `CN=shop,O=Example`. It may be empty.
    pub subject: String,
    /// The alternative names.
    pub names: Vec<SubjectName>,
    /// The serial number that the issuer gave it, in hexadecimal.
    pub serial: String,
    /// The SHA-256 digest of the certificate, in hexadecimal.
    pub fingerprint: String,
    /// The certificate itself.
    pub der: Vec<u8>,
}

/// A subject alternative name (RFC 5280 section 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectName {
    /// What it is: `DNS`, `URI`, `email`, `IP Address` or `DirName`, as OpenSSL and Python call it.
    pub kind: &'static str,
    /// The name.
    pub value: String,
}
