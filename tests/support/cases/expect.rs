//! Holds an answer, or a request that the upstream saw, against what is expected.

use serde_json::Value;

use super::content::decoded;
use super::pattern::Names;
use super::{Expect, Fields, Patterns, Seen};
use crate::raw::Answer;
use crate::upstream;

/// All that is not as expected of an answer; empty if everything is.
pub(super) fn answer(expect: &Expect, answer: &Answer, names: &Names) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    if let Some(status) = expect.status.as_ref().filter(|status| !status.fits(answer.status)) {
        wrong.push(format!("status is {}, expected {status:?}", answer.status));
    }
    let fields: Vec<(&str, &str)> = answer.head.lines().skip(1).filter_map(|line| line.split_once(':')).collect();
    headers(&expect.headers, &expect.absent, &fields, names, &mut wrong)?;

    let sent = answer.body.len();
    if expect.at_most.is_some_and(|most| sent > most) || expect.at_least.is_some_and(|least| sent < least) {
        wrong.push(format!("body has {sent} bytes, expected {} to {}", expect.at_least.unwrap_or(0), bound(expect.at_most)));
    }
    let body = decoded(&answer.body, answer.header("content-encoding").filter(|_| sent > 0))?;
    if let Some(expected) = &expect.body {
        equal("body", &body, &expected.bytes(names)?, &mut wrong);
    }
    let text = String::from_utf8_lossy(&body);
    for pattern in &expect.body_has {
        if !pattern.is_in(&text, names)? {
            wrong.push(format!("body lacks {pattern:?}"));
        }
    }
    for pattern in &expect.body_lacks {
        if pattern.is_in(&text, names)? {
            wrong.push(format!("body has {pattern:?}"));
        }
    }
    if let Some(expected) = &expect.json {
        match serde_json::from_slice(&body) {
            Ok(found) => json("", &found, expected, names, &mut wrong),
            Err(error) => wrong.push(format!("body is not JSON: {error}")),
        }
    }
    Ok(wrong)
}

/// All that is not as expected of what the upstream saw.
pub(super) fn seen(expected: &[Seen], found: &[upstream::Seen], names: &Names) -> Result<Vec<String>, String> {
    let mut wrong = malformed(found);
    if expected.len() != found.len() {
        let lines: Vec<String> = found.iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
        wrong.push(format!("upstream saw {} requests, expected {}: {lines:?}", found.len(), expected.len()));
    }
    for (expected, found) in expected.iter().zip(found) {
        if let Some(method) = expected.method.as_ref().filter(|method| **method != found.method) {
            wrong.push(format!("upstream saw method {}, expected {method}", found.method));
        }
        if let Some(path) = &expected.path
            && !path.fits(&found.path, names)?
        {
            wrong.push(format!("upstream saw path {}, expected {path:?}", found.path));
        }
        if found.incomplete != expected.incomplete {
            wrong.push(format!("upstream saw incomplete {}, expected {}", found.incomplete, expected.incomplete));
        }
        let fields: Vec<(&str, &str)> = found.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers(&expected.headers, &expected.absent, &fields, names, &mut wrong)?;
        if let Some(body) = &expected.body {
            equal("upstream's body", &found.body, &body.bytes(names)?, &mut wrong);
        }
    }
    Ok(wrong)
}

/// What no upstream may ever see.
pub(super) fn malformed(found: &[upstream::Seen]) -> Vec<String> {
    let reasons = found.iter().filter_map(|seen| seen.malformed.as_ref());
    reasons.map(|reason| format!("upstream saw a malformed request: {reason}")).collect()
}

fn headers(
    expected: &Fields<Patterns>,
    absent: &[String],
    fields: &[(&str, &str)],
    names: &Names,
    wrong: &mut Vec<String>,
) -> Result<(), String> {
    let lines = |name: &str| -> Vec<&str> {
        fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    };
    for (name, patterns) in expected {
        if !patterns.fit(&lines(name), names)? {
            wrong.push(format!("{name} is {:?}, expected {patterns:?}", lines(name)));
        }
    }
    for name in absent {
        if !lines(name).is_empty() {
            wrong.push(format!("{name} is {:?}, expected none", lines(name)));
        }
    }
    Ok(())
}

fn equal(what: &str, found: &[u8], expected: &[u8], wrong: &mut Vec<String>) {
    if found != expected {
        wrong.push(format!("{what} is {}, expected {}", shown(found), shown(expected)));
    }
}

/// Enough of the bytes to see what they are.
fn shown(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
    format!("{start:?} ({} bytes)", bytes.len())
}

fn bound(most: Option<usize>) -> String {
    most.map_or_else(|| "any".into(), |most| most.to_string())
}

/// Objects may have more members than expected; everything else is equal. `{"matches": "..."}`
/// stands for text that fits.
fn json(path: &str, found: &Value, expected: &Value, names: &Names, wrong: &mut Vec<String>) {
    match (found, expected) {
        (Value::String(found), Value::Object(pattern)) if pattern.len() == 1 && pattern.contains_key("matches") => {
            let expression = pattern["matches"].as_str().unwrap_or_default();
            if !regex::Regex::new(expression).is_ok_and(|regex| regex.is_match(found)) {
                wrong.push(format!("json {path} is {found:?}, expected it to match {expression:?}"));
            }
        }
        (Value::Object(found), Value::Object(expected)) => {
            for (key, expected) in expected {
                match found.get(key) {
                    Some(found) => json(&format!("{path}/{key}"), found, expected, names, wrong),
                    None => wrong.push(format!("json {path}/{key} is missing")),
                }
            }
        }
        (Value::String(found), Value::String(expected)) if *found == names.fill(expected) => {}
        _ if found == expected => {}
        _ => wrong.push(format!("json {path} is {found}, expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong about an answer, by the first word of each.
    fn wrong(yaml: &str) -> Vec<String> {
        let expect: Expect = serde_saphyr::from_str(yaml).unwrap();
        let head = "HTTP/1.1 200 OK\r\nX-One: 1\r\nx-two: a\r\nX-Two: b";
        let found = Answer { status: 200, head: head.into(), body: br#"{"a": 1, "b": {"c": [1, "x"]}}"#.into() };
        let wrong = answer(&expect, &found, &Names::default()).unwrap();
        wrong.iter().map(|wrong| wrong.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn everything_that_is_not_as_expected_is_told() {
        for right in [
            "status: 200",
            "status: { one_of: [204, 200] }",
            r#"headers: { x-one: "1", X-TWO: [a, b] }"#,
            "headers: { x-two: [{ matches: ^a }, b] }",
            "absent: [x-three]",
            r#"body: '{"a": 1, "b": {"c": [1, "x"]}}'"#,
            "json: { b: { c: [1, x] } }",
            r#"{ body_has: ['"a": 1'], body_lacks: [d], at_least: 30, at_most: 30 }"#,
        ] {
            assert_eq!(wrong(right), [""; 0], "{right}");
        }
        for (not, told) in [
            ("status: 201", "status"),
            ("status: { one_of: [204] }", "status"),
            ("headers: { x-one: one }", "x-one"),
            ("headers: { x-two: a }", "x-two"),
            ("headers: { x-two: [b, a] }", "x-two"),
            ("headers: { x-three: { matches: . } }", "x-three"),
            ("absent: [X-One]", "X-One"),
            ("body: x", "body"),
            ("json: { a: 2 }", "json"),
            ("json: { b: { c: [1] } }", "json"),
            ("json: { d: 1 }", "json"),
            ("json: { b: { c: { matches: x } } }", "json"),
            ("body_has: [d]", "body"),
            ("body_lacks: [{ matches: c }]", "body"),
            ("at_least: 31", "body"),
            ("at_most: 29", "body"),
        ] {
            assert_eq!(wrong(not), [told], "{not}");
        }
    }
}
