//! `spikard plan`: what a reload would change, as people and programs read it.

use std::path::Path;

use spikard_tests::program::spikard;

const OLD: &str = r#"
rate_limit = { per_second = 1, burst = 10 }
jwt_auth = { secret = { file = "key" } }
upstreams.api.targets = ["http://127.0.0.1:9000"]
upstreams.same.targets = ["http://127.0.0.1:9000"]
[[routes]]
path = "/users/{id}"
methods = ["GET"]
upstream = "api"
rate_limit.burst = 20
[[routes]]
path = "/gone"
response.body = "x"
[[routes]]
path = "/same"
upstream = "same"
[[routes]]
path = "/"
response.body = "x"
"#;

const NEW: &str = r#"
port = 9000
rate_limit = { per_second = 1, burst = 11 }
trusted_proxies = ["10.0.0.0/8"]
jwt_auth = { secret = { file = "next" } }
limits = { uri = 100, body.json_depth = 5 }
upstreams.api.targets = ["http://127.0.0.1:9001"]
upstreams.same.targets = ["http://127.0.0.1:9000"]
[[routes]]
path = "/new"
response.body = "y"
[[routes]]
path = "/same"
upstream = "same"
[[routes]]
path = "/users/{id}"
methods = ["GET"]
upstream = "api"
rate_limit.burst = 30
compression = false
[[routes]]
path = "/"
response.body = "y"
"#;

const TEXT: &str = r#"+ /new  response                                                   new.toml:9
~ GET /users/{id}  upstream api                                    new.toml:15
    compression: on -> off                                         new.toml:20
    rate_limit.burst: 20 -> 30                                     new.toml:19
~ /  response                                                      new.toml:21
    response.body: "x" -> "y"                                      new.toml:23
- /gone  response                                                  old.toml:11
~ server
    trusted_proxies: [] -> ["10.0.0.0/8"]                          new.toml:4
    limits.body.json_depth: 128 -> 5                               new.toml:6
    rate_limit.burst: 10 -> 11 (3 routes)                          new.toml:3
    jwt_auth: a secret has changed (4 routes)
~ upstream api (1 route)
    targets: ["http://127.0.0.1:9000"] -> ["http://127.0.0.1:9001"]   new.toml:7
! needs a restart, which closes every connection
    port: 8000 -> 9000                                             new.toml:2
    limits.uri: 8192 -> 100                                        new.toml:6

1 route without a change of its own
a reload closes no client's connection; what is under way ends with the settings it began with
connections to `api` close when they have nothing to do
"#;

fn plan(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = spikard(["plan"]);
    let output = command.args(arguments).current_dir(folder).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn says_what_changes_what_stays_and_what_needs_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = |filler: &str| filler.repeat(40);
    for (name, text) in [("old.toml", OLD), ("new.toml", NEW), ("key", &key("a")), ("next", &key("b")), ("bad.toml", "prt = 1")] {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    assert_eq!(plan(folder.path(), &["old.toml", "new.toml"]), (Some(0), TEXT.to_owned(), String::new()));
    let nothing = "nothing changes: 4 routes as now\n".to_owned();
    assert_eq!(plan(folder.path(), &["old.toml", "old.toml"]), (Some(0), nothing, String::new()));

    let (code, json, _) = plan(folder.path(), &["old.toml", "new.toml", "--format", "json"]);
    let changes: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(code, Some(0));
    assert_eq!(changes["restart"][0], serde_json::json!({ "setting": "port", "old": 8000, "new": 9000, "origin": "new.toml:2" }));
    assert!(!json.contains("aaaa") && !json.contains("bbbb"), "{json}");

    let (code, _, report) = plan(folder.path(), &["old.toml", "bad.toml"]);
    assert_eq!(code, Some(1));
    assert!(report.contains("key `prt` is unknown"), "{report}");
}
