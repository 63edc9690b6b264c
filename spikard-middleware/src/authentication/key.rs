//! Keys that verify tokens: read once, at start, and held against their algorithm.
//!
//! Why aws-lc-rs is used directly is told in `docs/adr/0005-signatures-of-tokens.md`.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{self as verification, ParsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{BuildContext, BuildError};
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
    /// Ed25519, which RFC 9864 also calls by that name.
    #[serde(alias = "Ed25519")]
    EdDSA,
}

impl fmt::Display for Algorithm {
    /// The name as it stands in the header of a token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// A key with the one algorithm that it is for.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    material: Material,
    /// Whether a verification takes more than some 100 microseconds.
    pub(super) takes_long: bool,
}

enum Material {
    Shared(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

/// How an algorithm verifies.
enum Scheme {
    Shared(hmac::Algorithm),
    Public(&'static dyn VerificationAlgorithm),
}

impl Algorithm {
    fn scheme(self) -> Scheme {
        match self {
            Self::HS256 => Scheme::Shared(hmac::HMAC_SHA256),
            Self::HS384 => Scheme::Shared(hmac::HMAC_SHA384),
            Self::HS512 => Scheme::Shared(hmac::HMAC_SHA512),
            Self::RS256 => Scheme::Public(&verification::RSA_PKCS1_2048_8192_SHA256),
            Self::RS384 => Scheme::Public(&verification::RSA_PKCS1_2048_8192_SHA384),
            Self::RS512 => Scheme::Public(&verification::RSA_PKCS1_2048_8192_SHA512),
            Self::PS256 => Scheme::Public(&verification::RSA_PSS_2048_8192_SHA256),
            Self::PS384 => Scheme::Public(&verification::RSA_PSS_2048_8192_SHA384),
            Self::PS512 => Scheme::Public(&verification::RSA_PSS_2048_8192_SHA512),
            Self::ES256 => Scheme::Public(&verification::ECDSA_P256_SHA256_FIXED),
            Self::ES384 => Scheme::Public(&verification::ECDSA_P384_SHA384_FIXED),
            Self::EdDSA => Scheme::Public(&verification::ED25519),
        }
    }

    /// Whether whoever can verify can also sign.
    pub(super) fn is_shared(self) -> bool {
        matches!(self.scheme(), Scheme::Shared(_))
    }

    /// Whether its keys are RSA keys, which do not tell which of several algorithms they are for.
    pub(super) fn is_rsa(self) -> bool {
        use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
        matches!(self, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
    }
}

/// Why a public key is none for its algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is none, or of another kind.
    Kind(Algorithm),
    /// It is an RSA key that is too small or too large.
    Size,
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(algorithm) => write!(formatter, "a public key of another kind, expected one for {algorithm}"),
            Self::Size => formatter.write_str("an RSA key of another size, expected 2048 to 8192 bits"),
        }
    }
}

const PEM_START: &str = "-----BEGIN ";
/// Up to this size the public operation of RSA takes less than 100 microseconds.
const SHORT_RSA_BITS: usize = 4096;

impl Key {
    /// The key of `algorithm` that `secret` holds.
    pub(super) fn new(algorithm: Algorithm, secret: &Secret, ctx: &BuildContext) -> Result<Self, BuildError> {
        match algorithm.scheme() {
            Scheme::Shared(kind) => {
                let material = shared_key(kind, algorithm, secret, ctx)?;
                Ok(Self { algorithm, material, takes_long: false })
            }
            Scheme::Public(_) => {
                let der = SubjectPublicKeyInfoDer::from_pem_slice(secret.expose().as_bytes()).map_err(|_| {
                    ctx.invalid("secret", format!("secret is no public key, expected a PEM block `{PEM_START}PUBLIC KEY-----`"))
                })?;
                Self::public(algorithm, &der).map_err(|unfit| ctx.invalid("secret", format!("secret is {unfit}")))
            }
        }
    }

    /// The public key in `bytes`: its DER (RFC 5280 section 4.1.2.7), or the bare point of a curve.
    pub(super) fn public(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Unfit> {
        let Scheme::Public(kind) = algorithm.scheme() else { return Err(Unfit::Kind(algorithm)) };
        let key = ParsedPublicKey::new(kind, bytes).map_err(|_| Unfit::Kind(algorithm))?;
        let rsa_bits = if algorithm.is_rsa() { Some(rsa_bits(&key).ok_or(Unfit::Size)?) } else { None };
        let takes_long = rsa_bits.is_some_and(|bits| bits > SHORT_RSA_BITS) || algorithm == Algorithm::ES384;
        Ok(Self { algorithm, material: Material::Public(key), takes_long })
    }

    /// Whether `signature` is that of `signed`.
    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Shared(key) => hmac::verify(key, signed, signature).is_ok(),
            Material::Public(key) => key.verify_sig(signed, signature).is_ok(),
        }
    }
}

fn shared_key(kind: hmac::Algorithm, algorithm: Algorithm, secret: &Secret, ctx: &BuildContext) -> Result<Material, BuildError> {
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
    Ok(Material::Shared(Box::new(hmac::Key::new(kind, secret.as_bytes()))))
}

/// The size of an RSA key that can be used; aws-lc refuses smaller and larger ones only when they
/// are to verify something.
fn rsa_bits(key: &ParsedPublicKey) -> Option<usize> {
    PublicEncryptingKey::from_der(key.as_ref()).ok().map(|key| key.key_size_bits())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};

    use super::*;
    use crate::testing::pem;

    /// An RSA key of 1024 bits.
    const SMALL_RSA: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCp7dk6WdL3hVx6DfA+ydRcbA3H
NAYA14XhKASIYOT0016ZCYRymoRhywUoBXwEZFJdysZoF3H+LqkQ0cC2R72S1xmJ
Fhl5w4M7GXOXWv5b0SjmzmVaoVhw0k/ICco9pXH/sMT3Gv5UoK4UjYC4lku57s4S
U3MOa5rs3TlWYh146wIDAQAB
-----END PUBLIC KEY-----";
    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn error(algorithm: Algorithm, secret: &str) -> Option<String> {
        Key::new(algorithm, &Secret::from(secret), &BuildContext::default()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_key_that_does_not_fit_the_algorithm_is_an_error_at_start() {
        let rsa = pem("PUBLIC KEY", KeyPair::generate(KeySize::Rsa2048).unwrap().public_key().as_der().unwrap().as_ref());
        let p256 = EcdsaKeyPair::generate(&verification::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let p256 = pem("PUBLIC KEY", p256.public_key().as_der().unwrap().as_ref());
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
            (Algorithm::PS256, SMALL_RSA, "secret: secret is an RSA key of another size, expected 2048 to 8192 bits".into()),
            (Algorithm::HS256, &rsa, "secret: secret is a PEM key, expected a shared secret for HS256".into()),
            (Algorithm::HS512, "", "secret: secret is empty, expected 64 bytes or more for HS512".into()),
        ] {
            assert_eq!(error(algorithm, secret), Some(expected), "{algorithm}");
        }
    }

    #[test]
    fn a_short_secret_is_a_warning() {
        let ctx = BuildContext::default();
        let warned = |algorithm, secret: &str| {
            Key::new(algorithm, &Secret::from(secret), &ctx).unwrap();
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
