//! The address of one upstream server, and how a connection to it is opened.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::UnixStream;
use tower::{Service, ServiceExt};

use super::tls::Connectors;
use super::wire::Wire;

/// An open connection, as hyper takes it.
pub(super) type Stream = TokioIo<Wire>;

/// After how much silence a connection is probed (TCP keep-alive).
const KEEP_ALIVE: Duration = Duration::from_mins(1);

/// Which protocols a connection may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; over TLS only if the target agrees.
    Http2,
}

/// Where a server listens.
pub(super) struct Address {
    text: String,
    place: Place,
    /// The host and port, as requests name them.
    pub(super) authority: Authority,
    /// The same as a `Host`.
    pub(super) host: HeaderValue,
    /// `https` if the connection is encrypted.
    pub(super) scheme: Scheme,
}

enum Place {
    Tcp(Uri),
    Tls(Uri, ServerName<'static>),
    Unix(PathBuf),
}

impl Address {
    /// Reads `http://host:port`, `https://host:port` or `unix:/path`, a relative path of which is
    /// completed by `path`.
    ///
    /// # Errors
    /// When it is none of these, or names more than a host and a port.
    pub(super) fn parse(text: &str, path: impl FnOnce(&str) -> PathBuf) -> Result<Self, String> {
        let expected = || format!("target is `{text}`, expected `http://host:port`, `https://host:port` or `unix:/path/to.sock`");
        if let Some(socket) = text.strip_prefix("unix:").filter(|socket| !socket.is_empty()) {
            let authority = Authority::from_static("localhost");
            let host = HeaderValue::from_static("localhost");
            return Ok(Self { text: text.into(), place: Place::Unix(path(socket)), authority, host, scheme: Scheme::HTTP });
        }
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(expected)?.clone();
        if uri.path_and_query().is_some_and(|rest| rest != "/") || text.contains('#') {
            return Err(format!("target is `{text}`, expected no path: use `rewrite` for that"));
        }
        let scheme = uri.scheme().cloned().ok_or_else(expected)?;
        let place = match scheme.as_str() {
            "http" => Place::Tcp(uri),
            "https" => {
                let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
                Place::Tls(uri, ServerName::try_from(name).map_err(|_| expected())?)
            }
            _ => return Err(expected()),
        };
        let host = HeaderValue::try_from(authority.as_str()).map_err(|_| expected())?;
        Ok(Self { text: text.into(), place, authority, host, scheme })
    }

    /// The host and port of a server whose name has to be resolved. None: it has an address or a path.
    pub(super) fn name(&self) -> Option<(&str, u16)> {
        let (Place::Tcp(uri) | Place::Tls(uri, _)) = &self.place else { return None };
        let host = uri.host()?;
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        let port = uri.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 });
        (!is_address).then_some((host, port))
    }

    /// The same server at one of the addresses of its name.
    pub(super) fn at(&self, address: SocketAddr) -> Option<Self> {
        let uri: Uri = format!("{}://{address}", self.scheme).parse().ok()?;
        let place = match &self.place {
            Place::Tcp(_) => Place::Tcp(uri),
            Place::Tls(_, name) => Place::Tls(uri, name.clone()),
            Place::Unix(_) => return None,
        };
        let text = format!("{} ({})", self.text, address.ip());
        Some(Self { text, place, authority: self.authority.clone(), host: self.host.clone(), scheme: self.scheme.clone() })
    }

    /// The URI of a request in the form of HTTP/2, which names the scheme and the host.
    pub(super) fn absolute(&self, authority: Option<Authority>, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(authority.unwrap_or_else(|| self.authority.clone()));
        parts.path_and_query = Some(path);
        // All three are there, so the parts fit.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// Opens a connection and says which protocol it speaks.
    ///
    /// # Errors
    /// When there is none within `limit`.
    pub(super) async fn connect(&self, version: Version, tls: &Connectors, limit: Duration) -> io::Result<(Stream, Version)> {
        let connection = tokio::time::timeout(limit, self.open(version, tls, limit));
        connection.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn open(&self, version: Version, tls: &Connectors, limit: Duration) -> io::Result<(Stream, Version)> {
        match &self.place {
            Place::Tcp(uri) => Ok((TokioIo::new(Wire::new(tcp(uri, limit).await?)), version)),
            Place::Unix(path) => Ok((TokioIo::new(Wire::new(UnixStream::connect(path).await?)), version)),
            Place::Tls(uri, name) => {
                let stream = tls.connect(version, name, tcp(uri, limit).await?).await?;
                let agreed = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Version::Http2 } else { Version::Http1 };
                Ok((TokioIo::new(Wire::new(stream)), agreed))
            }
        }
    }

    /// Whether connections are encrypted.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.place, Place::Tls(..))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Resolves the name and connects: IPv6 and IPv4 side by side (RFC 8305).
async fn tcp(uri: &Uri, limit: Duration) -> io::Result<tokio::net::TcpStream> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limit));
    // A peer that is gone without a word is found out where nothing else would be: in a tunnel or a
    // stream that is silent.
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector.set_keepalive_interval(Some(KEEP_ALIVE / 4));
    connector.set_keepalive_retries(Some(4));
    let stream = connector.ready().await.map_err(io::Error::other)?.call(uri.clone()).await.map_err(io::Error::other)?;
    Ok(stream.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_scheme_a_host_and_a_port_and_nothing_else() {
        let parse = |text: &str| Address::parse(text, |path| path.into()).map(|address| address.authority.to_string());
        assert_eq!(parse("http://127.0.0.1:9000"), Ok("127.0.0.1:9000".into()));
        assert_eq!(parse("https://[::1]:9000/"), Ok("[::1]:9000".into()));
        assert_eq!(parse("unix:/run/app.sock"), Ok("localhost".into()));
        for text in
            ["", "localhost:9000", "ftp://a", "http://", "http://u:p@a", "http://a/b", "http://a?b", "http://a#b", "unix:"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_keeps_its_host_wherever_it_is_reached() {
        let parse = |text: &str| Address::parse(text, |path| path.into()).unwrap();
        for (text, name) in [
            ("http://app", Some(("app", 80))),
            ("https://app", Some(("app", 443))),
            ("http://app:9000", Some(("app", 9000))),
            ("http://127.0.0.1:9000", None),
            ("http://[::1]:9000", None),
            ("unix:/run/app.sock", None),
        ] {
            assert_eq!(parse(text).name(), name, "{text}");
        }
        let address = parse("https://app:9000").at("[::1]:9000".parse().unwrap()).unwrap();
        assert_eq!((address.to_string().as_str(), address.host.as_bytes()), ("https://app:9000 (::1)", &b"app:9000"[..]));
        assert!(
            matches!(&address.place, Place::Tls(uri, name) if uri.host() == Some("[::1]") && *name == "app".try_into().unwrap())
        );
    }
}
