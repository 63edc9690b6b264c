//! Targets that fail.

use super::*;

#[test]
fn the_turns_of_an_ejected_target_are_shared_evenly() {
    let fixture = Fixture::ejecting(3, EjectionConfig::default());
    assert_eq!(fixture.shares(9), shares([("a", 3), ("b", 3), ("c", 3)]));
    fixture.report("b", Outcome::Unreachable, 2);
    assert_eq!(fixture.shares(9), shares([("a", 3), ("b", 3), ("c", 3)]), "two failures are not three");
    fixture.report("b", Outcome::Unreachable, 1);
    assert_eq!(fixture.shares(12), shares([("a", 6), ("c", 6)]));
}

#[test]
fn only_failures_in_a_row_count() {
    let fixture = Fixture::ejecting(2, EjectionConfig::default());
    for _ in 0..9 {
        fixture.report("a", BAD_GATEWAY, 2);
        fixture.report("a", OK, 1);
        fixture.report("a", Outcome::Answered(StatusCode::INTERNAL_SERVER_ERROR), 1);
    }
    assert_eq!(fixture.shares(2), shares([("a", 1), ("b", 1)]));
}

#[test]
fn one_request_finds_out_whether_an_ejected_target_is_back() {
    let fixture = Fixture::ejecting(2, EjectionConfig::default());
    fixture.report("a", Outcome::Broken, 3);
    for wait in [10, 20, 40, 80, 160, 300, 300] {
        fixture.wait(wait - 1);
        assert_eq!(fixture.shares(4), shares([("b", 4)]), "{wait}");
        fixture.wait(1);
        let trial = [fixture.choose(), fixture.choose()].into_iter().find(|lease| name(lease) == "a").unwrap();
        assert_eq!(fixture.shares(4), shares([("b", 4)]), "one at a time, {wait}");
        trial.report(Outcome::Unreachable);
    }
    fixture.wait(300);
    fixture.report("a", OK, 1);
    assert_eq!(fixture.shares(4), shares([("a", 2), ("b", 2)]));
    fixture.report("a", Outcome::Broken, 3);
    fixture.wait(10);
    fixture.report("a", OK, 1);
}

#[test]
fn a_trial_that_ends_without_an_outcome_is_followed_by_another() {
    let fixture = Fixture::ejecting(2, EjectionConfig::default());
    fixture.report("a", Outcome::Broken, 3);
    for _ in 0..3 {
        fixture.wait(10);
        assert_eq!(fixture.shares(6), shares([("a", 1), ("b", 5)]));
    }
}

#[test]
fn what_was_asked_before_the_ejection_does_not_undo_it() {
    let fixture = Fixture::ejecting(2, EjectionConfig::default());
    let early: Vec<Lease> = std::iter::repeat_with(|| fixture.choose()).take(2).collect();
    fixture.report("a", Outcome::Broken, 3);
    for lease in early {
        lease.report(OK);
    }
    assert_eq!(fixture.shares(2), shares([("b", 2)]));
}

#[test]
fn enough_targets_stay_unless_they_cannot_be_reached() {
    let fixture = Fixture::ejecting(4, EjectionConfig::default());
    for target in ["a", "b", "c"] {
        fixture.report(target, BAD_GATEWAY, 3);
    }
    assert_eq!(fixture.shares(4), shares([("c", 2), ("d", 2)]));
    fixture.report("c", Outcome::Unreachable, 1);
    assert_eq!(fixture.shares(4), shares([("d", 4)]));
}

#[test]
fn where_no_target_takes_part_all_are_tried() {
    let fixture = Fixture::ejecting(2, EjectionConfig::default());
    for target in ["a", "b"] {
        fixture.report(target, Outcome::Unreachable, 3);
    }
    assert_eq!(fixture.shares(4), shares([("a", 2), ("b", 2)]));
    let first = fixture.choose();
    let second = fixture.upstream.0.balancer.choose(None, &[first.target()]).unwrap();
    assert_ne!(name(&first), name(&second));
    assert!(fixture.upstream.0.balancer.choose(None, &[first.target(), second.target()]).is_none());
    second.report(OK);
    assert_eq!(fixture.shares(4), shares([(name(&second).as_str(), 4)]));
}

#[test]
fn an_outage_of_all_targets_keeps_none_away_for_longer() {
    let fixture = Fixture::ejecting(2, EjectionConfig::default());
    for (target, failures) in [("a", 3), ("b", 3), ("a", 20), ("b", 20)] {
        fixture.report(target, Outcome::Unreachable, failures);
    }
    fixture.report("a", OK, 1);
    assert_eq!(fixture.shares(4), shares([("a", 4)]));
    fixture.wait(10);
    fixture.report("b", OK, 1);
    assert_eq!(fixture.shares(4), shares([("a", 2), ("b", 2)]));
}

#[test]
fn no_target_is_ejected_where_nobody_wants_it() {
    let fixture = Fixture::ejecting(2, EjectionConfig { failures: 0, ..EjectionConfig::default() });
    fixture.report("a", Outcome::Unreachable, 9);
    assert_eq!(fixture.shares(2), shares([("a", 1), ("b", 1)]));
}

#[test]
fn a_request_is_in_flight_until_its_lease_ends() {
    let fixture = Fixture::ejecting(1, EjectionConfig::default());
    let leases = [fixture.choose(), fixture.choose()];
    let target = leases[0].target();
    assert_eq!(target.in_flight.load(Ordering::Relaxed), 2);
    drop(leases);
    assert_eq!(target.in_flight.load(Ordering::Relaxed), 0);
}
