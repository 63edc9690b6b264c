//! `testssl.sh`, which knows what is wrong with servers, finds nothing above LOW.

use std::process::Command;

use serde_json::Value;
use spikard_tests::program::Program;
use spikard_tests::tls::Authority;
use tempfile::TempDir;

/// What an attentive operator would set, so that what is found is the server's.
const CONFIG: &str = "
[security_headers]
[[routes]]
path = '/'
response = { body = 'secure' }
";

#[test]
fn finds_nothing_above_low() {
    let (folder, authority) = (TempDir::new().expect("a folder"), Authority::new("root"));
    let [host, ca, report] = ["host.pem", "ca.pem", "report.json"].map(|name| folder.path().join(name));
    let issued = authority.host_for_90_days(&["localhost"]);
    std::fs::write(&host, issued.certificate + &issued.key).expect("a file");
    std::fs::write(&ca, authority.pem()).expect("a file");
    let program = Program::serving(&format!("tls.certificates = [{{ certificate = '{}' }}]\n{CONFIG}", host.display()));

    let mut testssl = Command::new("testssl");
    testssl.args(["--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1"]);
    testssl.args(["--protocols", "--std", "--server-preference", "--server-defaults", "--headers", "--vulnerable"]);
    testssl.arg("--add-ca").arg(ca).arg("--jsonfile").arg(&report).arg(format!("localhost:{}", program.address.port()));
    let output = testssl.output().expect("testssl.sh is installed");

    let report = std::fs::read_to_string(report).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let findings: Vec<Value> = serde_json::from_str(&report).expect("JSON");
    assert!(findings.len() > 60, "only {} findings: {report}", findings.len());
    let is_harmless = |finding: &&Value| matches!(finding["severity"].as_str(), Some("OK" | "INFO" | "LOW" | "DEBUG"));
    let grave: Vec<String> = findings.iter().filter(|finding| !is_harmless(finding)).map(Value::to_string).collect();
    assert!(grave.is_empty(), "{}", grave.join("\n"));
}
