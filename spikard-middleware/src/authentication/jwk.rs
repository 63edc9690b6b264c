//! Sets of public keys as JSON (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).
//!
//! A key is for exactly one algorithm (RFC 8725 section 3.1), which is told by the key and by the
//! settings, never by a token. Where a set comes from is no matter of this file.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::jws::Token;
use super::key::{Algorithm, Key};

/// How many keys a set may have: a token that names none is held against all of them.
const MOST: usize = 100;

/// The keys of a set that verify signatures.
pub(super) struct KeySet(Vec<Named>);

struct Named {
    kid: Option<String>,
    key: Key,
}

/// What a set says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// One of the keys has signed it.
    Signed,
    /// It names a key, and that one has not signed it.
    Forged,
    /// It was signed by no key of the set; a newer set may have the key.
    Unknown,
}

impl KeySet {
    /// Reads a set. With `algorithms`, keys for others are passed over. Beside the set: what was
    /// wrong with keys that should have been usable.
    ///
    /// # Errors
    /// When it is no set, or has no key that could be used.
    pub(super) fn read(json: &[u8], algorithms: &[Algorithm]) -> Result<(Self, Vec<String>), String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|error| format!("is no set of keys (RFC 7517): {error}"))?;
        if set.keys.len() > MOST {
            return Err(format!("has {} keys, expected {MOST} at most", set.keys.len()));
        }
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        for (index, key) in set.keys.into_iter().enumerate() {
            match Members::deserialize(key).map_err(|error| error.to_string()).and_then(|members| members.key(algorithms)) {
                Ok(Some(named)) => keys.push(named),
                Ok(None) => {}
                Err(fault) => faults.push(format!("key {} is passed over: it is {fault}", index + 1)),
            }
        }
        if keys.is_empty() {
            let why = if faults.is_empty() { String::new() } else { format!("; {}", faults.join("; ")) };
            return Err(format!("has no key that verifies signatures{why}"));
        }
        Ok((Self(keys), faults))
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Holds a token against the keys that it may have been signed with.
    pub(super) fn judge(&self, token: &Token<'_>) -> Verdict {
        let mut fitting = self.fitting(token).peekable();
        let is_named = token.kid().is_some() && fitting.peek().is_some();
        if fitting.any(|key| token.is_signed_by(key)) {
            Verdict::Signed
        } else if is_named {
            Verdict::Forged
        } else {
            Verdict::Unknown
        }
    }

    /// Whether [`judge`](Self::judge) would hold up a thread that serves others.
    pub(super) fn takes_long(&self, token: &Token<'_>) -> bool {
        self.fitting(token).filter(|key| key.algorithm == token.algorithm()).enumerate().any(|(index, key)| {
            const SHORT: usize = 4;
            key.takes_long || index >= SHORT
        })
    }

    /// The keys of the name that the token has, or all.
    fn fitting(&self, token: &Token<'_>) -> impl Iterator<Item = &Key> {
        let fits = move |named: &&Named| token.kid().is_none() || named.kid.as_deref() == token.kid();
        self.0.iter().filter(fits).map(|named| &named.key)
    }
}

/// What of a key matters. Members of other names are allowed, private ones not looked at.
#[derive(Deserialize)]
struct Members {
    kty: String,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Members {
    /// The key, or none where it is not for signatures, or of a kind that is not taken.
    fn key(self, algorithms: &[Algorithm]) -> Result<Option<Named>, String> {
        let is_for_signatures = self.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        let Some(algorithm) = self.algorithm(algorithms).filter(|_| is_for_signatures) else { return Ok(None) };
        let bytes = if algorithm.is_rsa() { self.rsa()? } else { self.point()? };
        let key = Key::public(algorithm, &bytes).map_err(|unfit| unfit.to_string())?;
        Ok(Some(Named { kid: self.kid, key }))
    }

    /// The one algorithm that the key is for. An RSA key that does not say is for the first RSA
    /// algorithm of the settings, or RS256, which is what `OpenID` Connect has by default.
    fn algorithm(&self, allowed: &[Algorithm]) -> Option<Algorithm> {
        let says = self.alg.as_deref().map(|name| Algorithm::deserialize(Value::from(name)));
        let says = says.transpose().ok()?;
        let kind = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => match says {
                Some(algorithm) => algorithm.is_rsa().then_some(algorithm)?,
                None => allowed.iter().copied().find(|algorithm| algorithm.is_rsa()).unwrap_or(Algorithm::RS256),
            },
            ("EC", Some("P-256")) => Algorithm::ES256,
            ("EC", Some("P-384")) => Algorithm::ES384,
            ("OKP", Some("Ed25519")) => Algorithm::EdDSA,
            _ => return None,
        };
        let fits = says.is_none_or(|says| says == kind) && (allowed.is_empty() || allowed.contains(&kind));
        fits.then_some(kind)
    }

    fn rsa(&self) -> Result<Vec<u8>, String> {
        let (n, e) = (member("n", self.n.as_deref())?, member("e", self.e.as_deref())?);
        // RFC 7518 section 6.3.1.1 allows no zeros in front; some issuers write one.
        let bare = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let components = RsaPublicKeyComponents { n: bare(&n), e: bare(&e) };
        let der: Result<PublicKeyX509Der<'_>, _> = components.as_der();
        der.map(|der| der.as_ref().to_vec()).map_err(|_| "no RSA key, expected a modulus `n` and an exponent `e`".to_owned())
    }

    /// The point of a curve, uncompressed (SEC 1 section 2.3.3), or the 32 bytes of Ed25519.
    fn point(&self) -> Result<Vec<u8>, String> {
        const UNCOMPRESSED: u8 = 4;
        let x = member("x", self.x.as_deref())?;
        let length = match self.crv.as_deref() {
            Some("P-384") => 48,
            _ => 32,
        };
        let y = if self.kty == "EC" { Some(member("y", self.y.as_deref())?) } else { None };
        if x.len() != length || y.as_ref().is_some_and(|y| y.len() != length) {
            return Err(format!("no point of the curve, expected {length} bytes for each coordinate"));
        }
        Ok(y.map_or(x.clone(), |y| [vec![UNCOMPRESSED], x, y].concat()))
    }
}

fn member(name: &str, value: Option<&str>) -> Result<Vec<u8>, String> {
    let value = value.ok_or_else(|| format!("without `{name}`"))?;
    BASE64_URL_SAFE_NO_PAD.decode(value).map_err(|_| format!("with a `{name}` that is not base64url"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::keys::Pair;

    fn set(keys: &[Value], algorithms: &[Algorithm]) -> Result<(KeySet, Vec<String>), String> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), algorithms)
    }

    fn judged(keys: &[Value], token: &str) -> Verdict {
        set(keys, &[]).unwrap().0.judge(&Token::parse(token).unwrap())
    }

    fn with(jwk: &Value, changes: Value) -> Value {
        let mut jwk = jwk.clone();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                jwk.as_object_mut().unwrap().remove(name);
            } else {
                jwk[name] = value.clone();
            }
        }
        jwk
    }

    #[test]
    fn a_key_of_each_kind_verifies_what_it_signed_and_nothing_else() {
        let pairs = [("RS256", Pair::rsa()), ("ES256", Pair::p256()), ("ES384", Pair::p384()), ("EdDSA", Pair::ed25519())];
        let keys: Vec<Value> = pairs.iter().map(|(name, pair)| pair.jwk(name)).collect();
        for (name, pair) in &pairs {
            let good = pair.token(&json!({ "alg": name, "kid": name }), &json!({ "sub": "ann" }));
            assert_eq!(judged(&keys, &good), Verdict::Signed, "{name}");
            let nameless = pair.token(&json!({ "alg": name }), &json!({}));
            assert_eq!(judged(&keys, &nameless), Verdict::Signed, "{name}");
            let other = pair.token(&json!({ "alg": name, "kid": "other" }), &json!({}));
            assert_eq!(judged(&keys, &other), Verdict::Unknown, "{name}");
            let wrong = if *name == "ES256" { "ES384" } else { "ES256" };
            let stolen_name = pair.token(&json!({ "alg": name, "kid": wrong }), &json!({}));
            assert_eq!(judged(&keys, &stolen_name), Verdict::Forged, "{name}");
        }
        let another = Pair::p256().token(&json!({ "alg": "ES256" }), &json!({}));
        assert_eq!(judged(&keys, &another), Verdict::Unknown);
    }

    #[test]
    fn the_algorithm_is_that_of_the_key_whatever_the_token_says() {
        let pair = Pair::rsa();
        let token = |algorithm: &str| pair.token(&json!({ "alg": algorithm, "kid": "a" }), &json!({}));
        let silent = with(&pair.jwk("a"), json!({ "alg": null }));
        let pss = with(&silent, json!({ "alg": "PS256" }));
        for (key, signed) in [(&silent, "RS256"), (&pss, "PS256")] {
            for algorithm in ["RS256", "RS512", "PS256"] {
                let expected = if algorithm == signed { Verdict::Signed } else { Verdict::Forged };
                assert_eq!(judged(std::slice::from_ref(key), &token(algorithm)), expected, "{algorithm}");
            }
        }
        let chosen = set(&[silent], &[Algorithm::ES256, Algorithm::PS256, Algorithm::RS256]).unwrap().0;
        assert_eq!(chosen.judge(&Token::parse(&token("PS256")).unwrap()), Verdict::Signed, "the first of the settings");
        assert_eq!(chosen.judge(&Token::parse(&token("RS256")).unwrap()), Verdict::Forged);
        // The public key taken for a shared secret, and a key of the set that claims to be one.
        let public = serde_json::to_string(&pss).unwrap();
        let confused = Pair::shared(public.as_bytes()).token(&json!({ "alg": "HS256", "kid": "a" }), &json!({}));
        assert_eq!(judged(std::slice::from_ref(&pss), &confused), Verdict::Forged);
        let symmetric = json!({ "kty": "oct", "k": BASE64_URL_SAFE_NO_PAD.encode(public), "alg": "HS256", "kid": "a" });
        assert_eq!(judged(&[pss, symmetric], &confused), Verdict::Forged);
    }

    #[test]
    fn keys_for_something_else_are_passed_over_in_silence_and_broken_ones_are_told() {
        let (rsa, ec) = (Pair::rsa().jwk("a"), Pair::p256().jwk("b"));
        for (other, algorithms) in [
            (with(&rsa, json!({ "use": "enc" })), vec![]),
            (with(&rsa, json!({ "key_ops": ["encrypt"] })), vec![]),
            (with(&rsa, json!({ "alg": "RSA-OAEP" })), vec![]),
            (with(&rsa, json!({ "alg": "ES256" })), vec![]),
            (with(&rsa, json!({ "alg": "RS384" })), vec![Algorithm::RS256]),
            (with(&ec, json!({ "alg": "ES384" })), vec![]),
            (with(&ec, json!({ "crv": "secp256k1" })), vec![]),
            (with(&ec, json!({ "kty": "unheard-of" })), vec![]),
        ] {
            let error = set(std::slice::from_ref(&other), &algorithms).err().unwrap();
            assert_eq!(error, "has no key that verifies signatures", "{other}");
        }
        let zero = BASE64_URL_SAFE_NO_PAD.encode([0; 32]);
        for (broken, expected) in [
            (with(&ec, json!({ "y": null })), "without `y`"),
            (with(&ec, json!({ "x": "a+b/" })), "with a `x` that is not base64url"),
            (with(&ec, json!({ "x": "AAAA" })), "no point of the curve, expected 32 bytes for each coordinate"),
            (with(&ec, json!({ "x": zero, "y": zero })), "a public key of another kind, expected one for ES256"),
            (with(&rsa, json!({ "n": "AQAB" })), "an RSA key of another size, expected 2048 to 8192 bits"),
            (with(&rsa, json!({ "e": "AQ" })), "a public key of another kind, expected one for RS256"),
            (with(&rsa, json!({ "kid": 7 })), "invalid type: integer `7`, expected a string"),
        ] {
            let (left, faults) = set(&[broken.clone(), ec.clone()], &[]).unwrap();
            let expected = vec![format!("key 1 is passed over: it is {expected}")];
            assert_eq!((left.len(), faults), (1, expected), "{broken}");
        }
    }

    #[test]
    fn what_is_no_set_is_an_error() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(KeySet::read(text.as_bytes(), &[]).err().unwrap().starts_with("is no set of keys (RFC 7517): "), "{text}");
        }
        let many = vec![json!({}); MOST + 1];
        assert_eq!(set(&many, &[]).err().unwrap(), "has 101 keys, expected 100 at most");
    }
}
