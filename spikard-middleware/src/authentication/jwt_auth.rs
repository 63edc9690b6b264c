//! JSON Web Tokens in `Authorization: Bearer` (RFC 6750, RFC 7519, RFC 8725): the settings, what
//! of a request is a token, and how its absence is answered.
//!
//! ```
//! use spikard_middleware::{JwtConfig, PolicyConfig};
//! let tokens = JwtConfig { issuer: Some("https://id.example".into()), ..JwtConfig::new("a shared secret of 32 bytes, or more") };
//! let app: axum::Router = axum::Router::new().layer(tokens.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::issuer::{FetchConfig, IssuerConfig};
pub use super::key::Algorithm;
use super::{Credential, Rejection};
use crate::context::{BuildContext, BuildError};
use crate::description::{AnswerHeader, Credentials, Description, Requests};
use crate::one_or_many::OneOrMany;
use crate::policy::{PolicyConfig, Setting};
use crate::problem::{FORBIDDEN, INVALID_TOKEN, MALFORMED_TOKEN, NO_CREDENTIALS, SERVICE_UNAVAILABLE, WRONG_SCHEME};
use crate::secret::Secret;
use crate::service::Layer;
use crate::units;

/// Lets requests through that carry a valid JSON Web Token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// The shared secret of the HS algorithms, the public key in PEM of the others. Where keys come
    /// from is said by exactly one of this, `jwks_url`, `jwks_file`, `discovery` and `issuers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The one algorithm that is taken with `secret`, whatever the token names.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The audiences of which a token must name one in `aud`. Without this, a token that names
    /// any is refused (RFC 7519 section 4.1.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<OneOrMany<String>>,
    /// The issuer that a token must name in `iss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// By how much the clocks of issuer and server may differ.
    #[serde(default, with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub leeway: Duration,
    /// Whether a token must say in `exp` when it ends.
    #[serde(default = "JwtConfig::default_require_exp")]
    pub require_exp: bool,
    /// The type that a token must name in its header (`typ`), such as `at+jwt` (RFC 9068): who takes
    /// access tokens only does not take the ID tokens of the same issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Claims that a token must have; 403 names those that it has not.
    #[serde(default)]
    pub required_claims: Vec<String>,
    /// Claims that an upstream gets as headers: `{ sub = "X-User" }`. Text goes as it is, anything
    /// else as JSON.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, units::HeaderNameText>")]
    pub claim_headers: BTreeMap<String, String>,
    /// Whether the `issuer` says where its keys are, at `/.well-known/openid-configuration` below its
    /// name (`OpenID` Connect Discovery 1.0).
    #[serde(default)]
    pub discovery: bool,
    /// The address of a set of keys (RFC 7517).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// A file with a set of keys. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT, "x-spikard-watched" = true))]
    pub jwks_file: Option<PathBuf>,
    /// The algorithms for which keys of a set are taken; empty: all that have public keys. An RSA
    /// key that does not say what it is for is for the first RSA algorithm here, else for RS256.
    #[serde(default)]
    pub algorithms: Vec<Algorithm>,
    /// Several issuers, each with keys of its own; a token is held against those of the one that it
    /// names in `iss`. In place of `issuer`, `algorithms` and what says where keys come from.
    #[serde(default)]
    pub issuers: Vec<IssuerConfig>,
    /// How keys are fetched from addresses.
    #[serde(default)]
    pub fetch: FetchConfig,
}

impl JwtConfig {
    /// Tokens that are signed with `secret`, which is HS256, and end some day.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self { secret: Some(secret.into()), ..Self::of([]) }
    }

    /// Tokens of these issuers that end some day.
    pub fn of(issuers: impl IntoIterator<Item = IssuerConfig>) -> Self {
        Self {
            secret: None,
            algorithm: Algorithm::default(),
            audience: None,
            issuer: None,
            leeway: Duration::ZERO,
            require_exp: Self::default_require_exp(),
            token_type: None,
            required_claims: Vec::new(),
            claim_headers: BTreeMap::new(),
            discovery: false,
            jwks_url: None,
            jwks_file: None,
            algorithms: Vec::new(),
            issuers: issuers.into_iter().collect(),
            fetch: FetchConfig::default(),
        }
    }

    fn default_require_exp() -> bool {
        true
    }

    /// The one issuer of settings without a list of them.
    pub(super) fn only_issuer(&self) -> IssuerConfig {
        IssuerConfig {
            issuer: self.issuer.clone().unwrap_or_default(),
            discovery: self.discovery,
            jwks_url: self.jwks_url.clone(),
            jwks_file: self.jwks_file.clone(),
            secret: self.secret.clone(),
            algorithm: self.algorithm,
            algorithms: self.algorithms.clone(),
            audience: self.audience.clone(),
        }
    }

    /// With a list of issuers, nothing outside of it says whose tokens are taken.
    pub(super) fn check_beside_issuers(&self, ctx: &BuildContext) -> Result<(), BuildError> {
        let said = [
            ("issuer", self.issuer.is_some()),
            ("discovery", self.discovery),
            ("jwks_url", self.jwks_url.is_some()),
            ("jwks_file", self.jwks_file.is_some()),
            ("secret", self.secret.is_some()),
            ("algorithm", self.algorithm != Algorithm::default()),
            ("algorithms", !self.algorithms.is_empty()),
        ];
        let beside = said.into_iter().filter(|(_, said)| *said);
        let mut errors: Vec<_> = beside
            .map(|(name, _)| ctx.invalid(name, format!("{name} stands beside `issuers`, expected it in the entries of those")))
            .collect();
        for (index, issuer) in self.issuers.iter().enumerate() {
            if self.issuers[..index].iter().any(|other| other.issuer == issuer.issuer) {
                let message = format!("`{}` stands there twice, expected each issuer once", issuer.issuer);
                errors.push(ctx.invalid(&format!("issuers.{index}.issuer"), message));
            }
        }
        BuildError::all(errors)
    }

    /// Whether there may be no keys for a while.
    fn may_lack_keys(&self) -> bool {
        let fetches = |issuer: &IssuerConfig| issuer.discovery || issuer.jwks_url.is_some();
        fetches(&self.only_issuer()) || self.issuers.iter().any(fetches)
    }
}

impl PolicyConfig for JwtConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        super::build(Setting { config: Some(self), ctx }, Setting { config: None, ctx })
    }

    fn upstream_headers(&self) -> Vec<HeaderName> {
        self.claim_headers.values().filter_map(|name| name.parse().ok()).collect()
    }

    fn description(&self) -> Description {
        let none = super::described(vec![Credentials::Bearer("JWT")], NO_CREDENTIALS);
        let mut bad = none.and(INVALID_TOKEN, Requests::All, &[]);
        if self.may_lack_keys() {
            let retry_after = AnswerHeader::whole("Retry-After", "The seconds after which the keys of the issuer may be there.");
            bad = bad.and(SERVICE_UNAVAILABLE, Requests::All, &[retry_after]);
        }
        if self.required_claims.is_empty() { bad } else { bad.and(FORBIDDEN, Requests::All, &[]) }
    }
}

/// The token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Credential<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Credential::Absent };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
    });
    match token {
        // Of two, the upstream might read the other one.
        Some(token) if values.next().is_none() => Credential::Valid(token),
        _ => Credential::Bad(Rejection::new(WRONG_SCHEME, "Authorization header must use Bearer scheme: 'Bearer <token>'")),
    }
}

pub(super) fn nothing_presented() -> Rejection {
    Rejection::new(NO_CREDENTIALS, "Expected 'Authorization: Bearer <token>'")
}

/// What RFC 6750 section 3 has a 401 say.
pub(super) fn challenge(rejection: &Rejection) -> HeaderValue {
    let token_was_sent = matches!(rejection.refusal, INVALID_TOKEN | MALFORMED_TOKEN);
    HeaderValue::from_static(if token_was_sent { r#"Bearer error="invalid_token""# } else { "Bearer" })
}
