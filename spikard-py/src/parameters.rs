//! Parameters of handlers: what is to be read of a request, and what Python makes of it.

use pyo3::prelude::*;
use pyo3::types::PyString;
use spikard_core::validation::{ParameterSpec, Parameters, Source};

use crate::json;

/// What Python adds to the values of parameters: conversions, and defaults for absent ones.
pub(crate) struct Defaults(Vec<Default>);

struct Default {
    convert: Option<Py<PyAny>>,
    factory: Option<Py<PyAny>>,
    value: Py<PyAny>,
}

impl Defaults {
    /// Reads `_plan.Parameter` objects.
    pub(crate) fn read(plans: &Bound<'_, PyAny>) -> PyResult<Self> {
        let some = |value: Bound<'_, PyAny>| (!value.is_none()).then(|| value.unbind());
        plans
            .try_iter()?
            .map(|plan| {
                let plan = plan?;
                Ok(Default {
                    convert: some(plan.getattr("convert")?),
                    factory: some(plan.getattr("default_factory")?),
                    value: plan.getattr("default")?.unbind(),
                })
            })
            .collect::<PyResult<_>>()
            .map(Self)
    }

    /// The argument that a value stands for.
    pub(crate) fn convert<'py>(&self, py: Python<'py>, number: usize, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match &self.0[number].convert {
            Some(convert) => convert.bind(py).call1((value,)),
            None => Ok(value),
        }
    }

    /// The argument for an absent value.
    pub(crate) fn default<'py>(&self, py: Python<'py>, number: usize) -> PyResult<Bound<'py, PyAny>> {
        let default = &self.0[number];
        match &default.factory {
            Some(factory) => factory.bind(py).call0(),
            None => Ok(default.value.bind(py).clone()),
        }
    }
}

/// What the server reads and checks: the part of the plans that needs no Python.
pub(crate) fn compile(plans: &Bound<'_, PyAny>) -> PyResult<Parameters> {
    let specs = plans.try_iter()?.map(|plan| spec(&plan?)).collect::<PyResult<Vec<_>>>()?;
    Parameters::compile(specs).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}

fn spec(plan: &Bound<'_, PyAny>) -> PyResult<ParameterSpec> {
    let source = plan.getattr("source")?.cast_into::<PyString>()?;
    let source = match source.to_str()? {
        "path" => Source::Path,
        "query" => Source::Query,
        "header" => Source::Header,
        _ => Source::Cookie,
    };
    Ok(ParameterSpec {
        key: plan.getattr("key")?.extract()?,
        source,
        schema: json::of(&plan.getattr("schema")?)?,
        required: plan.getattr("required")?.extract()?,
        separator: plan.getattr("separator")?.extract()?,
    })
}
