//! `test`: the tests that stand in a configuration.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{ReportFormat, check, failed, inspect};
use crate::config::Loaded;
use crate::python::PythonLeaves;
use crate::suite::{Suite, SuiteError, Upstreams, Verdict};

/// Arguments of `test`.
#[derive(Debug, Clone, Args)]
pub(super) struct TestArguments {
    /// The configuration
    file: PathBuf,
    /// Run only tests with this in their name
    #[arg(value_name = "NAME")]
    filter: Option<String>,
    /// Ask the real upstreams
    #[arg(long)]
    live: bool,
    /// `text` for people, `json` for programs: one object a line
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

pub(super) fn run(arguments: &TestArguments, python: &dyn PythonLeaves) -> ExitCode {
    let loaded = match check::built(&arguments.file, python) {
        Ok(built) => built.loaded,
        Err(code) => return code,
    };
    if let Some(route) = loaded.config.routes.iter().find(|route| route.python.is_some()) {
        eprintln!(
            "spikard: the route {} is answered by Python, expected none: test it with `spikard.testing.TestClient`",
            route.path
        );
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("spikard: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(report(arguments, &loaded, python))
}

async fn report(arguments: &TestArguments, loaded: &Loaded, python: &dyn PythonLeaves) -> ExitCode {
    let upstreams = if arguments.live { Upstreams::Live } else { Upstreams::StandIn };
    let suite = match Suite::of(loaded, python, upstreams).await {
        Ok(suite) => suite,
        Err(SuiteError::Build(error)) => return failed(&loaded.locate(error)),
        Err(error) => {
            eprintln!("spikard: {error}");
            return ExitCode::FAILURE;
        }
    };
    let is_chosen = |name: &str| arguments.filter.as_deref().is_none_or(|filter| name.contains(filter));
    let chosen: Vec<usize> = suite.names().enumerate().filter_map(|(number, name)| is_chosen(name).then_some(number)).collect();
    let mut failures = 0;
    for number in &chosen {
        let verdict = suite.run(*number).await;
        failures += usize::from(!verdict.is_passed());
        let shown = match arguments.format {
            ReportFormat::Text => text(&verdict, loaded, &arguments.file.display().to_string()),
            ReportFormat::Json => line(&verdict, loaded),
        };
        // A closed standard output is no reason to pass.
        let _ = inspect::write(&shown);
    }
    if matches!(arguments.format, ReportFormat::Text) {
        let noun = if chosen.len() == 1 { "test" } else { "tests" };
        let _ = inspect::write(&format!("{} {noun}, {failures} failed\n", chosen.len()));
    }
    if chosen.is_empty() {
        eprintln!("spikard: there is no such test, expected at least one entry of `tests`");
        return ExitCode::FAILURE;
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A verdict for people.
fn text(verdict: &Verdict, loaded: &Loaded, file: &str) -> String {
    let unseen = match &verdict.unseen[..] {
        [] => String::new(),
        unseen => format!(" (not looked at, since upstreams are live: {})", unseen.join(", ")),
    };
    if verdict.is_passed() {
        return format!("ok    {}{unseen}\n", verdict.name);
    }
    let at = |place| loaded.origin_of(place).map_or_else(String::new, |origin| format!(" ({origin})"));
    let mut text = format!("FAIL  {}{}{unseen}\n", verdict.name, at(&verdict.place));
    for difference in &verdict.differences {
        let _ = writeln!(text, "      {difference}");
    }
    let (method, url) = verdict.asked.split_once(' ').unwrap_or_default();
    let route = verdict.route.as_ref().map_or_else(|| "no route".into(), |(path, place)| format!("route {path}{}", at(place)));
    let _ = writeln!(text, "      {route}; `spikard explain {file} {method} {url}` says more");
    text
}

/// A verdict for programs.
fn line(verdict: &Verdict, loaded: &Loaded) -> String {
    let differences = verdict
        .differences
        .iter()
        .map(|difference| json!({ "at": difference.at, "expected": difference.expected, "got": difference.got }));
    let object = json!({
        "name": verdict.name,
        "passed": verdict.is_passed(),
        "place": loaded.origin_of(&verdict.place),
        "request": verdict.asked,
        "route": verdict.route.as_ref().map(|(path, _)| path),
        "differences": differences.collect::<Vec<_>>(),
        "unseen": verdict.unseen,
    });
    format!("{object}\n")
}
