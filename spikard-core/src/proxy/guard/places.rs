//! How many requests an upstream works on at once, and how many wait until it can take another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The places of an upstream, and the queue for them.
pub(in crate::proxy) struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// Shows how many wait.
    shown: Gauge,
}

/// A place. It is free again when this is dropped; who has waited longest gets it.
pub(in crate::proxy) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Full {
    /// Too many wait already.
    Queue,
    /// None became free in time.
    Late,
}

impl Places {
    pub(in crate::proxy) fn new(most: usize, most_waiting: usize, shown: Gauge) -> Self {
        let free = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { free, waiting: AtomicUsize::new(0), most_waiting, shown }
    }

    /// A place, if one is free.
    pub(in crate::proxy) fn try_take(&self) -> Option<Place> {
        Arc::clone(&self.free).try_acquire_owned().ok().map(|permit| Place { _permit: permit })
    }

    /// A place as soon as one is free, but within `limit`.
    ///
    /// # Errors
    /// When there is none, and waiting is not possible or was for nothing.
    pub(in crate::proxy) async fn take(&self, limit: Duration) -> Result<Place, Full> {
        if let Some(place) = self.try_take() {
            return Ok(place);
        }
        let _waiting = Waiting::begin(self).ok_or(Full::Queue)?;
        match timeout(limit, Arc::clone(&self.free).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            // Nobody closes the semaphore.
            Ok(Err(_)) | Err(_) => Err(Full::Late),
        }
    }
}

/// One who waits, for as long as it does.
struct Waiting<'a>(&'a Places);

impl<'a> Waiting<'a> {
    /// None if too many wait already.
    fn begin(places: &'a Places) -> Option<Self> {
        let more = |waiting| (waiting < places.most_waiting).then_some(waiting + 1);
        places.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        places.shown.inc();
        Some(Self(places))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.shown.dec();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_waits_in_turn_and_not_forever() {
        let places = Places::new(1, 2, Gauge::default());
        let held = places.try_take().unwrap();
        assert!(places.try_take().is_none());
        let (mut first, mut second) = (Box::pin(places.take(LIMIT)), Box::pin(places.take(LIMIT)));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        assert_eq!(places.shown.get(), 2);
        assert_eq!(places.take(LIMIT).await.err(), Some(Full::Queue));
        drop(held);
        assert!(places.try_take().is_none(), "those who wait come first");
        assert!(second.as_mut().now_or_never().is_none());
        let _held = first.await.unwrap_or_else(|full| panic!("{full:?}"));
        assert_eq!(second.await.err(), Some(Full::Late));
        assert_eq!(places.shown.get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_makes_room_for_others() {
        let places = Places::new(1, 1, Gauge::default());
        let held = places.try_take().unwrap();
        let mut gone = Box::pin(places.take(LIMIT));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        let (taken, ()) = tokio::join!(places.take(LIMIT), async { drop(held) });
        assert!(taken.is_ok());
    }
}
