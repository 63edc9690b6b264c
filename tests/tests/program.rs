//! What the program says: its commands, their output and their exit codes.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::process::Signal;
use spikard_tests::program::{Program, run, spikard};
use tempfile::TempDir;

const CONFIG: &str = r#"
[compression]
quality = 4

[jwt_auth]
secret = "a secret that must not be shown, ever"

[upstreams.app]
targets = ["http://127.0.0.1:9000"]

[[routes]]
path = "/users/{id}"
methods = ["GET", "DELETE"]
upstream = "app"

[[routes]]
path = "/users/me"
response = { body = "me" }
compression = { min_size = 10 }

[[routes]]
path = "/{*rest}"
host = "*.example.com"
redirect = { to = "/" }
jwt_auth = false
"#;

struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        std::fs::write(folder.file(), text).expect("a file");
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("spikard.toml")
    }

    /// Runs a command in the folder, so that files are shown by their names.
    fn run(&self, arguments: &[&str]) -> Output {
        spikard(arguments).current_dir(self.0.path()).output().expect("the program runs")
    }

    /// What a command writes that succeeds.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn check_says_that_a_good_file_has_no_errors() {
    let output = Folder::with(CONFIG).run(&["check", "spikard.toml"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "spikard.toml: no errors\n"));
    assert_eq!(stderr(&output), "");
}

#[test]
fn check_lists_every_problem_with_its_place() {
    let folder =
        Folder::with("[compression]\nqualty = 4\nmin_size = \"much\"\n\n[[routes]]\npath = \"/a\"\nupstream = \"nobody\"\n");
    let output = folder.run(&["check", "spikard.toml"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
    let said = stderr(&output);
    for part in ["spikard.toml:2:1", "did you mean `quality`", "spikard.toml:3:12", "\"much\""] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }

    let output = folder.run(&["check", "spikard.toml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<serde_json::Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<_> =
        lines.iter().map(|line| (line["file"].as_str(), line["line"].as_u64(), line["column"].as_u64())).collect();
    assert!(places.contains(&(Some("spikard.toml"), Some(2), Some(1))), "{lines:?}");
    assert!(places.contains(&(Some("spikard.toml"), Some(3), Some(12))), "{lines:?}");
}

#[test]
fn every_command_that_takes_a_file_refuses_a_bad_one_with_1() {
    let folder = Folder::with("nonsense = 1\n");
    for arguments in [&["check"][..], &["serve"], &["routes"], &["print"], &["explain"], &["openapi"]] {
        let request: &[&str] = if arguments == ["explain"] { &["GET", "/"] } else { &[] };
        for file in ["spikard.toml", "missing.toml"] {
            let output = folder.run(&[arguments, &[file], request].concat());
            assert_eq!(output.status.code(), Some(1), "{arguments:?} {file}");
            assert!(stderr(&output).contains(file), "{arguments:?} says {}", stderr(&output));
        }
    }
}

#[test]
fn a_command_line_that_is_none_is_2_and_shows_the_usage() {
    for arguments in [&[][..], &["serv"], &["check"], &["serve", "a.toml", "--port", "x"], &["serve", "a.toml", "--prt", "1"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains("Usage:") || said.contains("--help"), "{said}");
    }
    let output = Folder::with(CONFIG).run(&["explain", "spikard.toml", "GET", "http://["]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn routes_lists_methods_path_leaf_and_whether_it_asks_for_credentials() {
    assert_eq!(
        Folder::with(CONFIG).said(&["routes", "spikard.toml"]),
        "GET,DELETE  /users/{id}            upstream app  credentials\n\
         any         /users/me              response      credentials\n\
         any         *.example.com/{*rest}  redirect /\n"
    );
}

#[test]
fn explain_names_the_route_the_losers_and_where_each_setting_comes_from() {
    let folder = Folder::with(CONFIG);
    let said = folder.said(&["explain", "spikard.toml", "GET", "http://a.example.com/users/me"]);
    assert!(said.starts_with("route    *.example.com/{*rest} (spikard.toml:21)\nleaf     redirect /\n"), "{said}");
    assert!(said.contains("{rest} = users/me"), "{said}");
    assert!(said.contains("/users/me (spikard.toml:16) is less specific"), "{said}");
    assert!(!said.contains("authentication"), "{said}");

    let said = folder.said(&["explain", "spikard.toml", "GET", "/users/me"]);
    assert!(said.starts_with("route    /users/me (spikard.toml:16)\n"), "{said}");
    let origin = |setting: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(setting));
        line.and_then(|line| line.split_whitespace().last()).unwrap_or_else(|| panic!("no {setting} in\n{said}")).to_owned()
    };
    assert_eq!(origin("min_size"), "spikard.toml:19");
    assert_eq!(origin("quality"), "spikard.toml:3");
    assert_eq!(origin("gzip"), "default");
    assert_eq!(origin("jwt_auth.secret"), "spikard.toml:6");

    let said = folder.said(&["explain", "spikard.toml", "PUT", "/users/7"]);
    assert!(said.starts_with("no route answers PUT here: 405, Allow: "), "{said}");
    let said = folder.said(&["explain", "spikard.toml", "GET", "/x", "-H", "Host: b.example.com"]);
    assert!(said.starts_with("route    *.example.com/{*rest}"), "{said}");
}

#[test]
fn no_command_shows_a_secret() {
    let folder = Folder::with(CONFIG);
    let secret = "must not be shown";
    for arguments in [
        &["print", "spikard.toml"][..],
        &["print", "spikard.toml", "--format", "yaml"],
        &["print", "spikard.toml", "--format", "json"],
        &["explain", "spikard.toml", "GET", "/users/me"],
    ] {
        let said = folder.said(arguments);
        assert!(said.contains("****") && !said.contains(secret), "{arguments:?} says {said}");
    }
    let bad = Folder::with(&CONFIG.replace("secret =", "secrt ="));
    for format in ["text", "json"] {
        let output = bad.run(&["check", "spikard.toml", "--format", format]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!stderr(&output).contains(secret), "{}", stderr(&output));
        assert!(!stdout(&output).contains(secret), "{}", stdout(&output));
    }
}

#[test]
fn what_print_writes_is_a_configuration_that_prints_the_same() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config-examples/policies");
    let secrets = ["jwt_auth", "api_key_auth", "api_key_auth_consumers", "require"];
    let mut printed = 0;
    for entry in std::fs::read_dir(examples).unwrap().flatten() {
        let path = entry.path();
        // Masked secrets are no secrets; directories are relative to the file.
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|ending| ending != "toml") || secrets.contains(&&*name) || name == "static_files" {
            continue;
        }
        let expected = stdout(&run(&["print", path.to_str().unwrap(), "--format", "json"]));
        for format in ["toml", "yaml", "json"] {
            let folder = TempDir::new().unwrap();
            let copy = folder.path().join(format!("copy.{format}"));
            std::fs::write(&copy, run(&["print", path.to_str().unwrap(), "--format", format]).stdout).unwrap();
            let again = run(&["print", copy.to_str().unwrap(), "--format", "json"]);
            assert_eq!(stdout(&again), expected, "{name} as {format}: {}", stderr(&again));
        }
        printed += 1;
    }
    assert!(printed > 8, "only {printed} examples");
}

#[test]
fn schema_is_the_file_for_editors() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config-examples/spikard.schema.json");
    assert_eq!(stdout(&run(&["schema"])), std::fs::read_to_string(file).unwrap());
}

#[test]
fn openapi_writes_the_document_that_is_served_and_compares_it_with_a_file() {
    let folder = Folder::with(CONFIG);
    let document: serde_json::Value = serde_json::from_str(&folder.said(&["openapi", "spikard.toml"])).unwrap();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/users/me"]);
    assert_eq!(document["paths"]["/users/me"]["get"]["security"], serde_json::json!([{ "jwt_auth": [] }]));

    for file in ["openapi.json", "openapi.yaml"] {
        assert_eq!(folder.said(&["openapi", "spikard.toml", "-o", file]), "");
        assert_eq!(folder.said(&["openapi", "spikard.toml", "--check", file]), "");
    }
    assert_eq!(std::fs::read_to_string(folder.0.path().join("openapi.json")).unwrap(), folder.said(&["openapi", "spikard.toml"]));
    std::fs::write(folder.file(), CONFIG.replace("\"me\" }", "\"you\" }")).unwrap();
    for file in ["openapi.json", "openapi.yaml", "missing.json"] {
        let output = folder.run(&["openapi", "spikard.toml", "--check", file]);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
        assert!(stderr(&output).starts_with(&format!("spikard: {file}: ")), "{}", stderr(&output));
    }
    let output = folder.run(&["openapi", "shop:app"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("expected to be run by the Python package"), "{}", stderr(&output));
}

#[test]
fn version_is_that_of_the_package() {
    assert_eq!(stdout(&run(&["version"])), concat!(env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(stdout(&run(&["--version"])), concat!("spikard ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn help_teaches() {
    let help = stdout(&run(&["--help"]));
    for part in [
        "serve",
        "check",
        "explain",
        "routes",
        "openapi",
        "schema",
        "print",
        "version",
        "completions",
        "[[routes]]",
        "${NAME:-default}",
    ] {
        assert!(help.contains(part), "{part} is missing in\n{help}");
    }
    let serve = stdout(&run(&["serve", "--help"]));
    for part in ["SPIKARD_HOST", "SPIKARD_PORT", "SIGTERM", "shutdown_timeout"] {
        assert!(serve.contains(part), "{part} is missing in\n{serve}");
    }
}

#[test]
fn completions_exist_for_the_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&run(&["completions", shell]));
        assert!(script.contains("spikard") && script.contains("explain"), "{shell}");
    }
}

/// The port that a server with these arguments and environment listens on, and its banner.
fn listening(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> (Program, String) {
    let mut command = spikard(["serve", "spikard.toml"]);
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder.0.path());
    let program = Program::start(command).unwrap_or_else(|log| panic!("{log}"));
    let banner = program.log();
    (program, banner)
}

/// Some port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_flag_stands_above_the_environment_and_that_above_the_file() {
    let [file, environment, flag] = [(); 3].map(|()| free_port());
    let folder = Folder::with(&format!("port = {file}\n{CONFIG}"));
    let (flag_text, environment_text) = (flag.to_string(), environment.to_string());
    let variable = [("SPIKARD_PORT", environment_text.as_str())];
    for (arguments, variables, expected) in
        [(&[][..], &[][..], file), (&[], &variable, environment), (&["--port", &flag_text], &variable, flag)]
    {
        let (program, _) = listening(&folder, arguments, variables);
        assert_eq!(program.address.port(), expected, "{arguments:?} {variables:?}");
    }
    let (program, _) = listening(&folder, &["--port", "0", "--host", "127.0.0.2"], &[("SPIKARD_HOST", "127.0.0.3")]);
    assert_eq!(program.address.ip().to_string(), "127.0.0.2");
    let (program, _) = listening(&folder, &["--port", "0"], &[("SPIKARD_HOST", "127.0.0.3")]);
    assert_eq!(program.address.ip().to_string(), "127.0.0.3");
}

#[test]
fn the_banner_says_what_listens_where_and_what_is_public() {
    let folder = Folder::with(CONFIG);
    let (mut program, _) = listening(&folder, &["--port", "0"], &[]);
    let public = program.logged(|line| line.contains("public")).unwrap_or_else(|| panic!("{}", program.log()));
    assert!(public.contains("*.example.com/{*rest}"), "{public}");
    assert!(!public.contains("/users"), "{public}");
    assert!(program.logged(|line| line.contains("3 routes from spikard.toml")).is_some());
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn the_banner_names_a_public_page_once_whatever_files_it_is_made_of() {
    let config = format!("{CONFIG}\n[openapi]\nenabled = true\njwt_auth = false\n");
    let (program, _) = listening(&Folder::with(&config), &["--port", "0"], &[]);
    let public = program.logged(|line| line.contains("public")).unwrap_or_else(|| panic!("{}", program.log()));
    let pages = "GET /openapi.json, GET /openapi.yaml, GET /docs, GET /redoc";
    assert!(public.trim_end().ends_with(pages), "{public}");
}

#[test]
fn an_address_that_is_taken_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Folder::with(CONFIG).run(&["serve", "spikard.toml", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("127.0.0.1:{port}")), "{}", stderr(&output));
}

#[test]
fn strict_makes_warnings_errors() {
    let weak = CONFIG.replace("a secret that must not be shown, ever", "short");
    let output = Folder::with(&weak).run(&["check", "spikard.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("warning") && stderr(&output).contains("32"), "{}", stderr(&output));
    let output = Folder::with(&format!("strict = true\n{weak}")).run(&["check", "spikard.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}
