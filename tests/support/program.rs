//! The program `spikard` as a user has it: started with a file, ended with a signal.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a test waits for what must come. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command of the program, without the settings that this environment may have.
///
/// # Panics
/// When the test runs outside of cargo's folders.
pub fn spikard(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    command("spikard-under-test", arguments)
}

/// A command of a program that is built with the tests.
///
/// # Panics
/// When the test runs outside of cargo's folders.
pub fn command(binary_name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(binary(binary_name));
    command.args(arguments).env_remove("SPIKARD_HOST").env_remove("SPIKARD_PORT").env_remove("RUST_LOG");
    command
}

/// What the program says to these arguments.
///
/// # Panics
/// When it cannot be run.
pub fn run(arguments: &[&str]) -> Output {
    spikard(arguments).output().unwrap_or_else(|error| panic!("spikard {arguments:?}: {error}"))
}

/// Cargo builds the binaries of a package before its tests, and puts tests one folder further down.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap_or_else(|| panic!("{} has no folder", test.display()));
    folder.join(name)
}

/// A server that was started by `spikard serve`; it is killed when it is dropped.
pub struct Program {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    log: Arc<Log>,
    /// Where the configuration lies, if this wrote it.
    folder: Option<TempDir>,
}

impl Program {
    /// Starts a server with this configuration, in TOML, in a folder of its own.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn serving(config: &str) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("{error}"));
        let file = folder.path().join("spikard.toml");
        std::fs::write(&file, config).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut command = spikard(["serve"]);
        command.arg(file).args(["--port", "0"]);
        let mut program = Self::start(command).unwrap_or_else(|log| panic!("{log}"));
        program.folder = Some(folder);
        program
    }

    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead; the error holds all that it wrote.
    ///
    /// # Panics
    /// When the program cannot be run.
    pub fn start(mut command: Command) -> Result<Self, String> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{}: {error}", command.get_program().display());
            });
        let log = Arc::new(Log::default());
        log.follow(child.stdout.take());
        log.follow(child.stderr.take());
        let listening = log.wait_for(|line| address(line).is_some(), PATIENCE);
        let Some(address) = listening.as_deref().and_then(address) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(log.text());
        };
        Ok(Self { address, child, log, folder: None })
    }

    /// A file of the process in proc(5).
    pub fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(name)
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|error| panic!("{error}; the log says: {}", self.log()));
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the program does not end; the log says: {}", self.log());
    }

    /// All that it wrote so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits for a line that it writes; none if the line does not come.
    pub fn logged(&self, fits: impl Fn(&str) -> bool) -> Option<String> {
        self.log.wait_for(fits, PATIENCE)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in a line of the banner.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on ")?.1.split_once("://")?;
    rest.split(|character: char| character.is_whitespace() || character == '/').next()?.parse().ok()
}

/// What the program writes, line by line.
#[derive(Default)]
struct Log {
    written: Mutex<Written>,
    more: Condvar,
}

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    open: usize,
}

impl Log {
    fn follow(self: &Arc<Self>, pipe: Option<impl Read + Send + 'static>) {
        let Some(pipe) = pipe else { return };
        self.written.lock().unwrap_or_else(PoisonError::into_inner).open += 1;
        let log = Arc::clone(self);
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                log.change(|written| written.lines.push(text));
                line.clear();
            }
            log.change(|written| written.open -= 1);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner));
        self.more.notify_all();
    }

    /// The first line that fits, once it is there; none when the program has ended without it.
    fn wait_for(&self, fits: impl Fn(&str) -> bool, patience: Duration) -> Option<String> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let lacks = |written: &mut Written| written.open > 0 && !written.lines.iter().any(|line| fits(line));
        let (written, _) = self.more.wait_timeout_while(written, patience, lacks).unwrap_or_else(PoisonError::into_inner);
        written.lines.iter().find(|line| fits(line)).cloned()
    }

    fn text(&self) -> String {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).lines.join("\n")
    }
}
