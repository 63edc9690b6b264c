//! One page while it is run: its folder, its environment and its servers.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use spikard_core::Gateway;
use spikard_core::config::{Format, load_text};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use super::{Block, blocks, commands, fits, upstream};
use crate::program::{Program, spikard};
use crate::running::Running;

/// How long a file may take to hold what is expected. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);
/// What pages call the port of the server, and that of the upstream.
const PORTS: [&str; 2] = [":8000", ":9000"];
/// What pages call the port of the admin listener.
const ADMIN: &str = "9901";

struct Page {
    folder: TempDir,
    runtime: Runtime,
    environment: BTreeMap<String, String>,
    /// The name of the nearest configuration.
    config: String,
    program: Option<Program>,
    upstream: Option<Running>,
    failures: Vec<(usize, String)>,
    /// The real port for [`ADMIN`].
    admin: String,
}

/// Runs a page; what is not as it says comes with its line.
pub(super) fn run(text: &str) -> Result<Vec<(usize, String)>, String> {
    let mut page = Page::new().map_err(|error| error.to_string())?;
    if text.contains("--example upstream") {
        page.upstream = Some(page.runtime.block_on(upstream::start())?);
    }
    let mut report = None;
    for block in blocks(text) {
        match block.kind.as_str() {
            "toml" => page.good(&block, Format::Toml, "spikard.toml")?,
            "yaml" => page.good(&block, Format::Yaml, "spikard.yaml")?,
            "json" => page.good(&block, Format::Json, "spikard.json")?,
            "toml,error" => report = Some(page.bad(&block)?),
            "text" => {
                if let Some(report) = report.take() {
                    page.compare(block.line, "spikard check", block.text.trim_end() == report.trim_end(), &block.text, &report);
                }
            }
            "console" => page.console(&block)?,
            kind => page.file(kind, &block.text)?,
        }
    }
    Ok(page.failures)
}

impl Page {
    fn new() -> std::io::Result<Self> {
        let folder = TempDir::new()?;
        std::os::unix::fs::symlink(spikard([""; 0]).get_program(), folder.path().join("spikard"))?;
        std::fs::write(folder.path().join(".curlrc"), "silent\nshow-error\n")?;
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
        let home = folder.path().display().to_string();
        let environment = [("PATH", path), ("CURL_HOME", home), ("LC_ALL", "C".into())];
        Ok(Self {
            folder,
            runtime: runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
            config: String::new(),
            program: None,
            upstream: None,
            failures: Vec::new(),
            admin: std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string(),
        })
    }

    /// A configuration that is in order.
    fn good(&mut self, block: &Block, format: Format, name: &str) -> Result<(), String> {
        let text = self.with_ports(&block.text);
        self.write(name, &text)?;
        let report = self.report(name, &text, format);
        if !report.is_empty() {
            self.failures.push((block.line, report));
        }
        Ok(())
    }

    /// A configuration with a mistake, and what is said about it.
    fn bad(&mut self, block: &Block) -> Result<String, String> {
        self.write("spikard.toml", &block.text)?;
        let report = self.report("spikard.toml", &block.text, Format::Toml);
        if report.is_empty() {
            self.failures.push((block.line, "this loads and builds, expected a mistake".into()));
        }
        Ok(report)
    }

    /// A file beside the configuration: the block is called ```` ```yaml,users.yaml ````.
    fn file(&self, kind: &str, text: &str) -> Result<(), String> {
        let Some((_, name)) = kind.split_once(',').filter(|(_, name)| name.contains('.')) else { return Ok(()) };
        std::fs::write(self.folder.path().join(name), text).map_err(|error| format!("{name}: {error}"))
    }

    fn write(&mut self, name: &str, text: &str) -> Result<(), String> {
        self.program = None;
        name.clone_into(&mut self.config);
        std::fs::write(self.folder.path().join(name), text).map_err(|error| format!("{name}: {error}"))
    }

    /// What `check` says.
    fn report(&self, name: &str, text: &str, format: Format) -> String {
        let environment = |name: &str| self.environment.get(name).cloned();
        let loaded = match load_text(name, text, format, self.folder.path(), &environment) {
            Ok(loaded) => loaded,
            Err(report) => return report.render(false),
        };
        let _runtime = self.runtime.enter();
        match Gateway::build_with(&loaded.config, self.folder.path(), Vec::new()) {
            Ok(gateway) => loaded.locate_warnings(gateway.warnings().to_vec()).render(false),
            Err(error) => loaded.locate(error).render(false),
        }
    }

    fn console(&mut self, block: &Block) -> Result<(), String> {
        for (command, shown) in commands(&block.text) {
            if let Some((name, value)) = command.strip_prefix("export ").and_then(|setting| setting.split_once('=')) {
                self.environment.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            } else if command.starts_with("spikard serve") {
                let banner = self.serve(&command, shown.trim_end().lines().last())?;
                self.compare(block.line, &command, shown.is_empty() || fits(&shown, &banner), &shown, &banner);
            } else if !command.starts_with("cargo run") {
                if command.contains("curl ") && self.program.is_none() {
                    self.serve(&format!("spikard serve {}", self.config), None)?;
                }
                let printed = self.printed(&command, &shown)?;
                self.compare(block.line, &command, fits(&shown, &printed), &shown, &printed);
            }
        }
        Ok(())
    }

    /// Starts the server, and gives what it has printed when the line `last` is there.
    fn serve(&mut self, command: &str, last: Option<&str>) -> Result<String, String> {
        self.program = None;
        let mut shell = self.shell(&format!("exec {command} --port 0"));
        shell.env_remove("SPIKARD_HOST").env_remove("SPIKARD_PORT").env_remove("RUST_LOG");
        let program = Program::start(shell).map_err(|log| format!("the program does not start:\n{log}"))?;
        if let Some(last) = last {
            program.logged(|line| fits(last, line));
        }
        let log = program.log();
        self.program = Some(program);
        Ok(self.without_ports(&log))
    }

    /// What a command prints. What shows a file is tried until the file is as it shall be.
    fn printed(&self, command: &str, shown: &str) -> Result<String, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let output = self.shell(&format!("{{ {}\n}} 2>&1", self.with_ports(command))).stdin(Stdio::null()).output();
            let output = output.map_err(|error| format!("{command}: {error}"))?;
            let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
            let text: Vec<&str> = text.lines().map(str::trim_end).collect();
            let text = self.without_ports(&text.join("\n"));
            if fits(shown, &text) || !command.starts_with("cat ") || Instant::now() > end {
                return Ok(text);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.folder.path()).envs(&self.environment);
        shell
    }

    /// The real ports, for [`PORTS`].
    fn ports(&self) -> [Option<String>; 2] {
        let server = self.program.as_ref().map(|program| program.address);
        let upstream = self.upstream.as_ref().map(|upstream| upstream.address);
        [server, upstream].map(|address| address.map(|address| format!(":{}", address.port())))
    }

    fn with_ports(&self, text: &str) -> String {
        let pairs = PORTS.into_iter().zip(self.ports());
        let text = text.replace(ADMIN, &self.admin);
        pairs.fold(text, |text, (shown, real)| real.map_or(text.clone(), |real| text.replace(shown, &real)))
    }

    fn without_ports(&self, text: &str) -> String {
        let pairs = PORTS.into_iter().zip(self.ports());
        let text = text.replace(&self.admin, ADMIN);
        pairs.fold(text, |text, (shown, real)| real.map_or(text.clone(), |real| text.replace(&real, shown)))
    }

    fn compare(&mut self, line: usize, command: &str, fits: bool, shown: &str, printed: &str) {
        if !fits {
            self.failures.push((line, format!("$ {command}\nprints\n{printed}\nexpected\n{shown}")));
        }
    }
}
