//! What is different between two configurations, for people and for programs.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The differences between a configuration in force and the next one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    /// The routes that come, go, or have another setting of their own.
    pub routes: Vec<RouteChange>,
    /// How many routes have no change of their own.
    pub unchanged_routes: usize,
    /// The settings of the server, its policies included.
    pub server: Vec<Setting>,
    /// The upstreams that come, go, or have another setting.
    pub upstreams: Vec<UpstreamChange>,
    /// The settings that need a restart of the process; a reload leaves them as they were.
    pub restart: Vec<Setting>,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It has other settings.
    Changed,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteChange {
    /// What becomes of it.
    pub change: Kind,
    /// What it answers to: `GET /users/{id}`.
    pub route: String,
    /// What answers.
    pub leaf: String,
    /// Where it is written: `spikard.toml:7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Its settings, if they are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// An upstream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpstreamChange {
    /// What becomes of it.
    pub change: Kind,
    /// Its name.
    pub upstream: String,
    /// How many routes lead to it, before or after.
    pub routes: usize,
    /// Its settings, if they are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// A setting with another value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// The way to it: `rate_limit.burst`.
    pub setting: String,
    /// The value in force; none: it is off or not set.
    pub old: Option<Value>,
    /// The next value; none: it is off or not set.
    pub new: Option<Value>,
    /// What has changed, where the values do not show it: a secret, or the content of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the next value is written: `spikard.toml:7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// How many routes take it from the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<usize>,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        let Self { routes, server, upstreams, restart, .. } = self;
        routes.is_empty() && server.is_empty() && upstreams.is_empty() && restart.is_empty()
    }

    /// The changes in one line: `1 route added, 2 changed; server: compression; upstreams: api`.
    pub fn summary(&self) -> String {
        let count = |kind| self.routes.iter().filter(|route| route.change == kind).count();
        let mut parts = Vec::new();
        for (kind, word) in [(Kind::Added, "added"), (Kind::Removed, "removed"), (Kind::Changed, "changed")] {
            match count(kind) {
                0 => {}
                1 if parts.is_empty() => parts.push(format!("1 route {word}")),
                many if parts.is_empty() => parts.push(format!("{many} routes {word}")),
                many => parts.push(format!("{many} {word}")),
            }
        }
        let routes = parts.join(", ");
        let key = |setting: &Setting| setting.setting.split(['.', '[']).next().unwrap_or_default().to_owned();
        let server: BTreeSet<String> = self.server.iter().map(key).collect();
        let upstreams: BTreeSet<String> = self.upstreams.iter().map(|upstream| upstream.upstream.clone()).collect();
        let list = |what: &str, names: BTreeSet<String>| {
            (!names.is_empty()).then(|| format!("{what}: {}", names.into_iter().collect::<Vec<_>>().join(", ")))
        };
        let parts = [(!routes.is_empty()).then_some(routes), list("server", server), list("upstreams", upstreams)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "nothing has changed".to_owned() } else { parts.join("; ") }
    }
}

impl Kind {
    fn mark(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }
}

/// `rate_limit.burst: 10 -> 20`, without the place.
impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_table = [&self.old, &self.new].into_iter().flatten().any(Value::is_object);
        let shown = |value: &Option<Value>| match value {
            Some(Value::Object(_)) => "on".to_owned(),
            Some(value) => value.to_string(),
            None if is_table => "off".to_owned(),
            None => "not set".to_owned(),
        };
        match &self.note {
            Some(note) => write!(formatter, "{}: {note}", self.setting)?,
            None => write!(formatter, "{}: {} -> {}", self.setting, shown(&self.old), shown(&self.new))?,
        }
        match self.routes {
            Some(routes) => write!(formatter, " ({})", routes_of(routes)),
            None => Ok(()),
        }
    }
}

/// For people: a line for each thing that changes, then what becomes of connections.
impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(formatter, "nothing changes: {} as now", routes_of(self.unchanged_routes));
        }
        for RouteChange { change, route, leaf, origin, settings } in &self.routes {
            line(formatter, &format!("{} {route}  {leaf}", change.mark()), origin.as_deref())?;
            lines(formatter, settings)?;
        }
        if !self.server.is_empty() {
            writeln!(formatter, "~ server")?;
            lines(formatter, &self.server)?;
        }
        for UpstreamChange { change, upstream, routes, settings } in &self.upstreams {
            writeln!(formatter, "{} upstream {upstream} ({})", change.mark(), routes_of(*routes))?;
            lines(formatter, settings)?;
        }
        if !self.restart.is_empty() {
            writeln!(formatter, "! needs a restart, which closes every connection")?;
            lines(formatter, &self.restart)?;
        }
        writeln!(formatter, "\n{} without a change of its own", routes_of(self.unchanged_routes))?;
        self.write_connections(formatter)
    }
}

impl Changes {
    fn write_connections(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "a reload closes no client's connection; what is under way ends with the settings it began with")?;
        let left = self.upstreams.iter().filter(|upstream| upstream.change != Kind::Added);
        let left: Vec<String> = left.map(|upstream| format!("`{}`", upstream.upstream)).collect();
        if left.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "connections to {} close when they have nothing to do", left.join(", "))
    }
}

/// How wide a line is before the place that follows it.
const WIDTH: usize = 64;

fn line(formatter: &mut fmt::Formatter<'_>, text: &str, origin: Option<&str>) -> fmt::Result {
    match origin {
        Some(origin) => writeln!(formatter, "{text:WIDTH$}   {origin}"),
        None => writeln!(formatter, "{text}"),
    }
}

fn lines(formatter: &mut fmt::Formatter<'_>, settings: &[Setting]) -> fmt::Result {
    settings.iter().try_for_each(|setting| line(formatter, &format!("    {setting}"), setting.origin.as_deref()))
}

fn routes_of(count: usize) -> String {
    if count == 1 { "1 route".to_owned() } else { format!("{count} routes") }
}
