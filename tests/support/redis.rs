//! Redis as users have it: a server of its own for a test, which can be killed, stopped and started
//! again; with TLS, or several of them as a cluster.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a test waits for what must come. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server; it is killed when it is dropped.
pub struct Redis {
    /// Where it listens.
    pub port: u16,
    /// What holds its files.
    pub folder: TempDir,
    /// What `redis-cli` is told, to reach it.
    access: Vec<String>,
    settings: Vec<String>,
    child: Child,
}

impl Redis {
    /// Starts a server with settings as on its command line: `["--requirepass", "hidden"]`.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_in(TempDir::new().expect("a folder"), settings, &[])
    }

    /// The same with a folder that holds files of its, and with what `redis-cli` needs.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_in(folder: TempDir, settings: &[&str], access: &[&str]) -> Self {
        let port = free_port();
        let port_setting = if settings.contains(&"--tls-cert-file") { "--tls-port" } else { "--port" };
        let mut all = vec![port_setting.to_owned(), port.to_string()];
        if port_setting == "--tls-port" {
            all.extend(["--port", "0"].map(str::to_owned));
        }
        all.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(str::to_owned));
        all.extend(settings.iter().map(|&setting| setting.to_owned()));
        let child = spawn(&folder, &all);
        let mut access: Vec<_> = access.iter().map(|&argument| argument.to_owned()).collect();
        access.extend(["-p".to_owned(), port.to_string()]);
        let redis = Self { port, folder, access, settings: all, child };
        redis.wait();
        redis
    }

    /// Three servers that share all keys.
    ///
    /// # Panics
    /// When they do not find together.
    pub fn cluster() -> [Self; 3] {
        let nodes = [0; 3].map(|_| {
            let bus = free_port().to_string();
            (Self::start(&["--cluster-enabled", "yes", "--cluster-port", &bus]), bus)
        });
        let slots = ["0 5460", "5461 10922", "10923 16383"];
        for ((node, bus), slots) in nodes.iter().zip(slots) {
            node.say(&format!("cluster addslotsrange {slots}"));
            nodes[0].0.say(&format!("cluster meet 127.0.0.1 {} {bus}", node.port));
        }
        let nodes = nodes.map(|(node, _)| node);
        until("the cluster is there", || {
            let knows_all = |node: &Self| node.say("cluster info").contains("cluster_state:ok");
            nodes.iter().all(|node| knows_all(node) && node.say("cluster nodes").matches("master").count() == 3)
        });
        nodes
    }

    /// The URL with this scheme, user and password.
    pub fn url(&self, before_host: &str) -> String {
        format!("{before_host}127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` prints for a command.
    ///
    /// # Panics
    /// When it cannot be run.
    pub fn say(&self, command: &str) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(&self.access).args(command.split(' ')).current_dir(self.folder.path());
        let output = cli.output().unwrap_or_else(|error| panic!("redis-cli: {error}"));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Sends a signal: `STOP` lets it stand still, `CONT` go on.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Kills it.
    ///
    /// # Panics
    /// When it does not end.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts it again after it was killed, on the same port; it knows nothing any more.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.folder, &self.settings);
        self.wait();
    }

    fn wait(&self) {
        until("redis-server answers", || {
            let answer = self.say("ping");
            answer == "PONG" || answer.starts_with("NOAUTH")
        });
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &TempDir, settings: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(settings).current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("redis-server: {error}; tests/install.sh installs it"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
    listener.local_addr().unwrap_or_else(|error| panic!("{error}")).port()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}
