//! The program of a host that has Python in it: the same commands, and `run`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{Command, START, ServeArguments, parsed};
use crate::python::PythonLeaves;

/// What a host does in its own way. The other commands ask its [`PythonLeaves`] only.
pub trait Host: PythonLeaves {
    /// Serves a configuration until the process is told to stop. [`built`](super::built) reads it.
    fn serve(&self, arguments: &ServeArguments) -> ExitCode;

    /// Serves an application until the process is told to stop.
    fn run(&self, arguments: &RunArguments) -> ExitCode;
}

/// A gateway with one policy model: handlers in Python, compression, rate limits, authentication,
/// static files and proxying are typed settings of one file or one object.
#[derive(Debug, Parser)]
#[command(name = "spikard", version, arg_required_else_help = true, after_help = START)]
struct HostCli {
    #[command(subcommand)]
    command: HostCommand,
}

#[derive(Debug, Subcommand)]
enum HostCommand {
    /// Start a Python application
    ///
    /// Flags come before `SPIKARD_HOST` and `SPIKARD_PORT`, those before the configuration of the
    /// application.
    Run(RunArguments),
    #[command(flatten)]
    Other(Command),
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// The application: module:app, or a file such as app.py
    pub app: String,
    /// The address or host name to listen on
    #[arg(long, env = "SPIKARD_HOST")]
    pub host: Option<String>,
    /// The port to listen on; 0 lets the system choose
    #[arg(long, env = "SPIKARD_PORT")]
    pub port: Option<u16>,
    /// The number of processes
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Replace a process after so many requests
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_requests: Option<u64>,
    /// Replace a process that holds more bytes of memory
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_rss: Option<u64>,
    /// Start anew when a Python file changes
    #[arg(long)]
    pub reload: bool,
    /// The event loop
    #[arg(long = "loop", value_enum, default_value_t)]
    pub event_loop: EventLoop,
}

/// Which event loop runs the handlers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EventLoop {
    /// The one that shares its thread with the server, where the system has it.
    #[default]
    Auto,
    /// That of asyncio.
    Asyncio,
    /// That of uvloop, if it is installed.
    Uvloop,
}

impl EventLoop {
    /// The name, as it stands on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Asyncio => "asyncio",
            Self::Uvloop => "uvloop",
        }
    }
}

/// Runs the program of a host with its arguments, the program's name first.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>, host: &dyn Host) -> ExitCode {
    match parsed::<HostCli>(arguments) {
        Ok(HostCli { command: HostCommand::Run(arguments) }) => host.run(&arguments),
        Ok(HostCli { command: HostCommand::Other(command) }) => command.run::<HostCli>(host, &|arguments| host.serve(arguments)),
        Err(code) => code,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use spikard_middleware::{BuildContext, BuildError};

    use super::*;
    use crate::config::{Loaded, RouteConfig, ServerConfig};
    use crate::python::{Application, NoPython, PythonLeaf};

    /// Writes down what it is asked.
    #[derive(Default)]
    struct Diary(RefCell<Vec<String>>);

    impl PythonLeaves for Diary {
        fn application(&self, name: &str) -> Result<Option<Application>, String> {
            self.0.borrow_mut().push(format!("application {name}"));
            Ok(Some(Application::default()))
        }

        fn configured(&self, name: &str) -> Result<Loaded, String> {
            self.0.borrow_mut().push(format!("configured {name}"));
            NoPython.configured(name)
        }

        fn leaf(&self, route: &RouteConfig, config: &ServerConfig, ctx: &BuildContext) -> Result<PythonLeaf, BuildError> {
            NoPython.leaf(route, config, ctx)
        }
    }

    impl Host for Diary {
        fn serve(&self, arguments: &ServeArguments) -> ExitCode {
            self.0.borrow_mut().push(format!("serve {} {:?}", arguments.file.display(), arguments.port));
            ExitCode::SUCCESS
        }

        fn run(&self, arguments: &RunArguments) -> ExitCode {
            let RunArguments { app, workers, event_loop, .. } = arguments;
            self.0.borrow_mut().push(format!("run {app} {workers:?} {}", event_loop.name()));
            ExitCode::SUCCESS
        }
    }

    #[test]
    fn a_host_serves_and_runs_in_its_own_way_and_has_the_other_commands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("spikard.toml");
        std::fs::write(&file, "[[routes]]\npath = '/{*rest}'\npython = 'shop:app'").unwrap();
        let file = file.display().to_string();
        let diary = Diary::default();
        for arguments in [
            vec!["spikard", "run", "shop:app", "--workers", "2", "--loop", "uvloop"],
            vec!["spikard", "serve", &file, "--port", "1"],
            vec!["spikard", "check", &file],
            vec!["spikard", "openapi", "shop:app"],
        ] {
            run_with(arguments.into_iter().map(OsString::from), &diary);
        }
        let serve = format!("serve {file} Some(1)");
        let expected = ["run shop:app Some(2) uvloop", &serve, "application shop:app", "configured shop:app"];
        assert_eq!(*diary.0.borrow(), expected);
    }
}
