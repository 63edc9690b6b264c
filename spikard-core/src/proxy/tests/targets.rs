//! Targets that are checked, ejected, resolved: with real servers that come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::config::{AllDown, EjectionConfig, HealthConfig};

/// An upstream that answers with its name, and to health checks as it is told to.
async fn named(name: &'static str, is_well: &'static AtomicBool) -> String {
    upstream(move |request| async move {
        let is_check = request.uri().path() == "/health";
        let is_asked_well = request.uri().query() == Some("deep")
            && request.headers().get("host").is_none_or(|host| host == "app")
            && request.uri().authority().is_none_or(|authority| authority == "app");
        let mut response = Response::new(Body::from(name));
        if is_check && !(is_asked_well && is_well.load(Ordering::Relaxed)) {
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    })
    .await
}

fn checked(targets: [String; 2]) -> UpstreamConfig {
    let health =
        HealthConfig { interval: Duration::from_millis(5), host: Some("app".into()), ..HealthConfig::of("/health?deep") };
    UpstreamConfig { targets: targets.map(Into::into).into(), health: Some(health), ..UpstreamConfig::default() }
}

/// Asks until the last eight answers end as `expected` says, each of which stands for several.
async fn settles(gate: SocketAddr, expected: &[&str]) {
    let settled = async {
        let mut right = 0;
        while right < 8 {
            let answer = ask(gate, &get("/")).await;
            right = if expected.iter().any(|expected| answer.ends_with(expected)) { right + 1 } else { 0 };
        }
    };
    timeout(Duration::from_secs(20), settled).await.unwrap_or_else(|_| panic!("the answers never are {expected:?}"));
}

#[tokio::test]
async fn a_target_that_fails_its_checks_gets_no_requests_until_it_passes_them() {
    for http2 in [false, true] {
        let [a, b]: [&'static AtomicBool; 2] = [true, true].map(|is_well| &*Box::leak(Box::new(AtomicBool::new(is_well))));
        let targets = [named("a", a).await, named("b", b).await];
        let gate = proxy(UpstreamConfig { http2, ..checked(targets) }).await;
        a.store(false, Ordering::Relaxed);
        settles(gate, &["b"]).await;
        a.store(true, Ordering::Relaxed);
        b.store(false, Ordering::Relaxed);
        settles(gate, &["a"]).await;
    }
}

#[tokio::test]
async fn where_all_targets_fail_their_checks_they_are_tried_or_requests_are_refused() {
    static WELL: AtomicBool = AtomicBool::new(false);
    let targets = [named("a", &WELL).await, named("b", &WELL).await];
    let gate = proxy(UpstreamConfig { all_down: AllDown::Refuse, ..checked(targets.clone()) }).await;
    let refused = async {
        loop {
            let answer = ask(gate, &get("/")).await;
            if answer.starts_with("HTTP/1.1 503") {
                return answer.to_lowercase();
            }
        }
    };
    let refused = timeout(Duration::from_secs(20), refused).await.unwrap();
    assert!(refused.contains("retry-after: ") && refused.contains("no server that can answer"), "{refused}");
    let gate = proxy(checked(targets)).await;
    settles(gate, &["a", "b"]).await;
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_is_ejected_and_found_again() {
    let (gone, first) = listener().await;
    let address = gone.local_addr().unwrap();
    drop(gone);
    let second = upstream(|_| async { Response::new(Body::from("second")) }).await;
    let ejection = EjectionConfig { time: Duration::from_millis(20), ..EjectionConfig::default() };
    let targets = vec![first.into(), second.into()];
    let gate = proxy(UpstreamConfig { targets, ejection, ..UpstreamConfig::default() }).await;
    settles(gate, &["second"]).await;
    let back = TcpListener::bind(address).await.unwrap();
    tokio::spawn(accept(back, |_| async { Response::new(Body::from("first")) }));
    let found = async { while !ask(gate, &get("/")).await.ends_with("first") {} };
    timeout(Duration::from_secs(20), found).await.unwrap();
}

#[tokio::test]
async fn each_address_of_a_name_is_a_target() {
    let (listener, target) = listener().await;
    tokio::spawn(accept(listener, |request| async move {
        let host = request.headers()["host"].to_str().unwrap_or_default().to_owned();
        Response::new(Body::from(host))
    }));
    let target = target.replace("127.0.0.1", "localhost");
    let config =
        UpstreamConfig { resolve_interval: Duration::from_millis(5), preserve_host: false, ..UpstreamConfig::to(target.clone()) };
    let ctx = BuildContext::default();
    let upstream = Upstream::build(&config, &ctx).unwrap();
    let names = || -> Vec<String> { upstream.0.balancer.targets().iter().map(ToString::to_string).collect() };
    assert_eq!(names(), [target.as_str()], "nothing is resolved before the server begins");
    ctx.background().begin();
    let resolved = async {
        while !names().contains(&format!("{target} (127.0.0.1)")) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(20), resolved).await.unwrap();
    let gate = proxy(config).await;
    settles(gate, &[target.trim_start_matches("http://")]).await;
}
