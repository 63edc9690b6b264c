//! Refuses requests whose verified identity may not do this with 403: scopes, roles, claims and
//! named API keys.
//!
//! It says what an identity must have; that there is one, and that it is verified, is the part of
//! [`authentication`](crate::authentication). Without that every request is refused.
//! A refusal says `error="insufficient_scope"` and the scopes that would do (RFC 6750 section 3.1).
//!
//! ```
//! use spikard_middleware::{PolicyConfig, RequireConfig};
//! let require = RequireConfig { scopes: vec!["orders:write".into()], ..RequireConfig::default() };
//! let app: axum::Router = axum::Router::new().layer(require.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

use std::collections::BTreeMap;

use http::{HeaderValue, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::{BuildContext, BuildError};
use crate::description::{AnswerHeader, Description, Requests};
use crate::identity::Identity;
use crate::one_or_many::OneOrMany;
use crate::policy::PolicyConfig;
use crate::problem::{FORBIDDEN, Subject};
use crate::service::{Answer, Layer, Policy, Request, Service};

/// What the verified identity of a request must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequireConfig {
    /// Scopes, all of which the token must name in `scope` or `scp`.
    pub scopes: Vec<String>,
    /// Roles, one of which the token must name in `roles_claim`.
    pub roles: Vec<String>,
    /// The claim that names the roles. `realm_access.roles` is `roles` inside of `realm_access`; this
    /// holds for the names in `claims`, too.
    pub roles_claim: String,
    /// Claims of the token with the value that each must have; of a list, one of the values. A
    /// claim that is itself a list must hold such a value.
    pub claims: BTreeMap<String, OneOrMany<String>>,
    /// Names of API keys, each of which passes without a token.
    pub consumers: Vec<String>,
}

impl Default for RequireConfig {
    fn default() -> Self {
        Self {
            scopes: Vec::new(),
            roles: Vec::new(),
            roles_claim: "roles".into(),
            claims: BTreeMap::new(),
            consumers: Vec::new(),
        }
    }
}

impl RequireConfig {
    /// Whether it asks for nothing.
    fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.roles.is_empty() && self.claims.is_empty() && self.consumers.is_empty()
    }
}

impl PolicyConfig for RequireConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        if self.is_empty() {
            return Ok(None);
        }
        if let Some((index, scope)) = self.scopes.iter().enumerate().find(|(_, scope)| !is_scope(scope)) {
            let message = format!("`{scope}` is not a scope, expected visible ASCII without quotes and backslashes");
            return Err(ctx.invalid(&format!("scopes.{index}"), message));
        }
        let scope = if self.scopes.is_empty() { String::new() } else { format!(", scope=\"{}\"", self.scopes.join(" ")) };
        let challenge = HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\"{scope}"));
        let challenge = challenge.map_err(|error| ctx.invalid("scopes", error.to_string()))?;
        Ok(Some(Layer::new(Require { config: self.clone(), challenge })))
    }

    fn description(&self) -> Description {
        let challenge = AnswerHeader::text("WWW-Authenticate", "The scopes that would do.");
        let none = Description::default();
        if self.is_empty() { none } else { none.and(FORBIDDEN, Requests::All, &[challenge]) }
    }
}

/// RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_graphic() && !matches!(character, '"' | '\\'))
}

struct Require {
    config: RequireConfig,
    challenge: HeaderValue,
}

impl Policy for Require {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let Err(missing) = self.check(request.extensions().get().unwrap_or(&Identity::default())) else {
            return next.call(request);
        };
        let mut refusal = FORBIDDEN.by("require").response(&Subject::of(&request), &missing);
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, self.challenge.clone());
        Box::pin(async move { refusal })
    }
}

impl Require {
    /// What is missing.
    fn check(&self, identity: &Identity) -> Result<(), String> {
        let RequireConfig { scopes, roles, roles_claim, claims, consumers } = &self.config;
        if identity.consumer.as_deref().is_some_and(|name| consumers.iter().any(|consumer| consumer == name)) {
            return Ok(());
        }
        if scopes.is_empty() && roles.is_empty() && claims.is_empty() {
            return Err("Required API key missing".into());
        }
        if let Some(scope) = scopes.iter().find(|scope| !has_scope(identity, scope)) {
            return Err(format!("Required scope '{scope}' missing from JWT"));
        }
        if !roles.is_empty() && !has_one_of(identity, roles_claim, roles) {
            return Err("Required role missing from JWT".into());
        }
        match claims.iter().find(|(name, values)| !has_one_of(identity, name, values)) {
            Some((name, _)) => Err(format!("Required value of claim '{name}' missing from JWT")),
            None => Ok(()),
        }
    }
}

/// `scope` is a text of scopes with spaces between (RFC 8693 section 4.2); some issuers write a
/// list, or `scp`.
fn has_scope(identity: &Identity, wanted: &str) -> bool {
    ["scope", "scp"].into_iter().filter_map(|name| identity.claim(name)).any(|claim| match claim {
        Value::String(scopes) => scopes.split(' ').any(|scope| scope == wanted),
        Value::Array(scopes) => scopes.iter().any(|scope| scope == wanted),
        _ => false,
    })
}

fn has_one_of(identity: &Identity, claim: &str, wanted: &[String]) -> bool {
    let fits = |value: &Value| match value {
        Value::String(text) => wanted.contains(text),
        Value::Number(_) | Value::Bool(_) => wanted.contains(&value.to_string()),
        _ => false,
    };
    match identity.claim(claim) {
        Some(Value::Array(values)) => values.iter().any(fits),
        Some(value) => fits(value),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::testing::{layered, text};
    use crate::{Body, Response};

    /// Status, challenge and body for an identity.
    async fn answer(config: Value, consumer: Option<&str>, claims: Value) -> (u16, String, String) {
        let config: RequireConfig = serde_json::from_value(config).unwrap();
        let stack = layered(&config, |_| async { Response::new(Body::from("done")) });
        let mut request = Request::new(Body::empty());
        let claims = claims.as_object().cloned().map(Arc::new);
        request.extensions_mut().insert(Identity { consumer: consumer.map(Arc::from), claims });
        let response = stack.call(request).await;
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).map_or("", |value| value.to_str().unwrap()).to_owned();
        (response.status().as_u16(), challenge, text(response).await)
    }

    #[tokio::test]
    async fn passes_who_has_all_scopes_one_role_and_the_value_of_each_claim() {
        let rules =
            json!({ "scopes": ["a", "b"], "roles": ["admin", "ops"], "claims": { "tenant": ["1", "2"], "beta": "true" } });
        let good = json!({ "scope": "b x a", "roles": ["user", "ops"], "tenant": 2, "beta": true });
        assert_eq!(answer(rules.clone(), None, good.clone()).await.0, 200);
        for (claim, value, said) in [
            ("scope", json!("a bb"), "Required scope 'b' missing from JWT"),
            ("scope", json!(["a b"]), "Required scope 'a' missing from JWT"),
            ("roles", json!("user"), "Required role missing from JWT"),
            ("tenant", json!(null), "Required value of claim 'tenant' missing from JWT"),
            ("beta", json!([false]), "Required value of claim 'beta' missing from JWT"),
        ] {
            let mut claims = good.clone();
            claims[claim] = value;
            let (status, challenge, body) = answer(rules.clone(), None, claims).await;
            assert_eq!((status, challenge.as_str()), (403, r#"Bearer error="insufficient_scope", scope="a b""#));
            assert!(body.contains(said), "{body}");
        }
        assert_eq!(answer(json!({ "scopes": ["a"] }), None, json!({ "scp": ["a"] })).await.0, 200);
    }

    #[tokio::test]
    async fn finds_claims_inside_of_others_and_first_those_of_the_very_name() {
        let rules = json!({ "roles": ["ops"], "roles_claim": "realm_access.roles", "claims": { "https://a.example/t": "1" } });
        let claims = |inside: Value| json!({ "realm_access": inside, "https://a.example/t": 1, "roles": ["ops"] });
        assert_eq!(answer(rules.clone(), None, claims(json!({ "roles": ["ops"] }))).await.0, 200);
        for inside in [json!({ "roles": ["user"] }), json!({}), json!(["roles"]), json!("ops")] {
            assert_eq!(answer(rules.clone(), None, claims(inside)).await.0, 403);
        }
        let mut outside = claims(json!({ "roles": ["ops"] }));
        outside["realm_access.roles"] = json!(["user"]);
        assert_eq!(answer(rules, None, outside).await.0, 403);
    }

    #[tokio::test]
    async fn passes_a_named_key_in_place_of_a_token_and_nobody_without_identity() {
        let keys = json!({ "consumers": ["batch"] });
        assert_eq!(answer(keys.clone(), Some("batch"), json!(null)).await.0, 200);
        assert_eq!(answer(keys, Some("mobile"), json!({ "scope": "batch" })).await.0, 403);
        let (status, challenge, _) = answer(json!({ "roles": ["admin"] }), None, json!(null)).await;
        assert_eq!((status, challenge.as_str()), (403, r#"Bearer error="insufficient_scope""#));
    }

    #[test]
    fn a_scope_that_no_token_can_name_is_an_error_at_start() {
        let config = RequireConfig { scopes: vec!["a".into(), "b c".into()], ..RequireConfig::default() };
        let error = config.build(&BuildContext::default()).unwrap_err().to_string();
        assert_eq!(error, "scopes[1]: `b c` is not a scope, expected visible ASCII without quotes and backslashes");
    }
}
