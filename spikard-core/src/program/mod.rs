//! The `spikard` program: its commands, and what they print.
//!
//! The program lives in the library so that the Python package has the same one: [`run_with`]
//! gives it Python leaves, another way to serve, and the command `run`.

mod check;
mod explain;
mod host;
mod inspect;
mod keys;
mod man;
mod openapi;
mod plan;
mod serve;
mod test;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{Format, Report};
use crate::python::{NoPython, PythonLeaves};
use keys::KeysCommand;
use openapi::OpenApiArguments;
use test::TestArguments;

pub use check::built;
pub use host::{EventLoop, Host, RunArguments, run_with};
pub use man::man_pages;
pub use serve::{ServeArguments, banner, log};

const START: &str = r#"Start with a file such as

    [[routes]]
    path = "/"
    response = { body = "hello" }

and `spikard serve spikard.toml`. Paths in a file are relative to the file; "${NAME:-default}"
stands for an environment variable. All keys: `spikard schema`, or docs/configuration.md."#;

const EXPLAIN: &str = "Example: spikard explain spikard.toml GET http://api.example.com/users/7";

const PLAN: &str = "Example: git show HEAD:spikard.toml > old.toml; spikard plan old.toml spikard.toml";

const OPENAPI: &str = "Example: spikard openapi spikard.toml -o openapi.json, and in CI the same with --check openapi.json";

/// A gateway with one policy model: compression, rate limits, authentication, static files and
/// proxying are typed settings of one file.
#[derive(Debug, Parser)]
#[command(name = "spikard", version, arg_required_else_help = true, after_help = START)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    ///
    /// Address and port are taken from the flags, else from `SPIKARD_HOST` and `SPIKARD_PORT`, else
    /// from the file. SIGTERM or Ctrl-C ends it: requests in flight are finished within
    /// `shutdown_timeout`; a second signal ends at once. SIGHUP reads the file again: what is wrong
    /// changes nothing, what is right is in force from the next request on.
    Serve(ServeArguments),
    /// List every problem of a configuration; exit code 0 if there is none, 1 otherwise
    Check {
        /// The configuration
        file: PathBuf,
        /// `text` for people, `json` for programs: one object a line
        #[arg(long, value_enum, default_value_t)]
        format: ReportFormat,
    },
    /// Show what a reload would change: routes, policies, upstreams, and what needs a restart
    ///
    /// Both files are read and built as a server does. Exit code 1 if one of them is wrong.
    #[command(after_help = PLAN)]
    Plan {
        /// The configuration in force
        old: PathBuf,
        /// The next one
        new: PathBuf,
        /// `text` for people, `json` for programs: one object
        #[arg(long, value_enum, default_value_t)]
        format: ReportFormat,
    },
    /// Show which route answers a request, which do not and why, and the stack in front of it
    ///
    /// Every setting of the stack is shown with the file and line that it came from.
    #[command(after_help = EXPLAIN)]
    Explain {
        /// The configuration
        file: PathBuf,
        /// The method, such as GET
        method: String,
        /// The URL, or a path
        url: String,
        /// A header of the request, such as 'Host: api.example.com'
        #[arg(short = 'H', long = "header")]
        headers: Vec<String>,
    },
    /// Run the tests that stand in a configuration; exit code 0 if all pass, 1 otherwise
    ///
    /// Each request goes through the server and the whole stack, in this process. Upstreams are
    /// played: they answer what the test says, and what reaches them can be looked at.
    Test(TestArguments),
    /// List the routes
    Routes {
        /// The configuration
        file: PathBuf,
    },
    /// Write the description of the API as an OpenAPI document, without starting a server
    #[command(name = "openapi", after_help = OPENAPI)]
    OpenApi(OpenApiArguments),
    /// Make API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Write the JSON Schema of a configuration, for editors
    Schema,
    /// Write the effective configuration, secrets masked
    Print {
        /// The configuration
        file: PathBuf,
        /// The form
        #[arg(long, value_enum, default_value_t)]
        format: ConfigFormat,
    },
    /// Write the version
    Version,
    /// Write a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ReportFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ConfigFormat {
    #[default]
    Toml,
    Yaml,
    Json,
}

impl From<ConfigFormat> for Format {
    fn from(format: ConfigFormat) -> Self {
        match format {
            ConfigFormat::Toml => Self::Toml,
            ConfigFormat::Yaml => Self::Yaml,
            ConfigFormat::Json => Self::Json,
        }
    }
}

/// Runs the program with its arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parsed::<Cli>(arguments) {
        Ok(cli) => cli.command.run::<Cli>(&NoPython, &serve::run),
        Err(code) => code,
    }
}

/// The command line, or the exit code of the program where it was wrong or asked for help.
fn parsed<C: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<C, ExitCode> {
    C::try_parse_from(arguments).map_err(|error| {
        // Writing help to a closed pipe fails; there is nobody to tell.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

impl Command {
    /// Runs a command of the command line `C`.
    fn run<C: CommandFactory>(self, python: &dyn PythonLeaves, serve: &dyn Fn(&ServeArguments) -> ExitCode) -> ExitCode {
        match self {
            Self::Serve(arguments) => serve(&arguments),
            Self::Check { file, format } => check::run(&file, format, python),
            Self::Plan { old, new, format } => plan::run(&old, &new, format, python),
            Self::Explain { file, method, url, headers } => explain::run(&file, python, (&method, &url, &headers)),
            Self::Test(arguments) => test::run(&arguments, python),
            Self::Routes { file } => inspect::routes(&file, python),
            Self::OpenApi(arguments) => openapi::run(&arguments, python),
            Self::Keys(command) => keys::run(&command),
            Self::Schema => inspect::schema(),
            Self::Print { file, format } => inspect::print(&file, format.into(), python),
            Self::Version => inspect::write(concat!(env!("CARGO_PKG_VERSION"), "\n")),
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut C::command(), "spikard", &mut script);
                inspect::write(&String::from_utf8_lossy(&script))
            }
        }
    }
}

/// Shows a report on standard error.
fn failed(report: &Report) -> ExitCode {
    show(report);
    ExitCode::FAILURE
}

fn show(report: &Report) {
    if !report.diagnostics.is_empty() {
        eprintln!("{}", report.render(std::io::stderr().is_terminal()));
    }
}
