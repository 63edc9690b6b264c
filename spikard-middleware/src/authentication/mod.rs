//! Lets a request through only with a valid credential: a JSON Web Token or an API key.
//!
//! [`jwt_auth`] and [`api_key_auth`] say which; both yield credentials for this one layer. It
//! passes a request if any presented credential is valid; what is presented and bad is refused in
//! that credential's words, and nothing presented is 401. Every 401 carries a challenge for each
//! accepted scheme (RFC 9110 section 11.6.1). A route is public only where both are off.
//!
//! What was verified is the [`Identity`] of the request, for handlers, rate limits and `require`.
//!
//! ```
//! use spikard_middleware::{ApiKeyConfig, JwtConfig, Policies};
//! let policies = Policies {
//!     jwt_auth: Some(JwtConfig::new("a shared secret of 32 bytes, or more")),
//!     api_key_auth: Some(ApiKeyConfig::new(["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])),
//!     ..Policies::default()
//! };
//! let stack = policies.build(&Default::default(), None)?;
//! assert!(stack.layer("authentication").is_some());
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

pub mod api_key_auth;
mod claims;
mod consumer;
mod consumers_file;
mod digests;
pub mod issuer;
mod jwk;
mod jws;
pub mod jwt_auth;
mod key;
mod key_ring;
mod key_source;
pub mod new_key;
mod query;
mod tokens;
mod upstream_headers;

pub use self::upstream_headers::needed_by_requests;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use self::api_key_auth::ApiKeyConfig;
use self::consumer::Consumer;
use self::jwt_auth::JwtConfig;
use self::key_ring::KeyRing;
use self::tokens::Tokens;
use crate::context::BuildError;
use crate::description::{AnswerHeader, Credentials, Description, Refused, Requests};
use crate::identity::{ConsumerNote, Identity};
use crate::policy::Setting;
use crate::problem::{Refusal, Subject};
use crate::rate_limit::gcra::Decision;
use crate::service::{Answer, Layer, Policy, Request, Response, Service};

/// Builds the layer of both settings, or none where both are off.
pub(crate) fn build(jwt: Setting<'_, JwtConfig>, api_key: Setting<'_, ApiKeyConfig>) -> Result<Option<Layer>, BuildError> {
    let tokens = jwt.config.map(|config| Tokens::new(config, jwt.ctx)).transpose();
    let keys = api_key.config.map(|config| KeyRing::new(config, api_key.ctx)).transpose();
    let (tokens, keys) = match (tokens, keys) {
        (Ok(None), Ok(None)) => return Ok(None),
        (Ok(tokens), Ok(keys)) => (tokens.map(Arc::new), keys),
        (tokens, keys) => return Err(BuildError::Several(tokens.err().into_iter().chain(keys.err()).collect())),
    };
    upstream_headers::check(&jwt, &api_key)?;
    Ok(Some(Layer::new(Authentication { tokens, keys })))
}

/// What one kind of credentials says of itself for the description of an API. `refusal` is the one
/// for who presents none.
fn described(credentials: Vec<Credentials>, refusal: Refusal) -> Description {
    let challenge = AnswerHeader::text("WWW-Authenticate", "A challenge for each scheme that is accepted.");
    let refused = [Refused { refusal, headers: vec![challenge], of: Requests::All }];
    Description { credentials, refusals: refused.to_vec(), headers: Vec::new() }
}

/// After how many seconds a client may come again while there are no keys to verify its token.
const RETRY_AFTER: u64 = 5;

/// The claims of a verified token.
type Claims = Arc<Map<String, Value>>;

/// What a request presents of one kind.
enum Credential<T> {
    Absent,
    Valid(T),
    Bad(Rejection),
}

impl<T> Credential<T> {
    fn valid(self) -> Option<T> {
        match self {
            Self::Valid(valid) => Some(valid),
            Self::Absent | Self::Bad(_) => None,
        }
    }
}

impl<T> From<Result<T, Rejection>> for Credential<T> {
    fn from(checked: Result<T, Rejection>) -> Self {
        checked.map_or_else(Self::Bad, Self::Valid)
    }
}

/// Why a request does not pass.
#[derive(Debug, PartialEq)]
struct Rejection {
    refusal: Refusal,
    detail: Cow<'static, str>,
}

impl Rejection {
    fn new(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { refusal, detail: detail.into() }
    }
}

struct Authentication {
    tokens: Option<Arc<Tokens>>,
    keys: Option<KeyRing>,
}

impl Policy for Authentication {
    fn call<'a>(&'a self, mut request: Request, next: &'a dyn Service) -> Answer<'a> {
        let consumer = self.keys.as_ref().map_or(Credential::Absent, |keys| keys.check(&mut request));
        let Some(tokens) = &self.tokens else { return self.answer(request, next, Credential::Absent, consumer) };
        let claims = match jwt_auth::bearer(request.headers()) {
            Credential::Valid(token) => {
                let Some(verified) = tokens.verify_at_once(token) else {
                    let verified = Arc::clone(tokens).verify(token.into());
                    return Box::pin(async move { self.answer(request, next, verified.await.into(), consumer).await });
                };
                verified.into()
            }
            Credential::Absent => Credential::Absent,
            Credential::Bad(rejection) => Credential::Bad(rejection),
        };
        self.answer(request, next, claims, consumer)
    }
}

impl Authentication {
    fn answer<'a>(
        &'a self,
        mut request: Request,
        next: &'a dyn Service,
        claims: Credential<Claims>,
        consumer: Credential<Arc<Consumer>>,
    ) -> Answer<'a> {
        let rejection = match (claims, consumer) {
            (Credential::Bad(rejection), Credential::Absent | Credential::Bad(_))
            | (Credential::Absent, Credential::Bad(rejection)) => rejection,
            (Credential::Absent, Credential::Absent) => self.nothing_presented(),
            (claims, consumer) => {
                let consumer = consumer.valid();
                let name = consumer.as_ref().map(|consumer| Arc::clone(&consumer.name));
                let identity = Identity { claims: claims.valid(), consumer: name };
                self.forward(&identity, &mut request);
                if let Some(note) = request.extensions().get::<ConsumerNote>() {
                    note.note(&identity);
                }
                request.extensions_mut().insert(identity);
                return match consumer.filter(|consumer| consumer.limit.is_some()) {
                    Some(consumer) => self.limited(consumer, request, next),
                    None => next.call(request),
                };
            }
        };
        let refusal = self.refuse(&rejection, &Subject::of(&request));
        Box::pin(async move { refusal })
    }

    /// Counts a request of a consumer that has a limit of its own.
    fn limited<'a>(&'a self, consumer: Arc<Consumer>, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let (Some(keys), Some(limit)) = (&self.keys, &consumer.limit) else { return next.call(request) };
        let decision = keys.counters.count(&consumer.name, limit);
        if let Decision::Refused { .. } = decision {
            let refusal = limit.refusal(&Subject::of(&request), decision);
            return Box::pin(async move { refusal });
        }
        Box::pin(async move {
            let mut response = next.call(request).await;
            if let Some(limit) = &consumer.limit {
                limit.tell(&mut response, decision);
            }
            response
        })
    }

    fn nothing_presented(&self) -> Rejection {
        match (&self.tokens, &self.keys) {
            (None, Some(keys)) => keys.nothing_presented(),
            _ => jwt_auth::nothing_presented(),
        }
    }

    /// Tells the upstream who it is, where the settings ask for that.
    fn forward(&self, identity: &Identity, request: &mut Request) {
        if let Some(tokens) = &self.tokens {
            tokens.forward(identity, request.headers_mut());
        }
        if let Some(keys) = &self.keys {
            keys.forward(identity, request.headers_mut());
        }
    }

    fn refuse(&self, rejection: &Rejection, subject: &Subject) -> Response {
        let mut response = rejection.refusal.by("authentication").response(subject, &rejection.detail);
        if rejection.refusal.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        if rejection.refusal.status == StatusCode::UNAUTHORIZED {
            let bearer = self.tokens.as_ref().map(|_| jwt_auth::challenge(rejection));
            let challenges = bearer.into_iter().chain(self.keys.as_ref().map(KeyRing::challenge));
            challenges.for_each(|challenge: HeaderValue| {
                response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
            });
        }
        response
    }
}

#[cfg(test)]
mod consumer_tests;
#[cfg(test)]
mod published_tests;
#[cfg(test)]
mod tests;
