//! Tokens as compact JSON Web Signatures (RFC 7515) under the rules of RFC 8725.
//!
//! The algorithm and the key come from the settings, never from the token. Of the token's header
//! only `alg` is compared; keys and addresses of keys in it (`jwk`, `jku`, `x5c`, `x5u`) are not
//! looked at. What a token means is not decided here, but in [`super::claims`].

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::Rejection;
use super::key::{Algorithm, Key};
use crate::problem::{INVALID_TOKEN, MALFORMED_TOKEN};

/// What a client is told of every token that is not what it claims to be.
pub(super) const INVALID: &str = "Token signature is invalid";

/// The payload of a token that `key` signed.
pub(super) fn payload(token: &str, key: &Key) -> Result<Vec<u8>, Rejection> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        let found = token.split('.').count();
        let detail = format!("Malformed JWT token: expected 3 parts separated by dots, found {found}");
        return Err(Rejection::new(MALFORMED_TOKEN, detail));
    };
    let signed = &token[..header.len() + 1 + payload.len()];
    let valid = fits(header, key) && decode(signature).is_some_and(|signature| key.verify(signed.as_bytes(), &signature));
    let payload = if valid { decode(payload) } else { None };
    payload.ok_or_else(|| Rejection::new(INVALID_TOKEN, INVALID))
}

/// Whether a header asks for the algorithm of the key, and for nothing that it must understand
/// and does not (RFC 7515 section 4.1.11, RFC 7797 section 7).
fn fits(header: &str, key: &Key) -> bool {
    let Some(json) = decode(header) else { return false };
    let header = serde_json::from_slice::<Header>(&json);
    header.is_ok_and(|header| header.alg == key.algorithm && !header.crit && header.b64 != Some(false))
}

/// The members of a header that matter. One that appears twice is an error.
#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
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
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::hmac;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use jsonwebtoken::EncodingKey;

    use super::*;
    use crate::context::BuildContext;
    use crate::secret::Secret;
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
        let payload = payload(token, key);
        payload.map_or_else(|rejection| rejection.detail.into_owned(), |payload| String::from_utf8(payload).unwrap())
    }

    fn public(key: &impl AsDer<PublicKeyX509Der<'static>>) -> String {
        pem("PUBLIC KEY", key.as_der().unwrap().as_ref())
    }

    fn rsa() -> (EncodingKey, String) {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private = pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
        (EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(), public(pair.public_key()))
    }

    fn ec(kind: &'static signature::EcdsaSigningAlgorithm) -> (EncodingKey, String) {
        let pair = EcdsaKeyPair::generate(kind).unwrap();
        (EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), public(pair.public_key()))
    }

    #[test]
    fn takes_what_another_library_signed_with_each_algorithm_and_refuses_it_changed_or_under_another_key() {
        let ed = Ed25519KeyPair::generate().unwrap();
        let ed = (EncodingKey::from_ed_der(ed.to_pkcs8().unwrap().as_ref()), public(ed.public_key()));
        let (rsa, p256, p384) =
            (rsa(), ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING), ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING));
        let shared = (EncodingKey::from_secret(SECRET.as_bytes()), SECRET.to_owned());
        for (keys, names) in [
            (shared, "HS256 HS384 HS512"),
            (rsa, "RS256 RS384 RS512 PS256 PS384 PS512"),
            (p256, "ES256"),
            (p384, "ES384"),
            (ed, "EdDSA"),
        ] {
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
