//! The applications of Python behind one server: their routes, and the leaves that answer them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyList;
use spikard_core::config::{Loaded, ProgramRoute};
use spikard_core::grpc::policies;
use spikard_core::python::{Application, PythonLeaf as Built, PythonLeaves};
use spikard_core::routes::PathPattern;
use spikard_core::{BuildContext, BuildError, RouteConfig, ServerConfig, Service};

use crate::app::App;
use crate::config;
use crate::engine::Engine;
use crate::exchange::HookedLeaf;
use crate::grpc;
use crate::leaf::PythonLeaf;
use crate::route::PythonRoute;
use crate::websocket::WebSocketLeaf;

/// What the name of a leaf begins with. No name of a module does.
const LEAF: &str = "leaf ";

/// The routes of all applications on one event loop.
pub(crate) struct Applications {
    engine: Arc<Engine>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    routes: Vec<Arc<PythonRoute>>,
    /// The objects, for those who run their lifespans.
    objects: Vec<Py<PyAny>>,
}

impl Applications {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, state: Mutex::default() }
    }

    /// Adds an application: its `_plan.Route` objects and its hooks.
    pub(crate) fn add(&self, plans: &Bound<'_, PyList>, hooks: &Bound<'_, PyAny>) -> PyResult<Vec<ProgramRoute>> {
        let app = Arc::new(App::read(hooks)?);
        let mut routes = Vec::new();
        for plan in plans {
            let route = Arc::new(PythonRoute::read(&plan, &app)?);
            let own = route.grpc.map(|method| policies(method.gives_stream));
            let mut state = self.state();
            let leaf = format!("{LEAF}{}", state.routes.len());
            state.routes.push(route);
            drop(state);
            let mut route = config::route(&plan, leaf)?;
            route.policies.splice(..0, own);
            routes.push(route);
        }
        Ok(routes)
    }

    /// The applications that were found by name.
    pub(crate) fn objects(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.state().objects.iter().map(|object| object.clone_ref(py)).collect()
    }

    /// The object of that name, and what a file needs of it.
    fn find<'py>(&self, py: Python<'py>, name: &str) -> PyResult<(Bound<'py, PyAny>, Application)> {
        let found = py.import("spikard._program")?.getattr("mounted")?.call1((name,))?;
        let (object, plans, hooks, has_config) =
            found.extract::<(Bound<'_, PyAny>, Bound<'_, PyList>, Bound<'_, PyAny>, bool)>()?;
        let routes = self.add(&plans, &hooks)?;
        let mut state = self.state();
        if !state.objects.iter().any(|known| known.is(&object)) {
            state.objects.push(object.clone().unbind());
        }
        Ok((object, Application { routes, has_config }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PythonLeaves for Applications {
    fn application(&self, name: &str) -> Result<Option<Application>, String> {
        if name.starts_with(LEAF) {
            return Ok(None);
        }
        Python::attach(|py| self.find(py, name).map(|(_, found)| Some(found)).map_err(|error| said(py, &error)))
    }

    fn configured(&self, name: &str) -> Result<Loaded, String> {
        Python::attach(|py| {
            let found = self.find(py, name);
            let loaded = found.and_then(|(object, found)| config::load(&object.getattr("config")?, found.routes));
            loaded.map_err(|error| said(py, &error))
        })
    }

    fn leaf(&self, route: &RouteConfig, config: &ServerConfig, ctx: &BuildContext) -> Result<Built, BuildError> {
        let name = route.python.as_deref().unwrap_or_default();
        let number = name.strip_prefix(LEAF).and_then(|number| number.parse::<usize>().ok());
        let known = number.and_then(|number| self.state().routes.get(number).cloned());
        let Some(known) = known else {
            return Err(ctx.invalid("python", format!("`{name}` is not an application, expected `module:app`")));
        };
        let checked: HashSet<&str> = known.path_parameters().collect();
        let pattern = PathPattern::parse(&route.path).map_err(|message| ctx.invalid("path", message))?;
        let checks_path = pattern.names().all(|name| checked.contains(name));
        let (name, source) = (format!("python {}", known.title), Some(known.source.clone()));
        let description = known.description.clone();
        let (engine, limits) = (Arc::clone(&self.engine), config.limits.body);
        let service: Arc<dyn Service> = if let Some(method) = known.grpc {
            grpc::leaf(known, method, engine)
        } else if let Some(config) = known.websocket.clone() {
            Arc::new(WebSocketLeaf { route: known, engine, config })
        } else if known.driver.is_some() {
            Arc::new(HookedLeaf { route: known, engine, limits })
        } else {
            Arc::new(PythonLeaf { route: known, engine, limits })
        };
        Ok(Built { name, service, source, checks_path, description })
    }
}

/// What an exception says, in one line. A defect of the application is shown where it is.
fn said(py: Python<'_>, error: &PyErr) -> String {
    if !error.is_instance_of::<pyo3::exceptions::PyValueError>(py) {
        error.print(py);
    }
    error.value(py).to_string()
}
