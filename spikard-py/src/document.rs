//! The description of an application, made without a server.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;
use spikard_core::Gateway;
use spikard_core::config::process_environment;
use tokio::runtime::Runtime;

use crate::applications::Applications;
use crate::config;
use crate::engine::{Engine, Transport};
use crate::json;
use crate::log;
use crate::queue::Queue;

/// An engine whose loop never runs: its leaves answer nothing.
pub(crate) struct Idle<'py> {
    pub(crate) engine: Arc<Engine>,
    event_loop: Bound<'py, PyAny>,
    _runtime: Runtime,
}

impl<'py> Idle<'py> {
    pub(crate) fn new(py: Python<'py>) -> PyResult<Self> {
        let event_loop = py.import("asyncio")?.call_method0("new_event_loop")?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let engine = Engine::new(&event_loop, Transport::Queue(Queue::new()?), runtime.handle().clone())?;
        Ok(Self { engine, event_loop, _runtime: runtime })
    }

    pub(crate) fn close(self) -> PyResult<()> {
        self.event_loop.call_method0("close").map(drop)
    }
}

/// The OpenAPI document of the routes `routes` (`_plan.Route`) behind the policies of `config`.
///
/// # Errors
/// `ValueError` for what would keep a server from starting.
#[pyfunction]
pub(crate) fn document<'py>(
    py: Python<'py>,
    routes: &Bound<'py, PyList>,
    hooks: &Bound<'py, PyAny>,
    config: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    log::begin();
    let idle = Idle::new(py)?;
    let written = written(&Applications::new(Arc::clone(&idle.engine)), routes, hooks, config);
    idle.close()?;
    written
}

fn written<'py>(
    applications: &Applications,
    routes: &Bound<'py, PyList>,
    hooks: &Bound<'py, PyAny>,
    config: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let loaded = config::load(config, applications.add(routes, hooks)?)?;
    let loaded = loaded.mount(applications, &process_environment).map_err(|report| config::wrong(&report))?;
    let gateway =
        Gateway::build_loaded(&loaded, &loaded.context(), applications).map_err(|error| config::wrong(&loaded.locate(error)))?;
    let written = gateway.describe(&loaded.config.openapi.unwrap_or_default());
    for remark in &written.remarks {
        tracing::warn!("API description: {remark}");
    }
    json::value(routes.py(), &written.value)
}
