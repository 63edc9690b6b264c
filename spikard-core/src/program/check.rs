//! `check`: every problem of a file, those that only building the stack can find included.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::{ReportFormat, failed, inspect, show};
use crate::config::{Loaded, process_environment};
use crate::gateway::Gateway;
use crate::python::PythonLeaves;
use crate::reload::Edition;

pub(super) fn run(file: &Path, format: ReportFormat, python: &dyn PythonLeaves) -> ExitCode {
    let (report, good) = match Edition::read(file, python) {
        Ok(edition) => (edition.warnings, true),
        Err(report) => (report, false),
    };
    let written = match format {
        ReportFormat::Json if report.diagnostics.is_empty() => ExitCode::SUCCESS,
        ReportFormat::Json => inspect::write(&report.json_lines()),
        ReportFormat::Text => {
            show(&report);
            if good { inspect::write(&format!("{}: no errors\n", file.display())) } else { ExitCode::SUCCESS }
        }
    };
    if good { written } else { ExitCode::FAILURE }
}

/// Reads a configuration and builds what it says; problems and warnings go to standard error.
///
/// # Errors
/// When there are problems: the exit code of the program.
pub fn built(file: &Path, python: &dyn PythonLeaves) -> Result<Edition, ExitCode> {
    let edition = Edition::read(file, python).map_err(|report| failed(&report))?;
    show(&edition.warnings);
    Ok(edition)
}

/// Reads the application that `name` names, and builds what its configuration says.
///
/// # Errors
/// As those of [`built`].
pub(super) fn built_application(name: &str, python: &dyn PythonLeaves) -> Result<(Loaded, Arc<Gateway>), ExitCode> {
    let loaded = python.configured(name).map_err(|message| {
        eprintln!("spikard: {message}");
        ExitCode::FAILURE
    })?;
    let loaded = loaded.mount(python, &process_environment).map_err(|report| failed(&report))?;
    let gateway = Gateway::build_loaded(&loaded, &loaded.context(), python).map_err(|error| failed(&loaded.locate(error)))?;
    show(&loaded.locate_warnings(gateway.warnings().to_vec()));
    Ok((loaded, Arc::new(gateway)))
}
