//! Python applications that routes of a configuration name: their routes become entries of
//! `routes`, on the tree, so that what their policies are laid over is what the file says.

use spikard_middleware::stack::KEYS;
use spikard_middleware::{ConfigPath, Warning};

use super::diagnostic::{Diagnostic, Report};
use super::load::{Environment, Loaded, finish};
use super::program::{ProgramRoute, add_routes};
use super::references::{World, resolve};
use super::schema::schema;
use super::shape::Shape;
use super::tree::{Node, Table, Value};
use crate::python::{Application, PythonLeaves};

impl Loaded {
    /// The same configuration with the routes of the applications that it names. Each stands below
    /// the path of the route that names it, and has its host; its policies are the server's, over
    /// them those of that route, over them its own.
    ///
    /// The routes that name applications keep their numbers and are not served themselves.
    ///
    /// # Errors
    /// Everything that is wrong with the applications and their policies.
    pub fn mount(&self, python: &dyn PythonLeaves, environment: Environment<'_>) -> Result<Loaded, Report> {
        let world = World { environment, directory: &self.directory };
        let mut mounting = Mounting { world, routes: Vec::new(), behind: self.behind.clone(), problems: Vec::new() };
        let mut applications = Vec::new();
        let mut warnings = Vec::new();
        let list = ConfigPath::root().key("routes");
        let entries = match self.written.at(&list).map(|node| &node.value) {
            Some(Value::Sequence(entries)) => entries.as_slice(),
            _ => &[],
        };
        for (number, entry) in entries.iter().enumerate() {
            let Some(name) = entry.at(&ConfigPath::root().key("python")).and_then(Node::as_str) else { continue };
            let place = list.index(number);
            match python.application(name) {
                Ok(None) => {}
                Ok(Some(application)) => {
                    if application.has_config {
                        let message = format!("{name} has a configuration of its own, which does not count here");
                        warnings.push(Warning { at: place.key("python"), message });
                    }
                    applications.push(number);
                    mounting.add(entry, &place, application, entries.len());
                }
                Err(message) => mounting.problem(entry, &place, "python", message),
            }
        }
        if applications.is_empty() && mounting.problems.is_empty() {
            return Ok(self.clone());
        }
        let mut tree = self.written.clone();
        add_routes(&mut tree, mounting.routes);
        let mut loaded = finish(tree, self.source.clone(), mounting.problems, mounting.behind, &self.directory)?;
        loaded.files.own.clone_from(&self.files.own);
        Ok(Loaded { applications, warnings, ..loaded })
    }
}

struct Mounting<'a> {
    world: World<'a>,
    routes: Vec<ProgramRoute>,
    behind: Vec<super::cover::Behind>,
    problems: Vec<Diagnostic>,
}

impl Mounting<'_> {
    fn problem(&mut self, entry: &Node, place: &ConfigPath, key: &str, message: impl Into<String>) {
        let origin = entry.nearest(&ConfigPath::root().key(key)).origin.clone();
        self.problems.push(Diagnostic::error(place.key(key), origin, message));
    }

    /// Adds the routes of an application; the configuration has `count` routes of its own.
    fn add(&mut self, entry: &Node, place: &ConfigPath, application: Application, count: usize) {
        let of_entry = |key: &str| entry.at(&ConfigPath::root().key(key));
        let methods = of_entry("methods").map(|methods| &methods.value);
        if methods.is_some_and(|methods| !matches!(methods, Value::Sequence(methods) if methods.is_empty())) {
            self.problem(
                entry,
                place,
                "methods",
                "methods stand beside `python`, expected none: the routes of the application have theirs",
            );
        }
        let path = of_entry("path").and_then(Node::as_str).unwrap_or_default();
        let Some(prefix) = prefix_of(path) else {
            let message = format!("path is `{path}`, expected one that ends in `{{*rest}}`: the application has routes below it");
            return self.problem(entry, place, "path", message);
        };
        let outer = entry.as_table().into_iter().flat_map(Table::entries);
        let outer: Table = outer.filter(|entry| KEYS.iter().any(|key| key.name == entry.key)).cloned().collect();
        let host = of_entry("host").cloned();
        for route in application.routes {
            let place = ConfigPath::root().key("routes").index(count + self.routes.len());
            let own: Vec<Table> = route.policies.into_iter().map(|layer| self.resolved(layer, &place)).collect();
            let policies = [outer.clone()].into_iter().chain(own).collect();
            let path = format!("{prefix}{}", route.path);
            self.routes.push(ProgramRoute { path, host: host.clone(), policies, ..route });
        }
    }

    /// A layer of policies with what its references stand for.
    fn resolved(&mut self, layer: Table, place: &ConfigPath) -> Table {
        let mut node = Node::new(Value::Table(layer));
        let Some(shape) = Shape::root(schema()).at(place) else { return Table::default() };
        let resolved = resolve(&mut node, shape, &self.world);
        self.problems.extend(resolved.diagnostics.into_iter().map(|one| Diagnostic { at: place.join(&one.at), ..one }));
        self.behind.extend(resolved.behind.into_iter().map(|one| super::cover::Behind { at: place.join(&one.at), ..one }));
        match node.value {
            Value::Table(table) => table,
            _ => Table::default(),
        }
    }
}

/// What stands before `/{*rest}` or `/{rest:path}`.
fn prefix_of(path: &str) -> Option<&str> {
    let (prefix, last) = path.rsplit_once('/')?;
    let name = last.strip_prefix('{')?.strip_suffix('}')?;
    (name.starts_with('*') || name.ends_with(":path")).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use spikard_middleware::{Answer, BuildContext, BuildError, RateLimitConfig, Request, Response, Service};

    use super::super::tree::Entry;
    use crate::config::{Format, RouteConfig, ServerConfig, load_text};
    use crate::python::PythonLeaf;
    use crate::{Body, Gateway, TestClient};

    use super::*;

    /// Answers with its name.
    struct Named(String);

    impl Service for Named {
        fn call(&self, _: Request) -> Answer<'_> {
            Box::pin(std::future::ready(Response::new(Body::from(self.0.clone()))))
        }
    }

    /// A program with one application, `shop:app`.
    struct Shop;

    impl PythonLeaves for Shop {
        fn application(&self, name: &str) -> Result<Option<Application>, String> {
            if name != "shop:app" {
                return Err(format!("module of `{name}` is not found"));
            }
            let burst = |burst: &str| -> Table {
                let burst = Entry::new("burst", Node::new(Value::String(burst.into())));
                let limit = Node::new(Value::Table([burst].into_iter().collect()));
                [Entry::new("rate_limit", limit)].into_iter().collect()
            };
            let route = |method: &str, path: &str, policies| ProgramRoute {
                methods: vec![method.into()],
                path: path.into(),
                host: None,
                leaf: format!("{method} {path}"),
                policies,
            };
            let routes = vec![
                route("GET", "/items/{id:int}", vec![]),
                route("POST", "/items", vec![burst("${NONE:-3}"), burst("${BURST}")]),
            ];
            Ok(Some(Application { routes, has_config: true }))
        }

        fn configured(&self, name: &str) -> Result<Loaded, String> {
            Err(format!("{name} has no configuration"))
        }

        fn leaf(&self, route: &RouteConfig, _: &ServerConfig, _: &BuildContext) -> Result<PythonLeaf, BuildError> {
            let name = route.python.clone().unwrap_or_default();
            let (name, service) = (format!("python {name}"), Arc::new(Named(name)));
            Ok(PythonLeaf { name, service, source: None, checks_path: false, description: None })
        }
    }

    const FILE: &str = "
        rate_limit = { per_second = 1, burst = 9 }
        [[routes]]
        path = '/api/{*rest}'
        host = 'a.example'
        python = 'shop:app'
        rate_limit.per_second = 2
        [[routes]]
        path = '/health'
        response = {}";

    fn mounted(text: &str) -> Result<Loaded, Report> {
        let environment = |name: &str| (name == "BURST").then(|| "7".to_owned());
        let loaded = load_text("spikard.toml", text, Format::Toml, Path::new(""), &environment)?;
        loaded.mount(&Shop, &environment)
    }

    #[tokio::test]
    async fn the_routes_of_an_application_stand_below_the_path_that_names_it() {
        let loaded = mounted(FILE).unwrap_or_else(|report| panic!("{report}"));
        let limit = |number: usize| serde_json::to_value(&loaded.config.routes[number].rate_limit).unwrap_or_default();
        let expected = |burst: u32| serde_json::to_value(RateLimitConfig::new(2.0, burst)).unwrap();
        assert_eq!((limit(2), limit(3)), (expected(9), expected(7)));

        let burst =
            |number: usize| loaded.origin_of(&ConfigPath::root().key("routes").index(number).key("rate_limit").key("burst"));
        assert_eq!(burst(2).as_deref(), Some("spikard.toml:2"));
        assert_eq!(burst(3).as_deref(), Some("route POST /api/items: rate_limit.burst"));

        let gateway = Gateway::build_loaded(&loaded, &loaded.context(), &Shop).unwrap_or_else(|error| panic!("{error}"));
        let names: Vec<String> = gateway.routes().map(|route| format!("{} {}", route.name(), route.leaf())).collect();
        let expected = [
            "/health response",
            "GET a.example/api/items/{id:int} python GET /items/{id:int}",
            "POST a.example/api/items python POST /items",
        ];
        assert_eq!(names, expected);
        let warnings: Vec<String> =
            gateway.warnings().iter().map(|warning| format!("{}: {}", warning.at, warning.message)).collect();
        assert_eq!(warnings, ["routes[0].python: shop:app has a configuration of its own, which does not count here"]);

        let client = TestClient::new(gateway);
        let get = |path| client.get(path).header("host", "a.example").send();
        assert_eq!(get("/api/items/7").await.text(), "GET /items/{id:int}");
        assert_eq!(get("/api/items/x").await.status().as_u16(), 422);
        assert_eq!(get("/api/items").await.status().as_u16(), 405);
        assert_eq!(get("/api/nothing").await.status().as_u16(), 404);
    }

    #[test]
    fn what_is_wrong_is_said_at_the_route_that_names_the_application() {
        for (text, expected) in [
            (
                FILE.replace("/{*rest}", ""),
                "spikard.toml:4:16: path is `/api`, expected one that ends in `{*rest}`: the application has routes below it",
            ),
            (FILE.replace("shop:app", "shp:app"), "spikard.toml:6:18: module of `shp:app` is not found"),
            (
                FILE.replace("host =", "methods = ['GET']\nhost ="),
                "spikard.toml:5:19: methods stand beside `python`, expected none: the routes of the application have theirs",
            ),
            (
                FILE.replace("per_second = 1, ", "").replace("rate_limit.per_second = 2", ""),
                "spikard.toml:2:9: key `per_second` is missing in rate_limit, expected a number",
            ),
        ] {
            let shown = mounted(&text).map_or_else(|report| report.lines(), |_| String::new());
            assert!(shown.contains(expected), "{shown}");
        }
    }
}
