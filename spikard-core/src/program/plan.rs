//! `plan`: what a reload from one configuration to another would change, found by the very code that
//! reloads.

use std::path::Path;
use std::process::ExitCode;

use super::{ReportFormat, failed, inspect, show};
use crate::config::Report;
use crate::python::PythonLeaves;
use crate::reload::{Changes, Edition};

pub(super) fn run(old: &Path, new: &Path, format: ReportFormat, python: &dyn PythonLeaves) -> ExitCode {
    let (changes, warnings) = match plan(old, new, python) {
        Ok(found) => found,
        Err(report) => return failed(&report),
    };
    show(&warnings);
    match format {
        ReportFormat::Text => inspect::write(&changes.to_string()),
        ReportFormat::Json => match serde_json::to_string(&changes) {
            Ok(text) => inspect::write(&(text + "\n")),
            Err(error) => {
                eprintln!("spikard: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn plan(old: &Path, new: &Path, python: &dyn PythonLeaves) -> Result<(Changes, Report), Report> {
    let old = Edition::read(old, python)?;
    let new = old.next(new, python)?;
    Ok((Changes::between(&old, &new, &old.loaded.config), new.warnings))
}
