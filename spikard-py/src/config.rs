//! Configuration objects of Python as the tree that files become too. No key is known here.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use spikard_core::AdminConfig;
use spikard_core::config::tree::{Entry, Node, Table, Value};
use spikard_core::config::{Loaded, ProgramRoute, Report, add_routes, load_tree, process_environment};

/// Reads a `ServerConfig` and the routes of an app.
///
/// # Errors
/// `ValueError` with everything that is wrong, each line naming the attribute and the expectation.
pub(crate) fn load(config: &Bound<'_, PyAny>, routes: Vec<ProgramRoute>) -> PyResult<Loaded> {
    let mut tree = node(config)?;
    add_routes(&mut tree, routes);
    load_tree("ServerConfig", tree, "".as_ref(), &process_environment).map_err(|report| wrong(&report))
}

/// What a program must know of a `ServerConfig` before there is a server: host, port, the number of workers, the
/// seconds that requests in flight have at the end, the admin listener, the scheme of its URLs, and the port that is
/// redirected to them.
#[pyfunction]
pub(crate) fn launch_settings(config: &Bound<'_, PyAny>) -> PyResult<Launch> {
    let config = load(config, Vec::new())?.config;
    let patience = if config.graceful_shutdown { config.shutdown_timeout } else { Duration::ZERO };
    let (admin, scheme, redirect) = (config.admin.as_ref().map(admin), config.scheme(), config.redirect_http());
    Ok((config.host, config.port, config.workers, patience.as_secs_f64(), admin, scheme, redirect))
}

type Launch = (String, u16, u16, f64, Option<Admin>, &'static str, Option<u16>);

/// Host, port and token of the admin listener, for the supervisor of workers.
pub(crate) type Admin = (String, u16, Option<String>);

pub(crate) fn admin(config: &AdminConfig) -> Admin {
    (config.host.clone(), config.port, config.token.as_ref().map(|token| token.expose().to_owned()))
}

/// A report as an exception.
pub(crate) fn wrong(report: &Report) -> PyErr {
    PyValueError::new_err(report.lines())
}

/// A `_plan.Route` as an entry of the configuration, answered by `leaf`.
pub(crate) fn route(plan: &Bound<'_, PyAny>, leaf: String) -> PyResult<ProgramRoute> {
    let policies = plan.getattr("policies")?.try_iter()?.map(|layer| table(layer?.cast::<PyDict>()?));
    Ok(ProgramRoute {
        methods: plan.getattr("methods")?.extract()?,
        path: plan.getattr("path")?.extract()?,
        host: None,
        leaf,
        policies: policies.collect::<PyResult<_>>()?,
    })
}

fn node(object: &Bound<'_, PyAny>) -> PyResult<Node> {
    Ok(Node::new(value(object)?))
}

fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = object.cast::<PyBool>() {
        return Ok(Value::Bool(truth.is_true()));
    }
    if object.is_instance_of::<PyInt>() || object.is_instance_of::<PyFloat>() {
        return Ok(Value::Number(object.repr()?.extract()?));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::String(text.extract()?));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return Ok(Value::Sequence(object.try_iter()?.map(|item| node(&item?)).collect::<PyResult<_>>()?));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return table(dict).map(Value::Table);
    }
    let tree = intern!(object.py(), "_tree");
    if object.hasattr(tree)? {
        return table(object.call_method0(tree)?.cast::<PyDict>()?).map(|table| Value::Table(table.whole()));
    }
    if object.hasattr("__fspath__")? {
        return Ok(Value::String(object.call_method0("__fspath__")?.extract()?));
    }
    let kind = object.get_type();
    Err(PyTypeError::new_err(format!("a setting is of type {}, expected one of a configuration", kind.name()?)))
}

fn table(dict: &Bound<'_, PyDict>) -> PyResult<Table> {
    dict.iter()
        .map(|(key, value)| {
            let key = key.cast::<PyString>().map_err(|_| PyTypeError::new_err("a key of a setting is no str"))?;
            Ok(Entry::new(key.to_str()?, node(&value)?))
        })
        .collect()
}
