//! The headers in which upstreams are told of a client's certificate. Their values are ASCII and
//! nothing in a certificate can end a part of one, or begin another.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use spikard_middleware::authentication::needed_by_requests;
use spikard_middleware::{BuildContext, BuildError, ClientCertificate};

use crate::config::ClientCertificateHeadersConfig;

/// The parts of a certificate that upstreams are told, with their headers.
#[derive(Debug)]
pub(super) struct Headers(Vec<(HeaderName, Part)>);

/// A part of a certificate as text; empty if it does not have it.
type Part = fn(&ClientCertificate) -> String;

/// The certificate that was shown on a connection, for every request of it. An extension of these
/// requests, from which the gateway takes the headers when all that clients said is gone.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) certificate: Arc<ClientCertificate>,
    headers: Arc<[(HeaderName, HeaderValue)]>,
}

impl Shown {
    /// Tells an upstream.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers.iter().cloned());
    }
}

impl Headers {
    /// Reads the names of the headers.
    ///
    /// # Errors
    /// When one is none, is one that requests need, or is given twice.
    pub(super) fn build(config: &ClientCertificateHeadersConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let ClientCertificateHeadersConfig { certificate, subject, names, fingerprint } = config;
        let parts: [(&str, &Option<String>, Part); 4] = [
            ("certificate", certificate, |shown| format!(":{}:", STANDARD.encode(&shown.der))),
            ("subject", subject, |shown| ascii(&shown.subject)),
            ("names", names, alternative_names),
            ("fingerprint", fingerprint, |shown| shown.fingerprint.clone()),
        ];
        let mut headers: Vec<(HeaderName, _)> = Vec::new();
        let mut errors = Vec::new();
        for (field, written, part) in parts {
            let Some(written) = written else { continue };
            match written.parse() {
                Err(_) => errors.push(ctx.invalid(field, format!("`{written}` is not a header name, expected one"))),
                Ok(name) if needed_by_requests(&name) => errors.push(ctx.invalid(
                    field,
                    format!("`{written}` is a header that requests need, expected another: what clients send in it is dropped"),
                )),
                Ok(name) if headers.iter().any(|(taken, _)| *taken == name) => errors
                    .push(ctx.invalid(field, format!("`{written}` tells something else already, expected a header of its own"))),
                Ok(name) => headers.push((name, part)),
            }
        }
        BuildError::all(errors)?;
        Ok(Self(headers))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().map(|(name, _)| name)
    }

    /// What requests on a connection with this certificate are told. A part that the certificate
    /// does not have is left out.
    pub(super) fn of(&self, certificate: ClientCertificate) -> Shown {
        let value = |part: &Part| HeaderValue::try_from(part(&certificate)).ok().filter(|value| !value.is_empty());
        let headers = self.0.iter().filter_map(|(name, part)| Some((name.clone(), value(part)?))).collect();
        Shown { headers, certificate: Arc::new(certificate) }
    }
}

fn alternative_names(shown: &ClientCertificate) -> String {
    let names: Vec<String> =
        shown.names.iter().map(|name| format!("{}:{}", name.kind, escaped(&name.value, |byte| b",\\".contains(&byte)))).collect();
    names.join(",")
}

/// A distinguished name in which only ASCII is left; what has a meaning in it is escaped already.
fn ascii(name: &str) -> String {
    escaped(name, |_| false)
}

/// Text with `\` and two hexadecimal digits for what `is_special`, for control characters, and for
/// each byte of what is beyond ASCII (RFC 4514 section 2.4).
fn escaped(text: &str, is_special: impl Fn(u8) -> bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if is_special(byte) || !(b' '..=b'~').contains(&byte) {
            let _ = write!(escaped, "\\{byte:02x}");
        } else {
            escaped.push(char::from(byte));
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use spikard_middleware::{ConfigPath, SubjectName};

    use super::*;

    fn certificate(subject: &str, names: &[(&'static str, &str)]) -> ClientCertificate {
        let names = names.iter().map(|(kind, value)| SubjectName { kind, value: (*value).to_owned() }).collect();
        let (serial, fingerprint) = ("01".to_owned(), "ab".to_owned());
        ClientCertificate { subject: subject.into(), names, serial, fingerprint, der: vec![1, 2, 3] }
    }

    fn told(shown: ClientCertificate) -> HeaderMap {
        let [certificate, subject, names, fingerprint] =
            ["client-cert", "subject", "names", "print"].map(|name| Some(name.into()));
        let config = ClientCertificateHeadersConfig { certificate, subject, names, fingerprint };
        let mut headers = HeaderMap::new();
        Headers::build(&config, &BuildContext::default()).unwrap().of(shown).tell(&mut headers);
        headers
    }

    #[test]
    fn tells_every_part_of_a_certificate() {
        let headers = told(certificate("CN=shop\\,a,O=Müller", &[("DNS", "a.example"), ("URI", "spiffe://x/y")]));
        assert_eq!(headers["client-cert"], ":AQID:");
        assert_eq!(headers["subject"], "CN=shop\\,a,O=M\\c3\\bcller");
        assert_eq!(headers["names"], "DNS:a.example,URI:spiffe://x/y");
        assert_eq!(headers["print"], "ab");
    }

    #[test]
    fn a_name_cannot_pass_for_two_nor_end_the_header() {
        let headers = told(certificate("", &[("URI", "x,DNS:admin.example\r\nx: y\\2c")]));
        assert_eq!(headers["names"], "URI:x\\2cDNS:admin.example\\0d\\0ax: y\\5c2c");
        assert!(!headers.contains_key("subject"), "there is none");
    }

    #[test]
    fn a_header_is_of_no_other_use() {
        let [certificate, subject, names] = ["Authorization", "X-Name", "x-name"].map(|name| Some(name.into()));
        let config = ClientCertificateHeadersConfig { certificate, subject, names, fingerprint: None };
        let ctx = BuildContext::default().at(ConfigPath::root().key("headers"));
        let errors = Headers::build(&config, &ctx).unwrap_err().each();
        let places: Vec<String> = errors.iter().map(|(at, _)| at.to_string()).collect();
        assert_eq!(places, ["headers.certificate", "headers.names"]);
    }
}
