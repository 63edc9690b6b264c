//! A test of the configuration, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use spikard_middleware::{BuildContext, BuildError, Clock, ConfigPath};

use crate::config::{CaseConfig, CaseExpectConfig, CaseRequestConfig, ServerConfig};
use crate::leaf::FixedResponse;

/// A test, ready to run.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: ConfigPath,
    pub(super) request: http::Request<Bytes>,
    pub(super) scheme: Scheme,
    pub(super) client: IpAddr,
    pub(super) repeat: u32,
    pub(super) clock: Clock,
    pub(super) answers: BTreeMap<String, FixedResponse>,
    pub(super) expect: CaseExpectConfig,
}

/// What is wrong with the tests of a configuration.
pub(crate) fn check(config: &ServerConfig, ctx: &BuildContext) -> Vec<BuildError> {
    cases(config, ctx).err().into_iter().collect()
}

/// All tests of a configuration.
pub(super) fn cases(config: &ServerConfig, ctx: &BuildContext) -> Result<Vec<Case>, BuildError> {
    let list = ctx.place().key("tests");
    let mut cases = Vec::new();
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (number, case) in config.tests.iter().enumerate() {
        let ctx = ctx.at(list.index(number));
        if !names.insert(&case.name) {
            errors.push(ctx.invalid("name", format!("`{}` is the name of two tests, expected one of its own", case.name)));
        }
        match Case::new(case, config, &ctx) {
            Ok(case) => cases.push(case),
            Err(error) => errors.push(error),
        }
    }
    BuildError::all(errors)?;
    Ok(cases)
}

impl Case {
    fn new(case: &CaseConfig, config: &ServerConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let mut errors = Vec::new();
        let clock = case.at.as_deref().map_or(Ok(Clock::system()), |at| {
            let time = humantime::parse_rfc3339(at).unwrap_or(SystemTime::UNIX_EPOCH).duration_since(UNIX_EPOCH);
            let time = time.ok().filter(|time| !time.is_zero());
            time.map(Clock::manual).ok_or_else(|| {
                ctx.invalid("at", format!("at is `{at}`, expected a time after 1970 such as \"2026-11-21T09:00:00Z\""))
            })
        });
        let inner = |key: &str| ctx.at(ctx.place().key(key));
        let sent = sent(&case.request, &inner("request"));
        errors.extend(unmet(&case.expect, config, &inner("expect")));
        let mut answers = BTreeMap::new();
        for (name, answer) in &case.upstreams {
            let ctx = ctx.at(ctx.place().key("upstreams").key(name));
            if !config.upstreams.contains_key(name) {
                errors.push(ctx.invalid("", unknown_upstream(name, config)));
            }
            match FixedResponse::build(answer, &ctx) {
                Ok(answer) => drop(answers.insert(name.clone(), answer)),
                Err(error) => errors.push(error),
            }
        }
        match (clock, sent) {
            (Ok(clock), Ok(Sent { request, scheme, client })) => {
                BuildError::all(errors)?;
                Ok(Self {
                    name: case.name.clone(),
                    place: ctx.place().clone(),
                    request,
                    scheme,
                    client,
                    repeat: case.request.repeat,
                    clock,
                    answers,
                    expect: case.expect.clone(),
                })
            }
            (clock, sent) => {
                errors.extend(clock.err());
                errors.extend(sent.err());
                Err(BuildError::Several(errors))
            }
        }
    }
}

/// The request of a test, and what belongs to its connection.
struct Sent {
    request: http::Request<Bytes>,
    scheme: Scheme,
    client: IpAddr,
}

fn sent(config: &CaseRequestConfig, ctx: &BuildContext) -> Result<Sent, BuildError> {
    let mut errors = Vec::new();
    let mut request = http::Request::new(Bytes::new());
    let mut scheme = Scheme::HTTP;
    if let Some(url) = url(&config.url) {
        let host = url.authority().map_or("localhost", http::uri::Authority::as_str);
        // What stands in a URI may stand in a header.
        request.headers_mut().extend(HeaderValue::from_str(host).ok().map(|host| (header::HOST, host)));
        scheme = url.scheme().cloned().unwrap_or(scheme);
        *request.uri_mut() = url.path_and_query().cloned().map_or_else(|| Uri::from_static("/"), Uri::from);
    } else {
        let message = format!("url is `{}`, expected one such as `http://api.example.com/users?page=2`, or a path", config.url);
        errors.push(ctx.invalid("url", message));
    }
    match config.method.parse() {
        Ok(method) if method != Method::CONNECT => *request.method_mut() = method,
        _ => errors.push(ctx.invalid("method", format!("`{}` is not a method, expected one such as `GET`", config.method))),
    }
    match (&config.body, &config.json) {
        (Some(_), Some(_)) => errors.push(ctx.invalid("json", "`json` stands beside `body`, expected one of the two")),
        (Some(text), None) => *request.body_mut() = Bytes::from(text.clone()),
        (None, Some(value)) => {
            *request.body_mut() = Bytes::from(value.to_string());
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        (None, None) => {}
    }
    for (name, value) in &config.headers {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => drop(request.headers_mut().insert(name, value)),
            (Err(_), _) => errors.push(ctx.invalid("headers", not_a_header(name)).under(name)),
            (_, Err(_)) => {
                let message = format!("the value of `{name}` has a character that no header may have");
                errors.push(ctx.invalid("headers", message).under(name));
            }
        }
    }
    if config.repeat == 0 {
        errors.push(ctx.invalid("repeat", "repeat is 0, expected 1 or more"));
    }
    let client = config.client.parse();
    if client.is_err() {
        let message = format!("client is `{}`, expected an IP address such as `203.0.113.7`", config.client);
        errors.push(ctx.invalid("client", message));
    }
    BuildError::all(errors)?;
    client.map(|client| Sent { request, scheme, client }).map_err(|_| BuildError::Several(Vec::new()))
}

/// A URL of HTTP, or a path.
fn url(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_known = uri.scheme().is_none_or(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
    let is_url = uri.scheme().is_some() == uri.authority().is_some() && (uri.scheme().is_some() || text.starts_with('/'));
    (is_known && is_url && !text.contains(['#', '@'])).then_some(uri)
}

/// What of an expectation cannot be met.
fn unmet(expect: &CaseExpectConfig, config: &ServerConfig, ctx: &BuildContext) -> Vec<BuildError> {
    let mut errors = Vec::new();
    if *expect == CaseExpectConfig::default() {
        errors.push(ctx.invalid("", "nothing is expected, expected `status` or another of its keys"));
    }
    let received = expect.received.as_ref();
    let names = |names: &BTreeMap<String, String>| names.keys().cloned().collect::<Vec<_>>();
    let mut headers = |place: &str, names: Vec<String>| {
        let wrong = names.into_iter().filter(|name| name.parse::<HeaderName>().is_err());
        errors.extend(wrong.map(|name| ctx.invalid(place, not_a_header(&name))));
    };
    headers("headers", names(&expect.headers));
    headers("absent_headers", expect.absent_headers.clone());
    if let Some(received) = received {
        headers("received.headers", names(&received.headers));
        headers("received.absent_headers", received.absent_headers.clone());
    }
    if let Some(name) = received.and_then(|received| received.upstream.as_ref())
        && !name.contains('*')
        && !config.upstreams.contains_key(name)
    {
        errors.push(ctx.invalid("received.upstream", unknown_upstream(name, config)));
    }
    if received.is_some() && expect.upstream_calls == Some(0) {
        errors.push(ctx.invalid("received", "`received` stands beside `upstream_calls = 0`, expected one of the two"));
    }
    errors
}

fn not_a_header(name: &str) -> String {
    format!("`{name}` is not a header name, expected text such as \"x-user\"")
}

fn unknown_upstream(name: &str, config: &ServerConfig) -> String {
    let known: Vec<String> = config.upstreams.keys().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none is there".to_owned() } else { known.join(", ") };
    format!("upstream `{name}` is unknown, expected one of `upstreams`: {known}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CaseReceivedConfig, UpstreamConfig};

    fn wrong(request: CaseRequestConfig, expect: CaseExpectConfig) -> Vec<String> {
        let case = CaseConfig { name: "a".into(), request, expect, upstreams: BTreeMap::new(), at: None };
        let upstreams = BTreeMap::from([("api".to_owned(), UpstreamConfig::to("http://a:1"))]);
        let config = ServerConfig { tests: vec![case], upstreams, ..ServerConfig::default() };
        let errors = check(&config, &BuildContext::default());
        errors.into_iter().flat_map(BuildError::each).map(|(at, message)| format!("{at}: {message}")).collect()
    }

    #[test]
    fn takes_paths_and_urls_of_http() {
        let fine = |text: &str| url(text).is_some();
        assert!(["/", "/a?b=c", "http://a", "https://a.example:8443/x"].into_iter().all(fine));
        assert!(!["", "a", "a/b", "*", "ftp://a/", "http://", "http://u@a/", "/a#b", "/a b"].into_iter().any(fine));
    }

    #[test]
    fn says_everything_that_cannot_be_sent_or_expected() {
        let request = CaseRequestConfig {
            method: "G T".into(),
            headers: BTreeMap::from([("x y".into(), "1".into()), ("x".into(), "\n".into())]),
            body: Some(String::new()),
            json: Some(1.into()),
            client: "here".into(),
            repeat: 0,
            ..CaseRequestConfig::get("users")
        };
        let received = CaseReceivedConfig { upstream: Some("apo".into()), ..CaseReceivedConfig::default() };
        let expect = CaseExpectConfig {
            upstream_calls: Some(0),
            absent_headers: vec![String::new()],
            received: Some(received),
            ..CaseExpectConfig::default()
        };
        let expected = [
            "tests[0].expect.absent_headers: `` is not a header name, expected text such as \"x-user\"",
            "tests[0].expect.received.upstream: upstream `apo` is unknown, expected one of `upstreams`: `api`",
            "tests[0].expect.received: `received` stands beside `upstream_calls = 0`, expected one of the two",
            "tests[0].request.url: url is `users`, expected one such as `http://api.example.com/users?page=2`, or a path",
            "tests[0].request.method: `G T` is not a method, expected one such as `GET`",
            "tests[0].request.json: `json` stands beside `body`, expected one of the two",
            "tests[0].request.headers.x: the value of `x` has a character that no header may have",
            "tests[0].request.headers.x y: `x y` is not a header name, expected text such as \"x-user\"",
            "tests[0].request.repeat: repeat is 0, expected 1 or more",
            "tests[0].request.client: client is `here`, expected an IP address such as `203.0.113.7`",
        ];
        assert_eq!(wrong(request, expect), expected);
        let nothing = "tests[0].expect: nothing is expected, expected `status` or another of its keys";
        assert_eq!(wrong(CaseRequestConfig::get("/"), CaseExpectConfig::default()), [nothing]);
    }
}
