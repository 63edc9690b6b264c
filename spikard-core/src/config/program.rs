//! What a program adds to a configuration: its routes, each with the policies that its routers and
//! it have.
//!
//! A route becomes an entry of `routes` in the tree, so it is checked, laid over the server's
//! policies and built like one of a file. What answers has a name that only the program knows.

use super::overlay;
use super::tree::{Entry, Node, Table, Value};

/// A route that a program makes.
#[derive(Debug, Clone)]
pub struct ProgramRoute {
    /// The methods.
    pub methods: Vec<String>,
    /// The path.
    pub path: String,
    /// The host, as text; none takes any.
    pub host: Option<Node>,
    /// What answers: the value of `python`.
    pub leaf: String,
    /// Tables of policies, the outermost first: each is laid over the one before.
    pub policies: Vec<Table>,
}

/// Adds routes to a configuration that is a table.
pub fn add_routes(tree: &mut Node, routes: Vec<ProgramRoute>) {
    let Value::Table(table) = &mut tree.value else { return };
    if table.get("routes").is_none() {
        table.push(Entry::new("routes", Node::new(Value::Sequence(Vec::new()))));
    }
    if let Some(Value::Sequence(entries)) = table.get_mut("routes").map(|node| &mut node.value) {
        entries.extend(routes.into_iter().map(ProgramRoute::into_node));
    }
}

impl ProgramRoute {
    fn into_node(self) -> Node {
        let Self { methods, path, host, leaf, policies } = self;
        let name = format!("route {} {path}", methods.join(","));
        let mut table = overlay::stack(policies);
        let mut push = |key, value| table.push(Entry::new(key, Node::new(value)));
        push("path", text(&path));
        push("methods", Value::Sequence(methods.iter().map(|method| Node::new(text(method))).collect()));
        push("python", text(&leaf));
        if let Some(host) = host {
            table.push(Entry::new("host", host));
        }
        let mut node = Node::new(Value::Table(table));
        node.name(&name);
        node
    }
}

/// Text that refers to nothing.
fn text(text: &str) -> Value {
    Value::String(text.replace("${", "$${"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value as Json, json};
    use spikard_middleware::{ConfigPath, RateLimitConfig};

    use super::*;
    use crate::config::{Report, ServerConfig, load_tree};

    /// The tree of a JSON value; a table with the key `!` is whole.
    fn tree(value: &Json) -> Node {
        Node::new(match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.to_string()),
            Json::String(text) => Value::String(text.clone()),
            Json::Array(items) => Value::Sequence(items.iter().map(tree).collect()),
            Json::Object(_) => Value::Table(table(value)),
        })
    }

    fn table(value: &Json) -> Table {
        let entries = value.as_object().into_iter().flatten().filter(|(key, _)| *key != "!");
        let table: Table = entries.map(|(key, value)| Entry::new(key, tree(value))).collect();
        if value.get("!").is_some() { table.whole() } else { table }
    }

    fn read(config: &Json, layers: &[Json]) -> Result<ServerConfig, Report> {
        let mut tree = tree(config);
        let route = ProgramRoute {
            methods: vec!["GET".into()],
            path: "/users/{id}".into(),
            host: None,
            leaf: "users.show".into(),
            policies: layers.iter().map(table).collect(),
        };
        add_routes(&mut tree, vec![route]);
        let environment = |name: &str| (name == "QUALITY").then(|| "11".to_owned());
        load_tree("ServerConfig", tree, Path::new(""), &environment).map(|loaded| loaded.config)
    }

    /// The policies of the route after all layers, or what is wrong.
    fn route(config: &Json, layers: &[Json]) -> Result<Json, String> {
        let config = read(config, layers).map_err(|report| report.lines())?;
        let mut route = serde_json::to_value(&config.routes[0]).map_err(|error| error.to_string())?;
        for key in ["path", "methods", "python"] {
            route.as_object_mut().map(|route| route.remove(key));
        }
        Ok(route)
    }

    #[test]
    fn layers_lie_over_each_other_and_then_over_the_server() {
        let server = json!({ "rate_limit": { "per_second": 5, "burst": 10, "key": "global" } });
        let limit = |per_second: f64, burst: u32, key: Option<&str>| {
            let key = key.and_then(|key| key.parse().ok());
            let limit = RateLimitConfig { key, ..RateLimitConfig::new(per_second, burst) };
            Ok(json!({ "rate_limit": serde_json::to_value(limit).unwrap() }))
        };
        let of = |layers: &[Json]| route(&server, layers);
        let burst = |burst: u32| json!({ "rate_limit": { "burst": burst } });
        assert_eq!(of(&[burst(1), burst(2)]), limit(5.0, 2, Some("global")));
        assert_eq!(of(&[burst(1), json!({ "rate_limit": { "per_second": 1 } })]), limit(1.0, 1, Some("global")));
        assert_eq!(of(&[burst(1), json!({ "rate_limit": true })]), limit(5.0, 1, Some("global")));
        assert_eq!(of(&[burst(1), json!({ "rate_limit": false })]), Ok(json!({ "rate_limit": false })));
        assert_eq!(of(&[json!({ "rate_limit": false }), json!({ "rate_limit": true })]), Ok(json!({})));
        let object = json!({ "rate_limit": { "!": 1, "per_second": 1, "burst": 1 } });
        assert_eq!(of(&[burst(7), object.clone()]), limit(1.0, 1, None));
        assert_eq!(of(&[object, burst(7)]), limit(1.0, 7, None));
    }

    #[test]
    fn what_an_outer_layer_switches_off_is_not_taken_from_the_server() {
        let server = json!({ "rate_limit": { "per_second": 5, "burst": 10 } });
        let layers = [json!({ "rate_limit": false }), json!({ "rate_limit": { "burst": 1 } })];
        let error = "route GET /users/{id}: rate_limit: key `per_second` is missing, expected a number";
        let shown = route(&server, &layers).expect_err("nothing brings it");
        assert!(shown.starts_with(error), "{shown}");
    }

    #[test]
    fn messages_name_the_attribute_or_the_route() {
        let config = json!({ "port": 1.5, "compression": { "quality": 12, "qualty": 1 }, "jwt_auth": { "secret": 7 } });
        let layers = [json!({ "rate_limit": { "per_second": 0, "burst": 1 }, "rate_limt": true })];
        let expected = "\
            ServerConfig.compression.quality is 12, expected 0 to 11\n\
            ServerConfig.compression: key `qualty` is unknown; did you mean `quality`?\n\
            ServerConfig.jwt_auth.secret is ****, expected text\n\
            ServerConfig.port is 1.5, expected a whole number, 0 to 65535\n\
            route GET /users/{id}: key `rate_limt` is unknown; did you mean `rate_limit`?\n\
            route GET /users/{id}: rate_limit.per_second is 0, expected above 0 to 1000000000";
        let report = read(&config, &layers).expect_err("six mistakes");
        let mut lines: Vec<String> = report.lines().lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn references_are_resolved_in_settings_and_not_in_paths() {
        let config =
            read(&json!({ "compression": { "quality": "${QUALITY}" } }), &[]).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(config.compression.map(|compression| compression.quality), Some(11));
        let mut tree = tree(&json!({}));
        let route =
            ProgramRoute { methods: Vec::new(), path: "/${HOME}".into(), host: None, leaf: "x".into(), policies: Vec::new() };
        add_routes(&mut tree, vec![route]);
        let loaded = load_tree("ServerConfig", tree, Path::new(""), &|_| None).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(loaded.config.routes[0].path, "/${HOME}");
        assert!(loaded.position_of(&ConfigPath::root().key("routes")).is_none());
    }
}
