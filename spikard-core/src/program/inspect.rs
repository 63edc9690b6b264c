//! `routes`, `schema`, `print`: what a configuration comes to.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use super::check;
use crate::config::{Format, schema_document};
use crate::gateway::Route;
use crate::python::PythonLeaves;

/// One line a route: methods, host and path, leaf, and whether it asks for credentials.
pub(super) fn routes(file: &Path, python: &dyn PythonLeaves) -> ExitCode {
    let gateway = match check::built(file, python) {
        Ok(built) => built.gateway,
        Err(code) => return code,
    };
    let rows: Vec<[String; 4]> = gateway.routes().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [methods, path, leaf, access] in &rows {
        let line = format!("{methods:0$}  {path:1$}  {leaf:2$}  {access}", widths[0], widths[1], widths[2]);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    write(&text)
}

fn row(route: &Route) -> [String; 4] {
    let methods: Vec<&str> = route.key().methods.iter().map(http::Method::as_str).collect();
    let methods = if methods.is_empty() { "any".to_owned() } else { methods.join(",") };
    let host = match &route.key().host {
        crate::routes::HostPattern::Any => String::new(),
        host => host.to_string(),
    };
    let access = if route.is_public() { "" } else { "credentials" };
    [methods, format!("{host}{}", route.key().path), route.leaf().to_owned(), access.to_owned()]
}

/// The published schema.
pub(super) fn schema() -> ExitCode {
    write(&schema_document())
}

/// The effective configuration.
pub(super) fn print(file: &Path, format: Format, python: &dyn PythonLeaves) -> ExitCode {
    let loaded = match check::built(file, python) {
        Ok(built) => built.written,
        Err(code) => return code,
    };
    match loaded.print(format) {
        Ok(text) => write(&text),
        Err(message) => {
            eprintln!("spikard: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output. A reader that has gone (`| head`) is not an error.
pub(super) fn write(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("spikard: standard output: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
