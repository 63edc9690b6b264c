//! The program `spikard` with Python in it: the commands of the core, and what serves applications.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use spikard_core::config::{Loaded, load, process_environment};
use spikard_core::program::{self, Host, RunArguments, ServeArguments, banner, built, run_with};
use spikard_core::python::{Application, PythonLeaf, PythonLeaves};
use spikard_core::{BuildContext, BuildError, RouteConfig, ServerConfig};

use crate::applications::Applications;
use crate::config;
use crate::document::Idle;

/// Runs the program with its arguments, the program's name first. The exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    let idle = Idle::new(py)?;
    let host = Program { applications: Applications::new(Arc::clone(&idle.engine)), arguments: arguments.clone() };
    let code = py.detach(|| run_with(arguments, &host));
    idle.close()?;
    Ok((0..=u8::MAX).find(|number| ExitCode::from(*number) == code).unwrap_or(1))
}

struct Program {
    applications: Applications,
    arguments: Vec<OsString>,
}

impl PythonLeaves for Program {
    fn application(&self, name: &str) -> Result<Option<Application>, String> {
        self.applications.application(name)
    }

    fn configured(&self, name: &str) -> Result<Loaded, String> {
        self.applications.configured(name)
    }

    fn leaf(&self, route: &RouteConfig, config: &ServerConfig, ctx: &BuildContext) -> Result<PythonLeaf, BuildError> {
        self.applications.leaf(route, config, ctx)
    }
}

impl Host for Program {
    fn serve(&self, arguments: &ServeArguments) -> ExitCode {
        let names_none = |loaded: Loaded| loaded.config.routes.iter().all(|route| route.python.is_none());
        if load(&arguments.file, &process_environment).is_ok_and(names_none) {
            // Without Python the server has all cores to itself.
            return program::run(self.arguments.clone());
        }
        let mut built = match built(&arguments.file, self) {
            Ok(built) => built,
            Err(code) => return code,
        };
        arguments.apply(&mut built.loaded.config);
        let config = built.loaded.config;
        let (scheme, redirect) = (config.scheme(), config.redirect_http());
        ended(Python::attach(|py| {
            let given = PyDict::new(py);
            given.set_item("file", &arguments.file)?;
            given.set_item("host", config.host)?;
            given.set_item("port", config.port)?;
            given.set_item("workers", config.workers)?;
            given.set_item("shutdown_timeout", config.shutdown_timeout.as_secs_f64())?;
            given.set_item("scheme", scheme)?;
            given.set_item("redirect", redirect)?;
            given.set_item("watch", arguments.watch)?;
            given.set_item("admin", config.admin.as_ref().map(config::admin))?;
            given.set_item("banner", banner(&arguments.file, &built.gateway))?;
            py.import("spikard._server")?.getattr("run_file")?.call((), Some(&given)).map(drop)
        }))
    }

    fn run(&self, arguments: &RunArguments) -> ExitCode {
        ended(Python::attach(|py| {
            let given = PyDict::new(py);
            given.set_item("host", &arguments.host)?;
            given.set_item("port", arguments.port)?;
            given.set_item("workers", arguments.workers)?;
            given.set_item("max_requests", arguments.max_requests)?;
            given.set_item("max_rss", arguments.max_rss)?;
            given.set_item("reload", arguments.reload)?;
            given.set_item("loop", arguments.event_loop.name())?;
            py.import("spikard._program")?.getattr("run")?.call((&arguments.app,), Some(&given)).map(drop)
        }))
    }
}

/// How the program ends after code of Python.
fn ended(outcome: PyResult<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    Python::attach(|py| {
        if let Ok(Some(code)) = error.value(py).getattr("code").and_then(|code| code.extract::<Option<u8>>()) {
            return ExitCode::from(code);
        }
        error.print(py);
        ExitCode::FAILURE
    })
}
