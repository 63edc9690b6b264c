//! Work that goes on beside requests: health checks, keys that are fetched anew.
//!
//! A policy is built before there is a runtime, and sometimes only to be looked at (`spikard
//! check`). So its work is left here, and begins with the server that the policy is built for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where work is left until a runtime is there. Clones are one place.
#[derive(Clone, Default)]
pub struct Background(Arc<Mutex<Phase>>);

enum Phase {
    /// There is no runtime yet.
    Waiting(Vec<(Arc<Mutex<State>>, Work)>),
    Begun(Handle),
}

impl Default for Phase {
    fn default() -> Self {
        Self::Waiting(Vec::new())
    }
}

/// A piece of work. It ends when this is dropped, wherever it is by then.
#[must_use = "the work ends when its handle is dropped"]
pub struct Task(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    Running(AbortHandle),
    Over,
}

impl Background {
    /// Leaves work. It begins with [`begin`](Self::begin), or at once if that has been.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Task {
        let state = Arc::default();
        let task = Task(Arc::clone(&state));
        match &mut *lock(&self.0) {
            Phase::Waiting(left) => left.push((state, Box::pin(work))),
            Phase::Begun(runtime) => run(runtime, &state, Box::pin(work)),
        }
        task
    }

    /// Begins all work that was left, in the current runtime. Later calls change nothing.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn begin(&self) {
        let runtime = Handle::current();
        let mut phase = lock(&self.0);
        if let Phase::Waiting(left) = &mut *phase {
            left.drain(..).for_each(|(state, work)| run(&runtime, &state, work));
            *phase = Phase::Begun(runtime);
        }
    }
}

fn run(runtime: &Handle, state: &Mutex<State>, work: Work) {
    let mut state = lock(state);
    if matches!(*state, State::Waiting) {
        *state = State::Running(runtime.spawn(work).abort_handle());
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let State::Running(task) = std::mem::replace(&mut *lock(&self.0), State::Over) {
            task.abort();
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Work that says when it has begun, and goes on until it is ended, which the second one shows.
    fn work() -> (impl Future<Output = ()>, oneshot::Receiver<()>, oneshot::Receiver<()>) {
        let (start, begun) = oneshot::channel();
        let (held, ended) = oneshot::channel::<()>();
        let work = async move {
            let _held = held;
            let _ = start.send(());
            std::future::pending::<()>().await;
        };
        (work, begun, ended)
    }

    #[tokio::test]
    async fn work_begins_with_the_server_and_ends_with_its_owner() {
        let background = Background::default();
        let (early, begun, ended) = work();
        let early = background.spawn(early);
        let (dropped, never, _) = work();
        drop(background.spawn(dropped));
        background.begin();
        let (late, late_begun, _) = work();
        let _late = background.spawn(late);
        assert!(begun.await.is_ok() && late_begun.await.is_ok());
        assert!(never.await.is_err(), "its owner was gone before");
        drop(early);
        assert!(ended.await.is_err(), "the work was dropped");
    }
}
