//! API keys by their digests.
//!
//! A key is looked up by its SHA-256 digest in a table with a random hash, and digests are compared
//! in constant time: how long an answer takes tells nothing about any key, however many there are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::consumer::{Consumer, Consumers};
use crate::context::{BuildContext, BuildError};
use crate::secret::Secret;

const SIZE: usize = 32;
const PREFIX: &str = "sha256:";

/// Keys, and whose they are.
#[derive(Default)]
pub(super) struct Digests(HashMap<Digest, Arc<Consumer>>);

#[derive(Debug, Clone, Copy, Eq)]
struct Digest([u8; SIZE]);

impl Digests {
    /// Adds a key of the settings; `wrong` makes an error of a message.
    ///
    /// # Errors
    /// When it is none, or there already.
    pub(super) fn add(
        &mut self,
        key: &Secret,
        consumer: &Arc<Consumer>,
        wrong: impl Fn(String) -> BuildError,
    ) -> Result<(), BuildError> {
        let digest = Digest::of_setting(key).map_err(&wrong)?;
        match self.0.entry(digest) {
            Entry::Occupied(other) => {
                Err(wrong(format!("the key is that of `{}` too, expected one of its own", other.get().name)))
            }
            Entry::Vacant(free) => {
                free.insert(Arc::clone(consumer));
                Ok(())
            }
        }
    }

    /// Adds the keys of consumers; `ctx` is at the place of their table.
    ///
    /// # Errors
    /// All errors of all consumers.
    pub(super) fn add_consumers(&mut self, consumers: &Consumers, ctx: &BuildContext) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        for (name, config) in consumers {
            let place = ctx.at(ctx.place().key(name));
            if config.keys.is_empty() {
                errors.push(place.invalid("keys", format!("`{name}` has no keys, expected at least one")));
            }
            if self.0.values().any(|other| *other.name == **name) {
                errors.push(place.invalid("", format!("`{name}` is the name of other keys, expected one of its own")));
            }
            let consumer = Arc::new(Consumer::new(name, config, &place).unwrap_or_else(|error| {
                errors.push(error);
                Consumer::named(name)
            }));
            if consumer.has_ended(ctx.clock().wall()) {
                place.warn("expires", format!("the keys of `{name}` have ended, expected a time to come"));
            }
            for (index, key) in config.keys.iter().enumerate() {
                errors.extend(self.add(key, &consumer, |message| place.invalid(&format!("keys.{index}"), message)).err());
            }
        }
        BuildError::all(errors)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose key this is.
    pub(super) fn find(&self, presented: &[u8]) -> Option<Arc<Consumer>> {
        self.0.get(&Digest::of(presented)).cloned()
    }
}

/// The digest of a key as settings have it, so that the key itself is in no file.
pub(super) fn shown(key: &str) -> String {
    let Digest(bytes) = Digest::of(key.as_bytes());
    bytes.iter().fold(PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

impl Digest {
    fn of(key: &[u8]) -> Self {
        let mut array = [0; SIZE];
        array.copy_from_slice(digest(&SHA256, key).as_ref());
        Self(array)
    }

    fn of_setting(key: &Secret) -> Result<Self, String> {
        match key.expose().strip_prefix(PREFIX) {
            None if key.expose().is_empty() => Err("the key is empty, expected text".into()),
            None => Ok(Self::of(key.expose().as_bytes())),
            Some(hex) => from_hex(hex)
                .map(Self)
                .ok_or_else(|| "the digest is not SHA-256, expected `sha256:` and 64 hexadecimal digits".into()),
        }
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

fn from_hex(text: &str) -> Option<[u8; SIZE]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let bytes: Vec<u8> = digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if text.len() == 2 * SIZE { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn digests(consumers: Value) -> Result<Digests, String> {
        let consumers: Consumers = serde_json::from_value(consumers).unwrap();
        let mut digests = Digests::default();
        digests.add_consumers(&consumers, &BuildContext::default()).map(|()| digests).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_found_however_it_is_written() {
        let digest = shown("test");
        assert_eq!(digest, "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
        let found = digests(
            json!({ "mobile": { "keys": ["plain", "other"] }, "batch": { "keys": [digest.to_uppercase().replace("SHA", "sha")] } }),
        );
        let found = found.unwrap();
        for (key, name) in
            [("plain", Some("mobile")), ("other", Some("mobile")), ("test", Some("batch")), (digest.as_str(), None), ("", None)]
        {
            assert_eq!(found.find(key.as_bytes()).map(|consumer| consumer.name.to_string()).as_deref(), name, "{key}");
        }
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn what_is_wrong_with_a_consumer_is_told_and_no_key_shown() {
        let digest = "the digest is not SHA-256, expected `sha256:` and 64 hexadecimal digits";
        let route = "expected the path of a route such as \"/orders/{id}\", \"GET /orders\" or \"/reports/*\"";
        for (consumers, expected) in [
            (json!({ "a": { "keys": [] } }), "a.keys: `a` has no keys, expected at least one".to_owned()),
            (json!({ "a": { "keys": ["k", ""] } }), "a.keys[1]: the key is empty, expected text".into()),
            (json!({ "a": { "keys": ["sha256:+f"] } }), format!("a.keys[0]: {digest}")),
            (
                json!({ "a": { "keys": ["k"] }, "b": { "keys": ["k"] } }),
                "b.keys[0]: the key is that of `a` too, expected one of its own".into(),
            ),
            (json!({ "a": { "keys": ["k"], "routes": ["orders"] } }), format!("a.routes[0]: `orders` is no route, {route}")),
            (
                json!({ "a": { "keys": ["k"], "rate_limit": { "per_second": 0, "burst": 1 } } }),
                "a.rate_limit: 0 per second with a burst of 1 is no limit, expected both above 0, and up to 1e9".into(),
            ),
        ] {
            assert_eq!(digests(consumers.clone()).err(), Some(expected), "{consumers}");
        }
    }
}
