//! Which requests are sent once more, after what, and how long after.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use spikard_middleware::{BuildContext, BuildError};

use super::budget::Budget;
use crate::config::{RetriesConfig, RetryFailure};

/// The rules of one upstream.
pub(in crate::proxy) struct Retries {
    config: RetriesConfig,
    methods: Box<[Method]>,
    budget: Budget,
    sent: Counter,
    over_budget: Counter,
}

impl Retries {
    /// Reads the rules of the upstream `name`.
    ///
    /// # Errors
    /// When they could never do anything, or do not fit each other.
    pub(super) fn build(config: &RetriesConfig, name: &str, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        if config.attempts == 0 {
            errors.push(ctx.invalid("attempts", "attempts is 0, expected at least 1: leave `retries` out to send nothing again"));
        }
        if config.methods.is_empty() {
            errors.push(ctx.invalid("methods", "methods is an empty list, expected at least one"));
        }
        if config.statuses.is_empty() && config.failures.is_empty() {
            errors.push(ctx.invalid("failures", "failures and statuses are empty lists, expected at least one reason"));
        }
        if config.budget_percent == 0 && config.budget_per_second == 0 {
            errors.push(ctx.invalid("budget_percent", "budget_percent and budget_per_second are 0, expected one above 0"));
        }
        errors.extend(super::errors_of_statuses(&config.statuses, ctx));
        if config.max_backoff < config.backoff {
            let [most, first] = [config.max_backoff, config.backoff].map(humantime::format_duration);
            errors.push(ctx.invalid("max_backoff", format!("max_backoff is {most}, expected at least the backoff of {first}")));
        }
        BuildError::all(errors)?;
        let all = ctx.metrics().metric(
            "upstream_retries",
            "Requests that were to be sent once more, and whether the budget let them",
            Family::<[(&str, String); 2], Counter>::default,
        );
        let counter = |outcome: &str| all.get_or_create_owned(&[("upstream", name.to_owned()), ("outcome", outcome.to_owned())]);
        Ok(Self {
            methods: config.methods.iter().map(|method| Method::from(*method)).collect(),
            budget: Budget::new(config, ctx.clock().clone()),
            config: config.clone(),
            sent: counter("sent"),
            over_budget: counter("over_budget"),
        })
    }

    /// Counts a request of a client, of which the budget is a share.
    pub(in crate::proxy) fn count(&self) {
        self.budget.count();
    }

    /// Whether requests of this method may be sent once more.
    pub(in crate::proxy) fn has_method(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// Whether another try takes the place of an answer with this status.
    pub(in crate::proxy) fn has_status(&self, status: StatusCode) -> bool {
        self.config.statuses.contains(&status.as_u16())
    }

    /// Whether another try follows such a failure.
    pub(in crate::proxy) fn has_failure(&self, failure: RetryFailure) -> bool {
        self.config.failures.contains(&failure)
    }

    /// Whether a request that was sent again `already` times may be sent once more. If so, it counts.
    pub(in crate::proxy) fn spend(&self, already: u32) -> bool {
        if already >= self.config.attempts {
            return false;
        }
        let may = self.budget.spend();
        let counter = if may { &self.sent } else { &self.over_budget };
        counter.inc();
        may
    }

    /// How long to wait before a request that was sent again `already` times is sent once more:
    /// anything from nothing to twice as long as the last time ("full jitter").
    pub(in crate::proxy) fn wait(&self, already: u32) -> Duration {
        self.longest_wait(already).mul_f64(fraction())
    }

    fn longest_wait(&self, already: u32) -> Duration {
        self.config.backoff.saturating_mul(1 << already.min(31)).min(self.config.max_backoff)
    }
}

/// A random number from 0 to below 1.
fn fraction() -> f64 {
    // Without randomness, the wait is the shortest.
    let random = getrandom::u32().unwrap_or_default();
    f64::from(random) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(config: RetriesConfig) -> Result<Retries, String> {
        Retries::build(&config, "api", &BuildContext::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_is_a_random_part_of_that() {
        let retries = retries(RetriesConfig::default()).unwrap();
        let longest: Vec<u128> = [0, 1, 2, 3, 4, 40].map(|already| retries.longest_wait(already).as_millis()).into();
        assert_eq!(longest, [25, 50, 100, 200, 250, 250]);
        let waits: Vec<Duration> = (0..100).map(|_| retries.wait(3)).collect();
        assert!(waits.iter().all(|wait| *wait < Duration::from_millis(200)));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }

    #[test]
    fn a_request_is_sent_again_as_often_as_the_settings_say_and_the_budget_has_it() {
        let config = RetriesConfig { attempts: 2, budget_percent: 10, budget_per_second: 0, ..RetriesConfig::default() };
        let retries = retries(config).unwrap();
        assert!(!retries.spend(0));
        (0..20).for_each(|_| retries.count());
        assert!(!retries.spend(2), "often enough");
        assert_eq!([retries.spend(0), retries.spend(1), retries.spend(0)], [true, true, false]);
        assert_eq!((retries.sent.get(), retries.over_budget.get()), (2, 2));
    }

    #[test]
    fn rules_that_could_never_do_anything_are_errors() {
        let default = RetriesConfig::default;
        for (config, expected) in [
            (RetriesConfig { attempts: 0, ..default() }, "attempts: attempts is 0"),
            (RetriesConfig { methods: Vec::new(), ..default() }, "methods: methods is an empty list"),
            (
                RetriesConfig { statuses: Vec::new(), failures: Vec::new(), ..default() },
                "failures: failures and statuses are empty",
            ),
            (RetriesConfig { budget_percent: 0, budget_per_second: 0, ..default() }, "budget_percent: budget_percent and"),
            (RetriesConfig { statuses: vec![200], ..default() }, "statuses[0]: status is 200, expected 400 to 599"),
            (
                RetriesConfig { max_backoff: Duration::from_millis(9), ..default() },
                "max_backoff: max_backoff is 9ms, expected at least",
            ),
        ] {
            let error = retries(config).err().unwrap_or_default();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
