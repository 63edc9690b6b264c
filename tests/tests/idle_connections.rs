//! What 10,000 idle connections cost the program, each of which has been used once.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use spikard_tests::program::Program;

const CONNECTIONS: usize = 10_000;
const EACH: usize = 6 * 1024;
const CONFIG: &str = "
limits.connections = 10100
limits.idle_timeout = '10m'

[[routes]]
path = '/'
response = { body = 'hello' }
";

/// The memory of a process that is not shared with a file, in bytes (proc(5), `RssAnon`).
fn resident(program: &Program) -> usize {
    let path = program.proc("status");
    let status = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

fn used(program: &Program) -> TcpStream {
    let mut stream = TcpStream::connect(program.address).unwrap_or_else(|error| panic!("{error}; {}", program.log()));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
    assert!(stream.read(&mut [0; 1024]).expect("it answers") > 0);
    stream
}

#[test]
fn each_of_10_000_costs_at_most_6_kb() {
    // The program inherits this limit. Both ends of the connections are on this machine.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).expect("up to the hard limit");
    assert!(most.is_none_or(|most| most > 10_200), "the hard limit of descriptors is {most:?}, expected 10200 or more");
    let program = Program::serving(CONFIG);

    let _warm: Vec<TcpStream> = (0..50).map(|_| used(&program)).collect();
    let before = resident(&program);
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| used(&program)).collect();
    let each = resident(&program).saturating_sub(before) / CONNECTIONS;
    assert!(each <= EACH, "{each} bytes each");

    let last = clients.last_mut().expect("10,000 of them");
    last.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is still open");
    assert!(last.read(&mut [0; 1024]).expect("it answers") > 0);
}
