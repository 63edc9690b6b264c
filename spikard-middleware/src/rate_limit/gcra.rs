//! The generic cell rate algorithm as one pure function; no clock, no state, no I/O lives here.
//!
//! The whole state of a counter is one number, the theoretical arrival time (TAT) of its next
//! request, so that a table of atomics, memory shared between processes, and a store on the
//! network can all hold it. The terms are those of ITU-T I.371 annex A. All times are in
//! nanoseconds of one clock.

/// What a counter admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The time that one request takes up.
    emission_interval: u64,
    /// How far the arrivals may be ahead of their theoretical times.
    burst_tolerance: u64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Admitted {
        /// How many more would pass at once.
        remaining: u64,
        /// The time until the whole burst is there again.
        reset: u64,
    },
    /// It does not, and counts for nothing.
    Refused {
        /// The time after which one would pass.
        retry_after: u64,
    },
}

const SECOND: f64 = 1e9;
const CENTURY: f64 = 100.0 * 365.25 * 86_400.0 * SECOND;

impl Quota {
    /// `per_second` requests a second after `burst` at once.
    ///
    /// None if there is no such counter: one of the two is not above 0, requests would be closer
    /// than a nanosecond, or the burst would take more than a century to come back.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 1 and CENTURY by then")]
    pub fn new(per_second: f64, burst: u32) -> Option<Self> {
        let interval = (SECOND / per_second).round();
        let fits = per_second > 0.0 && per_second <= SECOND && burst > 0 && interval * f64::from(burst) < CENTURY;
        fits.then(|| Self { emission_interval: interval as u64, burst_tolerance: interval as u64 * u64::from(burst - 1) })
    }

    /// The emission interval and the burst tolerance.
    pub(super) fn times(self) -> (u64, u64) {
        (self.emission_interval, self.burst_tolerance)
    }

    /// The time in which the whole burst comes back.
    pub fn window(self) -> u64 {
        self.burst_tolerance + self.emission_interval
    }
}

/// Decides about a request at `now` and gives the new state of the counter. A new counter starts
/// at 0.
pub fn gcra(tat: u64, now: u64, quota: Quota) -> (Decision, u64) {
    // No state is ever further ahead than the window, unless clocks differ or the quota changed;
    // then the counter starts from its worst own state.
    let arrival = tat.clamp(now, now + quota.window());
    let ahead = arrival - now;
    match quota.burst_tolerance.checked_sub(ahead) {
        Some(tolerated) => {
            let remaining = tolerated / quota.emission_interval;
            let next = arrival + quota.emission_interval;
            (Decision::Admitted { remaining, reset: next - now }, next)
        }
        None => (Decision::Refused { retry_after: ahead - quota.burst_tolerance }, tat),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quotas() -> impl Strategy<Value = (f64, u32, Quota)> {
        (0.001..1e6_f64, 1..500_u32)
            .prop_filter_map("not a quota", |(per_second, burst)| Some((per_second, burst, Quota::new(per_second, burst)?)))
    }

    /// How many of the requests at these times pass.
    fn admitted(quota: Quota, times: impl IntoIterator<Item = u64>) -> u64 {
        let mut tat = 0;
        times.into_iter().fold(0, |count, now| {
            let (decision, next) = gcra(tat, now, quota);
            tat = next;
            count + u64::from(matches!(decision, Decision::Admitted { .. }))
        })
    }

    proptest! {
        #[test]
        fn admits_exactly_the_burst_at_once((_, burst, quota) in quotas(), now in 0..1_u64 << 60) {
            let passed = admitted(quota, std::iter::repeat_n(now, burst as usize + 10));
            prop_assert_eq!(passed, u64::from(burst));
        }

        #[test]
        fn admits_no_more_than_the_burst_and_what_came_back(
            (_, burst, quota) in quotas(),
            steps in prop::collection::vec(0..3_u64, 1..600),
        ) {
            let mut now = 1 << 40;
            let start = now;
            let times: Vec<_> = steps.iter().map(|step| { now += step * quota.emission_interval / 2; now }).collect();
            let came_back = (now - start) / quota.emission_interval;
            prop_assert!(admitted(quota, times) <= u64::from(burst) + came_back);
        }

        #[test]
        fn comes_back_at_the_rate((per_second, burst, quota) in quotas(), count in 1..50_u32) {
            let spent = std::iter::repeat_n(0, burst as usize);
            let later = std::time::Duration::from_secs_f64(f64::from(count.min(burst)) / per_second);
            // Rounding the interval moves a request by less than a nanosecond each.
            let later = u64::try_from(later.as_nanos())? + u64::from(count);
            let passed = admitted(quota, spent.chain(std::iter::repeat_n(later, burst as usize + 10)));
            let expected = u64::from(burst + count.min(burst));
            prop_assert!(passed == expected || passed == expected + 1, "{} of {}", passed, expected);
        }

        #[test]
        fn says_to_the_nanosecond_when_to_retry(tat in 0..1_u64 << 61, now in 0..1_u64 << 61, (_, _, quota) in quotas()) {
            if let (Decision::Refused { retry_after }, same) = gcra(tat, now, quota) {
                prop_assert!(same == tat && retry_after > 0 && retry_after <= quota.emission_interval);
                let tat = tat.min(now + quota.window());
                let passes_after = |wait| matches!(gcra(tat, now + wait, quota).0, Decision::Admitted { remaining: 0, .. });
                prop_assert!(passes_after(retry_after) && !passes_after(retry_after - 1));
            }
        }
    }

    #[test]
    fn there_is_no_quota_without_end_or_without_rate() {
        for (per_second, burst) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0), (2e9, 1), (1e-9, u32::MAX)]
        {
            assert_eq!(Quota::new(per_second, burst), None, "{per_second} {burst}");
        }
        assert_eq!(Quota::new(0.5, 3).map(Quota::window), Some(6_000_000_000));
    }
}
