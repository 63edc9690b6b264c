//! What a handler asks of a body that may still arrive: awaited in a task, waited for elsewhere.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::engine::Engine;
use crate::promise;
use crate::source::Unread;

/// Who asks.
enum Caller {
    /// A task of asyncio, which awaits.
    Task,
    /// A thread of the pool, which may block.
    Thread,
    /// The thread of the loop, but no task.
    Loop,
}

impl Caller {
    fn of(py: Python<'_>) -> PyResult<Self> {
        static CURRENT_TASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        // It raises where no loop runs.
        Ok(match CURRENT_TASK.import(py, "asyncio", "current_task")?.call0() {
            Ok(task) if task.is_none() => Self::Loop,
            Ok(_) => Self::Task,
            Err(_) => Self::Thread,
        })
    }
}

/// For a task an awaitable of what `read` comes to; for all others the value itself.
pub(crate) fn answer<'py, T: Send + 'static>(
    py: Python<'py>,
    engine: &Arc<Engine>,
    read: impl Future<Output = Result<T, Unread>> + Send + 'static,
    make: impl for<'a> FnOnce(Python<'a>, T) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let read = match Caller::of(py)? {
        Caller::Task => {
            return promise::of(py, engine, async move {
                let read = read.await;
                move |py: Python<'_>| make(py, read.map_err(|unread| unread.raised(py))?).map(Bound::unbind)
            });
        }
        Caller::Thread => py.detach(|| engine.runtime.block_on(read)),
        Caller::Loop => {
            let _inside = engine.runtime.enter();
            match pin!(read).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(read) => read,
                Poll::Pending => {
                    let message = "the body cannot be waited for here, expected an async function or one on a thread";
                    return Err(PyRuntimeError::new_err(message));
                }
            }
        }
    };
    make(py, read.map_err(|unread| unread.raised(py))?)
}
