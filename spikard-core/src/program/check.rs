//! `check`: every problem of a file, those that only building the stack can find included.

use std::path::Path;
use std::process::ExitCode;

use super::{ReportFormat, failed, inspect, show};
use crate::config::{Loaded, Report, load, process_environment};
use crate::gateway::Gateway;

pub(super) fn run(file: &Path, format: ReportFormat) -> ExitCode {
    let (report, good) = match build(file) {
        Ok((_, _, warnings)) => (warnings, true),
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

/// The configuration and the gateway that it makes; problems and warnings go to standard error.
pub(super) fn built(file: &Path) -> Result<(Loaded, Gateway), ExitCode> {
    let (loaded, gateway, warnings) = build(file).map_err(|report| failed(&report))?;
    show(&warnings);
    Ok((loaded, gateway))
}

fn build(file: &Path) -> Result<(Loaded, Gateway, Report), Report> {
    let gateway = |loaded: &Loaded| Gateway::build_with(&loaded.config, &loaded.directory, Vec::new());
    let loaded = load(file, &process_environment).map_err(|report| report.and_of_the_rest(|rest| gateway(rest).map(drop)))?;
    let gateway = gateway(&loaded).map_err(|error| loaded.locate(error))?;
    let warnings = loaded.locate_warnings(gateway.warnings().to_vec());
    Ok((loaded, gateway, warnings))
}
