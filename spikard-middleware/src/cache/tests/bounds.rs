//! What is not stored, what is not stored any more, and how much is.

use super::{Bench, MINUTE, seen};
use crate::cache::{CacheConfig, Purge};
use crate::policy::PolicyConfig;

#[tokio::test]
async fn what_is_for_one_client_is_fetched_by_each() {
    let bench = Bench::new(CacheConfig::default());
    for (path, fields, detail) in [
        ("/private", [MINUTE, ("cache-control", "private")], "private"),
        ("/cookie", [MINUTE, ("set-cookie", "a=1")], "set-cookie"),
        ("/vary", [MINUTE, ("vary", "*")], "vary"),
    ] {
        bench.origin.says(200, &fields, "mine");
        for _ in 0..2 {
            assert_eq!(bench.get(path, &[]).await, seen(200, &format!("fwd=uri-miss; detail={detail}"), "mine"));
        }
    }
    bench.origin.says(200, &[MINUTE], "mine");
    let token = [("authorization", "Bearer x")];
    assert_eq!(bench.get("/token", &token).await.1, "fwd=uri-miss; detail=authorization");
    assert_eq!(bench.get("/token", &[]).await.1, "fwd=uri-miss; ttl=60; stored");
    assert_eq!(bench.origin.asked(), 8);
}

#[tokio::test]
async fn what_is_stored_for_others_outlives_an_answer_for_one() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[MINUTE, ("vary", "accept-language")], "for all");
    bench.get("/", &[]).await;
    bench.origin.says(200, &[("cache-control", "private"), ("vary", "accept-language")], "mine");
    assert_eq!(bench.get("/", &[("accept-language", "de")]).await.2, "mine");
    assert_eq!(bench.get("/", &[]).await, seen(200, "hit; ttl=60", "for all"));
    assert_eq!(bench.get("/", &[("cache-control", "no-cache")]).await.2, "mine");
    assert_eq!(bench.get("/", &[]).await.2, "mine");
}

#[tokio::test]
async fn a_body_over_the_bound_passes_through() {
    let bench = Bench::new(CacheConfig { max_entry_size: 4.into(), ..CacheConfig::default() });
    bench.origin.says(200, &[MINUTE], "four");
    bench.get("/four", &[]).await;
    assert_eq!(bench.get("/four", &[]).await.1, "hit; ttl=60");
    bench.origin.says(200, &[MINUTE], "fives");
    for _ in 0..2 {
        assert_eq!(bench.get("/five", &[]).await, seen(200, "fwd=uri-miss; detail=too-large", "fives"));
    }
}

#[tokio::test]
async fn an_unsafe_request_that_succeeds_invalidates_what_it_names() {
    let bench = Bench::new(CacheConfig::default());
    let stored = async |path| bench.get(path, &[("cache-control", "only-if-cached")]).await.0 == 200;
    for (status, kept) in [(403, true), (204, false)] {
        bench.origin.says(200, &[MINUTE, ("cache-groups", "\"list\"")], "one");
        for path in ["/a", "/b", "/c"] {
            bench.get(path, &[]).await;
        }
        bench.origin.says(200, &[MINUTE], "other");
        bench.get("/d", &[]).await;
        bench.origin.says(status, &[("location", "/b"), ("cache-group-invalidation", "\"list\"")], "");
        bench.send("PUT", "/a", &[]).await;
        for path in ["/a", "/b", "/c"] {
            assert_eq!(stored(path).await, kept, "{path}");
        }
        assert!(stored("/d").await);
    }
}

#[tokio::test]
async fn an_operator_purges_by_host_path_and_tag() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[MINUTE, ("cache-tag", "red")], "one");
    for path in ["/a/1", "/a/2", "/b"] {
        bench.get(path, &[]).await;
    }
    let purge = |purge: serde_json::Value| bench.caches.purge(&serde_json::from_value::<Purge>(purge).unwrap());
    assert_eq!(purge(serde_json::json!({})), 0);
    assert_eq!(purge(serde_json::json!({ "host": "b.example" })), 0);
    assert_eq!(purge(serde_json::json!({ "path": "/a/*", "tag": "blue" })), 0);
    assert_eq!(purge(serde_json::json!({ "path": "/a/*", "host": "A.example" })), 2);
    assert_eq!(purge(serde_json::json!({ "tag": "red" })), 1);
    assert_eq!(bench.get("/b", &[]).await.1, "fwd=uri-miss; ttl=60; stored");
    assert_eq!(purge(serde_json::json!({ "everything": true })), 1);
}

#[tokio::test]
async fn what_is_stored_stays_within_its_bound() {
    let bench = Bench::new(CacheConfig { max_size: 10_000.into(), max_entry_size: 1_000.into(), ..CacheConfig::default() });
    bench.origin.says(200, &[MINUTE], "a body");
    for number in 0..1000 {
        assert_eq!(bench.get(&format!("/{number}"), &[]).await.2, "a body");
    }
    let (bytes, urls) = bench.caches.each()[0].size();
    assert!(bytes <= 10_000 && urls > 5, "{bytes} bytes for {urls} URLs");
}

#[test]
fn says_which_setting_cannot_work() {
    let error = |config: CacheConfig| config.layer().map_err(|error| error.to_string()).err().unwrap_or_default();
    let config = CacheConfig { max_size: 1024.into(), ..CacheConfig::default() };
    assert_eq!(error(config), "max_entry_size: max_entry_size is 1MiB, expected 1 byte to max_size, 1KiB, and at most 2GiB");
    let config = CacheConfig { name: "a b".into(), ..CacheConfig::default() };
    assert_eq!(error(config), "name: name is `a b`, expected letters, digits and `-`, `_`, `.`, a letter first");
    let config = CacheConfig { ignored_query: vec!["*".into()], ..CacheConfig::default() };
    assert_eq!(error(config), "ignored_query[0]: parameter is `*`, expected a name such as `utm_source` or `utm_*`");
}
