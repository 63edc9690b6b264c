//! What a program with Python in it brings: what `python = "..."` of a route names.
//!
//! This crate knows nothing of Python but this border. Without it such a route is an error.

use std::sync::Arc;

use spikard_middleware::{BuildContext, BuildError, Service};
use spikard_openapi::Describe;

use crate::config::{Loaded, ProgramRoute, RouteConfig, ServerConfig};

/// The Python of a program.
pub trait PythonLeaves {
    /// The application that a route of the configuration names, `module:app`; none if the name is
    /// that of a leaf.
    ///
    /// # Errors
    /// When there is no such application: what was named and what was found.
    fn application(&self, name: &str) -> Result<Option<Application>, String>;

    /// The configuration of an application, `module:app`, with its routes.
    ///
    /// # Errors
    /// When there is no such application, or its configuration is wrong: all that is.
    fn configured(&self, name: &str) -> Result<Loaded, String>;

    /// The leaf of a route that a program made. `config` is the whole that the route is a part of.
    ///
    /// # Errors
    /// When there is no such leaf, or it cannot be built.
    fn leaf(&self, route: &RouteConfig, config: &ServerConfig, ctx: &BuildContext) -> Result<PythonLeaf, BuildError>;
}

/// A leaf in Python.
pub struct PythonLeaf {
    /// What it is called in `routes` and `explain`.
    pub name: String,
    /// What answers.
    pub service: Arc<dyn Service>,
    /// Where it is written, for errors about its route: `shop.users, shop.py:12`.
    pub source: Option<String>,
    /// Whether it checks all parameters of its path, so that it can list everything about a
    /// request that does not fit. If not, their converters are checked in front of it.
    pub checks_path: bool,
    /// What it says of itself in the description of the API.
    pub description: Option<Arc<dyn Describe>>,
}

/// An application that a route of the configuration names.
#[derive(Debug, Clone, Default)]
pub struct Application {
    /// Its routes. Their paths stand below that of the route that names it, and their policies lie
    /// over its.
    pub routes: Vec<ProgramRoute>,
    /// Whether it has a configuration of its own, which does not count.
    pub has_config: bool,
}

/// A program without Python.
#[derive(Debug, Clone, Copy)]
pub struct NoPython;

const NO_PYTHON: &str = "this program has no Python in it, expected to be run by the Python package `spikard`";

impl PythonLeaves for NoPython {
    fn application(&self, _: &str) -> Result<Option<Application>, String> {
        Err(NO_PYTHON.into())
    }

    fn configured(&self, name: &str) -> Result<Loaded, String> {
        Err(format!("{name} is no configuration, expected a name that ends in .toml, .yaml, .yml or .json: {NO_PYTHON}"))
    }

    fn leaf(&self, _: &RouteConfig, _: &ServerConfig, ctx: &BuildContext) -> Result<PythonLeaf, BuildError> {
        Err(ctx.invalid("python", NO_PYTHON))
    }
}
