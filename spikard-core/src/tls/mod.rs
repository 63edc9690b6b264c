//! TLS of the listening port: certificates by host name, certificates of clients, and the files of
//! both, which may change while the server runs.
//!
//! It is built with the gateway, so that whatever is wrong with a file is said before the server
//! listens. The handshake is the server's affair.

mod certificates;
mod client;
mod files;
mod headers;
mod metrics;
#[cfg(test)]
mod tests;
mod watch;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderName;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use spikard_middleware::{BuildContext, BuildError, Task};
use tokio_rustls::TlsAcceptor;

use crate::config::{TlsConfig, TlsVersion};

use certificates::Certificates;
use client::Trust;
use headers::Headers;
pub(crate) use headers::Shown;
use metrics::Handshakes;

/// The TLS of a server. The files that it was made of are watched for as long as it lives.
pub struct Tls {
    current: Arc<ArcSwap<Acceptance>>,
    headers: Headers,
    handshakes: Handshakes,
    redirect: Option<Redirect>,
    _watch: Task,
}

/// Where plain HTTP is redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// The port that is redirected.
    pub(crate) from: u16,
    /// The port that it is redirected to, where that is not the one of the server.
    pub(crate) to: Option<u16>,
}

impl Tls {
    /// Reads all that the settings name.
    ///
    /// # Errors
    /// When a file is missing, is not what it should be, or does not fit the others.
    pub(crate) fn build(config: &TlsConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let watched = watch::Watched::new(config, ctx);
        let client_auth = config.client_auth.clone().unwrap_or_default();
        let headers = Headers::build(&client_auth.headers, &ctx.at(ctx.place().key("client_auth").key("headers")));
        let (headers, accepted) = match (headers, Acceptance::build(config, ctx)) {
            (Ok(headers), Ok(accepted)) => (headers, accepted),
            (headers, accepted) => {
                return Err(BuildError::Several(headers.err().into_iter().chain(accepted.err()).collect()));
            }
        };
        let current = Arc::new(ArcSwap::from_pointee(accepted));
        let redirect = config.redirect_http.map(|from| Redirect { from, to: config.public_port });
        if redirect.is_none() && config.public_port.is_some() {
            ctx.warn("public_port", "there is no `redirect_http` that could name this port");
        }
        let watch = ctx.spawn(watched.follow(Arc::clone(&current)));
        Ok(Self { current, headers, handshakes: Handshakes::of(ctx.metrics()), redirect, _watch: watch })
    }

    /// What answers the next handshake.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.load().config).into()
    }

    /// Where handshakes are counted.
    pub(crate) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    /// The headers in which upstreams are told of clients.
    pub(crate) fn upstream_headers(&self) -> Vec<HeaderName> {
        self.headers.names().cloned().collect()
    }

    /// What every request is told of the certificate that was shown on its connection.
    ///
    /// # Errors
    /// When it is no certificate, which the handshake has ruled out.
    pub(crate) fn shown(&self, certificate: &[u8]) -> Result<Shown, String> {
        client::read(certificate).map(|certificate| self.headers.of(certificate)).map_err(|error| error.to_string())
    }

    pub(crate) fn redirect(&self) -> Option<Redirect> {
        self.redirect
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("redirect", &self.redirect).finish_non_exhaustive()
    }
}

/// How connections are accepted, as the files say it at one time.
struct Acceptance {
    config: Arc<rustls::ServerConfig>,
    /// The content of the files that say which clients are trusted.
    trusted: Vec<u8>,
    /// When the certificates expire, by their files.
    expiries: Vec<(String, i64)>,
}

impl Acceptance {
    fn build(config: &TlsConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let provider = Arc::new(default_provider());
        let certificates = Certificates::load(&config.certificates, ctx, &provider);
        let trust = config.client_auth.as_ref().map(|auth| {
            let ctx = ctx.at(ctx.place().key("client_auth"));
            Trust::load(auth, &ctx, &provider)
        });
        let (certificates, trust) = match (certificates, trust.transpose()) {
            (Ok(certificates), Ok(trust)) => (certificates, trust),
            (Err(first), Err(second)) => return Err(BuildError::Several(vec![first, second])),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let (verifier, trusted) =
            trust.map_or_else(|| (WebPkiClientVerifier::no_client_auth(), Vec::new()), |trust| (trust.verifier, trust.text));
        let expiries = certificates.expiries().to_vec();
        let config = server_config(config.min_version, provider, certificates, verifier)
            .map_err(|error| ctx.invalid("", format!("TLS cannot be set up: {error}")))?;
        Ok(Self { config: Arc::new(config), trusted, expiries })
    }

    /// The same, where sessions that began with `old` can go on. Not if other clients are trusted
    /// now: a session goes on without its certificate being looked at.
    fn after(self, old: &Self) -> Self {
        if self.trusted != old.trusted {
            return self;
        }
        let mut config = Arc::unwrap_or_clone(self.config);
        config.ticketer = Arc::clone(&old.config.ticketer);
        config.session_storage = Arc::clone(&old.config.session_storage);
        Self { config: Arc::new(config), ..self }
    }
}

fn server_config(
    min_version: TlsVersion,
    provider: Arc<CryptoProvider>,
    certificates: Certificates,
    verifier: Arc<dyn rustls::server::danger::ClientCertVerifier>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let versions = match min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12][..],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    let mut config = builder.with_client_cert_verifier(verifier).with_cert_resolver(Arc::new(certificates));
    // 256 bits first, whatever the client would rather have: all suites that are offered are good ones.
    config.ignore_client_order = true;
    // A client that offers others only is refused (RFC 7301): it may believe to speak to another service.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Sessions go on without anything being kept for them here (RFC 5077, RFC 8446 section 4.6.1).
    config.ticketer = Ticketer::new()?;
    Ok(config)
}
