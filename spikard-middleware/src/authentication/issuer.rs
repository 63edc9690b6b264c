//! Whose tokens are taken: the settings of an issuer, and where its keys come from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::{Algorithm, Key};
use super::key_source::{KeySource, Place};
use crate::context::{BuildContext, BuildError};
use crate::http_client::HttpClient;
use crate::one_or_many::OneOrMany;
use crate::secret::Secret;
use crate::units;
use crate::watched_file::WatchedFile;

/// An issuer of tokens, with its keys. Exactly one of `discovery`, `jwks_url`, `jwks_file` and
/// `secret` says where those are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The name that its tokens have in `iss`, exactly.
    pub issuer: String,
    /// Whether the issuer says where its keys are, at `/.well-known/openid-configuration` below its
    /// name (`OpenID` Connect Discovery 1.0).
    #[serde(default)]
    pub discovery: bool,
    /// The address of its set of keys (RFC 7517).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// A file with its set of keys. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub jwks_file: Option<PathBuf>,
    /// Its shared secret, or its public key in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The algorithm of `secret`.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The algorithms for which keys of a set are taken; empty: all that have public keys. An RSA
    /// key that does not say what it is for is for the first RSA algorithm here, else for RS256.
    #[serde(default)]
    pub algorithms: Vec<Algorithm>,
    /// The audiences of which its tokens must name one in `aud`, in place of those of `jwt_auth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<OneOrMany<String>>,
}

impl IssuerConfig {
    /// An issuer that says itself where its keys are.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            discovery: true,
            jwks_url: None,
            jwks_file: None,
            secret: None,
            algorithm: Algorithm::default(),
            algorithms: Vec::new(),
            audience: None,
        }
    }
}

/// How keys are fetched from addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FetchConfig {
    /// How often keys are fetched.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub refresh_interval: Duration,
    /// How long after a fetch that failed the next one is.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub retry_interval: Duration,
    /// How often at most keys are fetched because a token names one that nobody knows.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub unknown_key_interval: Duration,
    /// How long an answer may take, connection and TLS included.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub timeout: Duration,
    /// How long keys are used while no newer ones can be had; then 503.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub max_age: Duration,
    /// A PEM file with the authorities that addresses are checked against, in place of the ones
    /// that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub ca: Option<PathBuf>,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            refresh_interval: Duration::from_mins(5),
            retry_interval: Duration::from_secs(10),
            unknown_key_interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            max_age: Duration::from_hours(24),
            ca: None,
        }
    }
}

impl FetchConfig {
    /// Checks the times. `ctx` is at the place of these settings.
    fn check(&self, ctx: &BuildContext) -> Result<(), BuildError> {
        let times = [
            ("refresh_interval", self.refresh_interval),
            ("retry_interval", self.retry_interval),
            ("unknown_key_interval", self.unknown_key_interval),
            ("timeout", self.timeout),
        ];
        let none = times.into_iter().filter(|(_, time)| time.is_zero());
        let mut errors: Vec<_> = none.map(|(name, _)| ctx.invalid(name, format!("{name} is 0, expected more"))).collect();
        if self.max_age < self.refresh_interval {
            let [age, interval] = [self.max_age, self.refresh_interval].map(humantime::format_duration);
            let message = format!("max_age is {age}, expected the refresh_interval of {interval} or more");
            errors.push(ctx.invalid("max_age", message));
        }
        BuildError::all(errors)
    }
}

/// How keys are fetched, and the client that fetches them.
pub(super) struct Fetching<'a> {
    config: &'a FetchConfig,
    ctx: BuildContext,
}

impl<'a> Fetching<'a> {
    /// Reads the settings of a policy, at whose place `ctx` is.
    pub(super) fn new(config: &'a FetchConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let ctx = ctx.at(ctx.place().key("fetch"));
        config.check(&ctx)?;
        Ok(Self { config, ctx })
    }

    fn client(&self) -> Result<HttpClient, BuildError> {
        self.ctx.http_client("ca", self.config.ca.as_deref())
    }
}

/// The keys that an issuer signs with.
pub(super) enum Keys {
    /// The one of the settings.
    One(Box<Key>),
    /// Those that it publishes.
    Published(Arc<KeySource>),
}

impl Keys {
    /// Reads the settings of an issuer, at whose place `ctx` is.
    pub(super) fn new(config: &IssuerConfig, fetching: &Fetching<'_>, ctx: &BuildContext) -> Result<Self, BuildError> {
        let IssuerConfig { issuer, discovery, jwks_url, jwks_file, secret, algorithm, algorithms, .. } = config;
        if secret.is_some() && !algorithms.is_empty() {
            return Err(ctx.invalid("algorithms", "algorithms stand beside `secret`, expected `algorithm`"));
        }
        if secret.is_none() && *algorithm != Algorithm::default() {
            return Err(ctx.invalid("algorithm", "algorithm stands without `secret`, expected `algorithms`"));
        }
        if let Some((index, shared)) = algorithms.iter().enumerate().find(|(_, algorithm)| algorithm.is_shared()) {
            let message = format!("`{shared}` has no public keys, expected an algorithm of RS, PS, ES or EdDSA");
            return Err(ctx.invalid(&format!("algorithms.{index}"), message));
        }
        match (secret, jwks_url, jwks_file, discovery) {
            (Some(secret), None, None, false) => Key::new(*algorithm, secret, ctx).map(|key| Self::One(Box::new(key))),
            (None, Some(url), None, false) => {
                let uri = checked_url("jwks_url", url, ctx)?;
                Self::published("jwks_url", Place::Url(uri, fetching.client()?), config, fetching, ctx)
            }
            (None, None, None, true) => {
                let base = issuer.strip_suffix('/').unwrap_or(issuer);
                checked_url("issuer", issuer, ctx)?;
                let uri = checked_url("issuer", &format!("{base}/.well-known/openid-configuration"), ctx)?;
                Self::published("issuer", Place::Issuer(issuer.clone(), uri, fetching.client()?), config, fetching, ctx)
            }
            (None, None, Some(file), false) => {
                Self::published("jwks_file", Place::File(WatchedFile::new(ctx.path(file))), config, fetching, ctx)
            }
            (None, None, None, false) => {
                let message = "there are no keys, expected one of `secret`, `jwks_url`, `jwks_file` and `discovery`";
                Err(ctx.invalid("", message))
            }
            _ => Err(ctx
                .invalid("", "keys come from several places, expected one of `secret`, `jwks_url`, `jwks_file` and `discovery`")),
        }
    }

    /// Keys that are fetched once for all routes that are of one mind about them.
    fn published(
        field: &str,
        place: Place,
        config: &IssuerConfig,
        fetching: &Fetching<'_>,
        ctx: &BuildContext,
    ) -> Result<Self, BuildError> {
        let (algorithms, shown) = (&config.algorithms, place.to_string());
        let trust = match &place {
            Place::Url(_, client) | Place::Issuer(_, _, client) => client.trust(),
            Place::File(_) => "",
        };
        let name = format!("{field} {shown} {algorithms:?} {:?} {trust}", fetching.config);
        let make = || KeySource::new(place, algorithms.clone(), fetching.config.clone(), ctx);
        let source = ctx.shared(&name, make);
        source.check().map_err(|message| ctx.unavailable(field, format!("`{shown}` {message}")))?;
        Ok(Self::Published(source))
    }
}

/// An address from which keys may come. Whoever is on the way to one without TLS can bring others.
fn checked_url(field: &str, url: &str, ctx: &BuildContext) -> Result<Uri, BuildError> {
    let wrong =
        || ctx.invalid(field, format!("`{url}` is not the address of keys, expected text such as \"https://id.example.com\""));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
    if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
        return Err(wrong());
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if scheme == "http" && !is_here {
        ctx.warn(
            field,
            format!("`{url}` is fetched without TLS, expected `https`: who is on the way can bring keys of their own"),
        );
    }
    Ok(uri)
}
