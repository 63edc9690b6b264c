//! New API keys, for whoever gives them out.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::digests;
use crate::secret::Secret;

/// What keys begin with, so that who finds one knows whose it is, and scanners for secrets do.
const PREFIX: &str = "spikard_";

/// A key that nobody has had before. It is shown to its consumer once; the settings get the digest.
///
/// ```
/// use spikard_middleware::NewKey;
/// let key = NewKey::random()?;
/// assert!(key.key.expose().starts_with("spikard_") && key.digest.starts_with("sha256:"));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The key: 256 random bits as text.
    pub key: Secret,
    /// `sha256:` and its digest in hexadecimal, as `api_key_auth` takes it.
    pub digest: String,
}

impl NewKey {
    /// Makes a key.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        let key = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let digest = digests::shown(&key);
        Ok(Self { key: Secret::new(key), digest })
    }
}
