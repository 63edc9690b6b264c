//! `spikard test`: what it prints, what it exits with, and that upstreams are played or asked.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use spikard_tests::program::{Program, spikard};

const CONFIG: &str = r#"
[upstreams.hello]
targets = ["http://ADDRESS"]
http2 = HTTP2

[[routes]]
path = "/{*rest}"
upstream = "hello"

[[tests]]
name = "says hello"
request = { url = "http://a.example/hello" }
expect = { status = 200, body = "hello*" }

[[tests]]
name = "asks for the path"
request = { url = "/a//b?c", method = "POST", body = "x" }
expect.received = { upstream = "hello", method = "POST", path = "/a//b?c", body = "x", headers = { x-forwarded-host = "localhost" }, absent_headers = ["connection"] }

[[tests]]
name = "refuses what no upstream may see"
request = { url = "/a%2Fb" }
expect = { status = 400, upstream_calls = 0 }
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(address: &str, http2: bool) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        let text = CONFIG.replace("ADDRESS", address).replace("HTTP2", &http2.to_string());
        std::fs::write(folder.file(), text).expect("a file");
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("spikard.toml")
    }

    fn test(&self, arguments: &[&str]) -> Output {
        spikard(["test"]).arg(self.file()).args(arguments).output().expect("the program runs")
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn verdicts(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn a_played_upstream_is_told_what_the_real_one_would_be() {
    for http2 in [false, true] {
        let output = Folder::with("192.0.2.1:9", http2).test(&["--format", "json"]);
        let verdicts = verdicts(&output);
        let passed: Vec<bool> = verdicts.iter().filter_map(|verdict| verdict["passed"].as_bool()).collect();
        // The first one wants what only the real upstream says.
        assert_eq!(passed, [false, true, true], "{verdicts:#?}");
        assert_eq!(output.status.code(), Some(1));
        let difference = &verdicts[0]["differences"][0];
        assert_eq!(difference["at"], "body");
        let got = difference["got"].as_str().unwrap_or_default();
        assert!(got.contains("hello") && got.contains("a.example"), "{got}");
        assert_eq!(verdicts[0]["route"], "/{*rest}");
        assert!(verdicts[0]["place"].as_str().is_some_and(|place| place.ends_with("spikard.toml:10")), "{verdicts:#?}");
    }
}

#[test]
fn a_live_upstream_answers_itself_and_what_it_got_is_not_seen() {
    let upstream = Program::serving("[[routes]]\npath = '/hello'\nresponse = { body = 'hello from far away' }");
    let folder = Folder::with(&upstream.address.to_string(), false);
    let output = folder.test(&["--live", "hello"]);
    assert_eq!(text(&output), "ok    says hello\n1 test, 0 failed\n");
    assert_eq!(output.status.code(), Some(0));
    let output = folder.test(&["--live", "asks"]);
    assert!(text(&output).contains("not looked at, since upstreams are live: received"), "{}", text(&output));
}

#[test]
fn a_name_that_no_test_has_is_no_success() {
    let output = Folder::with("192.0.2.1:9", false).test(&["nothing of that kind"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no such test"));
}
