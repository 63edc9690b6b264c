//! Tokens as compact JSON Web Signatures (RFC 7515) under the rules of RFC 8725.
//!
//! The algorithm comes from a key, and the keys from the settings, never from the token. Of its
//! header `alg` is compared, and `typ` where that is asked for, and `kid` says which of our keys is
//! meant; keys and addresses of keys (`jwk`, `jku`, `x5c`, `x5u`) are not looked at. What a token means is not decided here, but in
//! [`super::claims`].

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::Rejection;
use super::key::{Algorithm, Key};
use crate::problem::{INVALID_TOKEN, MALFORMED_TOKEN};

/// What a client is told of every token that is not what it claims to be.
pub(super) const INVALID: &str = "Token signature is invalid";

pub(super) fn invalid() -> Rejection {
    Rejection::new(INVALID_TOKEN, INVALID)
}

/// A token whose signature nobody has looked at yet.
pub(super) struct Token<'a> {
    header: Header,
    /// What the signature is of: the first two parts and the dot between them.
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes a token apart. One that asks for something that we must understand and do not
    /// (RFC 7515 section 4.1.11, RFC 7797 section 7) is refused here.
    pub(super) fn parse(token: &'a str) -> Result<Self, Rejection> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let found = token.split('.').count();
            let detail = format!("Malformed JWT token: expected 3 parts separated by dots, found {found}");
            return Err(Rejection::new(MALFORMED_TOKEN, detail));
        };
        let signed = &token[..header.len() + 1 + payload.len()];
        let header = decode(header).and_then(|json| serde_json::from_slice::<Header>(&json).ok());
        let header = header.filter(|header| !header.crit && header.b64 != Some(false)).ok_or_else(invalid)?;
        Ok(Self { header, signed, payload, signature: decode(signature).ok_or_else(invalid)? })
    }

    /// The algorithm that the token says it was signed with.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.header.alg
    }

    /// The name of the key that the token says it was signed with.
    pub(super) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Whether it says that it is of this type. `application/` may stand before both, in any case of
    /// letters (RFC 7515 section 4.1.9).
    pub(super) fn is_of_type(&self, wanted: &str) -> bool {
        const PREFIX: &str = "application/";
        let bare = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.strip_prefix(PREFIX).map_or(name.clone(), str::to_owned)
        };
        self.header.typ.as_deref().is_some_and(|typ| bare(typ) == bare(wanted))
    }

    /// Whether it is for the algorithm of this key, and signed with it.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        self.header.alg == key.algorithm && key.verify(self.signed.as_bytes(), &self.signature)
    }

    /// What was signed. Whoever reads it before [`is_signed_by`](Self::is_signed_by) reads what
    /// anybody may have written.
    pub(super) fn payload(&self) -> Result<Vec<u8>, Rejection> {
        decode(self.payload).ok_or_else(invalid)
    }
}

/// The members of a header that matter. One that appears twice is an error.
#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
    #[serde(default)]
    b64: Option<bool>,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::hmac;
    use jsonwebtoken::EncodingKey;

    use super::*;
    use crate::context::BuildContext;
    use crate::secret::Secret;
    use crate::testing::keys::Pair;
    use crate::testing::pem;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const CLAIMS: &str = r#"{"sub":"ann"}"#;

    fn key(algorithm: Algorithm, secret: &str) -> Key {
        Key::new(algorithm, &Secret::from(secret), &BuildContext::default()).unwrap()
    }

    /// A token with any header, signed with the shared secret.
    fn token(header: &str) -> String {
        let signed = [header, CLAIMS].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn said(key: &Key, token: &str) -> String {
        let payload =
            Token::parse(token).and_then(|token| if token.is_signed_by(key) { token.payload() } else { Err(invalid()) });
        payload.map_or_else(|rejection| rejection.detail.into_owned(), |payload| String::from_utf8(payload).unwrap())
    }

    /// A new key of each kind: for the other library to sign with, and in PEM.
    fn new_key(pair: &Pair) -> (EncodingKey, String) {
        let private = match pair {
            Pair::Rsa(pair) => {
                let private = pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(pair).unwrap().as_ref());
                EncodingKey::from_rsa_pem(private.as_bytes()).unwrap()
            }
            Pair::Ec(pair, ..) => EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
            Pair::Ed(pair) => EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref()),
            Pair::Shared(secret) => return (EncodingKey::from_secret(secret), SECRET.to_owned()),
        };
        (private, pair.pem())
    }

    #[test]
    fn takes_what_another_library_signed_with_each_algorithm_and_refuses_it_changed_or_under_another_key() {
        for (pair, names) in [
            (Pair::shared(SECRET.as_bytes()), "HS256 HS384 HS512"),
            (Pair::rsa(), "RS256 RS384 RS512 PS256 PS384 PS512"),
            (Pair::p256(), "ES256"),
            (Pair::p384(), "ES384"),
            (Pair::ed25519(), "EdDSA"),
        ] {
            let keys = new_key(&pair);
            for name in names.split(' ') {
                let algorithm: Algorithm = serde_json::from_value(name.into()).unwrap();
                let theirs = jsonwebtoken::Header::new(name.parse().unwrap());
                let token = jsonwebtoken::encode(&theirs, &serde_json::json!({ "sub": "ann" }), &keys.0).unwrap();
                let key = key(algorithm, &keys.1);
                assert_eq!(said(&key, &token), CLAIMS, "{name}");
                let payload = BASE64_URL_SAFE_NO_PAD.encode(CLAIMS);
                let forged = token.replace(&payload, &BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"eve"}"#));
                assert_ne!(forged, token);
                assert_eq!(said(&key, &forged), INVALID, "{name}");
                // The classic: whoever has the public key takes it for a shared secret.
                let theirs = EncodingKey::from_secret(keys.1.as_bytes());
                let confused = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &serde_json::json!({}), &theirs).unwrap();
                assert_eq!(said(&key, &confused) == "{}", name == "HS256", "{name}");
            }
        }
    }

    #[test]
    fn the_header_of_a_token_decides_nothing() {
        let key = key(Algorithm::HS256, SECRET);
        for header in [
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"../../etc/passwd"}"#,
            r#"{"alg":"HS256","jku":"https://evil.example/keys","x5u":"https://evil.example/cert"}"#,
            r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"x5c":["AA"]}"#,
        ] {
            assert_eq!(said(&key, &token(header)), CLAIMS, "{header}");
        }
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS384"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"typ":"JWT"}"#,
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":["b64"],"b64":true}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"{"alg":"HS256","b64":false}"#,
            "not json",
        ] {
            assert_eq!(said(&key, &token(header)), INVALID, "{header}");
        }
    }

    #[test]
    fn a_signature_by_the_key_in_the_token_or_by_none_is_no_signature() {
        let ours = key(Algorithm::HS256, SECRET);
        let own_key = "an attacker's own key of 32 bytes";
        let header = format!(r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{}"}}}}"#, BASE64_URL_SAFE_NO_PAD.encode(own_key));
        let signed = [header.as_str(), CLAIMS].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, own_key.as_bytes()), signed.as_bytes());
        assert_eq!(said(&ours, &format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))), INVALID);

        let unsigned = [r#"{"alg":"none"}"#, CLAIMS].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        assert_eq!(said(&ours, &format!("{unsigned}.")), INVALID);
        let padded = format!("{}=", token(r#"{"alg":"HS256"}"#));
        assert_eq!(said(&ours, &padded), INVALID, "one spelling for each token");
    }

    #[test]
    fn a_token_has_three_parts() {
        let key = key(Algorithm::HS256, SECRET);
        for (token, found) in [("", 1), ("a.b", 2), ("a.b.c.d", 4), ("a.b.c.d.e", 5)] {
            let expected = format!("Malformed JWT token: expected 3 parts separated by dots, found {found}");
            assert_eq!(said(&key, token), expected);
        }
        assert_eq!(said(&key, ".."), INVALID);
    }
}
