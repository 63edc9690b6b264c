//! `spikard keys new`: what it shows, what it writes, and that a running server takes it.

use std::process::Output;
use std::time::Duration;

use spikard_tests::program::{Program, spikard};
use spikard_tests::raw::Raw;
use tempfile::TempDir;

/// How long a test waits for what must come. No test measures time by it.
const PATIENCE: Duration = Duration::from_secs(20);

fn keys(folder: &TempDir, arguments: &[&str]) -> Output {
    let output = spikard(["keys", "new"]).args(arguments).current_dir(folder.path()).output();
    output.unwrap_or_else(|error| panic!("{error}"))
}

/// The key that a command writes, and what it says of it.
fn new(folder: &TempDir, arguments: &[&str]) -> (String, String) {
    let output = keys(folder, arguments);
    let [key, said] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{said}");
    (key.trim_end().to_owned(), said)
}

async fn status(program: &Program, key: &str) -> u16 {
    let mut client = Raw::connect(program.address).await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: a\r\nx-api-key: {key}\r\n\r\n")).await;
    client.answer().await.map_or(0, |answer| answer.status)
}

/// Waits until a key is answered with `expected`.
async fn comes_to(program: &Program, key: &str, expected: u16) {
    let look = async {
        while status(program, key).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("never {expected}; the log says: {}", program.log()));
}

#[tokio::test]
async fn a_running_server_takes_a_new_key_and_forgets_one_that_is_gone() {
    let folder = TempDir::new().expect("a folder");
    let (first, said) = new(&folder, &["mobile", "--file", "consumers.json"]);
    assert!(first.starts_with("spikard_") && said.contains("mobile has 1 key"), "{said}");
    let file = folder.path().join("consumers.json");
    assert!(!std::fs::read_to_string(&file).expect("a file").contains(&first), "the file holds the digest only");

    let config = format!("[api_key_auth]\nconsumers_file = {file:?}\n[[routes]]\npath = \"/\"\nresponse = {{ body = \"ok\" }}\n");
    let program = Program::serving(&config);
    assert_eq!(status(&program, &first).await, 200);

    let (second, said) = new(&folder, &["mobile", "--file", "consumers.json", "--expires", "90d"]);
    assert!(first != second && said.contains("mobile has 2 keys"), "{said}");
    comes_to(&program, &second, 200).await;
    assert_eq!(status(&program, &first).await, 200);

    std::fs::write(&file, "{").expect("a broken file");
    assert!(program.logged(|line| line.contains("is no table of consumers") && line.contains("2 keys at hand")).is_some());
    assert_eq!(status(&program, &second).await, 200);
    std::fs::write(&file, "{}").expect("an empty file");
    comes_to(&program, &second, 401).await;
}

#[test]
fn without_a_file_the_lines_of_a_configuration_are_written() {
    let folder = TempDir::new().expect("a folder");
    let (key, said) = new(&folder, &["a b", "--expires", "2099-12-31"]);
    assert!(key.len() > 40 && !said.contains(&key), "{said}");
    for line in ["[api_key_auth.consumers.\"a b\"]", "keys = [\"sha256:", "expires = \"2099-12-31T00:00:00Z\""] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn what_is_no_file_of_consumers_stays_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("other.json");
    for text in ["[]", "{\"mobile\": {\"keys\": 7}}", "{\"other\": {\"unknown\": 7}}"] {
        std::fs::write(&file, text).expect("a file");
        let output = keys(&folder, &["mobile", "--file", "other.json"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("other.json: is no file of consumers"), "{said}");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
    }
    assert_eq!(keys(&folder, &["mobile", "--expires", "someday"]).status.code(), Some(2));
}
