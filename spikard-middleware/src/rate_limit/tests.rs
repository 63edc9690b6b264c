//! What clients see of rate limits.

use std::time::Duration;

use super::*;
use crate::Body;
use crate::client::Client;
use crate::identity::Identity;
use crate::testing::text;

struct Server {
    stack: std::sync::Arc<dyn Service>,
    clock: Clock,
}

fn server(limits: impl Into<RateLimits>) -> Server {
    server_in(limits, &BuildContext::new("", Clock::manual(Duration::from_secs(1000))))
}

fn server_in(limits: impl Into<RateLimits>, ctx: &BuildContext) -> Server {
    let clock = ctx.clock().clone();
    let leaf = tower::service_fn(|_: Request| async { Ok::<_, std::convert::Infallible>(Response::new(Body::empty())) });
    let layer = build(&limits.into(), ctx, |_| true).unwrap().unwrap();
    Server { stack: layer.around(std::sync::Arc::new(crate::Tower::new(leaf))), clock }
}

impl Server {
    async fn ask(&self, change: impl FnOnce(&mut Request)) -> Response {
        let mut request = Request::new(Body::empty());
        change(&mut request);
        self.stack.call(request).await
    }

    /// How many of five requests pass.
    async fn passed(&self, change: impl Fn(&mut Request)) -> usize {
        let mut passed = 0;
        for _ in 0..5 {
            passed += usize::from(self.ask(&change).await.status() == 200);
        }
        passed
    }
}

fn limit(per_second: f64, burst: u32, key: &str) -> RateLimitConfig {
    RateLimitConfig { key: Some(key.parse().unwrap()), ..RateLimitConfig::new(per_second, burst) }
}

fn from(address: &'static str) -> impl Fn(&mut Request) {
    move |request| {
        request.extensions_mut().insert(Client { address: address.parse().unwrap(), ..Client::local() });
    }
}

fn known_as(subject: &'static str) -> impl Fn(&mut Request) {
    move |request| {
        let claims = serde_json::json!({ "sub": subject }).as_object().cloned().map(std::sync::Arc::new);
        request.extensions_mut().insert(Identity { consumer: Some(subject.into()), claims });
    }
}

fn fields<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
    response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn passes_and_refusals_say_what_is_left() {
    let server = server(RateLimitConfig::new(0.4, 2));
    let pass = server.ask(|_| ()).await;
    server.ask(|_| ()).await;
    server.clock.advance(Duration::from_millis(200));
    let refusal = server.ask(|_| ()).await;

    assert_eq!((pass.status().as_u16(), refusal.status().as_u16()), (200, 429));
    assert_eq!(fields(&pass, "ratelimit-policy"), [r#""address";q=2;w=5"#]);
    assert_eq!(fields(&pass, "ratelimit"), [r#""address";r=1;t=3"#]);
    assert_eq!(fields(&pass, "retry-after"), [""; 0]);
    assert_eq!(fields(&refusal, "ratelimit-policy"), [r#""address";q=2;w=5"#]);
    assert_eq!(fields(&refusal, "ratelimit"), [r#""address";r=0;t=3"#]);
    assert_eq!(fields(&refusal, "retry-after"), ["3"], "2.3 seconds, rounded up");
    assert!(text(refusal).await.contains(r#""detail":"Over the limit of 0.4 requests per second, burst 2""#));

    server.clock.advance(Duration::from_secs(3));
    assert_eq!(server.ask(|_| ()).await.status(), 200, "who waits as told gets through");
}

#[tokio::test]
async fn an_address_has_a_counter_of_its_own_and_ipv6_by_its_network() {
    let server = server(RateLimitConfig::new(1.0, 2));
    assert_eq!(server.passed(from("192.0.2.1")).await, 2);
    assert_eq!(server.passed(from("::ffff:192.0.2.1")).await, 0);
    assert_eq!(server.passed(from("192.0.2.2")).await, 2);
    assert_eq!(server.passed(from("2001:db8::1")).await, 2);
    assert_eq!(server.passed(from("2001:db8::ffff:1")).await, 0);
    assert_eq!(server.passed(from("2001:db8:0:1::1")).await, 2);
}

#[tokio::test]
async fn a_header_or_nothing_at_all_can_be_the_key() {
    let with = |value| {
        move |request: &mut Request| drop(request.headers_mut().insert("x-tenant", http::HeaderValue::from_static(value)))
    };
    let by_header = server(limit(1.0, 2, "header:X-Tenant"));
    assert_eq!(by_header.passed(with("a")).await, 2);
    assert_eq!(by_header.passed(with("b")).await, 2);
    assert_eq!(by_header.passed(|_| ()).await, 2);
    let global = server(limit(1.0, 2, "global"));
    assert_eq!(global.passed(from("192.0.2.1")).await + global.passed(from("192.0.2.2")).await, 2);
}

#[tokio::test]
async fn an_identity_is_counted_once_it_is_verified() {
    for key in ["api_key", "jwt:sub"] {
        let server = server(limit(1.0, 2, key));
        assert_eq!(server.passed(known_as("ann")).await, 2, "{key}");
        assert_eq!(server.passed(known_as("bob")).await, 2, "{key}");
        assert_eq!(server.passed(|_| ()).await, 5, "{key}: nobody is no identity");
    }
}

#[tokio::test]
async fn tokens_without_the_claim_share_a_counter() {
    let server = server(limit(1.0, 2, "jwt:tenant"));
    assert_eq!(server.passed(known_as("ann")).await + server.passed(known_as("bob")).await, 2);
}

#[tokio::test]
async fn of_several_limits_the_first_that_refuses_ends_it() {
    let server = server(vec![RateLimitConfig::new(1.0, 2), limit(1.0, 3, "global")]);
    assert_eq!(server.passed(from("192.0.2.1")).await, 2);
    let second = server.ask(from("192.0.2.2")).await;
    assert_eq!(fields(&second, "ratelimit"), [r#""address";r=1;t=1, "global";r=0;t=3"#]);
    assert_eq!(fields(&second, "ratelimit-policy").len(), 2);
    assert_eq!(server.ask(from("192.0.2.3")).await.status(), 429);
}

#[tokio::test]
async fn the_next_configuration_counts_on_whatever_the_limit_is_by_then() {
    let named = |burst| RateLimitConfig { name: Some("login".into()), ..limit(1.0, burst, "global") };
    let ctx = BuildContext::new("", Clock::manual(Duration::from_secs(1000)));
    let first = server_in(vec![limit(1.0, 4, "address"), named(5)], &ctx);
    assert_eq!(first.passed(from("192.0.2.1")).await, 4);
    let next = ctx.successor("");
    let second = server_in(vec![limit(1.0, 3, "address"), named(6)], &next);
    assert_eq!(second.passed(from("192.0.2.1")).await, 0, "the address has spent its burst");
    assert_eq!(second.passed(from("192.0.2.2")).await, 2, "and four of six are spent of the other");
}

#[test]
fn the_keys_say_on_which_side_of_authentication_a_limit_stands() {
    let ctx = BuildContext::default();
    let sides = |limits: RateLimits| {
        let after = by_identity(Setting { config: Some(&limits), ctx: &ctx }).unwrap();
        (PolicyConfig::build(&limits, &ctx).unwrap().is_some(), after.is_some(), ctx.take_warnings().len())
    };
    assert_eq!(sides(limit(1.0, 1, "address").into()), (true, false, 0));
    assert_eq!(sides(limit(1.0, 1, "jwt:sub").into()), (false, true, 1), "guessing is free: a warning");
    assert_eq!(sides(vec![limit(1.0, 1, "api_key"), limit(1.0, 1, "address")].into()), (true, true, 0));
}

#[test]
fn every_wrong_limit_is_named_with_its_place() {
    let no_keys = RateLimitConfig { max_keys: 0, ..RateLimitConfig::new(1.0, 1) };
    let limits = RateLimits::from(vec![RateLimitConfig::new(0.0, 1), RateLimitConfig::new(1.0, 0), no_keys]);
    let errors = PolicyConfig::build(&limits, &BuildContext::default()).unwrap_err().each();
    let shown: Vec<_> = errors.iter().map(|(at, message)| format!("{at}: {message}")).collect();
    assert_eq!(
        shown,
        [
            "[0].per_second: per_second is 0, expected above 0 to 1e9, and to bring back the burst of 1",
            "[1].burst: burst is 0, expected 1 or more",
            "[2].max_keys: max_keys is 0, expected 1 to 67108864"
        ]
    );
}
