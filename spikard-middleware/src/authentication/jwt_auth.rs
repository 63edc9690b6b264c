//! JSON Web Tokens in `Authorization: Bearer` (RFC 6750, RFC 7519, RFC 8725): the settings, what
//! of a request is a token, and what an upstream is told of it.
//!
//! ```
//! use spikard_middleware::{JwtConfig, PolicyConfig};
//! let tokens = JwtConfig { issuer: Some("https://id.example".into()), ..JwtConfig::new("a shared secret of 32 bytes, or more") };
//! let app: axum::Router = axum::Router::new().layer(tokens.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jws;
pub use super::key::Algorithm;
use super::key::Key;
use super::{Claims, Credential, Rejection, claims::Rules};
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::description::{Credentials, Description, Requests};
use crate::identity::Identity;
use crate::one_or_many::OneOrMany;
use crate::policy::{PolicyConfig, Setting};
use crate::problem::{FORBIDDEN, INVALID_TOKEN, MALFORMED_TOKEN, NO_CREDENTIALS, WRONG_SCHEME};
use crate::secret::Secret;
use crate::service::Layer;
use crate::units;

/// Lets requests through that carry a valid JSON Web Token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// The shared secret of the HS algorithms, the public key in PEM of the others.
    pub secret: Secret,
    /// The one algorithm that is taken, whatever the token names.
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
    /// Claims that a token must have; 403 names those that it has not.
    #[serde(default)]
    pub required_claims: Vec<String>,
    /// Claims that an upstream gets as headers: `{ sub = "X-User" }`. Text goes as it is, anything
    /// else as JSON.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, units::HeaderNameText>")]
    pub claim_headers: BTreeMap<String, String>,
}

impl JwtConfig {
    /// Tokens that are signed with `secret`, which is HS256, and end some day.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self {
            secret: secret.into(),
            algorithm: Algorithm::default(),
            audience: None,
            issuer: None,
            leeway: Duration::ZERO,
            require_exp: Self::default_require_exp(),
            required_claims: Vec::new(),
            claim_headers: BTreeMap::new(),
        }
    }

    fn default_require_exp() -> bool {
        true
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
        let bad = none.and(INVALID_TOKEN, Requests::All, &[]);
        if self.required_claims.is_empty() { bad } else { bad.and(FORBIDDEN, Requests::All, &[]) }
    }
}

/// Checks tokens as the settings say.
pub(super) struct Tokens {
    key: Key,
    rules: Rules,
    claim_headers: Vec<(String, HeaderName)>,
    clock: Clock,
}

impl Tokens {
    pub(super) fn new(config: &JwtConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let audience = config.audience.as_deref().unwrap_or_default().to_vec();
        if config.audience.is_some() && audience.is_empty() {
            return Err(ctx.invalid("audience", "audience is an empty list, expected at least one name"));
        }
        let exp = config.require_exp.then(|| "exp".to_owned());
        let required = exp.into_iter().chain(config.required_claims.iter().cloned()).collect();
        let claim_headers = config.claim_headers.iter().map(|(claim, name)| {
            let header = units::header_name(name).map_err(|message| ctx.invalid(&format!("claim_headers.{claim}"), message));
            Ok((claim.clone(), header?))
        });
        Ok(Self {
            key: Key::new(config.algorithm, &config.secret, ctx)?,
            rules: Rules { audience, issuer: config.issuer.clone(), leeway: config.leeway, required },
            claim_headers: claim_headers.collect::<Result<_, BuildError>>()?,
            clock: ctx.clock().clone(),
        })
    }

    /// Whether [`verify`](Self::verify) would hold up a thread that serves others.
    pub(super) fn take_long(&self) -> bool {
        self.key.takes_long
    }

    /// The claims of a valid token.
    pub(super) fn verify(&self, token: &str) -> Result<Claims, Rejection> {
        let payload = jws::payload(token, &self.key)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| Rejection::new(INVALID_TOKEN, jws::INVALID))?;
        self.rules.check(&claims, self.clock.wall())?;
        Ok(Arc::new(claims))
    }

    /// Sets the headers for the upstream, and removes those about which nothing is verified.
    pub(super) fn forward(&self, identity: &Identity, headers: &mut HeaderMap) {
        for (claim, name) in &self.claim_headers {
            headers.remove(name);
            let value = identity.claim(claim).map(|value| match value {
                Value::String(text) => HeaderValue::from_str(text),
                other => HeaderValue::from_str(&other.to_string()),
            });
            if let Some(Ok(value)) = value {
                headers.insert(name, value);
            }
        }
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
