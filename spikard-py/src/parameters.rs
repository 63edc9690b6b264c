//! Parameters of handlers: what is to be read of a request, and what Python makes of it.

use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};
use spikard_core::validation::{Parameter, ParameterSpec, Parameters, Source};

use crate::body::Refused;
use crate::json;

/// What Python adds to the values of parameters: conversions, and defaults for absent ones.
pub(crate) struct Defaults(Vec<Default>);

struct Default {
    convert: Option<Py<PyAny>>,
    factory: Option<Py<PyAny>>,
    value: Py<PyAny>,
    /// Where the value stands, for errors.
    place: [String; 2],
}

/// All `_plan.Parameter` objects of a signature: its own, then those of its groups.
pub(crate) fn plans<'py>(signature: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut plans: Vec<_> = signature.getattr("parameters")?.try_iter()?.collect::<PyResult<_>>()?;
    for group in signature.getattr("groups")?.try_iter()? {
        for plan in group?.getattr("parameters")?.try_iter()? {
            plans.push(plan?);
        }
    }
    Ok(plans)
}

impl Defaults {
    /// Reads `_plan.Parameter` objects.
    pub(crate) fn read(plans: &[Bound<'_, PyAny>]) -> PyResult<Self> {
        let read = |plan: &Bound<'_, PyAny>| {
            let source: String = plan.getattr("source")?.extract()?;
            Ok(Default {
                convert: plan.getattr("convert")?.extract()?,
                factory: plan.getattr("default_factory")?.extract()?,
                value: plan.getattr("default")?.unbind(),
                place: [if source == "header" { "headers".to_owned() } else { source }, plan.getattr("key")?.extract()?],
            })
        };
        plans.iter().map(read).collect::<PyResult<_>>().map(Self)
    }

    /// The argument that a value stands for.
    pub(crate) fn argument<'py>(
        &self,
        py: Python<'py>,
        number: usize,
        value: Parameter<'static>,
    ) -> Result<Bound<'py, PyAny>, Refused> {
        let value = object(py, value)?;
        let Default { convert, place: [source, key], .. } = &self.0[number];
        match convert {
            Some(convert) => {
                convert.bind(py).call1((&value,)).map_err(|error| Refused::said(py, error, &[source, key], Some(&value)))
            }
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

    /// Whether an absent value has a default that is not `None`.
    pub(crate) fn has_default(&self, py: Python<'_>, number: usize) -> bool {
        self.0[number].factory.is_some() || !self.0[number].value.is_none(py)
    }

    /// Where a value stands in a request.
    pub(crate) fn source(&self, number: usize) -> &str {
        &self.0[number].place[0]
    }
}

/// What the server reads and checks: the part of the plans that needs no Python.
pub(crate) fn compile(plans: &[Bound<'_, PyAny>]) -> PyResult<Parameters> {
    let specs = plans.iter().map(spec).collect::<PyResult<Vec<_>>>()?;
    Parameters::compile(specs).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}

/// The value of a parameter as Python has it.
fn object<'py>(py: Python<'py>, value: Parameter<'static>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Parameter::Text(text) => text.into_pyobject(py)?.into_any(),
        Parameter::Integer(value) => value.into_pyobject(py)?.into_any(),
        Parameter::Number(value) => value.into_pyobject(py)?.into_any(),
        Parameter::Boolean(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Parameter::Large(digits) => py.get_type::<PyInt>().call1((&*digits,))?,
        Parameter::Json(value) => json::value(py, &value)?,
    })
}

/// The keys of the parameters of the path.
pub(crate) fn of_path(plans: &[Bound<'_, PyAny>]) -> PyResult<Vec<String>> {
    let specs = plans.iter().map(spec).collect::<PyResult<Vec<_>>>()?;
    Ok(specs.into_iter().filter(|spec| spec.source == Source::Path).map(|spec| spec.key).collect())
}

/// What the server reads for a `_plan.Parameter`.
pub(crate) fn spec(plan: &Bound<'_, PyAny>) -> PyResult<ParameterSpec> {
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
        form: None,
    })
}
