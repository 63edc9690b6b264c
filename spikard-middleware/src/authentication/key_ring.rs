//! Comparing API keys: what a request presents with every configured key.
//!
//! Keys are compared as digests, all of them, in constant time, so that the time of an answer
//! tells nothing about any key.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderName, HeaderValue};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::api_key_auth::ApiKeyConfig;
use super::{Credential, Rejection, query};
use crate::context::{BuildContext, BuildError};
use crate::identity::Identity;
use crate::problem::{INVALID_API_KEY, NO_API_KEY};
use crate::secret::Secret;
use crate::service::Request;
use crate::units;

const DIGEST: usize = 32;

/// Checks keys as the settings say.
pub(super) struct KeyRing {
    keys: Vec<(Arc<str>, [u8; DIGEST])>,
    header: HeaderName,
    query_parameter: String,
    consumer_header: Option<HeaderName>,
    /// What a request without a key is told.
    expected: String,
    challenge: HeaderValue,
}

impl KeyRing {
    pub(super) fn new(config: &ApiKeyConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut keys: Vec<(Arc<str>, _)> = Vec::new();
        for (name, place, key) in config.keys.each() {
            let digest = digest_of_setting(key).map_err(|message| ctx.invalid(&place, message))?;
            if let Some((other, _)) = keys.iter().find(|(_, known)| *known == digest) {
                return Err(ctx.invalid(&place, format!("the key is that of `{other}` too, expected one of its own")));
            }
            keys.push((name.into(), digest));
        }
        if keys.is_empty() {
            return Err(ctx.invalid("keys", "there are no keys, expected at least one"));
        }
        let header_name = |field: &str, name: &str| units::header_name(name).map_err(|message| ctx.invalid(field, message));
        let header = header_name("header_name", &config.header_name)?;
        let consumer_header = config.consumer_header.as_deref().map(|name| header_name("consumer_header", name)).transpose()?;
        let (name, parameter) = (&config.header_name, &config.query_parameter);
        let or_query = if parameter.is_empty() { String::new() } else { format!(" or '{parameter}' query parameter") };
        let challenge = HeaderValue::try_from(format!("ApiKey header=\"{name}\""))
            .map_err(|error| ctx.invalid("header_name", error.to_string()))?;
        Ok(Self {
            keys,
            header,
            query_parameter: parameter.clone(),
            consumer_header,
            expected: format!("Expected '{name}' header{or_query} with valid API key"),
            challenge,
        })
    }

    /// The name of the key that a request presents. The key is taken out of the URI.
    pub(super) fn check(&self, request: &mut Request) -> Credential<Arc<str>> {
        let from_query =
            if self.query_parameter.is_empty() { Vec::new() } else { query::take(request.uri_mut(), &self.query_parameter) };
        let mut from_header = request.headers().get_all(&self.header).iter();
        let presented = [from_header.next().map(HeaderValue::as_bytes), from_query.first().map(Vec::as_slice)];
        if presented == [None, None] {
            return Credential::Absent;
        }
        // Of two in one place, the upstream might read the other one.
        let ambiguous = from_header.next().is_some() || from_query.len() > 1;
        let name = presented.into_iter().flatten().filter(|_| !ambiguous).find_map(|key| self.find(key));
        name.ok_or_else(|| Rejection::new(INVALID_API_KEY, "The provided API key is not valid")).into()
    }

    /// Looks at all keys, whichever it is, and branches on none.
    fn find(&self, presented: &[u8]) -> Option<Arc<str>> {
        let presented = sha256(presented);
        let mut found = u64::MAX;
        for (index, (_, known)) in (0..).zip(&self.keys) {
            found.conditional_assign(&index, known.ct_eq(&presented));
        }
        self.keys.get(usize::try_from(found).ok()?).map(|(name, _)| Arc::clone(name))
    }

    pub(super) fn nothing_presented(&self) -> Rejection {
        Rejection::new(NO_API_KEY, self.expected.clone())
    }

    pub(super) fn challenge(&self) -> HeaderValue {
        self.challenge.clone()
    }

    /// Sets the header for the upstream, or removes it if no key was verified.
    pub(super) fn forward(&self, identity: &Identity, headers: &mut HeaderMap) {
        let Some(name) = &self.consumer_header else { return };
        headers.remove(name);
        if let Some(Ok(consumer)) = identity.consumer.as_deref().map(HeaderValue::from_str) {
            headers.insert(name, consumer);
        }
    }
}

fn digest_of_setting(key: &Secret) -> Result<[u8; DIGEST], String> {
    match key.expose().strip_prefix("sha256:") {
        None if key.expose().is_empty() => Err("the key is empty, expected text".into()),
        None => Ok(sha256(key.expose().as_bytes())),
        Some(hex) => {
            from_hex(hex).ok_or_else(|| "the digest is not SHA-256, expected `sha256:` and 64 hexadecimal digits".into())
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; DIGEST] {
    let mut array = [0; DIGEST];
    array.copy_from_slice(digest(&SHA256, bytes).as_ref());
    array
}

fn from_hex(text: &str) -> Option<[u8; DIGEST]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if text.len() == 2 * DIGEST { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 digest of `test` (FIPS 180-4).
    const TEST: &str = "sha256:9F86D081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn ring(json: serde_json::Value) -> Result<KeyRing, String> {
        let config: ApiKeyConfig = serde_json::from_value(json).map_err(|error| error.to_string())?;
        KeyRing::new(&config, &BuildContext::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn finds_the_name_of_a_key_however_it_is_written() {
        let list = ring(serde_json::json!({ "keys": ["plain", TEST] })).unwrap();
        let named = ring(serde_json::json!({ "keys": { "mobile": "plain", "batch": TEST } })).unwrap();
        for (key, in_list, by_name) in [
            ("plain", Some("key-1"), Some("mobile")),
            ("test", Some("key-2"), Some("batch")),
            (TEST, None, None),
            ("", None, None),
        ] {
            assert_eq!(list.find(key.as_bytes()).as_deref(), in_list, "{key}");
            assert_eq!(named.find(key.as_bytes()).as_deref(), by_name, "{key}");
        }
    }

    #[test]
    fn names_the_key_that_is_wrong_and_never_shows_it() {
        for (keys, expected) in [
            (serde_json::json!([]), "keys: there are no keys, expected at least one"),
            (serde_json::json!(["a", ""]), "keys[1]: the key is empty, expected text"),
            (serde_json::json!(["test", TEST]), "keys[1]: the key is that of `key-1` too, expected one of its own"),
            (
                serde_json::json!({ "x": "sha256:+f" }),
                "keys.x: the digest is not SHA-256, expected `sha256:` and 64 hexadecimal digits",
            ),
        ] {
            assert_eq!(ring(serde_json::json!({ "keys": keys })).err().as_deref(), Some(expected));
        }
        let header = ring(serde_json::json!({ "keys": ["a"], "header_name": "X Key" })).err();
        assert_eq!(header.as_deref(), Some("header_name: `X Key` is not a header name, expected text such as \"X-User\""));
    }
}
