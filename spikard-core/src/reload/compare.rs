//! From two editions to what is different between them. Settings are compared as they are in force,
//! defaults included, and shown with secrets masked.

use std::collections::HashMap;

use serde_json::{Map, Value};
use spikard_middleware::stack::KEYS;
use spikard_middleware::{ConfigPath, Step};

use super::changes::{Changes, Kind, RouteChange, Setting, UpstreamChange};
use super::edition::Edition;
use crate::config::{Loaded, ServerConfig};
use crate::gateway::Route;

/// The keys of the server that are compared piece by piece, and those that a server takes no notice of.
const ELSEWHERE: [&str; 4] = ["routes", "static_files", "upstreams", "tests"];

/// Whether a reload puts a setting of the server in force: a key, and for tables the key inside. For
/// any that is not named here a process has to be started.
fn is_reloaded(key: &str, inside: Option<&str>) -> bool {
    match key {
        // The others are the listener's.
        "limits" => inside == Some("body"),
        // Whether there is TLS, and its second port, is settled at the start.
        "tls" => inside.is_some_and(|inside| !["redirect_http", "public_port"].contains(&inside)),
        _ => ["trusted_proxies", "strict", "openapi"].contains(&key),
    }
}

impl Changes {
    /// What is different in `new` from `old`. `started` is what the process was started with: settings
    /// that need a restart are compared with that.
    pub fn between(old: &Edition, new: &Edition, started: &ServerConfig) -> Self {
        let sides = Sides { old, new, old_values: values(&old.loaded.config), new_values: values(&new.loaded.config) };
        let (routes, unchanged_routes) = sides.routes();
        let restart = sides.of_server(&values(started), false);
        Self { routes, unchanged_routes, server: sides.server(), upstreams: sides.upstreams(), restart }
    }
}

struct Sides<'a> {
    old: &'a Edition,
    new: &'a Edition,
    old_values: Map<String, Value>,
    new_values: Map<String, Value>,
}

/// What stands at a place on one side, and at a place on the other.
struct Pair<'a> {
    old_place: &'a ConfigPath,
    new_place: &'a ConfigPath,
}

impl Sides<'_> {
    fn routes(&self) -> (Vec<RouteChange>, usize) {
        let mut former: HashMap<String, &Route> = self.old.gateway.routes().map(|route| (route.name(), route)).collect();
        let mut changes = Vec::new();
        let mut unchanged = 0;
        for route in self.new.gateway.routes() {
            let (change, settings) = match former.remove(&route.name()) {
                None => (Kind::Added, Vec::new()),
                Some(former) => (Kind::Changed, self.route(former, route)),
            };
            if change == Kind::Changed && settings.is_empty() {
                unchanged += 1;
            } else {
                changes.push(change_of(change, route, &self.new.loaded, settings));
            }
        }
        let gone = self.old.gateway.routes().filter(|route| former.contains_key(&route.name()));
        changes.extend(gone.map(|route| change_of(Kind::Removed, route, &self.old.loaded, Vec::new())));
        (changes, unchanged)
    }

    /// The settings of a route's own.
    fn route(&self, old: &Route, new: &Route) -> Vec<Setting> {
        let pair = Pair { old_place: old.place(), new_place: new.place() };
        let mut settings = Vec::new();
        // What `openapi` says beside its policies is not said of one of its routes.
        if old.place().steps().len() > 1 && new.place().steps().len() > 1 {
            let values = [at(&self.old_values, old.place()), at(&self.new_values, new.place())];
            settings.extend(self.of_tables(&pair, values.map(without_policies)));
        }
        for key in KEYS {
            let [was_own, is_own] = [old, new].map(|route| !route.effective().inherited.contains(&key.name));
            let policies = [&old.effective().policies, &new.effective().policies];
            if !was_own && !is_own {
                continue;
            }
            let found = self.policy(&pair, key.name, policies);
            if found.is_empty() && was_own != is_own {
                let note = if is_own { "the same settings, now the route's own" } else { "the same settings, now the server's" };
                settings.push(Setting { note: Some(note.into()), ..setting(key.name.into(), None, None) });
            }
            settings.extend(found);
        }
        settings
    }

    fn server(&self) -> Vec<Setting> {
        let root = ConfigPath::root();
        let pair = Pair { old_place: &root, new_place: &root };
        let mut settings = self.of_server(&self.old_values, true);
        let keys = self.new_values.keys().filter(|key| is_reloaded(key, Some("")));
        settings.extend(keys.flat_map(|key| self.contents(&pair, key)));
        for key in KEYS {
            let policies = [&self.old.gateway.effective().policies, &self.new.gateway.effective().policies];
            let takers = self.new.gateway.routes().filter(|route| route.effective().inherited.contains(&key.name)).count();
            let found = self.policy(&pair, key.name, policies).into_iter();
            settings.extend(found.map(|setting| Setting { routes: Some(takers), ..setting }));
        }
        settings
    }

    fn upstreams(&self) -> Vec<UpstreamChange> {
        let list = ConfigPath::root().key("upstreams");
        let [old, new] = [self.old, self.new].map(|edition| &edition.loaded.config);
        let routes = |name: &str| {
            let leading =
                |config: &ServerConfig| config.routes.iter().filter(|route| route.upstream.as_deref() == Some(name)).count();
            leading(old).max(leading(new))
        };
        let names = old.upstreams.keys().filter(|name| !new.upstreams.contains_key(*name)).chain(new.upstreams.keys());
        let change = |name: &String| {
            let place = list.key(name);
            let pair = Pair { old_place: &place, new_place: &place };
            let (change, settings) = match (old.upstreams.get(name), new.upstreams.get(name)) {
                (None, _) => (Kind::Added, Vec::new()),
                (_, None) => (Kind::Removed, Vec::new()),
                (Some(former), Some(upstream)) => {
                    let values = [at(&self.old_values, &place), at(&self.new_values, &place)].map(Option::<&Value>::cloned);
                    let mut settings = Vec::new();
                    self.compare(&pair, "", values, &mut settings);
                    settings.extend(self.contents(&pair, ""));
                    if settings.is_empty() && former != upstream {
                        settings.push(secret(name));
                    }
                    (Kind::Changed, settings)
                }
            };
            let is_change = change != Kind::Changed || !settings.is_empty();
            is_change.then(|| UpstreamChange { change, upstream: name.clone(), routes: routes(name), settings })
        };
        names.filter_map(change).collect()
    }

    /// The settings of the server, its policies aside: those that a reload puts in force, or the others.
    fn of_server(&self, before: &Map<String, Value>, reloaded: bool) -> Vec<Setting> {
        let root = ConfigPath::root();
        let pair = Pair { old_place: &root, new_place: &root };
        let mut settings = Vec::new();
        let gone = before.keys().filter(|key| !self.new_values.contains_key(*key));
        for key in self.new_values.keys().chain(gone) {
            if !ELSEWHERE.contains(&key.as_str()) && !is_policy(key) {
                let values = parts(key, [before.get(key), self.new_values.get(key)], reloaded);
                self.compare(&pair, key, values, &mut settings);
            }
        }
        settings
    }

    /// The settings of one policy.
    fn policy(&self, pair: &Pair<'_>, key: &str, [old, new]: [&spikard_middleware::Policies; 2]) -> Vec<Setting> {
        let mut settings = Vec::new();
        self.compare(pair, key, [old.settings(key), new.settings(key)], &mut settings);
        settings.extend(self.contents(pair, key));
        if settings.is_empty() && !new.has_same(key, old) {
            settings.push(secret(key));
        }
        settings
    }

    /// The settings of a table that are no policies, and the contents of the files that they name.
    fn of_tables(&self, pair: &Pair<'_>, values: [Option<Value>; 2]) -> Vec<Setting> {
        let mut settings = Vec::new();
        self.compare(pair, "", values, &mut settings);
        let is_own = |setting: &Setting| !is_policy(setting.setting.split('.').next().unwrap_or_default());
        settings.extend(self.contents(pair, "").into_iter().filter(is_own));
        settings
    }

    /// Walks two values in step.
    fn compare(&self, pair: &Pair<'_>, name: &str, values: [Option<Value>; 2], settings: &mut Vec<Setting>) {
        match values {
            [Some(Value::Object(mut old)), Some(Value::Object(new))] => {
                let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
                for (key, value) in new {
                    let former = old.remove(&key);
                    self.compare(pair, &inner(&key), [former, Some(value)], settings);
                }
                for (key, value) in old {
                    self.compare(pair, &inner(&key), [Some(value), None], settings);
                }
            }
            [old, new] => {
                let [old, new] = [old, new].map(|value| value.filter(|value| !value.is_null()));
                if old != new {
                    let place =
                        name.split('.').filter(|step| !step.is_empty()).fold(pair.new_place.clone(), |place, key| place.key(key));
                    let origin = self.new.loaded.origin_of(&place);
                    settings.push(Setting { origin, ..setting(name.to_owned(), old, new) });
                }
            }
        }
    }

    /// The files that are named as before, with another content.
    fn contents(&self, pair: &Pair<'_>, key: &str) -> Vec<Setting> {
        let [old, new] =
            [pair.old_place, pair.new_place].map(|place| if key.is_empty() { place.clone() } else { place.key(key) });
        let changed = self.new.loaded.files().changed(&new, self.old.loaded.files(), &old);
        let note = |(inside, path): (ConfigPath, &std::path::Path)| {
            let name = if key.is_empty() { inside } else { ConfigPath::root().key(key).join(&inside) };
            let note = format!("the content of {} has changed", path.display());
            Setting { note: Some(note), ..setting(name.to_string(), None, None) }
        };
        changed.map(note).collect()
    }
}

fn change_of(change: Kind, route: &Route, loaded: &Loaded, settings: Vec<Setting>) -> RouteChange {
    let origin = loaded.origin_of(route.place());
    RouteChange { change, route: route.name(), leaf: route.leaf().to_owned(), origin, settings }
}

fn setting(name: String, old: Option<Value>, new: Option<Value>) -> Setting {
    Setting { setting: name, old, new, note: None, origin: None, routes: None }
}

fn secret(name: &str) -> Setting {
    Setting { note: Some("a secret has changed".into()), ..setting(name.to_owned(), None, None) }
}

/// A configuration, secrets masked.
fn values(config: &ServerConfig) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    }
}

fn at<'v>(values: &'v Map<String, Value>, place: &ConfigPath) -> Option<&'v Value> {
    let mut steps = place.steps().iter();
    let Some(Step::Key(first)) = steps.next() else { return None };
    steps.try_fold(values.get(first)?, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

fn is_policy(key: &str) -> bool {
    KEYS.iter().any(|policy| policy.name == key)
}

fn without_policies(value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    if let Some(table) = value.as_object_mut() {
        table.retain(|key, _| !is_policy(key));
    }
    Some(value)
}

/// What of the values of a key is put in force by a reload, or is not.
fn parts(key: &str, values: [Option<&Value>; 2], reloaded: bool) -> [Option<Value>; 2] {
    let [Some(Value::Object(_)), Some(Value::Object(_))] = values else {
        return values.map(|value| value.filter(|_| is_reloaded(key, None) == reloaded).cloned());
    };
    values.map(|value| {
        let mut value = without_policies(value)?;
        value.as_object_mut()?.retain(|inside, _| is_reloaded(key, Some(inside)) == reloaded);
        Some(value)
    })
}
