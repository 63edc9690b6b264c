//! What is stored, given again: whole, in part, confirmed, and as the request wants it.

use super::{Bench, MINUTE, said, seen};
use crate::cache::CacheConfig;
use crate::testing::text;

#[tokio::test]
async fn an_answer_is_given_again_until_its_time_is_over() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[MINUTE, ("link", "1"), ("link", "2")], "one");
    assert_eq!(bench.get("/", &[]).await, seen(200, "fwd=uri-miss; ttl=60; stored", "one"));
    bench.wait(59);
    bench.origin.says(200, &[MINUTE], "two");
    let response = bench.send("GET", "/", &[]).await;
    assert_eq!((said(&response).as_str(), &response.headers()["age"]), ("hit; ttl=1", &"59".parse().unwrap()));
    assert_eq!(response.headers().get_all("link").iter().count(), 2);
    assert_eq!(text(response).await, "one");
    bench.wait(1);
    assert_eq!(bench.get("/", &[]).await, seen(200, "fwd=stale; ttl=60; stored", "two"));
    assert_eq!(bench.get("/?other", &[]).await.1, "fwd=uri-miss; ttl=60; stored");
    assert_eq!(bench.origin.asked(), 3);
}

#[tokio::test]
async fn what_is_stale_is_confirmed_and_lives_on_with_new_headers() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[MINUTE, ("etag", "\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:00:00 GMT")], "one");
    bench.get("/", &[]).await;
    bench.wait(60);
    bench.origin.says(304, &[("cache-control", "max-age=5"), ("etag", "\"a\""), ("x", "new")], "");
    let response = bench.send("GET", "/", &[("if-none-match", "\"other\""), ("range", "bytes=0-0")]).await;
    assert_eq!((response.status().as_u16(), said(&response).as_str()), (206, "fwd=stale; fwd-status=304; ttl=5; stored"));
    assert_eq!(response.headers()["x"], "new");
    assert_eq!(text(response).await, "o");
    assert_eq!(bench.origin.last("if-none-match").as_deref(), Some("\"a\""));
    assert_eq!(bench.origin.last("if-modified-since").as_deref(), Some("Sun, 06 Nov 1994 08:00:00 GMT"));
    assert_eq!(bench.origin.last("range"), None);
    bench.wait(4);
    assert_eq!(bench.get("/", &[]).await, seen(200, "hit; ttl=1", "one"));
}

#[tokio::test]
async fn a_304_about_something_else_is_not_believed() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[("cache-control", "no-cache"), ("etag", "\"a\"")], "one");
    bench.get("/", &[]).await;
    bench.origin.says(304, &[("etag", "\"b\"")], "");
    assert_eq!(bench.get("/", &[]).await.0, 304, "asked without conditions, it says the same");
    assert_eq!(bench.origin.asked(), 3);
    assert_eq!(bench.origin.last("if-none-match"), None);
}

#[tokio::test]
async fn a_client_gets_what_it_does_not_have_and_the_part_that_it_asks_for() {
    let bench = Bench::new(CacheConfig::default());
    let fields = [MINUTE, ("etag", "\"a\""), ("content-type", "text/plain"), ("content-length", "10")];
    bench.origin.says(200, &fields, "0123456789");
    // The leaf is asked for the whole, so that it can be stored; this client has it already.
    assert_eq!(bench.get("/", &[("if-none-match", "W/\"a\"")]).await.0, 304);
    for (field, value, status, range, body) in [
        ("if-none-match", "\"x\", \"a\"", 304, None, ""),
        ("if-none-match", "\"x\"", 200, None, "0123456789"),
        ("range", "bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("range", "bytes=-1", 206, Some("bytes 9-9/10"), "9"),
        ("range", "bytes=0-1, 5-6", 200, None, "0123456789"),
    ] {
        let response = bench.send("GET", "/", &[(field, value)]).await;
        assert_eq!(response.status().as_u16(), status, "{field}: {value}");
        assert_eq!(response.headers().get("content-range").map(|range| range.to_str().unwrap()), range);
        assert_eq!(response.headers().contains_key("content-type"), status != 304);
        assert_eq!(text(response).await, body);
    }
    assert_eq!(bench.get("/", &[("range", "bytes=99-")]).await.0, 416);
    assert_eq!(bench.get("/", &[("range", "bytes=0-0"), ("if-range", "\"old\"")]).await.2, "0123456789");
    assert_eq!(said(&bench.send("HEAD", "/", &[]).await), "hit; ttl=60");
    assert_eq!(bench.origin.asked(), 1);
}

#[tokio::test]
async fn a_part_of_what_is_not_stored_and_other_methods_are_for_the_leaf() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(206, &[MINUTE], "part");
    for (method, fields, expected) in [
        ("GET", &[("range", "bytes=0-3")][..], "fwd=uri-miss"),
        ("HEAD", &[], "fwd=uri-miss"),
        ("GET", &[("if-match", "\"a\"")], "fwd=bypass"),
        ("GET", &[("upgrade", "websocket")], "fwd=bypass"),
        ("OPTIONS", &[], "fwd=bypass"),
        ("POST", &[], "fwd=method"),
    ] {
        for _ in 0..2 {
            assert_eq!(said(&bench.send(method, "/", fields).await), expected);
        }
    }
    assert_eq!(bench.origin.asked(), 12);
}

#[tokio::test]
async fn answers_that_differ_by_request_headers_are_kept_beside_each_other() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[MINUTE, ("vary", "accept-language")], "Hallo");
    bench.get("/", &[("accept-language", "de")]).await;
    bench.origin.says(200, &[MINUTE, ("vary", "accept-language")], "hello");
    assert_eq!(bench.get("/", &[]).await.1, "fwd=vary-miss; ttl=60; stored");
    assert_eq!(bench.get("/", &[("accept-language", "de")]).await, seen(200, "hit; ttl=60", "Hallo"));
    assert_eq!(bench.get("/", &[]).await, seen(200, "hit; ttl=60", "hello"));
}

#[tokio::test]
async fn a_request_says_what_it_takes_unless_the_setting_says_otherwise() {
    let bench = Bench::new(CacheConfig::default());
    let deaf = Bench::new(CacheConfig { request_directives: false, ..CacheConfig::default() });
    for bench in [&bench, &deaf] {
        bench.origin.says(200, &[MINUTE], "one");
        bench.get("/", &[]).await;
        bench.wait(50);
    }
    for (directives, expected) in [
        ("max-age=50", "hit; ttl=10"),
        ("max-age=49", "fwd=request; ttl=60; stored"),
        ("min-fresh=60", "hit; ttl=60"),
        ("min-fresh=61", "fwd=request; ttl=60; stored"),
        ("no-cache", "fwd=request; ttl=60; stored"),
    ] {
        assert_eq!(bench.get("/", &[("cache-control", directives)]).await.1, expected, "{directives}");
        assert_eq!(deaf.get("/", &[("cache-control", directives)]).await.1, "hit; ttl=10");
    }
    bench.wait(70);
    assert_eq!(bench.get("/", &[("cache-control", "max-stale=9")]).await.1, "fwd=stale; ttl=60; stored");
    bench.wait(70);
    assert_eq!(bench.get("/", &[("cache-control", "max-stale=10")]).await.1, "hit; ttl=-11");
    let (status, said, _) = bench.get("/x", &[("cache-control", "only-if-cached")]).await;
    assert_eq!((status, said.as_str()), (504, "detail=only-if-cached"));
    bench.get("/y", &[("cache-control", "no-store")]).await;
    assert_eq!(bench.get("/y", &[]).await.1, "fwd=uri-miss; ttl=60; stored");
}
