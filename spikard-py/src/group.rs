//! Arguments made of several values of a request: models for query, headers or cookies.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use spikard_core::validation::Parameter;

use crate::body::Refused;
use crate::parameters::Defaults;

/// One such argument: `_plan.Group`.
pub(crate) struct Group {
    /// The keyword of the function; without one the values are checked, and that is all.
    pub(crate) name: Option<String>,
    /// The number of its first value among all that are read.
    first: usize,
    /// The names of its values.
    names: Vec<Py<PyString>>,
    /// Where its values stand in a request, for errors.
    place: Option<String>,
    make: Option<Py<PyAny>>,
    optional: bool,
    default: Py<PyAny>,
    factory: Option<Py<PyAny>>,
}

impl Group {
    /// Reads a `_plan.Group` whose values come after `first` others.
    pub(crate) fn read(plan: &Bound<'_, PyAny>, first: usize, defaults: &Defaults) -> PyResult<Self> {
        let names: Vec<Py<PyString>> = plan
            .getattr("parameters")?
            .try_iter()?
            .map(|value| Ok(value?.getattr("name")?.extract()?))
            .collect::<PyResult<_>>()?;
        Ok(Self {
            name: plan.getattr("name")?.extract()?,
            first,
            place: (!names.is_empty()).then(|| defaults.source(first).to_owned()),
            names,
            make: plan.getattr("make")?.extract()?,
            optional: plan.getattr("optional")?.extract()?,
            default: plan.getattr("default")?.unbind(),
            factory: plan.getattr("default_factory")?.extract()?,
        })
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Puts the values that the request has, and the defaults of others, into `values`.
    pub(crate) fn fill(
        &self,
        values: &Bound<'_, PyDict>,
        defaults: &Defaults,
        read: &mut [Option<Parameter<'static>>],
    ) -> Result<(), Refused> {
        let py = values.py();
        for (number, name) in (self.first..).zip(&self.names) {
            match read[number].take() {
                Some(value) => values.set_item(name, defaults.argument(py, number, value)?)?,
                None if defaults.has_default(py, number) => values.set_item(name, defaults.default(py, number)?)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The argument.
    pub(crate) fn argument<'py>(
        &self,
        py: Python<'py>,
        defaults: &Defaults,
        read: &mut [Option<Parameter<'static>>],
    ) -> Result<Bound<'py, PyAny>, Refused> {
        let values = PyDict::new(py);
        self.fill(&values, defaults, read)?;
        if values.is_empty() && self.optional {
            return Ok(match &self.factory {
                Some(factory) => factory.bind(py).call0()?,
                None => self.default.bind(py).clone(),
            });
        }
        let Some(make) = &self.make else { return Ok(values.into_any()) };
        let place: Vec<&str> = self.place.iter().map(String::as_str).collect();
        make.bind(py).call1((&values,)).map_err(|error| Refused::said(py, error, &place, None))
    }
}
