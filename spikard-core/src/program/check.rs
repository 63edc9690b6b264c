//! `check`: every problem of a file, those that only building the stack can find included.

use std::path::Path;
use std::process::ExitCode;

use super::{ReportFormat, failed, inspect, show};
use crate::config::{Loaded, Report, load, process_environment};
use crate::gateway::Gateway;
use crate::python::PythonLeaves;

/// A configuration, and what is built from it.
pub struct Built {
    /// The configuration as the file has it.
    pub written: Loaded,
    /// The same with the routes of the Python applications that it names.
    pub loaded: Loaded,
    /// All routes.
    pub gateway: Gateway,
}

pub(super) fn run(file: &Path, format: ReportFormat, python: &dyn PythonLeaves) -> ExitCode {
    let (report, good) = match build(file, python) {
        Ok((_, warnings)) => (warnings, true),
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
pub fn built(file: &Path, python: &dyn PythonLeaves) -> Result<Built, ExitCode> {
    let (built, warnings) = build(file, python).map_err(|report| failed(&report))?;
    show(&warnings);
    Ok(built)
}

/// Reads the application that `name` names, and builds what its configuration says.
///
/// # Errors
/// As those of [`built`].
pub(super) fn built_application(name: &str, python: &dyn PythonLeaves) -> Result<(Loaded, Gateway), ExitCode> {
    let loaded = python.configured(name).map_err(|message| {
        eprintln!("spikard: {message}");
        ExitCode::FAILURE
    })?;
    let loaded = loaded.mount(python, &process_environment).map_err(|report| failed(&report))?;
    let gateway = Gateway::build_loaded(&loaded, &loaded.context(), python).map_err(|error| failed(&loaded.locate(error)))?;
    show(&loaded.locate_warnings(gateway.warnings().to_vec()));
    Ok((loaded, gateway))
}

fn build(file: &Path, python: &dyn PythonLeaves) -> Result<(Built, Report), Report> {
    let gateway = |loaded: &Loaded| Gateway::build_loaded(loaded, &loaded.context(), python);
    let and_of_the_rest = |report: Report| report.and_of_the_rest(|rest| gateway(rest).map(drop));
    let written = load(file, &process_environment).map_err(and_of_the_rest)?;
    let loaded = written.mount(python, &process_environment).map_err(and_of_the_rest)?;
    let gateway = gateway(&loaded).map_err(|error| loaded.locate(error))?;
    let warnings = loaded.locate_warnings(gateway.warnings().to_vec());
    Ok((Built { written, loaded, gateway }, warnings))
}
