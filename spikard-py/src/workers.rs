//! Several processes that serve one app: the supervisor, and what a worker got from it.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use spikard_core::workers::{Supervisor, Worker, inherited};
use spikard_core::{AdminConfig, Secret};

use crate::config::Admin;
use crate::log;

/// What this process got, if it is a worker; taken when it begins to serve.
fn inheritance() -> &'static Result<Mutex<Option<Worker>>, String> {
    static INHERITANCE: OnceLock<Result<Mutex<Option<Worker>>, String>> = OnceLock::new();
    INHERITANCE.get_or_init(|| inherited().map(Mutex::new).map_err(|error| error.to_string()))
}

/// Whether a supervisor started this process, to serve.
#[pyfunction]
pub(crate) fn is_worker() -> PyResult<bool> {
    static IS_WORKER: OnceLock<bool> = OnceLock::new();
    match inheritance() {
        Ok(worker) => Ok(*IS_WORKER.get_or_init(|| worker.lock().unwrap_or_else(PoisonError::into_inner).is_some())),
        Err(error) => Err(PyOSError::new_err(format!("what the supervisor handed over is not there: {error}"))),
    }
}

/// Takes what the supervisor handed over. None the second time, and if there is no supervisor.
pub(crate) fn take() -> Option<Worker> {
    inheritance().as_ref().ok()?.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Runs `workers` processes of a command on one port, until this process is told to stop.
/// `redirect` is a second port of the host; `listening` is called with the addresses of the first.
#[pyfunction]
#[pyo3(signature = (command, workers, host, port, redirect, shutdown_timeout, max_requests, max_rss, watch, admin, listening))]
#[allow(clippy::too_many_arguments)] // each is an argument of `run`
pub(crate) fn supervise(
    py: Python<'_>,
    command: Vec<String>,
    workers: usize,
    host: String,
    port: u16,
    redirect: Option<u16>,
    shutdown_timeout: f64,
    max_requests: Option<u64>,
    max_rss: Option<u64>,
    watch: Option<PathBuf>,
    admin: Option<Admin>,
    listening: Py<PyAny>,
) -> PyResult<()> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(PyValueError::new_err("the command of the workers is empty"));
    };
    log::begin();
    let timeout = Duration::try_from_secs_f64(shutdown_timeout).unwrap_or(Duration::MAX);
    let mut supervisor = Supervisor::new(workers).command(program, arguments).listen_on(host, port).shutdown_timeout(timeout);
    if let Some(port) = redirect {
        supervisor = supervisor.redirect_http(port);
    }
    if let Some(requests) = max_requests {
        supervisor = supervisor.max_requests(requests);
    }
    if let Some(bytes) = max_rss {
        supervisor = supervisor.max_rss(bytes);
    }
    if let Some(configuration) = watch {
        supervisor = supervisor.watch(configuration);
    }
    if let Some((host, port, token)) = admin {
        supervisor = supervisor.admin(AdminConfig { host, port, token: token.map(Secret::new) });
    }
    py.detach(|| {
        let mut told = Ok(());
        let announce = |addresses: &[std::net::SocketAddr]| {
            let addresses: Vec<_> = addresses.iter().map(|address| (address.ip().to_string(), address.port())).collect();
            told = Python::attach(|py| listening.call1(py, (addresses,)).map(drop));
        };
        let ran = supervisor.run(announce).map_err(|error| PyRuntimeError::new_err(error.to_string()));
        ran.and(told)
    })
}
