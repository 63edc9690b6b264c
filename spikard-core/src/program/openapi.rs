//! `openapi`: the document that the server would serve, written or compared.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{check, inspect};
use crate::config::Format;
use crate::description::{DocumentFormat, text};
use crate::python::PythonLeaves;

/// Arguments of `openapi`.
#[derive(Debug, Clone, Args)]
pub(super) struct OpenApiArguments {
    /// The configuration, or an application of Python: module:app, or a file such as app.py
    source: String,
    /// Write to this file, as YAML if its name ends in .yaml or .yml
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write nothing; exit code 1 if this file is not what would be written
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    check: Option<PathBuf>,
}

pub(super) fn run(arguments: &OpenApiArguments, python: &dyn PythonLeaves) -> ExitCode {
    let OpenApiArguments { source, output, check: compared } = arguments;
    let file = Path::new(source);
    let built = match Format::of(file) {
        Some(_) => check::built(file, python).map(|built| (built.loaded, built.gateway)),
        None => check::built_application(source, python),
    };
    let (loaded, gateway) = match built {
        Ok(built) => built,
        Err(code) => return code,
    };
    let written = gateway.describe(&loaded.config.openapi.unwrap_or_default());
    for remark in &written.remarks {
        eprintln!("spikard: {remark}");
    }
    let form = |path: &Path| match Format::of(path) {
        Some(Format::Yaml) => DocumentFormat::Yaml,
        _ => DocumentFormat::Json,
    };
    match (output, compared) {
        (Some(path), _) => ended(path, std::fs::write(path, text(&written.value, form(path)))),
        (None, Some(path)) => {
            let expected = text(&written.value, form(path));
            ended(path, std::fs::read_to_string(path).and_then(|there| same(&there, &expected, source, path)))
        }
        (None, None) => inspect::write(&text(&written.value, DocumentFormat::Json)),
    }
}

fn same(there: &str, expected: &str, source: &str, path: &Path) -> std::io::Result<()> {
    if there == expected {
        return Ok(());
    }
    let lines = there.lines().zip(expected.lines()).take_while(|(one, other)| one == other).count();
    let message = format!(
        "line {} is not that of the description of {source}, which `spikard openapi {source} -o {}` writes",
        lines + 1,
        path.display()
    );
    Err(std::io::Error::other(message))
}

fn ended(path: &Path, outcome: std::io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spikard: {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
