//! What clients and leaves see of authentication.

use std::convert::Infallible;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::testing::keys::Pair;
use crate::testing::text;
use crate::{Body, BuildContext, Clock, Tower};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: u64 = 1_800_000_000;

fn tokens() -> JwtConfig {
    JwtConfig::new(SECRET)
}

fn keys() -> ApiKeyConfig {
    ApiKeyConfig::new(["k1", "k2"])
}

fn token(header: &Value, claims: &Value) -> String {
    let signed = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn ann() -> String {
    format!("Bearer {}", token(&json!({ "alg": "HS256" }), &json!({ "sub": "ann", "exp": NOW + 60, "admin": true })))
}

fn server(jwt: Option<JwtConfig>, api_key: Option<ApiKeyConfig>) -> Arc<dyn Service> {
    let ctx = BuildContext::new("", Clock::manual(Duration::from_secs(NOW)));
    let layer = build(Setting { config: jwt.as_ref(), ctx: &ctx }, Setting { config: api_key.as_ref(), ctx: &ctx });
    let leaf = tower::service_fn(|request: Request| async move {
        let identity = request.extensions().get::<Identity>().cloned().unwrap_or_default();
        let subject = identity.claim("sub").and_then(Value::as_str).unwrap_or("-").to_owned();
        let header = |name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap());
        let seen =
            [&subject, identity.consumer.as_deref().unwrap_or("-"), header("x-user"), header("x-admin"), header("x-consumer")];
        Ok::<_, Infallible>(Response::new(Body::from(format!("{} {}", seen.join(" "), request.uri()))))
    });
    layer.unwrap().unwrap().around(Arc::new(Tower::new(leaf)))
}

async fn ask(server: &Arc<dyn Service>, uri: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = http::Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.call(request.body(Body::empty()).unwrap()).await
}

/// Status, detail and challenges of an answer.
async fn refusal(server: &Arc<dyn Service>, uri: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let response = ask(server, uri, headers).await;
    let status = response.status().as_u16();
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let challenges: Vec<_> = challenges.map(|value| value.to_str().unwrap().to_owned()).collect();
    let problem: Value = serde_json::from_str(&text(response).await).unwrap_or_default();
    let said = format!("{} / {}", problem["title"].as_str().unwrap_or("-"), problem["detail"].as_str().unwrap_or("-"));
    (status, said, challenges.join(", "))
}

#[tokio::test]
async fn a_bad_token_is_refused_in_words_that_say_what_is_wrong() {
    let server = server(Some(JwtConfig { required_claims: vec!["a".into(), "b".into()], ..tokens() }), None);
    let old = format!("Bearer {}", token(&json!({ "alg": "HS256" }), &json!({ "exp": NOW })));
    let sent = r#"Bearer error="invalid_token""#;
    let scheme = "Invalid Authorization header format / Authorization header must use Bearer scheme: 'Bearer <token>'";
    for (header, expected) in [
        (None, (401, "Missing or invalid Authorization header / Expected 'Authorization: Bearer <token>'", "Bearer")),
        (Some("Basic YTpi"), (401, scheme, "Bearer")),
        (Some(""), (401, scheme, "Bearer")),
        (
            Some("bearer  a.b"),
            (401, "Malformed JWT token / Malformed JWT token: expected 3 parts separated by dots, found 2", sent),
        ),
        (Some("Bearer a.b.c"), (401, "JWT validation failed / Token signature is invalid", sent)),
        (Some(&old), (401, "JWT validation failed / Token has expired", sent)),
        (Some(&ann()), (403, "Forbidden / Required claims 'a' and 'b' missing from JWT", "")),
    ] {
        let headers: Vec<_> = header.map(|value| ("authorization", value)).into_iter().collect();
        let (status, said, challenge) = refusal(&server, "/", &headers).await;
        assert_eq!((status, said.as_str(), challenge.as_str()), expected);
    }
    let twice = refusal(&server, "/", &[("authorization", &ann()), ("authorization", &ann())]).await;
    assert_eq!(twice.1, scheme);
}

#[tokio::test]
async fn a_bad_key_is_refused_and_the_configured_header_named() {
    let challenge = r#"ApiKey header="X-Api""#;
    let server = server(None, Some(ApiKeyConfig { header_name: "X-Api".into(), ..keys() }));
    let missing = "Missing API key / Expected 'X-Api' header or 'api_key' query parameter with valid API key";
    assert_eq!(refusal(&server, "/", &[]).await, (401, missing.into(), challenge.into()));
    let invalid = (401, "Invalid API key / The provided API key is not valid".to_owned(), challenge.to_owned());
    for (uri, headers) in [
        ("/", vec![("x-api", "k3")]),
        ("/", vec![("x-api", "")]),
        ("/?api_key=k", vec![]),
        ("/", vec![("x-api", "k1"), ("x-api", "k1")]),
        ("/?api_key=k1&api_key=k1", vec![]),
    ] {
        assert_eq!(refusal(&server, uri, &headers).await, invalid, "{uri} {headers:?}");
    }
}

#[tokio::test]
async fn any_valid_credential_passes_and_two_bad_ones_are_refused_as_a_token() {
    let server = server(Some(tokens()), Some(keys()));
    let (good, bad) = (ann(), "Bearer a.b.c");
    for (token, key, expected) in [
        (Some(good.as_str()), None, "ann - - - - /"),
        (None, Some("k2"), "- key-2 - - - /"),
        (Some(&good), Some("k1"), "ann key-1 - - - /"),
        (Some(&good), Some("bad"), "ann - - - - /"),
        (Some(bad), Some("k1"), "- key-1 - - - /"),
    ] {
        let headers = [("authorization", token), ("x-api-key", key)];
        let headers: Vec<_> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        assert_eq!(text(ask(&server, "/", &headers).await).await, expected, "{token:?} {key:?}");
    }
    let both = refusal(&server, "/", &[("authorization", bad), ("x-api-key", "bad")]).await;
    let challenges = r#"Bearer error="invalid_token", ApiKey header="X-API-Key""#;
    assert_eq!(both, (401, "JWT validation failed / Token signature is invalid".into(), challenges.into()));
    assert_eq!(refusal(&server, "/", &[("x-api-key", "bad")]).await.1, "Invalid API key / The provided API key is not valid");
    assert_eq!(refusal(&server, "/", &[]).await.2, r#"Bearer, ApiKey header="X-API-Key""#);
}

#[tokio::test]
async fn a_key_in_the_query_is_gone_for_everything_below() {
    let with_query = server(Some(tokens()), Some(keys()));
    assert_eq!(text(ask(&with_query, "/p?a=1&api_key=k1", &[]).await).await, "- key-1 - - - /p?a=1");
    let by_token = ask(&with_query, "/p?api_key=other", &[("authorization", &ann())]).await;
    assert_eq!(text(by_token).await, "ann - - - - /p");
    let without = server(None, Some(ApiKeyConfig { query_parameter: String::new(), ..keys() }));
    assert_eq!(ask(&without, "/p?api_key=k1", &[]).await.status(), 401);
}

#[tokio::test]
async fn an_upstream_hears_only_of_what_was_verified() {
    let claim_headers = [("sub", "X-User"), ("admin", "X-Admin")].map(|(claim, name)| (claim.to_owned(), name.to_owned())).into();
    let jwt = JwtConfig { claim_headers, ..tokens() };
    let api_key = ApiKeyConfig { consumer_header: Some("X-Consumer".into()), ..keys() };
    assert_eq!(
        [crate::PolicyConfig::upstream_headers(&jwt), crate::PolicyConfig::upstream_headers(&api_key)].concat(),
        ["x-admin", "x-user", "x-consumer"]
    );
    let server = server(Some(jwt), Some(api_key));
    let forged = [("x-user", "root"), ("x-admin", "true"), ("x-consumer", "root")];
    let ann = ann();
    let by_token = [forged.as_slice(), &[("authorization", &ann)]].concat();
    assert_eq!(text(ask(&server, "/", &by_token).await).await, "ann - ann true - /");
    let by_key = [forged.as_slice(), &[("x-api-key", "k1")]].concat();
    assert_eq!(text(ask(&server, "/", &by_key).await).await, "- key-1 - - key-1 /");
}

#[tokio::test]
async fn a_signature_that_takes_long_to_verify_is_verified_elsewhere() {
    let pair = Pair::p384();
    let config = JwtConfig { algorithm: jwt_auth::Algorithm::ES384, ..JwtConfig::new(pair.pem().as_str()) };
    let good = pair.token(&json!({ "alg": "ES384" }), &json!({ "sub": "ann", "exp": NOW + 60 }));
    assert!(Tokens::new(&config, &BuildContext::default()).unwrap().verify_at_once(&good).is_none());

    let server = server(Some(config), None);
    assert_eq!(text(ask(&server, "/", &[("authorization", &format!("Bearer {good}"))]).await).await, "ann - - - - /");
    assert_eq!(refusal(&server, "/", &[("authorization", &ann())]).await.1, "JWT validation failed / Token signature is invalid");
}

/// A known defect of a common library: its defaults take all of these.
#[tokio::test]
async fn a_token_before_its_time_past_its_end_or_with_unknown_demands_is_refused() {
    let now = jsonwebtoken::get_current_timestamp();
    let ctx = BuildContext::default();
    let tokens = Tokens::new(&tokens(), &ctx).unwrap();
    let plain = json!({ "alg": "HS256" });
    let (key, defaults) = (jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes()), jsonwebtoken::Validation::default());
    for (header, claims, expected) in [
        (plain.clone(), json!({ "exp": now + 900, "nbf": now + 600 }), "JWT not valid yet, not before claim is in the future"),
        (plain, json!({ "exp": now - 30 }), "Token has expired"),
        (json!({ "alg": "HS256", "crit": ["unknown"], "unknown": 1 }), json!({ "exp": now + 600 }), "Token signature is invalid"),
    ] {
        let token = token(&header, &claims);
        assert!(jsonwebtoken::decode::<Value>(&token, &key, &defaults).is_ok(), "no defect any more: {claims}");
        assert_eq!(tokens.verify_at_once(&token).unwrap().unwrap_err().detail, expected);
    }
}

#[test]
fn errors_of_both_settings_are_told_with_their_places() {
    let policies = crate::Policies {
        jwt_auth: Some(JwtConfig::new("")),
        api_key_auth: Some(ApiKeyConfig::new([""])),
        ..crate::Policies::default()
    };
    let errors = policies.build(&BuildContext::default(), None).unwrap_err().each();
    let places: Vec<_> = errors.iter().map(|(at, _)| at.to_string()).collect();
    assert_eq!(places, ["jwt_auth.secret", "api_key_auth.keys[0]"]);
}
