//! What the cache as a whole does: what it asks the leaf, and what it gives to clients.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum_core::body::Body;
use http::HeaderMap;

use super::{CacheConfig, Caches, Purge};
use crate::clock::Clock;
use crate::context::BuildContext;
use crate::policy::PolicyConfig;
use crate::service::{Answer, Request, Response, Service};
use crate::testing::text;

/// A leaf that answers as it is told, and remembers what it was asked.
#[derive(Clone, Default)]
struct Origin(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    status: u16,
    fields: Vec<(&'static str, &'static str)>,
    body: &'static str,
    asked: Vec<(String, HeaderMap)>,
    /// Answers wait for a permit, if there is one.
    gate: Option<Arc<tokio::sync::Semaphore>>,
}

impl Origin {
    fn says(&self, status: u16, fields: &[(&'static str, &'static str)], body: &'static str) {
        let mut told = self.0.lock().unwrap();
        (told.status, told.fields, told.body) = (status, fields.to_vec(), body);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    fn last(&self, name: &str) -> Option<String> {
        let told = self.0.lock().unwrap();
        told.asked.last().and_then(|(_, headers)| headers.get(name)).map(|value| value.to_str().unwrap().to_owned())
    }

    fn gate(&self) -> Arc<tokio::sync::Semaphore> {
        Arc::clone(self.0.lock().unwrap().gate.insert(Arc::new(tokio::sync::Semaphore::new(0))))
    }
}

impl Service for Origin {
    fn call(&self, request: Request) -> Answer<'_> {
        let mut told = self.0.lock().unwrap();
        told.asked.push((request.method().to_string(), request.headers().clone()));
        let mut response = http::Response::builder().status(told.status);
        for (name, value) in &told.fields {
            response = response.header(*name, *value);
        }
        let response = response.body(Body::from(told.body)).unwrap();
        let gate = told.gate.clone();
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            response
        })
    }
}

struct Bench {
    origin: Origin,
    stack: Arc<dyn Service>,
    clock: Clock,
    caches: Caches,
}

impl Bench {
    fn new(config: CacheConfig) -> Self {
        let clock = Clock::manual(Duration::from_secs(784_111_777));
        let ctx = BuildContext::new("", clock.clone());
        let origin = Origin::default();
        let stack = config.build(&ctx).unwrap().unwrap().around(Arc::new(origin.clone()));
        Self { origin, stack, clock, caches: ctx.caches().clone() }
    }

    async fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut request = http::Request::builder().method(method).uri(path).header("host", "a.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.stack.call(request.body(Body::empty()).unwrap()).await
    }

    /// Status, `Cache-Status` without the name, and body of a `GET`.
    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let response = self.send("GET", path, fields).await;
        (response.status().as_u16(), said(&response), text(response).await)
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn said(response: &Response) -> String {
    let line = response.headers().get("cache-status").map_or("", |value| value.to_str().unwrap());
    line.strip_prefix("spikard; ").unwrap_or(line).to_owned()
}

fn seen(status: u16, said: &str, body: &str) -> (u16, String, String) {
    (status, said.to_owned(), body.to_owned())
}

const MINUTE: (&str, &str) = ("cache-control", "max-age=60");

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
async fn a_stale_answer_is_given_while_a_new_one_is_fetched() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[("cache-control", "max-age=60, stale-while-revalidate=30")], "one");
    bench.get("/", &[]).await;
    bench.wait(89);
    bench.origin.says(200, &[MINUTE], "two");
    assert_eq!(bench.get("/", &[]).await, seen(200, "hit; ttl=-30", "one"));
    while bench.origin.asked() < 2 || bench.get("/", &[]).await.2 == "one" {
        tokio::task::yield_now().await;
    }
    assert_eq!((bench.get("/", &[]).await.2.as_str(), bench.origin.asked()), ("two", 2));
}

#[tokio::test]
async fn a_stale_answer_stands_in_for_errors_for_a_while() {
    let bench = Bench::new(CacheConfig { stale_if_error: Duration::from_secs(30), ..CacheConfig::default() });
    bench.origin.says(200, &[MINUTE], "one");
    bench.get("/", &[]).await;
    bench.origin.says(502, &[], "broken");
    bench.wait(89);
    assert_eq!(bench.get("/", &[]).await, seen(200, "fwd=stale; fwd-status=502; ttl=-30; detail=stale-if-error", "one"));
    bench.wait(1);
    assert_eq!(bench.get("/", &[]).await, seen(502, "fwd=stale", "broken"));
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
async fn many_wait_for_one_fetch_which_survives_the_first() {
    let bench = Arc::new(Bench::new(CacheConfig::default()));
    bench.origin.says(200, &[MINUTE], "one");
    let gate = bench.origin.gate();
    let ask = || {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.get("/", &[]).await })
    };
    let first = ask();
    while bench.origin.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = (0..10).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    for other in others {
        assert_eq!(other.await.unwrap(), seen(200, "fwd=uri-miss; ttl=60; collapsed", "one"));
    }
    assert_eq!(bench.get("/", &[]).await.1, "hit; ttl=60");
    assert_eq!(bench.origin.asked(), 1);
}

#[tokio::test]
async fn what_was_changed_while_it_was_fetched_is_not_stored() {
    let bench = Arc::new(Bench::new(CacheConfig::default()));
    bench.origin.says(200, &[MINUTE], "old");
    let gate = bench.origin.gate();
    let slow = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.get("/", &[]).await.2 }
    });
    while bench.origin.asked() == 0 {
        tokio::task::yield_now().await;
    }
    bench.caches.purge(&Purge { everything: true, ..Purge::default() });
    gate.add_permits(9);
    assert_eq!(slow.await.unwrap(), "old");
    bench.origin.says(200, &[MINUTE], "new");
    assert_eq!(bench.get("/", &[]).await.2, "new");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_another_longer_than_the_setting_says() {
    let bench = Arc::new(Bench::new(CacheConfig { collapse: Duration::from_secs(5), ..CacheConfig::default() }));
    bench.origin.says(200, &[MINUTE], "one");
    let _gate = bench.origin.gate();
    let ask = || {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.get("/", &[]).await })
    };
    let tasks = [ask(), ask()];
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(bench.origin.asked(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.origin.asked(), 2);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn waiting_ends_at_once_when_the_answer_is_for_the_first_only() {
    let bench = Arc::new(Bench::new(CacheConfig::default()));
    bench.origin.says(200, &[("cache-control", "no-store")], "mine");
    let gate = bench.origin.gate();
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.get("/", &[]).await.2 })
        })
        .collect();
    while bench.origin.asked() == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(5);
    for task in tasks {
        assert_eq!(task.await.unwrap(), "mine");
    }
    assert_eq!(bench.origin.asked(), 5);
}

#[tokio::test]
async fn what_is_stored_stays_within_its_bound() {
    let bench = Bench::new(CacheConfig { max_size: 10_000.into(), max_entry_size: 1_000.into(), ..CacheConfig::default() });
    bench.origin.says(200, &[MINUTE], "a body");
    for number in 0..1000 {
        assert_eq!(bench.get(&format!("/{number}"), &[]).await.2, "a body");
    }
    let store = &bench.caches.each()[0];
    store.settle();
    let (bytes, urls) = store.size();
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
