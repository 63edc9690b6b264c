//! Tokens that are held against the keys which their issuers publish, by providers that change
//! them, break, and are not what they say.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::jwt_auth::{Algorithm, FetchConfig, IssuerConfig, JwtConfig};
use super::tokens::Tokens;
use super::*;
use crate::testing::answering;
use crate::testing::keys::Pair;
use crate::{BuildContext, Clock};

const NOW: u64 = 1_800_000_000;
const SIGNATURE: &str = "Token signature is invalid";
const NO_KEYS: &str = "The keys that verify tokens are not available";

/// Documents by their paths, at an address; what is not there is a 500.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<BTreeMap<String, Value>>>);

impl Provider {
    async fn start(&self) -> (String, Arc<AtomicUsize>) {
        let documents = Arc::clone(&self.0);
        let (address, asked) = answering(move |head| {
            let path = head.split(' ').nth(1).unwrap_or_default();
            match documents.lock().unwrap().get(path) {
                Some(document) => {
                    let body = document.to_string();
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                }
                None => "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".into(),
            }
        })
        .await;
        (format!("http://{address}"), asked)
    }

    fn publishes(&self, path: &str, document: Value) {
        self.0.lock().unwrap().insert(path.into(), document);
    }

    fn is_down(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// A policy that was built but has no server: keys are fetched when requests ask for them.
struct Policy {
    tokens: Arc<Tokens>,
    clock: Clock,
}

impl Policy {
    fn of(config: &JwtConfig) -> Self {
        let clock = Clock::manual(Duration::from_secs(NOW));
        let ctx = BuildContext::new("", clock.clone());
        Self { tokens: Arc::new(Tokens::new(config, &ctx).unwrap()), clock }
    }

    fn by_url(base: &str) -> Self {
        Self::of(&JwtConfig { jwks_url: Some(format!("{base}/keys")), ..JwtConfig::of([]) })
    }

    /// What a token is told.
    async fn says(&self, token: &str) -> String {
        let verified = match self.tokens.verify_at_once(token) {
            Some(verified) => verified,
            None => Arc::clone(&self.tokens).verify(token.into()).await,
        };
        verified.map_or_else(|rejection| rejection.detail.into_owned(), |_| "passes".into())
    }
}

fn token(pair: &Pair, algorithm: &str, kid: &str, claims: Value) -> String {
    let mut all = json!({ "sub": "ann", "exp": NOW + 100_000_000 });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    pair.token(&json!({ "alg": algorithm, "kid": kid }), &all)
}

#[tokio::test]
async fn keys_are_fetched_once_however_many_ask() {
    let (pair, provider) = (Pair::p256(), Provider::default());
    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));
    let (base, asked) = provider.start().await;
    let policy = Policy::by_url(&base);
    let good = token(&pair, "ES256", "a", json!({}));
    let all = futures_util::future::join_all((0..50).map(|_| policy.says(&good))).await;
    assert!(all.iter().all(|said| said == "passes"), "{all:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_new_key_is_found_when_it_is_first_named_and_nobody_can_have_keys_fetched_all_the_time() {
    let (old, new, provider) = (Pair::p256(), Pair::ed25519(), Provider::default());
    provider.publishes("/keys", json!({ "keys": [old.jwk("old")] }));
    let (base, asked) = provider.start().await;
    let policy = Policy::by_url(&base);
    let [by_old, by_new] = [token(&old, "ES256", "old", json!({})), token(&new, "EdDSA", "new", json!({}))];
    assert_eq!(policy.says(&by_old).await, "passes");

    provider.publishes("/keys", json!({ "keys": [old.jwk("old"), new.jwk("new")] }));
    assert_eq!(policy.says(&by_new).await, SIGNATURE, "the interval is not over");
    policy.clock.advance(Duration::from_secs(10));
    assert_eq!(policy.says(&by_new).await, "passes");
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    policy.clock.advance(Duration::from_secs(10));
    let random = (0..30).map(|kid| token(&new, "EdDSA", &kid.to_string(), json!({}))).collect::<Vec<_>>();
    let refused = futures_util::future::join_all(random.iter().map(|token| policy.says(token))).await;
    assert!(refused.iter().all(|said| said == SIGNATURE), "{refused:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    policy.clock.advance(Duration::from_secs(10));
    provider.publishes("/keys", json!({ "keys": [new.jwk("new")] }));
    assert_eq!(policy.says(&token(&old, "ES256", "other", json!({}))).await, SIGNATURE);
    assert_eq!(policy.says(&by_old).await, SIGNATURE, "a key that was taken away verifies nothing");
}

#[tokio::test]
async fn keys_are_used_while_the_provider_is_down_and_not_for_ever() {
    let (pair, provider) = (Pair::p256(), Provider::default());
    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));
    let (base, _) = provider.start().await;
    let policy = Policy::by_url(&base);
    let good = token(&pair, "ES256", "a", json!({}));
    assert_eq!(policy.says(&good).await, "passes");

    provider.is_down();
    policy.clock.advance(Duration::from_hours(23));
    assert_eq!(policy.says(&token(&pair, "ES256", "b", json!({}))).await, SIGNATURE);
    assert_eq!(policy.says(&good).await, "passes");
    policy.clock.advance(Duration::from_hours(1));
    assert_eq!(policy.says(&good).await, NO_KEYS);

    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));
    policy.clock.advance(Duration::from_secs(10));
    assert_eq!(policy.says(&good).await, "passes");
}

#[tokio::test]
async fn without_a_server_requests_have_keys_fetched_that_are_due_and_do_not_wait() {
    let (pair, provider) = (Pair::p256(), Provider::default());
    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));
    let (base, asked) = provider.start().await;
    let policy = Policy::by_url(&base);
    let good = token(&pair, "ES256", "a", json!({}));
    assert_eq!(policy.says(&good).await, "passes");
    provider.publishes("/keys", json!({ "keys": [Pair::p256().jwk("b")] }));
    policy.clock.advance(Duration::from_mins(10));
    assert!(policy.tokens.verify_at_once(&good).is_some_and(|verified| verified.is_ok()));
    while policy.says(&good).await == "passes" {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn answers_that_are_no_keys_change_nothing() {
    let (pair, provider) = (Pair::p256(), Provider::default());
    let (base, _) = provider.start().await;
    let policy = Policy::by_url(&base);
    let good = token(&pair, "ES256", "a", json!({}));
    for (nothing, said) in [(json!({ "keys": [] }), NO_KEYS), (json!("<html>"), NO_KEYS)] {
        provider.publishes("/keys", nothing);
        assert_eq!(policy.says(&good).await, said);
        policy.clock.advance(Duration::from_secs(10));
    }
    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));
    assert_eq!(policy.says(&good).await, "passes");
    policy.clock.advance(Duration::from_secs(10));
    provider.publishes("/keys", json!({ "keys": [] }));
    assert_eq!(policy.says(&token(&pair, "ES256", "b", json!({}))).await, SIGNATURE);
    assert_eq!(policy.says(&good).await, "passes");
}

#[tokio::test]
async fn an_issuer_says_where_its_keys_are_and_only_of_itself() {
    let (pair, provider) = (Pair::rsa(), Provider::default());
    let (base, _) = provider.start().await;
    let issuer = format!("{base}/realm");
    let config = JwtConfig { issuer: Some(issuer.clone()), discovery: true, ..JwtConfig::of([]) };
    let policy = Policy::of(&config);
    let good = token(&pair, "RS256", "a", json!({ "iss": issuer }));
    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));

    for (document, said) in [
        (json!({ "issuer": "https://evil.example", "jwks_uri": format!("{base}/keys") }), NO_KEYS),
        (json!({ "issuer": issuer, "jwks_uri": "/keys" }), NO_KEYS),
        (json!({ "issuer": issuer, "jwks_uri": "file:///etc/passwd" }), NO_KEYS),
        (json!({ "issuer": issuer }), NO_KEYS),
        (json!({ "issuer": issuer, "jwks_uri": format!("{base}/keys") }), "passes"),
    ] {
        provider.publishes("/realm/.well-known/openid-configuration", document.clone());
        assert_eq!(policy.says(&good).await, said, "{document}");
        policy.clock.advance(Duration::from_secs(10));
    }
    let of_another = token(&pair, "RS256", "a", json!({ "iss": format!("{base}/other") }));
    assert_eq!(policy.says(&of_another).await, format!("Token issuer is invalid, expected '{issuer}'"));
}

#[tokio::test]
async fn each_of_several_issuers_has_keys_algorithms_and_audiences_of_its_own() {
    let (ann, bob, provider) = (Pair::p256(), Pair::rsa(), Provider::default());
    provider.publishes("/ann", json!({ "keys": [ann.jwk("k"), bob.jwk("k")] }));
    let (base, _) = provider.start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bob.json");
    std::fs::write(&file, json!({ "keys": [bob.jwk("k")] }).to_string()).unwrap();
    let issuer = |name: &str| IssuerConfig { discovery: false, ..IssuerConfig::new(name) };
    let secret = "0123456789abcdef0123456789abcdef";
    let config = JwtConfig {
        audience: Some("api".into()),
        ..JwtConfig::of([
            IssuerConfig { jwks_url: Some(format!("{base}/ann")), algorithms: vec![Algorithm::ES256], ..issuer("ann") },
            IssuerConfig { jwks_file: Some(file), audience: Some("bobs".into()), ..issuer("bob") },
            IssuerConfig { secret: Some(secret.into()), ..issuer("eve") },
        ])
    };
    let policy = Policy::of(&config);
    let eve = Pair::shared(secret.as_bytes());
    let (audience, unknown) = ("Token audience is invalid", "Token issuer is invalid");
    for (pair, algorithm, claims, said) in [
        (&ann, "ES256", json!({ "iss": "ann", "aud": "api" }), "passes"),
        (&bob, "RS256", json!({ "iss": "bob", "aud": "bobs" }), "passes"),
        (&eve, "HS256", json!({ "iss": "eve", "aud": "api" }), "passes"),
        (&bob, "RS256", json!({ "iss": "bob", "aud": "api" }), audience),
        (&ann, "ES256", json!({ "iss": "bob", "aud": "bobs" }), SIGNATURE),
        (&bob, "RS256", json!({ "iss": "ann", "aud": "api" }), SIGNATURE),
        (&eve, "HS256", json!({ "iss": "ann", "aud": "api" }), SIGNATURE),
        (&ann, "ES256", json!({ "iss": "mallory", "aud": "api" }), unknown),
        (&ann, "ES256", json!({ "aud": "api" }), unknown),
        (&ann, "ES256", json!({ "iss": ["ann"], "aud": "api" }), SIGNATURE),
    ] {
        assert_eq!(policy.says(&token(pair, algorithm, "k", claims.clone())).await, said, "{claims}");
    }
}

#[tokio::test]
async fn a_token_of_another_type_is_refused_where_one_is_asked_for() {
    let pair = Pair::p256();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, json!({ "keys": [pair.jwk("a")] }).to_string()).unwrap();
    let config = JwtConfig { jwks_file: Some(file), token_type: Some("at+jwt".into()), ..JwtConfig::of([]) };
    let policy = Policy::of(&config);
    let other = "Token type is invalid, expected 'at+jwt'";
    for (typ, said) in [
        (json!("at+jwt"), "passes"),
        (json!("application/AT+JWT"), "passes"),
        (json!("JWT"), other),
        (json!(null), other),
        (json!(["at+jwt"]), SIGNATURE),
    ] {
        let token = pair.token(&json!({ "alg": "ES256", "kid": "a", "typ": typ }), &json!({ "exp": NOW + 60 }));
        assert_eq!(policy.says(&token).await, said, "{typ}");
    }
}

#[tokio::test]
async fn a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing() {
    let (old, new) = (Pair::p256(), Pair::p256());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, json!({ "keys": [old.jwk("old")] }).to_string()).unwrap();
    let policy = Policy::of(&JwtConfig { jwks_file: Some(file.clone()), ..JwtConfig::of([]) });
    let [by_old, by_new] = [(&old, "old"), (&new, "new")].map(|(pair, kid)| token(pair, "ES256", kid, json!({})));
    assert_eq!(policy.says(&by_old).await, "passes");
    std::fs::write(&file, "{").unwrap();
    assert_eq!(policy.says(&by_new).await, SIGNATURE);
    assert_eq!(policy.says(&by_old).await, "passes");
    std::fs::write(&file, json!({ "keys": [new.jwk("new")] }).to_string()).unwrap();
    policy.clock.advance(Duration::from_secs(10));
    assert_eq!(policy.says(&by_new).await, "passes");
    assert_eq!(policy.says(&by_old).await, SIGNATURE);
}

#[tokio::test]
async fn a_server_has_the_keys_before_it_is_asked() {
    let (pair, provider) = (Pair::p256(), Provider::default());
    provider.publishes("/keys", json!({ "keys": [pair.jwk("a")] }));
    let (base, asked) = provider.start().await;
    let ctx = BuildContext::default();
    let config = JwtConfig { jwks_url: Some(format!("{base}/keys")), ..JwtConfig::of([]) };
    let tokens = Tokens::new(&config, &ctx).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 0, "`check` asks nobody");
    ctx.background().begin();
    let good = token(&pair, "ES256", "a", json!({}));
    while tokens.verify_at_once(&good).is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(tokens.verify_at_once(&good).is_some_and(|verified| verified.is_ok()));
    let counted = ctx.metrics().text().unwrap();
    assert!(counted.contains(r#"outcome="good"} 1"#) && counted.contains(r#"outcome="bad"} 0"#), "{counted}");
}

#[test]
fn settings_that_say_nothing_or_too_much_are_errors_at_start() {
    let url = || Some("https://id.example/keys".to_owned());
    let of = |issuers: &[IssuerConfig]| JwtConfig::of(issuers.iter().cloned());
    let one = "expected one of `secret`, `jwks_url`, `jwks_file` and `discovery`";
    let issuer = || IssuerConfig::new("https://id.example");
    for (config, expected) in [
        (of(&[]), format!(": there are no keys, {one}")),
        (JwtConfig { jwks_url: url(), ..JwtConfig::new("s") }, format!(": keys come from several places, {one}")),
        (
            JwtConfig { jwks_url: Some("id.example/keys".into()), ..of(&[]) },
            "jwks_url: `id.example/keys` is not the address of keys, expected text such as \"https://id.example.com\"".into(),
        ),
        (
            JwtConfig { discovery: true, ..of(&[]) },
            "issuer: `` is not the address of keys, expected text such as \"https://id.example.com\"".into(),
        ),
        (
            JwtConfig { jwks_url: url(), algorithm: Algorithm::RS256, ..of(&[]) },
            "algorithm: algorithm stands without `secret`, expected `algorithms`".into(),
        ),
        (
            JwtConfig { jwks_url: url(), algorithms: vec![Algorithm::ES256, Algorithm::HS256], ..of(&[]) },
            "algorithms[1]: `HS256` has no public keys, expected an algorithm of RS, PS, ES or EdDSA".into(),
        ),
        (
            JwtConfig { issuer: Some("a".into()), ..of(&[issuer()]) },
            "issuer: issuer stands beside `issuers`, expected it in the entries of those".into(),
        ),
        (
            of(&[issuer(), issuer()]),
            "issuers[1].issuer: `https://id.example` stands there twice, expected each issuer once".into(),
        ),
        (
            JwtConfig { fetch: FetchConfig { max_age: Duration::from_secs(9), ..FetchConfig::default() }, ..of(&[issuer()]) },
            "fetch.max_age: max_age is 9s, expected the refresh_interval of 5m or more".into(),
        ),
    ] {
        let error = Tokens::new(&config, &BuildContext::default()).err().map(|error| error.to_string());
        assert_eq!(error, Some(expected));
    }
    let missing = JwtConfig { jwks_file: Some("nowhere.json".into()), ..of(&[]) };
    let error = Tokens::new(&missing, &BuildContext::default()).err().unwrap().to_string();
    assert!(error.starts_with("jwks_file: `nowhere.json` cannot be read: "), "{error}");
    let ctx = BuildContext::default();
    Tokens::new(&JwtConfig { jwks_url: Some("http://id.example/keys".into()), ..of(&[]) }, &ctx).unwrap();
    assert_eq!(ctx.take_warnings().len(), 1, "whoever is on the way can bring keys");
}
