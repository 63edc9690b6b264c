//! What was expected, held against what came.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::json::{Extent, differences};
use super::pattern::fits;
use crate::config::{CaseExpectConfig, CaseReceivedConfig};

/// A place where what came is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is compared: `status`, `header content-type`, `json.items[0].id`, `received path` ...
    pub at: String,
    /// What was expected.
    pub expected: String,
    /// What came in its place.
    pub got: String,
}

const NOTHING: &str = "nothing";

impl Difference {
    pub(super) fn new(at: impl Into<String>, expected: impl ToString, got: impl ToString) -> Self {
        Self { at: at.into(), expected: expected.to_string(), got: got.to_string() }
    }

    pub(super) fn absent(at: impl Into<String>, expected: impl ToString) -> Self {
        Self::new(at, expected, NOTHING)
    }

    pub(super) fn unexpected(at: impl Into<String>, got: impl ToString) -> Self {
        Self::new(at, NOTHING, got)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}, got {}", self.at, self.expected, self.got)
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A request that reached an upstream.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) upstream: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Where an answer is not as expected.
pub(super) fn of_answer(expect: &CaseExpectConfig, answer: &Answered, route: Option<&str>) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(status) = expect.status.filter(|status| *status != answer.status.as_u16()) {
        found.push(Difference::new("status", status, answer.status.as_u16()));
    }
    if let Some(expected) = &expect.route
        && route != Some(expected)
    {
        found.push(Difference::new("route", expected, route.unwrap_or("none")));
    }
    of_headers("header", (&expect.headers, &expect.absent_headers), &answer.headers, &mut found);
    let values = [(expect.json.as_ref(), Extent::Whole), (expect.json_includes.as_ref(), Extent::Part)];
    of_body("", expect.body.as_deref(), &values, &answer.body, &mut found);
    found
}

/// Where what reached upstreams, the last of which is `last`, is not as expected.
pub(super) fn of_received(expect: &CaseReceivedConfig, last: Option<&Received>) -> Vec<Difference> {
    let Some(received) = last else { return vec![Difference::absent("received", "a request")] };
    let mut found = Vec::new();
    let mut compare = |what: &str, expected: Option<&str>, got: &str| {
        if let Some(expected) = expected.filter(|expected| !fits(expected, got)) {
            found.push(Difference::new(format!("received {what}"), quoted(expected), quoted(got)));
        }
    };
    compare("upstream", expect.upstream.as_deref(), &received.upstream);
    compare("method", expect.method.as_deref(), received.method.as_str());
    compare("path", expect.path.as_deref(), &received.path);
    of_headers("received header", (&expect.headers, &expect.absent_headers), &received.headers, &mut found);
    of_body("received ", expect.body.as_deref(), &[(expect.json.as_ref(), Extent::Whole)], &received.body, &mut found);
    found
}

fn of_headers(
    what: &str,
    (wanted, absent): (&BTreeMap<String, String>, &[String]),
    headers: &HeaderMap,
    found: &mut Vec<Difference>,
) {
    let values = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    let shown = |values: &[String]| values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ");
    for (name, expected) in wanted {
        let at = format!("{what} {name}");
        match values(name) {
            values if values.is_empty() => found.push(Difference::absent(at, quoted(expected))),
            values if values.iter().any(|value| fits(expected, value)) => {}
            values => found.push(Difference::new(at, quoted(expected), shown(&values))),
        }
    }
    for name in absent {
        let values = values(name);
        if !values.is_empty() {
            found.push(Difference::unexpected(format!("{what} {name}"), shown(&values)));
        }
    }
}

fn of_body(what: &str, text: Option<&str>, values: &[(Option<&Value>, Extent)], body: &Bytes, found: &mut Vec<Difference>) {
    let got = String::from_utf8_lossy(body);
    if let Some(expected) = text.filter(|expected| !fits(expected, &got)) {
        found.push(Difference::new(format!("{what}body"), quoted(expected), quoted(&got)));
    }
    for (expected, extent) in values.iter().filter_map(|(value, extent)| Some(((*value)?, *extent))) {
        match serde_json::from_slice(body) {
            Ok(value) => differences(&format!("{what}{}", name(extent)), expected, &value, extent, found),
            Err(_) => found.push(Difference::new(format!("{what}{}", name(extent)), "JSON", quoted(&got))),
        }
    }
}

/// The key that asks for a value.
fn name(extent: Extent) -> &'static str {
    match extent {
        Extent::Whole => "json",
        Extent::Part => "json_includes",
    }
}

/// Text as it stands in a message, not all of it if it is long.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 200;
    let beginning: String = text.chars().take(SHOWN).collect();
    let rest = if beginning.len() < text.len() { " ..." } else { "" };
    format!("{beginning:?}{rest}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Answered {
        let headers = [("vary", "origin"), ("vary", "accept-encoding"), ("server", "x")];
        let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Answered { status: StatusCode::OK, headers, body: Bytes::from_static(b"{\"id\":7,\"name\":\"Ada\"}") }
    }

    fn differences_from(expect: Value) -> Vec<String> {
        let expect: CaseExpectConfig = serde_json::from_value(expect).unwrap();
        of_answer(&expect, &answer(), Some("/users/{id}")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_answer_that_fits_has_no_difference() {
        let expect = json!({
            "status": 200, "route": "/users/{id}", "headers": { "Vary": "accept-*", "server": "*" }, "absent_headers": ["via"],
            "body": "{*Ada*}", "json": { "id": 7, "name": "Ada" }, "json_includes": { "id": 7 },
        });
        assert_eq!(differences_from(expect), [""; 0]);
    }

    #[test]
    fn every_difference_is_said_with_what_came() {
        let expect = json!({
            "status": 404, "route": "/users", "headers": { "vary": "cookie", "via": "*" }, "absent_headers": ["server"],
            "body": "no*", "json": [], "json_includes": { "name": "Bob" },
        });
        let expected = [
            "status: expected 404, got 200",
            "route: expected /users, got /users/{id}",
            "header vary: expected \"cookie\", got \"origin\", \"accept-encoding\"",
            "header via: expected \"*\", got nothing",
            "header server: expected nothing, got \"x\"",
            "body: expected \"no*\", got \"{\\\"id\\\":7,\\\"name\\\":\\\"Ada\\\"}\"",
            "json: expected [], got {\"id\":7,\"name\":\"Ada\"}",
            "json_includes.name: expected \"Bob\", got \"Ada\"",
        ];
        assert_eq!(differences_from(expect), expected);
    }
}
