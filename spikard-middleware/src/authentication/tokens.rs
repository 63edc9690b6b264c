//! Checks tokens: which issuer a token is from, whether that one's key has signed it, and whether
//! its claims are what they must be.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;

use super::issuer::{Fetching, IssuerConfig, Keys};
use super::jwk::Verdict;
use super::jws::{self, Token};
use super::jwt_auth::JwtConfig;
use super::{Claims, Rejection, claims::Rules};
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::identity::Identity;
use crate::problem::{INVALID_TOKEN, SERVICE_UNAVAILABLE};
use crate::units;

/// What a client is told while the keys of an issuer cannot be had.
const NO_KEYS: &str = "The keys that verify tokens are not available";

/// Checks tokens as the settings say.
pub(super) struct Tokens {
    issuers: Vec<Issuer>,
    token_type: Option<String>,
    claim_headers: Vec<(String, HeaderName)>,
    clock: Clock,
}

struct Issuer {
    keys: Keys,
    rules: Rules,
}

impl Tokens {
    pub(super) fn new(config: &JwtConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let fetching = Fetching::new(&config.fetch, ctx)?;
        let exp = config.require_exp.then(|| "exp".to_owned());
        let required: Vec<_> = exp.into_iter().chain(config.required_claims.iter().cloned()).collect();
        let issuer = |settings: &IssuerConfig, named: bool, ctx: &BuildContext| {
            let audience = settings.audience.as_ref().or(config.audience.as_ref());
            if audience.is_some_and(|names| names.is_empty()) {
                return Err(ctx.invalid("audience", "audience is an empty list, expected at least one name"));
            }
            let rules = Rules {
                audience: audience.map(|names| names.to_vec()).unwrap_or_default(),
                issuer: named.then(|| settings.issuer.clone()),
                leeway: config.leeway,
                required: required.clone(),
            };
            Ok(Issuer { keys: Keys::new(settings, &fetching, ctx)?, rules })
        };
        let issuers = if config.issuers.is_empty() {
            vec![issuer(&config.only_issuer(), config.issuer.is_some(), ctx)?]
        } else {
            config.check_beside_issuers(ctx)?;
            let place = ctx.place().key("issuers");
            let built = config.issuers.iter().enumerate();
            let (built, errors): (Vec<_>, Vec<_>) =
                built.map(|(index, settings)| issuer(settings, true, &ctx.at(place.index(index)))).partition(Result::is_ok);
            BuildError::all(errors.into_iter().filter_map(Result::err).collect())?;
            built.into_iter().filter_map(Result::ok).collect()
        };
        let claim_headers = config.claim_headers.iter().map(|(claim, name)| {
            let header = units::header_name(name).map_err(|message| ctx.invalid(&format!("claim_headers.{claim}"), message));
            Ok((claim.clone(), header?))
        });
        Ok(Self {
            issuers,
            token_type: config.token_type.clone(),
            claim_headers: claim_headers.collect::<Result<_, BuildError>>()?,
            clock: ctx.clock().clone(),
        })
    }

    /// The claims of a valid token; none where it takes waiting or much computing to know.
    pub(super) fn verify_at_once(&self, text: &str) -> Option<Result<Claims, Rejection>> {
        match self.parse(text) {
            Ok((token, issuer)) if issuer.keys.takes_long(&token) => None,
            Ok(parsed) => self.settle(&parsed),
            Err(rejection) => Some(Err(rejection)),
        }
    }

    /// The claims of a valid token.
    pub(super) async fn verify(self: Arc<Self>, text: Arc<str>) -> Result<Claims, Rejection> {
        let (this, same) = (Arc::clone(&self), Arc::clone(&text));
        if let Some(settled) = elsewhere(move || Ok(this.settle(&this.parse(&same)?))).await? {
            return settled;
        }
        self.parse(&text)?.1.keys.renewed().await;
        elsewhere(move || {
            let parsed = self.parse(&text)?;
            self.claims(parsed.1.judge(&parsed.0), &parsed)
        })
        .await
    }

    /// What is known without newer keys, unless those could be had.
    fn settle(&self, parsed: &(Token<'_>, &Issuer)) -> Option<Result<Claims, Rejection>> {
        let (token, issuer) = parsed;
        match issuer.judge(token) {
            Verdict::Unknown if issuer.keys.may_be_renewed() => None,
            verdict => Some(self.claims(verdict, parsed)),
        }
    }

    /// A token and the issuer that it says it is from.
    fn parse<'a>(&self, text: &'a str) -> Result<(Token<'a>, &Issuer), Rejection> {
        let token = Token::parse(text)?;
        let issuer = match self.issuers.as_slice() {
            [only] => only,
            several => {
                #[derive(Deserialize)]
                struct Said {
                    iss: Option<String>,
                }
                // Nobody has signed this yet: it says which keys to try, and the rules of the
                // issuer compare it once more when one of them did.
                let said: Said = serde_json::from_slice(&token.payload()?).map_err(|_| jws::invalid())?;
                let named = several.iter().find(|issuer| said.iss.is_some() && issuer.rules.issuer == said.iss);
                named.ok_or_else(|| Rejection::new(INVALID_TOKEN, "Token issuer is invalid"))?
            }
        };
        Ok((token, issuer))
    }

    fn claims(&self, verdict: Verdict, (token, issuer): &(Token<'_>, &Issuer)) -> Result<Claims, Rejection> {
        match verdict {
            Verdict::Signed => {
                if let Some(wanted) = self.token_type.as_deref().filter(|wanted| !token.is_of_type(wanted)) {
                    return Err(Rejection::new(INVALID_TOKEN, format!("Token type is invalid, expected '{wanted}'")));
                }
                let claims = serde_json::from_slice(&token.payload()?).map_err(|_| jws::invalid())?;
                issuer.rules.check(&claims, self.clock.wall())?;
                Ok(Arc::new(claims))
            }
            // Whether the token is good is not known, so it is not called bad.
            Verdict::Unknown if issuer.keys.are_missing() => Err(Rejection::new(SERVICE_UNAVAILABLE, NO_KEYS)),
            Verdict::Forged | Verdict::Unknown => Err(jws::invalid()),
        }
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

impl Issuer {
    fn judge(&self, token: &Token<'_>) -> Verdict {
        match &self.keys {
            Keys::One(key) if token.is_signed_by(key) => Verdict::Signed,
            Keys::One(_) => Verdict::Forged,
            Keys::Published(source) => source.keys().map_or(Verdict::Unknown, |keys| keys.judge(token)),
        }
    }
}

impl Keys {
    /// Whether a verification would hold up a thread that serves others.
    fn takes_long(&self, token: &Token<'_>) -> bool {
        match self {
            Self::One(key) => key.takes_long,
            Self::Published(source) => source.keys().is_some_and(|keys| keys.takes_long(token)),
        }
    }

    fn may_be_renewed(&self) -> bool {
        matches!(self, Self::Published(source) if source.may_be_renewed())
    }

    async fn renewed(&self) {
        if let Self::Published(source) = self {
            source.renewed().await;
        }
    }

    fn are_missing(&self) -> bool {
        matches!(self, Self::Published(source) if source.keys().is_none())
    }
}

/// Does what may take long where it holds up nobody.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> Result<T, Rejection> + Send + 'static) -> Result<T, Rejection> {
    match Handle::try_current() {
        // It fails when the runtime is going down: whatever is answered, nobody may pass.
        Ok(runtime) => runtime.spawn_blocking(work).await.unwrap_or_else(|_| Err(jws::invalid())),
        Err(_) => work(),
    }
}
