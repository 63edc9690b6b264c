//! API keys of a request, held against those of the settings and of the file of consumers.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::api_key_auth::ApiKeyConfig;
use super::consumer::Consumer;
use super::consumers_file::ConsumersFile;
use super::digests::Digests;
use super::{Credential, Rejection, query};
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::identity::Identity;
use crate::problem::{FORBIDDEN, INVALID_API_KEY, NO_API_KEY};
use crate::rate_limit::consumers::ConsumerCounters;
use crate::service::Request;
use crate::units;

/// Checks keys as the settings say.
pub(super) struct KeyRing {
    keys: Digests,
    file: Option<Arc<ConsumersFile>>,
    pub(super) counters: Arc<ConsumerCounters>,
    clock: Clock,
    header: HeaderName,
    query_parameter: String,
    consumer_header: Option<HeaderName>,
    /// What a request without a key is told.
    expected: String,
    challenge: HeaderValue,
}

impl KeyRing {
    pub(super) fn new(config: &ApiKeyConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut keys = Digests::default();
        for (name, place, key) in config.keys.each() {
            keys.add(key, &Arc::new(Consumer::named(&name)), |message| ctx.invalid(&place, message))?;
        }
        let place = ctx.at(ctx.place().key("consumers"));
        keys.add_consumers(&config.consumers, &place)?;
        let file = config.consumers_file.as_ref().map(|path| ConsumersFile::of(&ctx.path(path), ctx)).transpose()?;
        if keys.is_empty() && file.is_none() {
            return Err(ctx.invalid("", "there are no keys, expected `keys`, `consumers` or `consumers_file`"));
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
            file,
            counters: ConsumerCounters::of(ctx),
            clock: ctx.clock().clone(),
            header,
            query_parameter: parameter.clone(),
            consumer_header,
            expected: format!("Expected '{name}' header{or_query} with valid API key"),
            challenge,
        })
    }

    /// Whose key a request presents. The key is taken out of the URI.
    pub(super) fn check(&self, request: &mut Request) -> Credential<Arc<Consumer>> {
        let from_query =
            if self.query_parameter.is_empty() { Vec::new() } else { query::take(request.uri_mut(), &self.query_parameter) };
        let mut from_header = request.headers().get_all(&self.header).iter();
        let presented = [from_header.next().map(HeaderValue::as_bytes), from_query.first().map(Vec::as_slice)];
        if presented == [None, None] {
            return Credential::Absent;
        }
        // Of two in one place, the upstream might read the other one.
        let ambiguous = from_header.next().is_some() || from_query.len() > 1;
        let found = presented.into_iter().flatten().filter(|_| !ambiguous).find_map(|key| self.find(key));
        match found {
            None => Credential::Bad(Rejection::new(INVALID_API_KEY, "The provided API key is not valid")),
            Some(consumer) if consumer.has_ended(self.clock.wall()) => {
                Credential::Bad(Rejection::new(INVALID_API_KEY, "The provided API key has expired"))
            }
            Some(consumer) if !consumer.may_ask(request) => {
                Credential::Bad(Rejection::new(FORBIDDEN, "The provided API key is not for this route"))
            }
            Some(consumer) => Credential::Valid(consumer),
        }
    }

    fn find(&self, presented: &[u8]) -> Option<Arc<Consumer>> {
        self.keys.find(presented).or_else(|| self.file.as_ref()?.find(presented))
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
            let name = |ring: &KeyRing| ring.find(key.as_bytes()).map(|consumer| consumer.name.to_string());
            assert_eq!(name(&list).as_deref(), in_list, "{key}");
            assert_eq!(name(&named).as_deref(), by_name, "{key}");
        }
    }

    #[test]
    fn names_the_key_that_is_wrong_and_never_shows_it() {
        for (keys, expected) in [
            (serde_json::json!([]), ": there are no keys, expected `keys`, `consumers` or `consumers_file`"),
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
