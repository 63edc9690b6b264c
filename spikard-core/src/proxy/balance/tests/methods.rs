//! How targets share requests.

use spikard_middleware::BuildError;

use super::*;

/// Targets `a`, `b` and so on with weights.
fn weighted(weights: &[u32], config: UpstreamConfig) -> Fixture {
    let target = |(name, weight): (char, &u32)| TargetConfig { weight: *weight, ..TargetConfig::new(format!("http://{name}")) };
    Fixture::new(UpstreamConfig { targets: ('a'..).zip(weights).map(target).collect(), ..config })
}

fn by(balance: Balance) -> UpstreamConfig {
    UpstreamConfig { balance, ..UpstreamConfig::default() }
}

fn hashing() -> UpstreamConfig {
    UpstreamConfig { hash_by: Some(HashBy::Address), ..by(Balance::Hash) }
}

/// Whether a share is what it should be, give or take a twentieth of all.
fn is_about(share: usize, expected: usize, all: usize) -> bool {
    share.abs_diff(expected) * 20 <= all
}

#[test]
fn turns_are_as_many_as_weights_say() {
    assert_eq!(weighted(&[3, 1], UpstreamConfig::default()).shares(8), shares([("a", 6), ("b", 2)]));
}

#[test]
fn who_is_tried_again_takes_no_turn_from_others() {
    let fixture = weighted(&[1, 1], UpstreamConfig::default());
    let firsts = (0..10).map(|_| {
        let first = fixture.choose();
        let second = fixture.upstream.0.balancer.choose(None, &[first.target()]);
        assert_ne!(second.map(|second| name(&second)), Some(name(&first)));
        name(&first)
    });
    assert_eq!(firsts.filter(|first| first == "a").count(), 5);
}

#[test]
fn the_target_with_the_fewest_requests_for_its_weight_gets_the_next() {
    let fixture = weighted(&[2, 1, 1], by(Balance::LeastConnections));
    let held: Vec<Lease> = (0..8).map(|_| fixture.choose()).collect();
    let mut names: Vec<String> = held.iter().map(name).collect();
    names.sort();
    assert_eq!(names.concat(), "aaaabbcc");
    drop(held);
    let slow = fixture.lease_of("b");
    assert!(!fixture.shares(9).contains_key("b"), "one of its requests is in flight");
    drop(slow);
    assert_eq!(fixture.shares(8), shares([("a", 4), ("b", 2), ("c", 2)]), "who has nothing to do takes turns");
}

#[test]
fn of_two_targets_the_one_with_fewer_requests_is_chosen() {
    let fixture = weighted(&[1, 1, 1], by(Balance::TwoChoices));
    let idle = fixture.shares(3000);
    assert!(idle.values().all(|share| is_about(*share, 1000, 3000)), "{idle:?}");
    let _busy = fixture.lease_of("a");
    let rest = fixture.shares(300);
    assert!(!rest.contains_key("a"), "it is always drawn together with one that is idle: {rest:?}");
}

#[test]
fn a_key_stays_with_its_target_and_only_the_keys_of_one_that_is_gone_move() {
    let fixture = weighted(&[1, 1, 1, 1], hashing());
    let map = || -> Vec<String> { (0..4000).map(|key| name(&fixture.choose_for(hash::mix(key)))).collect() };
    let before = map();
    assert_eq!(before, map());
    let share = |of: &[String], name: &str| of.iter().filter(|target| *target == name).count();
    assert!(["a", "b", "c", "d"].iter().all(|name| is_about(share(&before, name), 1000, 4000)));
    fixture.report("b", Outcome::Unreachable, 3);
    let after = map();
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after || before == "b", "{before} to {after}");
    }
    assert!(["a", "c", "d"].iter().all(|name| is_about(share(&after, name), 1333, 4000)), "each takes over its part");
    let weighted = weighted(&[3, 1], hashing());
    let heavy = (0..4000).filter(|key| name(&weighted.choose_for(hash::mix(*key))) == "a").count();
    assert!(is_about(heavy, 3000, 4000), "{heavy}");
}

#[test]
fn gateways_agree_on_the_target_of_a_key_in_whatever_order_they_know_the_targets() {
    let config = |names: [&str; 3]| UpstreamConfig { targets: names.map(TargetConfig::new).into(), ..hashing() };
    let one = Fixture::new(config(["http://a", "http://b", "http://c"]));
    let other = Fixture::new(config(["http://c", "http://a", "http://b"]));
    for key in (0..100).map(hash::mix) {
        assert_eq!(name(&one.choose_for(key)), name(&other.choose_for(key)));
    }
    assert_eq!(one.shares(9), shares([("a", 3), ("b", 3), ("c", 3)]), "requests without a key take turns");
}

#[test]
fn a_target_that_is_back_gets_its_share_little_by_little() {
    let slow_start = Duration::from_secs(100);
    for balance in [Balance::RoundRobin, Balance::LeastConnections, Balance::TwoChoices] {
        let fixture = weighted(&[1, 1], UpstreamConfig { slow_start, ..by(balance) });
        assert!(is_about(fixture.shares(1000)["a"], 500, 1000), "at the start all are new");
        fixture.report("a", Outcome::Unreachable, 3);
        fixture.wait(10);
        fixture.report("a", OK, 1);
        let mut last = 0;
        for (wait, expected) in [(0, 50), (30, 150), (30, 300), (40, 500)] {
            fixture.wait(wait);
            let share = fixture.shares(1000)["a"];
            assert!(share > last && share <= expected + 50, "{balance:?}: {share}, not {expected}");
            last = share;
        }
    }
}

#[test]
fn keys_come_back_one_by_one_and_stay() {
    let fixture = weighted(&[1, 1], UpstreamConfig { slow_start: Duration::from_secs(100), ..hashing() });
    let at_a = || -> Vec<u64> { (0..1000).filter(|key| name(&fixture.choose_for(hash::mix(*key))) == "a").collect() };
    let all = at_a();
    fixture.report("a", Outcome::Unreachable, 3);
    fixture.wait(10);
    fixture.report("a", OK, 1);
    let mut last = Vec::new();
    for _ in 0..10 {
        let now = at_a();
        assert!(last.iter().all(|key| now.contains(key)), "a key that came back stays");
        assert!(now.len() >= last.len());
        last = now;
        fixture.wait(10);
    }
    assert_eq!(at_a(), all);
}

#[test]
fn where_no_target_takes_part_requests_are_refused_if_so_configured() {
    let config = UpstreamConfig { all_down: AllDown::Refuse, ..UpstreamConfig::default() };
    let fixture = weighted(&[1, 1], config);
    for target in ["a", "b"] {
        fixture.report(target, Outcome::Unreachable, 3);
    }
    assert!(fixture.upstream.0.balancer.choose(None, &[]).is_none());
    fixture.wait(10);
    assert!(fixture.upstream.0.balancer.choose(None, &[]).is_some());
}

#[test]
fn a_setting_without_effect_is_an_error() {
    for (config, expected) in [
        (by(Balance::Hash), "balance: balance is `hash`, expected `hash_by` beside it, such as `hash_by = \"address\"`"),
        (
            UpstreamConfig { balance: Balance::RoundRobin, ..hashing() },
            "hash_by: hash_by stands there, expected `balance = \"hash\"` beside it",
        ),
    ] {
        let config = UpstreamConfig { targets: vec!["http://a".into()], ..config };
        let error = Upstream::build(&config, &BuildContext::default()).err().map(BuildError::each);
        let texts: Vec<String> = error.into_iter().flatten().map(|(at, message)| format!("{at}: {message}")).collect();
        assert_eq!(texts, [expected]);
    }
}
