//! A store on the network that several gateways share: Redis, or what speaks its protocol.
//!
//! Here is how it is reached, shared by its users and kept connected; what is in it is the business
//! of who asks it. Nobody waits for a store longer than it wants to, and nobody at all for one that
//! is known to be away: the answer is [`Unanswered`] at once, and the user has something else to do.

mod connection;
mod keeper;
mod link;
mod url;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use redis::{ClientTlsConfig, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, TlsCertificates};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use self::connection::{Connection, Connector};
use self::link::Link;
pub use self::url::StoreUrl;
use crate::background::{Background, Task};
use crate::context::{BuildContext, BuildError};

/// How a store is reached: the settings `store`, `store_ca`, `store_certificate` and `store_key`.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Where it is.
    pub url: &'a StoreUrl,
    /// The authorities that its certificate is checked against, in place of the system's.
    pub ca: Option<&'a Path>,
    /// The certificate that it is shown.
    pub certificate: Option<&'a Path>,
    /// The key of that certificate.
    pub key: Option<&'a Path>,
}

/// A store. Its connection is made with the server, and anew for as long as it takes.
pub struct Store {
    link: Arc<Link>,
    background: Background,
    _keeper: Task,
}

/// Why a store has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// It is known to be away, and was not asked.
    Away,
    /// It has not answered in time. It may still do what it was asked to.
    Late,
    /// It has refused, or the connection broke.
    Failed,
}

impl Store {
    /// The store of these settings: all who ask for one and the same share its connection.
    ///
    /// # Errors
    /// When the URL is none of a store, or a file cannot be used.
    pub fn of(ctx: &BuildContext, access: &Access<'_>) -> Result<Arc<Self>, BuildError> {
        let url = access.url;
        let certificates = certificates(ctx, access)?;
        let name = format!("store {} {:x?}", url.expose(), certificates.as_ref().map(fingerprint));
        let connector = Connector::new(url, certificates, ctx).map_err(|message| ctx.invalid("store", message))?;
        Ok(ctx.shared(&name, || Self::new(ctx, connector, url.to_string())))
    }

    fn new(ctx: &BuildContext, connector: Connector, shown: String) -> Self {
        let link = Arc::new(Link::new(shown));
        let keeper = ctx.spawn(keeper::keep(Arc::clone(&link), connector));
        Self { link, background: ctx.background().clone(), _keeper: keeper }
    }

    /// Runs a script on one key. It is sent by its digest, and whole to a server that does not have
    /// it yet.
    ///
    /// # Errors
    /// When the store has not answered within `patience`.
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[u64],
        patience: Duration,
    ) -> Result<T, Unanswered> {
        let command = |name: &str, what: &str| {
            let mut command = redis::cmd(name);
            command.arg(what).arg(1).arg(key).arg(arguments);
            command
        };
        let asked = async {
            let (mut connection, number) = self.connection().await?;
            let mut answer = command("EVALSHA", &script.digest).query_async(&mut connection).await;
            if answer.as_ref().is_err_and(|error: &RedisError| error.kind() == LACKS_SCRIPT) {
                answer = command("EVAL", script.text).query_async(&mut connection).await;
            }
            answer.inspect(|_| self.link.answered()).map_err(|error| {
                self.link.failed(number, &connection, &error);
                Unanswered::Failed
            })
        };
        tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| {
            self.link.late();
            Err(Unanswered::Late)
        })
    }

    /// The connection and its number, once it is known whether there is one.
    async fn connection(&self) -> Result<(Connection, u64), Unanswered> {
        if !self.link.has_begun() {
            // A layer without a server: its first request is the first that is known of a runtime.
            self.background.begin();
        }
        self.link.connection().await.ok_or(Unanswered::Away)
    }
}

/// A script that a store runs as one step.
pub struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    /// A script in Lua.
    pub fn new(text: &'static str) -> Self {
        Self { text, digest: redis::Script::new(text).get_hash().to_owned() }
    }
}

const LACKS_SCRIPT: ErrorKind = ErrorKind::Server(ServerErrorKind::NoScript);

fn certificates(ctx: &BuildContext, access: &Access<'_>) -> Result<Option<TlsCertificates>, BuildError> {
    let chain = |field, path| pem(ctx, field, path, "certificate", |pem| CertificateDer::from_pem_slice(pem).is_ok());
    let client_tls = match (access.certificate, access.key) {
        (Some(certificate), Some(key)) => Some(ClientTlsConfig {
            client_cert: chain("store_certificate", certificate)?,
            client_key: pem(ctx, "store_key", key, "private key", |pem| PrivateKeyDer::from_pem_slice(pem).is_ok())?,
        }),
        (None, None) => None,
        (Some(_), None) => {
            return Err(ctx.invalid("store_certificate", "store_certificate stands alone, expected `store_key` beside it"));
        }
        (None, Some(_)) => return Err(ctx.invalid("store_key", "store_key stands alone, expected `store_certificate` beside it")),
    };
    let root_cert = access.ca.map(|path| chain("store_ca", path)).transpose()?;
    let is_any = client_tls.is_some() || root_cert.is_some();
    Ok(is_any.then_some(TlsCertificates { client_tls, root_cert }))
}

/// Tells certificates apart by what is in them: a file that has changed makes another store.
fn fingerprint(certificates: &TlsCertificates) -> Vec<u8> {
    let client = certificates.client_tls.as_ref();
    let own = client.map(|client| [&client.client_cert, &client.client_key]);
    let mut digest = digest::Context::new(&digest::SHA256);
    for part in certificates.root_cert.iter().chain(own.into_iter().flatten()) {
        digest.update(&part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finish().as_ref().to_vec()
}

/// A PEM file that holds what it should.
fn pem(ctx: &BuildContext, field: &str, path: &Path, what: &str, holds: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, BuildError> {
    let shown = path.display();
    let pem =
        std::fs::read(ctx.path(path)).map_err(|error| ctx.unavailable(field, format!("`{shown}` cannot be read: {error}")))?;
    if holds(&pem) {
        Ok(pem)
    } else {
        Err(ctx.unavailable(field, format!("`{shown}` holds no {what}, expected a PEM file with one")))
    }
}
