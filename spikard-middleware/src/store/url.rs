//! Where a store is: the text of the setting, what may be shown of it, and what it means.

use std::borrow::Cow;
use std::fmt;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::context::BuildContext;
use crate::secret::{MASK, Secret};

/// The URL of a Redis server, or of one that speaks its protocol (Valkey, `KeyDB`, Dragonfly):
///
/// | URL | is |
/// |---|---|
/// | `redis://user:password@host:6379/0` | one server, or a name that always leads to the primary |
/// | `rediss://...` | the same with TLS |
/// | `redis-cluster://host:6379?node=other:6379` | a cluster, known by one or more of its nodes |
/// | `rediss-cluster://...` | the same with TLS |
/// | `unix:/run/redis.sock?db=0` | a server on this machine; a relative path starts at the directory of the file |
///
/// In a file it may also come from `{ file = "..." }` or `{ env = "..." }`, like every secret. `Debug`,
/// `Serialize` and every message show the password as `****`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct StoreUrl(String);

/// What a message says that was expected.
const EXPECTED: &str = "`redis://host`, `rediss://host`, `redis-cluster://host`, `rediss-cluster://host` or `unix:path`";

/// How a server, or the nodes of a cluster, are reached.
pub(super) enum Place {
    Node(Box<ConnectionInfo>),
    Cluster(Vec<ConnectionInfo>),
}

impl StoreUrl {
    /// Where the store is.
    ///
    /// # Errors
    /// What is wrong and what was expected; a password does not occur in it.
    pub(super) fn place(&self, ctx: &BuildContext) -> Result<Place, String> {
        let wrong = || format!("store is `{self}`, expected {EXPECTED}");
        let url = Url::parse(&self.0).map_err(|_| wrong())?;
        let (scheme, is_cluster) = match url.scheme() {
            scheme @ ("redis" | "rediss") => (scheme, false),
            "unix" => {
                return self
                    .socket(ctx)
                    .ok_or_else(wrong)?
                    .map(Box::new)
                    .map(Place::Node)
                    .map_err(|reason| format!("{}: {reason}", wrong()));
            }
            "redis-cluster" => ("redis", true),
            "rediss-cluster" => ("rediss", true),
            _ => return Err(wrong()),
        };
        if url.fragment().is_some() {
            return Err(format!("store is `{self}`, expected no `#` (in a password it is written `%23`)"));
        }
        if !url.username().is_empty() && url.password().is_none() {
            return Err("store has a user without a password, expected `user:password@` or `:password@`".into());
        }
        // The library knows one scheme only, and takes `node` for a parameter that it does not know.
        let with_scheme = format!("{scheme}{}", self.0.get(url.scheme().len()..).unwrap_or_default());
        let first = Url::parse(&with_scheme).map_err(|_| wrong())?;
        if !is_cluster {
            return connection(first).map(Box::new).map(Place::Node).map_err(|reason| format!("{}: {reason}", wrong()));
        }
        let others = url.query_pairs().filter(|(name, _)| name == "node").map(|(_, node)| at(&first, &node));
        let nodes = std::iter::once(Ok(first.clone())).chain(others).map(|node| node.and_then(connection));
        nodes.collect::<Result<_, _>>().map(Place::Cluster).map_err(|reason| format!("{}: {reason}", wrong()))
    }

    /// A socket on this machine; none if it is not named.
    fn socket(&self, ctx: &BuildContext) -> Option<Result<ConnectionInfo, String>> {
        let text = self.0.strip_prefix("unix:")?;
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = std::path::absolute(ctx.path(path)).ok().filter(|_| !path.is_empty())?;
        let mut url = Url::parse("unix:///").ok()?;
        url.set_path(path.to_str()?);
        url.set_query(query);
        Some(connection(url))
    }

    /// The URL for eyes and logs.
    fn masked(&self) -> Cow<'_, str> {
        let Ok(mut url) = Url::parse(&self.0) else { return MASK.into() };
        let has_parameter = url.query_pairs().any(|(name, _)| name == "pass");
        if has_parameter {
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            let shown = pairs.iter().map(|(name, value)| (name, if name == "pass" { MASK } else { value }));
            url.query_pairs_mut().clear().extend_pairs(shown);
        } else if url.username().is_empty() && url.password().is_none() {
            return self.0.as_str().into();
        }
        // A user without a password is a password at the wrong place.
        let masked = if url.password().is_none() && !url.username().is_empty() {
            url.set_username(MASK)
        } else {
            url.password().is_some().then_some(MASK).map_or(Ok(()), |mask| url.set_password(Some(mask)))
        };
        if masked.is_ok() { url.to_string().into() } else { MASK.into() }
    }

    /// The text itself: two are the same store if it is the same.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// The same URL at another node, `host:port`.
fn at(first: &Url, node: &str) -> Result<Url, String> {
    let mut url = first.clone();
    let wrong = || format!("node is `{node}`, expected `host:port`");
    let other = Url::parse(&format!("redis://{node}")).map_err(|_| wrong())?;
    let host = other.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    url.set_host(Some(host)).map_err(|_| wrong())?;
    url.set_port(other.port()).map_err(|()| wrong())?;
    Ok(url)
}

fn connection(url: Url) -> Result<ConnectionInfo, String> {
    let info = url.into_connection_info().map_err(|error| error.to_string())?;
    // Commands are short and are waited for.
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

impl From<&str> for StoreUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.masked())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.masked())
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

/// The schema of a secret, so that the loader masks what stands here, too.
impl JsonSchema for StoreUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StoreUrl".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Secret::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;

    use super::*;
    use crate::clock::Clock;

    fn addresses(url: &str) -> Result<Vec<String>, String> {
        let shown = |info: &ConnectionInfo| {
            let tls = if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) { "tls " } else { "" };
            let redis = info.redis_settings();
            format!("{tls}{} {} {}", info.addr(), redis.password().unwrap_or("-"), redis.db())
        };
        Ok(match StoreUrl::from(url).place(&BuildContext::new("/etc/gateway", Clock::system()))? {
            Place::Node(info) => vec![shown(&info)],
            Place::Cluster(nodes) => nodes.iter().map(shown).collect(),
        })
    }

    #[test]
    fn a_url_says_where_and_how() {
        for (url, expected) in [
            ("redis://localhost", vec!["localhost:6379 - 0"]),
            ("redis://u:p%40@10.0.0.1:7000/3", vec!["10.0.0.1:7000 p@ 3"]),
            ("rediss://:p@cache.example", vec!["tls cache.example:6379 p 0"]),
            ("unix:/run/redis.sock?db=2", vec!["/run/redis.sock - 2"]),
            ("unix:///run/redis.sock?pass=p", vec!["/run/redis.sock p 0"]),
            ("unix:own redis.sock", vec!["/etc/gateway/own redis.sock - 0"]),
            ("redis-cluster://u:p@a:7000?node=b:7001&node=[::1]:7002", vec!["a:7000 p 0", "b:7001 p 0", "::1:7002 p 0"]),
            ("rediss-cluster://a", vec!["tls a:6379 - 0"]),
        ] {
            assert_eq!(addresses(url), Ok(expected.into_iter().map(str::to_owned).collect()), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in [
            "localhost:6379",
            "http://:hidden@localhost",
            "redis://:hidden@localhost/main",
            "redis://hidden@localhost",
            "redis://:hidden@localhost#insecure",
            "redis-cluster://:hidden@a?node=",
            "redis-cluster://?node=a",
            "unix:",
            "hidden",
            "",
        ] {
            let message = addresses(url).expect_err(url);
            assert!(message.contains("expected") && !message.contains("hidden"), "{url}: {message}");
        }
    }

    #[test]
    fn what_is_shown_is_the_url_but_for_the_password() {
        for (url, shown) in [
            ("redis://cache:6379/1", "redis://cache:6379/1"),
            ("rediss://gateway:hidden@cache:6379/1", "rediss://gateway:****@cache:6379/1"),
            ("redis-cluster://:hidden@a:1?node=b:2", "redis-cluster://:****@a:1?node=b:2"),
            ("unix:///run/redis.sock?user=u&pass=hidden", "unix:///run/redis.sock?user=u&pass=****"),
            ("redis://hidden@cache", "redis://****@cache"),
            ("redis:// :hidden@", "****"),
        ] {
            let url = StoreUrl::from(url);
            assert_eq!((url.to_string().as_str(), format!("{url:?}").as_str()), (shown, shown));
            assert_eq!(serde_json::to_value(&url).ok(), Some(shown.into()));
        }
    }
}
