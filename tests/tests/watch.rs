//! `spikard serve --watch`: however files change, what they say is in force.

use std::os::unix::fs::symlink;
use std::path::Path;

use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::Raw;

fn config(body: &str) -> String {
    format!("[[routes]]\npath = '/'\nresponse.body = '{body}'\n")
}

fn watching(file: &Path) -> Program {
    let mut command = spikard(["serve", "--port", "0", "--watch"]);
    command.arg(file);
    Program::start(command).unwrap_or_else(|log| panic!("{log}"))
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("a file");
}

/// Puts another file, or link, in the place of one, at once.
fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).expect("another file");
}

async fn status(program: &Program, head: &str) -> (u16, String) {
    let mut client = Raw::connect(program.address).await;
    client.send(&format!("GET / HTTP/1.1\r\nHost: a\r\n{head}\r\n")).await;
    let answer = client.answer().await.expect("an answer");
    (answer.status, answer.text())
}

/// Waits until the program answers so.
async fn answers(program: &Program, head: &str, expected: (u16, &str)) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let (code, body) = status(program, head).await;
        if code == expected.0 && body.contains(expected.1) {
            return;
        }
        assert!(std::time::Instant::now() < end, "{code} {body}, expected {expected:?}: {}", program.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_or_renamed_over_is_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("spikard.toml");
    write(&file, &config("first"));
    let program = watching(&file);
    write(&file, &config("written"));
    answers(&program, "", (200, "written")).await;
    write(&folder.path().join("next"), &config("renamed"));
    rename(&folder.path().join("next"), &file);
    answers(&program, "", (200, "renamed")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_empty_for_a_while_or_wrong_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("spikard.toml");
    write(&file, &config("first"));
    let program = watching(&file);
    write(&file, "");
    write(&file, "prt = 1\n");
    assert!(program.logged(|line| line.contains("key `prt` is unknown")).is_some(), "{}", program.log());
    assert_eq!(status(&program, "").await, (200, "first".into()));
    std::fs::remove_file(&file).expect("a file");
    write(&file, &config("again"));
    answers(&program, "", (200, "again")).await;
    assert!(!program.log().contains("removed"), "it was empty, and never taken so: {}", program.log());
}

/// A volume of Kubernetes: the file is a link through `..data`, which is a link that is renamed over.
#[tokio::test(flavor = "multi_thread")]
async fn the_swap_of_a_config_map_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let version = |name: &str, body: &str| {
        std::fs::create_dir(at(name)).expect("a folder");
        write(&at(name).join("spikard.toml"), &config(body));
    };
    version("..1", "one");
    symlink("..1", at("..data")).expect("a link");
    symlink("..data/spikard.toml", at("spikard.toml")).expect("a link");
    let program = watching(&at("spikard.toml"));
    for (name, body) in [("..2", "two"), ("..3", "three")] {
        version(name, body);
        symlink(name, at("..data_tmp")).expect("a link");
        rename(&at("..data_tmp"), &at("..data"));
        answers(&program, "", (200, body)).await;
    }
    std::fs::remove_dir_all(at("..1")).expect("a folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_configuration_names_is_watched_and_one_that_is_missing_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (file, key, next) = (folder.path().join("spikard.toml"), elsewhere.path().join("key"), elsewhere.path().join("next"));
    let secured = |key: &Path| format!("api_key_auth.keys = [{{ file = '{}' }}]\n{}", key.display(), config("in"));
    write(&key, "the first key of all");
    write(&file, &secured(&key));
    let program = watching(&file);
    answers(&program, "X-API-Key: the first key of all\r\n", (200, "in")).await;
    write(&key, "the second key of all");
    answers(&program, "X-API-Key: the second key of all\r\n", (200, "in")).await;
    assert_eq!(status(&program, "X-API-Key: the first key of all\r\n").await.0, 401);

    write(&file, &secured(&next));
    assert!(program.logged(|line| line.contains("which cannot be read")).is_some(), "{}", program.log());
    write(&next, "the third key of all");
    answers(&program, "X-API-Key: the third key of all\r\n", (200, "in")).await;
    assert_eq!(program.log().matches("which cannot be read").count(), 1, "{}", program.log());
}
