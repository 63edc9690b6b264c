//! Signatures of tokens: compact JSON Web Signatures (RFC 7515) under the rules of RFC 8725.
//!
//! The algorithm and the key come from the settings, never from the token. Of the token's header
//! only `alg` is compared; keys and addresses of keys in it (`jwk`, `jku`, `x5c`, `x5u`) are not
//! looked at. What a token means is not decided here, but in [`super::claims`].
//! Why aws-lc-rs is used directly is told in `docs/adr/0005-signatures-of-tokens.md`.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{self as verification, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

use super::Rejection;
use crate::context::{BuildContext, BuildError};
use crate::problem::{INVALID_TOKEN, MALFORMED_TOKEN};
use crate::secret::Secret;

/// The algorithm of a signature (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    #[default]
    HS256,
    /// HMAC with SHA-384 and a shared secret.
    HS384,
    /// HMAC with SHA-512 and a shared secret.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl fmt::Display for Algorithm {
    /// The name as it stands in the header of a token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// What a client is told of every token that is not what it claims to be.
pub(super) const INVALID: &str = "Token signature is invalid";

/// Verifies signatures with one algorithm and one key.
pub(super) struct Verifier {
    /// The name of the algorithm.
    algorithm: String,
    key: Key,
    takes_long: bool,
}

enum Key {
    Shared(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

const PEM_START: &str = "-----BEGIN ";
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Up to this size the public operation of RSA takes less than 100 microseconds.
const SHORT_RSA_BITS: usize = 4096;

impl Verifier {
    pub(super) fn new(algorithm: Algorithm, secret: &Secret, ctx: &BuildContext) -> Result<Self, BuildError> {
        let shared = |kind: hmac::Algorithm| shared_key(kind, algorithm, secret, ctx);
        let public = |kind: &'static dyn VerificationAlgorithm| public_key(kind, algorithm, secret, ctx);
        let key = match algorithm {
            Algorithm::HS256 => shared(hmac::HMAC_SHA256)?,
            Algorithm::HS384 => shared(hmac::HMAC_SHA384)?,
            Algorithm::HS512 => shared(hmac::HMAC_SHA512)?,
            Algorithm::RS256 => public(&verification::RSA_PKCS1_2048_8192_SHA256)?,
            Algorithm::RS384 => public(&verification::RSA_PKCS1_2048_8192_SHA384)?,
            Algorithm::RS512 => public(&verification::RSA_PKCS1_2048_8192_SHA512)?,
            Algorithm::PS256 => public(&verification::RSA_PSS_2048_8192_SHA256)?,
            Algorithm::PS384 => public(&verification::RSA_PSS_2048_8192_SHA384)?,
            Algorithm::PS512 => public(&verification::RSA_PSS_2048_8192_SHA512)?,
            Algorithm::ES256 => public(&verification::ECDSA_P256_SHA256_FIXED)?,
            Algorithm::ES384 => public(&verification::ECDSA_P384_SHA384_FIXED)?,
            Algorithm::EdDSA => public(&verification::ED25519)?,
        };
        let long_rsa = rsa_bits(&key).is_some_and(|bits| bits > SHORT_RSA_BITS);
        Ok(Self { algorithm: algorithm.to_string(), key, takes_long: long_rsa || algorithm == Algorithm::ES384 })
    }

    /// Whether a verification takes more than some 100 microseconds.
    pub(super) fn takes_long(&self) -> bool {
        self.takes_long
    }

    /// The payload of a token whose signature is valid.
    pub(super) fn payload(&self, token: &str) -> Result<Vec<u8>, Rejection> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let found = token.split('.').count();
            let detail = format!("Malformed JWT token: expected 3 parts separated by dots, found {found}");
            return Err(Rejection::new(MALFORMED_TOKEN, detail));
        };
        let signed = &token[..header.len() + 1 + payload.len()];
        let valid = self.fits(header) && decode(signature).is_some_and(|signature| self.verify(signed.as_bytes(), &signature));
        let payload = if valid { decode(payload) } else { None };
        payload.ok_or_else(|| Rejection::new(INVALID_TOKEN, INVALID))
    }

    /// Whether a header asks for what this verifier does, and for nothing that it must understand
    /// and does not (RFC 7515 section 4.1.11, RFC 7797 section 7).
    fn fits(&self, header: &str) -> bool {
        let Some(json) = decode(header) else { return false };
        serde_json::from_slice(&json)
            .is_ok_and(|header: Header<'_>| header.alg == self.algorithm && !header.crit && header.b64 != Some(false))
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Key::Shared(key) => hmac::verify(key, signed, signature).is_ok(),
            Key::Public(key) => key.verify_sig(signed, signature).is_ok(),
        }
    }
}

/// The members of a header that matter. One that appears twice is an error.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
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

fn shared_key(kind: hmac::Algorithm, algorithm: Algorithm, secret: &Secret, ctx: &BuildContext) -> Result<Key, BuildError> {
    let secret = secret.expose();
    if secret.trim_start().starts_with(PEM_START) {
        // Whoever has the public key could sign tokens with it.
        return Err(ctx.invalid("secret", format!("secret is a PEM key, expected a shared secret for {algorithm}")));
    }
    let (length, wanted) = (secret.len(), kind.digest_algorithm().output_len());
    if secret.is_empty() {
        return Err(ctx.invalid("secret", format!("secret is empty, expected {wanted} bytes or more for {algorithm}")));
    }
    if length < wanted {
        let message = format!("secret is {length} bytes, expected {wanted} or more for {algorithm} (RFC 7518 section 3.2)");
        ctx.warn("secret", message);
    }
    Ok(Key::Shared(Box::new(hmac::Key::new(kind, secret.as_bytes()))))
}

fn public_key(
    kind: &'static dyn VerificationAlgorithm,
    algorithm: Algorithm,
    secret: &Secret,
    ctx: &BuildContext,
) -> Result<Key, BuildError> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(secret.expose().as_bytes()).map_err(|_| {
        ctx.invalid("secret", format!("secret is no public key, expected a PEM block `{PEM_START}PUBLIC KEY-----`"))
    })?;
    let key = ParsedPublicKey::new(kind, &der)
        .map(Key::Public)
        .map_err(|_| ctx.invalid("secret", format!("secret is a public key of another kind, expected one for {algorithm}")))?;
    match rsa_bits(&key) {
        Some(bits) if !RSA_BITS.contains(&bits) => {
            Err(ctx.invalid("secret", format!("secret is an RSA key of {bits} bits, expected 2048 to 8192")))
        }
        _ => Ok(key),
    }
}

/// The size of an RSA key; none if it is of another kind.
fn rsa_bits(key: &Key) -> Option<usize> {
    let Key::Public(key) = key else { return None };
    PublicEncryptingKey::from_der(key.as_ref()).ok().map(|key| key.key_size_bits())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use base64::prelude::BASE64_STANDARD;
    use jsonwebtoken::EncodingKey;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const CLAIMS: &str = r#"{"sub":"ann"}"#;

    fn verifier(algorithm: Algorithm, secret: &str) -> Result<Verifier, String> {
        Verifier::new(algorithm, &Secret::from(secret), &BuildContext::default()).map_err(|error| error.to_string())
    }

    /// A token with any header, signed with the shared secret.
    fn token(header: &str) -> String {
        let signed = [header, CLAIMS].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn said(verifier: &Verifier, token: &str) -> String {
        let payload = verifier.payload(token);
        payload.map_or_else(|rejection| rejection.detail.into_owned(), |payload| String::from_utf8(payload).unwrap())
    }

    fn pem(label: &str, der: &[u8]) -> String {
        let text = BASE64_STANDARD.encode(der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn public(key: &impl AsDer<PublicKeyX509Der<'static>>) -> String {
        pem("PUBLIC KEY", key.as_der().unwrap().as_ref())
    }

    fn rsa() -> (EncodingKey, String) {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private = pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
        (EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(), public(pair.public_key()))
    }

    fn ec(kind: &'static verification::EcdsaSigningAlgorithm) -> (EncodingKey, String) {
        let pair = EcdsaKeyPair::generate(kind).unwrap();
        (EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()), public(pair.public_key()))
    }

    #[test]
    fn takes_what_another_library_signed_with_each_algorithm_and_refuses_it_changed_or_under_another_key() {
        let ed = Ed25519KeyPair::generate().unwrap();
        let ed = (EncodingKey::from_ed_der(ed.to_pkcs8().unwrap().as_ref()), public(ed.public_key()));
        let (rsa, p256, p384) =
            (rsa(), ec(&verification::ECDSA_P256_SHA256_FIXED_SIGNING), ec(&verification::ECDSA_P384_SHA384_FIXED_SIGNING));
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
                let verifier = verifier(algorithm, &keys.1).unwrap();
                assert_eq!(said(&verifier, &token), CLAIMS, "{name}");
                let payload = BASE64_URL_SAFE_NO_PAD.encode(CLAIMS);
                let forged = token.replace(&payload, &BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"eve"}"#));
                assert_ne!(forged, token);
                assert_eq!(said(&verifier, &forged), INVALID, "{name}");
                // The classic: whoever has the public key takes it for a shared secret.
                let key = EncodingKey::from_secret(keys.1.as_bytes());
                let confused = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &serde_json::json!({}), &key).unwrap();
                assert_eq!(said(&verifier, &confused) == "{}", name == "HS256", "{name}");
            }
        }
    }

    #[test]
    fn the_header_of_a_token_decides_nothing() {
        let verifier = verifier(Algorithm::HS256, SECRET).unwrap();
        for header in [
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"../../etc/passwd"}"#,
            r#"{"alg":"HS256","jku":"https://evil.example/keys","x5u":"https://evil.example/cert"}"#,
            r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"x5c":["AA"]}"#,
        ] {
            assert_eq!(said(&verifier, &token(header)), CLAIMS, "{header}");
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
            assert_eq!(said(&verifier, &token(header)), INVALID, "{header}");
        }
    }

    #[test]
    fn a_signature_by_the_key_in_the_token_or_by_none_is_no_signature() {
        let ours = verifier(Algorithm::HS256, SECRET).unwrap();
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
        let verifier = verifier(Algorithm::HS256, SECRET).unwrap();
        for (token, found) in [("", 1), ("a.b", 2), ("a.b.c.d", 4), ("a.b.c.d.e", 5)] {
            let expected = format!("Malformed JWT token: expected 3 parts separated by dots, found {found}");
            assert_eq!(said(&verifier, token), expected);
        }
        assert_eq!(said(&verifier, ".."), INVALID);
    }

    #[test]
    fn a_key_that_does_not_fit_the_algorithm_is_an_error_at_start() {
        let (rsa, p256) = (rsa().1, ec(&verification::ECDSA_P256_SHA256_FIXED_SIGNING).1);
        let other = |algorithm| format!("secret: secret is a public key of another kind, expected one for {algorithm}");
        let none = "secret: secret is no public key, expected a PEM block `-----BEGIN PUBLIC KEY-----`".to_owned();
        for (algorithm, secret, expected) in [
            (Algorithm::RS256, p256.as_str(), other("RS256")),
            (Algorithm::ES256, &rsa, other("ES256")),
            (Algorithm::ES384, &p256, other("ES384")),
            (Algorithm::EdDSA, &p256, other("EdDSA")),
            (Algorithm::ES256, SECRET, none.clone()),
            (Algorithm::ES256, &p256.replace("PUBLIC", "PRIVATE"), none.clone()),
            (Algorithm::ES256, &p256[..80], none),
            (Algorithm::HS256, &rsa, "secret: secret is a PEM key, expected a shared secret for HS256".into()),
            (Algorithm::HS512, "", "secret: secret is empty, expected 64 bytes or more for HS512".into()),
        ] {
            assert_eq!(verifier(algorithm, secret).err(), Some(expected), "{algorithm}");
        }
    }

    #[test]
    fn a_short_secret_is_a_warning() {
        let ctx = BuildContext::default();
        let warned = |algorithm, secret: &str| {
            Verifier::new(algorithm, &Secret::from(secret), &ctx).unwrap();
            ctx.take_warnings().into_iter().map(|warning| warning.message).collect::<Vec<_>>()
        };
        assert_eq!(warned(Algorithm::HS256, SECRET), [""; 0]);
        assert_eq!(
            warned(Algorithm::HS256, &SECRET[1..]),
            ["secret is 31 bytes, expected 32 or more for HS256 (RFC 7518 section 3.2)"]
        );
        assert_eq!(
            warned(Algorithm::HS384, SECRET),
            ["secret is 32 bytes, expected 48 or more for HS384 (RFC 7518 section 3.2)"]
        );
    }
}
