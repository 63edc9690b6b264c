//! A request and the targets of its upstream: which one is asked, and what follows if that comes to
//! nothing.

use std::sync::Arc;

use spikard_middleware::{Request, Response};
use tokio::time::sleep;

use super::Shared;
use super::balance::{Lease, Target};
use super::exchange::{Again, Lost, Sent, send};
use super::failure::{Chain, Failure};
use super::guard::{Place, Refusal, Retries};
use super::plan::Plan;
use super::target::Version;
use crate::config::RetryFailure;

/// What became of a request before anything had to be waited for.
#[expect(clippy::large_enum_variant, reason = "the large one is the one that nearly all requests are")]
enum Begun {
    /// There was a connection for it.
    Sent(Plan, Lease, Sent),
    /// There was none, or not even a place at the upstream (no lease).
    Waiting(Box<(Plan, Option<Lease>, Request)>),
    Refused(Failure),
}

impl Shared {
    /// Sends a request to a target, or else to another.
    pub(super) fn forward(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send {
        // A request is large, and each future that it is handed to moves it once more: mostly, it
        // is sent before there is a future.
        let begun = self.begin(request);
        async move {
            match begun {
                Begun::Sent(mut plan, lease, sent) => match self.receive(lease, &mut plan, sent).await {
                    Ok(response) => Ok(response),
                    // What is rare is boxed: it would make room for itself in every request.
                    Err(lost) => Box::pin(self.recover(plan, *lost)).await,
                },
                Begun::Waiting(waiting) => Box::pin(self.forward_slowly(*waiting)).await,
                Begun::Refused(failure) => Err(failure),
            }
        }
    }

    fn begin(&self, mut request: Request) -> Begun {
        let mut plan = match Plan::of(self, &mut request) {
            Ok(plan) => plan,
            Err(failure) => return Begun::Refused(failure),
        };
        self.guard.count();
        let Ok(place) = self.guard.try_place() else { return Begun::Waiting(Box::new((plan, None, request))) };
        let lease = match self.lease(&mut plan, place) {
            Ok(lease) => lease,
            Err(failure) => return Begun::Refused(failure),
        };
        let kept = if self.version(&lease, &plan) == Version::Http1 { lease.pool.take() } else { None };
        match kept {
            Some(connection) => {
                let sent = send(&lease, &plan, connection, request, true);
                Begun::Sent(plan, lease, sent)
            }
            None => Begun::Waiting(Box::new((plan, Some(lease), request))),
        }
    }

    /// The first target for a request that has this place.
    fn lease(&self, plan: &mut Plan, place: Option<Place>) -> Result<Lease, Failure> {
        plan.permit = self.guard.admit().map_err(|refusal| self.refused(refusal))?;
        let mut lease = self.balancer.choose(plan.key, &[]).ok_or(Failure::NoTarget)?;
        lease.hold(place);
        Ok(lease)
    }

    fn refused(&self, refusal: Refusal) -> Failure {
        Failure::Refused { upstream: Arc::clone(&self.guard.name), refusal }
    }

    async fn forward_slowly(&self, waiting: (Plan, Option<Lease>, Request)) -> Result<Response, Failure> {
        let (mut plan, lease, request) = waiting;
        let lease = if let Some(lease) = lease {
            lease
        } else {
            let place = self.guard.place(plan.at_most(self.connect_timeout)).await;
            self.lease(&mut plan, place.map_err(|refusal| self.refused(refusal))?)?
        };
        match self.attempt(lease, &mut plan, request, true).await {
            Ok(response) => Ok(response),
            Err(lost) => self.recover(plan, *lost).await,
        }
    }

    /// Goes on after a first try that came to nothing.
    async fn recover(&self, mut plan: Plan, mut lost: Lost) -> Result<Response, Failure> {
        let mut tried = Vec::new();
        loop {
            let (lease, request, kept) = match lost {
                // Its target had closed the connection while it was idle.
                Lost { lease, again: Again::Anew(request), .. } => (lease, request, false),
                Lost { lease, again, failure } => {
                    tried.push(lease.target());
                    // It counts as in flight at one target only.
                    let place = lease.leave();
                    let (mut next, request) = self.next(&mut plan, &tried, failure, again).await?;
                    next.hold(place);
                    (next, request, true)
                }
            };
            match self.attempt(lease, &mut plan, *request, kept).await {
                Ok(response) => return Ok(response),
                Err(again) => lost = *again,
            }
        }
    }

    /// The next target for a request that those which were tried have not answered.
    ///
    /// # Errors
    /// When it ends here: the failure.
    async fn next(
        &self,
        plan: &mut Plan,
        tried: &[Arc<Target>],
        failure: Failure,
        again: Again,
    ) -> Result<(Lease, Box<Request>), Failure> {
        let request = match again {
            Again::Elsewhere(_) if plan.is_late() => return Err(failure),
            Again::Elsewhere(request) => {
                if let (Some(other), Ok(permit)) = (self.balancer.choose(plan.key, tried), self.guard.admit()) {
                    tracing::warn!("upstream {}; the next target is tried", Chain(&failure));
                    plan.permit = permit;
                    return Ok((other, request));
                }
                if !self.is_let_through_again(plan, |rules| rules.has_failure(RetryFailure::Connect)) {
                    return Err(failure);
                }
                request
            }
            Again::Later(request) => request,
            Again::Anew(_) | Again::Never => return Err(failure),
        };
        tracing::warn!("upstream {}; the request is sent once more in {} ms", Chain(&failure), plan.wait.as_millis());
        sleep(plan.wait).await;
        let next = self.balancer.choose(plan.key, tried).or_else(|| self.balancer.choose(plan.key, &[]));
        Ok((next.ok_or(failure)?, request))
    }

    /// Whether a request is let through to the upstream once more, after a wait: `is_due` and all else
    /// say so.
    pub(super) fn is_let_through_again(&self, plan: &mut Plan, is_due: impl FnOnce(&Retries) -> bool) -> bool {
        let Some(rules) = self.guard.retries.as_ref().filter(|rules| is_due(rules)) else { return false };
        let wait = rules.wait(plan.again);
        if plan.at_most(wait) < wait || plan.is_late() {
            return false;
        }
        let Ok(permit) = self.guard.admit() else { return false };
        if !rules.spend(plan.again) {
            return false;
        }
        plan.again += 1;
        plan.permit = permit;
        plan.wait = wait;
        true
    }
}
