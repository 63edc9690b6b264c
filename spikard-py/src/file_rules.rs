//! `file_params`: what the files of a route's form may be.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use spikard_core::handler::FileRules;

use crate::json;

/// Reads the table of a route; without one, files may be anything.
pub(crate) fn read(table: &Bound<'_, PyAny>) -> PyResult<FileRules> {
    if table.is_none() {
        return Ok(FileRules::default());
    }
    FileRules::read(&json::of(table)?).map_err(|error| PyValueError::new_err(format!("file_params: {error}")))
}

/// Raises `ValueError` for a table that cannot be.
#[pyfunction]
pub(crate) fn check_file_params(table: &Bound<'_, PyAny>) -> PyResult<()> {
    read(table).map(drop)
}
