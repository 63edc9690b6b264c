//! Fetches that are under way: who asks for the same meanwhile waits for the one answer.
//!
//! A fetch is a task of its own, so that it goes on when the request that began it goes away. It ends when
//! all who wait for it are gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use http::StatusCode;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::store::Stamp;
use super::stored::Stored;
use crate::timeout::is_overdue;
use crate::timeout::overdue::Ending;

/// What a fetch comes to for those who did not begin it.
#[derive(Clone)]
pub(super) enum Verdict {
    /// An answer for all whom it fits.
    Shared(Stored),
    /// An error, with this status.
    Failed(StatusCode),
    /// It was for the first one only.
    Alone,
}

/// The fetches of a cache, by what they are for.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<String, Weak<Flight>>>);

/// A fetch. Whoever wants it to go on keeps this.
pub(super) struct Flight {
    name: String,
    stamp: Stamp,
    verdict: watch::Receiver<Option<Verdict>>,
    task: OnceLock<AbortHandle>,
    /// Whether the last who waited did so until its time was over.
    overdue: Arc<AtomicBool>,
    home: Arc<Flights>,
}

/// The place of the one who begins a fetch.
pub(super) type Herald = watch::Sender<Option<Verdict>>;

impl Flights {
    /// Joins the fetch of that name. Whoever gets the herald has to begin it. One that began before
    /// the last change of what it is for (`stamp`) is left alone.
    pub(super) fn join(self: &Arc<Self>, name: String, stamp: Stamp) -> (Arc<Flight>, Option<Herald>) {
        let mut flights = self.lock();
        let found = flights.get(&name).and_then(Weak::upgrade);
        let outdated = match found {
            Some(flight) if flight.stamp == stamp => return (flight, None),
            outdated => outdated,
        };
        let (herald, verdict) = watch::channel(None);
        let home = Arc::clone(self);
        let flight =
            Arc::new(Flight { name: name.clone(), stamp, verdict, task: OnceLock::new(), overdue: Arc::default(), home });
        flights.insert(name, Arc::downgrade(&flight));
        // The last one who lets go of a flight takes it off the list, which is locked here.
        drop(flights);
        drop(outdated);
        (flight, Some(herald))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Begins the work.
    pub(super) fn begin<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = tokio::spawn(Ending::new(work, &self.overdue));
        let _ = self.task.set(task.abort_handle());
        task
    }

    /// What it comes to. A fetch that fails is for nobody.
    pub(super) async fn verdict(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        let known = verdict.wait_for(Option::is_some).await;
        known.ok().and_then(|verdict| verdict.clone()).unwrap_or(Verdict::Alone)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            self.overdue.store(is_overdue(), Ordering::Release);
            task.abort();
        }
        let mut flights = self.home.lock();
        if flights.get(&self.name).is_some_and(|flight| flight.strong_count() == 0) {
            flights.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::store::Stamps;
    use crate::timeout::overdue::drop_as_overdue;

    /// Tells why it is dropped.
    struct Guard(std::sync::mpsc::Sender<bool>);

    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.send(is_overdue());
        }
    }

    #[tokio::test]
    async fn a_fetch_ends_with_the_last_who_waits_for_it() {
        let flights = Arc::<Flights>::default();
        let stamps = Stamps::default();
        let join = || flights.join("a".into(), stamps.of("a"));
        let (first, herald) = join();
        let (told, told_overdue) = std::sync::mpsc::channel();
        let (ends, ended) = tokio::sync::oneshot::channel::<()>();
        let held = (herald, ends, Guard(told));
        let work = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        let _task = first.begin(work);
        let (second, none) = join();
        assert!(none.is_none() && Arc::ptr_eq(&first, &second));
        drop(first);
        assert_eq!(flights.lock().len(), 1);
        drop_as_overdue(second);
        assert!(ended.await.is_err(), "the work was dropped");
        assert_eq!(told_overdue.try_recv(), Ok(true), "and knows why");
        assert_eq!(flights.lock().len(), 0);
        assert!(join().1.is_some());
    }

    #[tokio::test]
    async fn who_asks_after_a_change_does_not_get_what_was_asked_for_before() {
        let flights = Arc::<Flights>::default();
        let stamps = Stamps::default();
        let (before, _herald) = flights.join("a".into(), stamps.of("a"));
        stamps.change("a");
        let (after, herald) = flights.join("a".into(), stamps.of("a"));
        assert!(herald.is_some() && !Arc::ptr_eq(&before, &after));
        drop(before);
        assert_eq!(flights.lock().len(), 1, "the newer one stays");
        drop(herald);
        assert!(matches!(after.verdict().await, Verdict::Alone));
    }
}
