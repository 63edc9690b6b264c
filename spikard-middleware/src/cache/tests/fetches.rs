//! Fetches: beside requests, for many requests, and for nothing.

use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;

use super::{Bench, MINUTE, said, seen};
use crate::cache::{CacheConfig, Purge};

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
async fn who_was_about_to_fetch_what_has_come_in_meanwhile_is_given_that() {
    let bench = Bench::new(CacheConfig::default());
    bench.origin.says(200, &[MINUTE], "one");
    let request = || http::Request::get("/").header("host", "a.example").body(Body::empty()).unwrap();
    let late = bench.stack.call(request());
    bench.get("/", &[]).await;
    assert_eq!(said(&late.await), "hit; ttl=60");
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
async fn a_handler_that_panics_does_so_for_its_own_request() {
    let bench = Arc::new(Bench::new(CacheConfig::default()));
    // No status that there is.
    bench.origin.says(0, &[], "");
    let broken = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.get("/", &[]).await }
    });
    assert!(broken.await.unwrap_err().is_panic());
    bench.origin.says(200, &[MINUTE], "one");
    assert_eq!(bench.get("/", &[]).await.2, "one");
}
