//! What the claims of a verified token must say (RFC 7519 section 4.1) for it to be taken.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Rejection;
use crate::problem::{FORBIDDEN, INVALID_TOKEN};

/// The rules that the settings make.
pub(super) struct Rules {
    /// The audiences of which a token must name one. Empty: it must name none.
    pub(super) audience: Vec<String>,
    pub(super) issuer: Option<String>,
    pub(super) leeway: Duration,
    /// Claims that must be there, whatever they say.
    pub(super) required: Vec<String>,
}

impl Rules {
    /// Checks claims at the time `now` since 1970.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: Duration) -> Result<(), Rejection> {
        let now = now.as_secs_f64();
        let leeway = self.leeway.as_secs_f64();
        let is_date =
            |name: &str, fits: &dyn Fn(f64) -> bool| claims.get(name).is_none_or(|date| date.as_f64().is_some_and(fits));
        if !is_date("exp", &|exp| now < exp + leeway) {
            return Err(invalid("Token has expired"));
        }
        if !is_date("nbf", &|nbf| nbf <= now + leeway) {
            return Err(invalid("JWT not valid yet, not before claim is in the future"));
        }
        if !self.is_for_us(claims.get("aud")) {
            return Err(invalid("Token audience is invalid"));
        }
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(invalid(format!("Token issuer is invalid, expected '{issuer}'")));
        }
        self.check_required(claims)
    }

    /// RFC 7519 section 4.1.3: a token for somebody is refused by everybody else.
    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let ours = |name: &Value| name.as_str().is_some_and(|name| self.audience.iter().any(|ours| ours == name));
        match audience {
            None => self.audience.is_empty(),
            Some(Value::Array(names)) => names.iter().any(ours),
            Some(name) => ours(name),
        }
    }

    fn check_required(&self, claims: &Map<String, Value>) -> Result<(), Rejection> {
        let missing: Vec<_> =
            self.required.iter().filter(|name| !claims.contains_key(*name)).map(|name| format!("'{name}'")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Rejection::new(FORBIDDEN, format!("Required claims {} missing from JWT", missing.join(" and "))))
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
    Rejection::new(INVALID_TOKEN, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn rules() -> Rules {
        Rules { audience: Vec::new(), issuer: None, leeway: Duration::ZERO, required: Vec::new() }
    }

    fn said(rules: &Rules, claims: &Value) -> String {
        let checked = rules.check(claims.as_object().unwrap(), NOW);
        checked.map_or_else(|rejection| rejection.detail.into_owned(), |()| "taken".into())
    }

    #[test]
    fn a_token_lives_from_nbf_until_just_before_exp() {
        let exact = rules();
        let lenient = Rules { leeway: Duration::from_secs(30), ..rules() };
        let (expired, early) = ("Token has expired", "JWT not valid yet, not before claim is in the future");
        for (claims, exactly, leniently) in [
            (json!({ "exp": 1001 }), "taken", "taken"),
            (json!({ "exp": 1000 }), expired, "taken"),
            (json!({ "exp": 971.5 }), expired, "taken"),
            (json!({ "exp": 970 }), expired, expired),
            (json!({ "exp": "2000" }), expired, expired),
            (json!({ "exp": null }), expired, expired),
            (json!({ "nbf": 1000 }), "taken", "taken"),
            (json!({ "nbf": 1001 }), early, "taken"),
            (json!({ "nbf": 1031 }), early, early),
            (json!({ "nbf": [] }), early, early),
        ] {
            assert_eq!((said(&exact, &claims).as_str(), said(&lenient, &claims).as_str()), (exactly, leniently), "{claims}");
        }
    }

    #[test]
    fn a_token_is_for_one_of_the_audiences_and_from_the_issuer() {
        let ours = Rules { audience: vec!["a".into(), "b".into()], issuer: Some("me".into()), ..rules() };
        let (audience, issuer) = ("Token audience is invalid", "Token issuer is invalid, expected 'me'");
        for (claims, expected) in [
            (json!({ "aud": "b", "iss": "me" }), "taken"),
            (json!({ "aud": ["x", "a"], "iss": "me" }), "taken"),
            (json!({ "aud": ["x", 1], "iss": "me" }), audience),
            (json!({ "aud": [], "iss": "me" }), audience),
            (json!({ "iss": "me" }), audience),
            (json!({ "aud": "a" }), issuer),
            (json!({ "aud": "a", "iss": ["me"] }), issuer),
        ] {
            assert_eq!(said(&ours, &claims), expected, "{claims}");
        }
        assert_eq!(said(&rules(), &json!({ "aud": "somebody" })), audience, "not for us, who are nobody");
    }

    #[test]
    fn all_missing_claims_are_named() {
        let strict = Rules { required: vec!["exp".into(), "role".into()], ..rules() };
        assert_eq!(said(&strict, &json!({ "exp": 2000, "role": null })), "taken");
        assert_eq!(said(&strict, &json!({ "exp": 2000 })), "Required claims 'role' missing from JWT");
        assert_eq!(said(&strict, &json!({})), "Required claims 'exp' and 'role' missing from JWT");
    }
}
