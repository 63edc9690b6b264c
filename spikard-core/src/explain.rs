//! Why a request is answered as it is: the route that matches, the routes that lose, and the
//! stack with every setting and the place that it came from.
//!
//! Everything is read from the gateway that would serve the request, so this cannot differ from
//! what the server does.

use std::fmt::{self, Write as _};

use http::Method;
use serde_json::Value;
use spikard_middleware::stack::LINES;
use spikard_middleware::{ConfigPath, Effective, Stack};

use crate::gateway::{Gateway, Route};
use crate::routes::{HostPattern, Matched, PathParams, RouteKey, Table};
use crate::server::refused_path;

/// The request that is asked about.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The method.
    pub method: &'a Method,
    /// The host, with or without port.
    pub host: &'a str,
    /// The path, percent-encoded as it would be sent.
    pub path: &'a str,
}

/// The answer, for people; `Display` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    outcome: String,
    parameters: Vec<(String, String)>,
    layers: Vec<Layer>,
    losers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    /// The name of the layer, with its key if that is another.
    name: String,
    settings: Vec<Setting>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    name: String,
    value: String,
    origin: String,
}

/// Explains a request. `origin` says where the value at a place of the configuration was written,
/// `file:line`; none for what nobody wrote.
pub fn explain(gateway: &Gateway, question: &Question<'_>, origin: &dyn Fn(&ConfigPath) -> Option<String>) -> Explanation {
    let routes: Vec<&Route> = gateway.routes().collect();
    let Question { method, host, path } = question;
    let named = |route: &Route| match origin(route.place()) {
        Some(place) => format!("{} ({place})", route.name()),
        None => route.name(),
    };
    if let Some(detail) = refused_path(path) {
        return Explanation {
            outcome: format!("{detail}: 400, before any route is looked for"),
            parameters: Vec::new(),
            layers: Vec::new(),
            losers: Vec::new(),
        };
    }
    let (winner, outcome, parameters) = match gateway.table().find(host, path, method) {
        Matched::Route(number, params) => {
            let route = routes[number];
            (Some(number), format!("route    {}\nleaf     {}", named(route), route.leaf()), pairs(params))
        }
        Matched::MethodNotAllowed(methods) => {
            let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
            let status = if **method == Method::OPTIONS { 204 } else { 405 };
            (None, format!("no route answers {method} here: {status}, Allow: {}", methods.join(", ")), Vec::new())
        }
        Matched::NotFound => (None, "no route has this path: 404".into(), Vec::new()),
    };
    let layers = match winner {
        Some(number) => layers(routes[number].stack(), routes[number].effective(), routes[number].place(), origin),
        None => layers(gateway.stack(), gateway.effective(), &ConfigPath::root(), origin),
    };
    let candidates = gateway.table().candidates(host, path);
    let losers = routes.iter().enumerate().filter(|(number, _)| Some(*number) != winner).filter_map(|(number, route)| {
        let reason = match candidates.contains(&number) {
            true if !route.key().answers(method) => format!("does not answer {method}"),
            true => "is less specific".to_owned(),
            false if has_path(route, path) => format!("wants host {}", route.key().host),
            false => return None,
        };
        Some((named(route), reason))
    });
    Explanation { outcome, parameters, layers, losers: losers.collect() }
}

fn pairs(params: Option<PathParams>) -> Vec<(String, String)> {
    params.iter().flat_map(PathParams::iter).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether a route would match the path if hosts did not matter.
fn has_path(route: &Route, path: &str) -> bool {
    let key = RouteKey { host: HostPattern::Any, ..route.key().clone() };
    Table::new(vec![key]).is_ok_and(|table| !table.candidates("", path).is_empty())
}

/// The layers of a stack that was built from the policies `effective` of a route at `place`.
fn layers(
    stack: &Stack,
    effective: &Effective,
    place: &ConfigPath,
    origin: &dyn Fn(&ConfigPath) -> Option<String>,
) -> Vec<Layer> {
    let names: Vec<&str> = stack.names().collect();
    let lines = LINES.iter().filter(|line| names.contains(&line.layer));
    lines
        .map(|line| {
            let mut settings = Vec::new();
            for key in line.keys {
                let Some(value) = effective.policies.settings(key) else { continue };
                let inherited = effective.inherited.contains(key);
                let place = if inherited { ConfigPath::root() } else { place.clone() };
                let prefix = if line.keys.len() > 1 { format!("{key}.") } else { String::new() };
                flatten(&value, &prefix, &place.key(*key), origin, &mut settings);
            }
            let name = match line.keys {
                [key] if *key != line.layer => format!("{} ({key})", line.layer),
                _ => line.layer.to_owned(),
            };
            Layer { name, settings }
        })
        .collect()
}

fn flatten(
    value: &Value,
    name: &str,
    place: &ConfigPath,
    origin: &dyn Fn(&ConfigPath) -> Option<String>,
    out: &mut Vec<Setting>,
) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let prefix = if name.is_empty() || name.ends_with('.') { name.to_owned() } else { format!("{name}.") };
                flatten(value, &format!("{prefix}{key}"), &place.key(key), origin, out);
            }
        }
        Value::Null | Value::Object(_) => {}
        _ => {
            let name = if name.is_empty() { place.to_string() } else { name.to_owned() };
            let origin = origin(place).unwrap_or_else(|| "default".into());
            out.push(Setting { name, value: value.to_string(), origin });
        }
    }
}

/// How wide a setting is shown, so that the places behind them stand in one column.
const WIDTH: usize = 64;

/// Text in lines of at most [`WIDTH`], where its commas allow that.
fn broken(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(',') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + piece.len() <= WIDTH => line.push_str(piece),
            _ => lines.push(piece.to_owned()),
        }
    }
    lines
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}\n", self.outcome);
        for (name, value) in &self.parameters {
            let _ = writeln!(text, "         {{{name}}} = {value}");
        }
        if !self.layers.is_empty() {
            let _ = writeln!(text, "\nstack, outermost first");
        }
        for layer in &self.layers {
            let _ = writeln!(text, "  {}", layer.name);
            for Setting { name, value, origin } in &layer.settings {
                let mut lines = broken(&format!("{name} = {value}")).into_iter();
                let _ = writeln!(text, "    {:WIDTH$}   {origin}", lines.next().unwrap_or_default());
                for line in lines {
                    let _ = writeln!(text, "        {line}");
                }
            }
        }
        if !self.losers.is_empty() {
            let _ = writeln!(text, "\nroutes that match the path and do not answer");
        }
        for (name, reason) in &self.losers {
            let _ = writeln!(text, "  {name} {reason}");
        }
        formatter.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ResponseConfig, RouteConfig, ServerConfig};
    use spikard_middleware::Override;

    #[test]
    fn shows_the_route_the_losers_and_every_setting_with_its_origin() {
        let route = |path: &str, methods: &[&str]| RouteConfig {
            path: path.into(),
            methods: methods.iter().map(|&method| method.into()).collect(),
            response: Some(ResponseConfig::default()),
            ..Default::default()
        };
        let tight = RouteConfig { max_body_size: Override::On(64.into()), ..route("/users/{id}", &["GET"]) };
        let other = RouteConfig { host: Some("a.example".into()), ..route("/users/7", &[]) };
        let config = ServerConfig { routes: vec![tight, route("/{*rest}", &[]), other], ..Default::default() };
        let gateway = Gateway::build(&config).unwrap();
        let question = Question { method: &Method::GET, host: "localhost:8000", path: "/users/7" };
        let origin = |place: &ConfigPath| (place.to_string() == "routes[0].max_body_size.limit").then(|| "s.toml:4".to_owned());

        let text = explain(&gateway, &question, &origin).to_string();

        for expected in [
            "route    GET /users/{id}\nleaf     response\n         {id} = 7\n",
            "/{*rest} is less specific",
            "a.example/users/7 wants host a.example",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() < 100), "{text}");
        assert!(text.lines().any(|line| line.contains("limit = 64") && line.ends_with("s.toml:4")), "{text}");
        assert!(text.lines().any(|line| line.contains("accept = true") && line.ends_with("default")), "{text}");
    }

    #[test]
    fn where_no_route_answers_the_stack_is_that_of_the_server() {
        let get = |path: &str| RouteConfig {
            path: path.into(),
            methods: vec!["GET".into()],
            response: Some(ResponseConfig::default()),
            ..Default::default()
        };
        let config = ServerConfig { max_body_size: Some(64.into()), routes: vec![get("/a")], ..Default::default() };
        let gateway = Gateway::build(&config).unwrap();
        for (method, path, outcome) in [
            (Method::GET, "/b", "no route has this path: 404"),
            (Method::PUT, "/a", "no route answers PUT here: 405, Allow: GET, HEAD, OPTIONS"),
            (Method::OPTIONS, "/a", "no route answers OPTIONS here: 204, Allow: GET, HEAD, OPTIONS"),
        ] {
            let text = explain(&gateway, &Question { method: &method, host: "localhost", path }, &|_| None).to_string();
            assert!(text.starts_with(outcome), "{text}");
            assert!(text.contains("  body_limit (max_body_size)\n    limit = 64"), "{text}");
        }
    }

    #[test]
    fn a_path_that_the_server_refuses_has_no_route_and_no_stack() {
        let route = RouteConfig { path: "/{*rest}".into(), response: Some(ResponseConfig::default()), ..Default::default() };
        let gateway = Gateway::build(&ServerConfig { routes: vec![route], ..Default::default() }).unwrap();
        let question = Question { method: &Method::GET, host: "localhost", path: "/a/%2e%2e/b" };
        let text = explain(&gateway, &question, &|_| None).to_string();
        assert_eq!(text, "path has a `.` or `..` segment: 400, before any route is looked for\n");
    }
}
