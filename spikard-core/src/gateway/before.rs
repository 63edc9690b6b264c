//! What a gateway takes over from the one in whose place it is built: whatever is as it was, with its
//! state. A setting is as it was if its value and the content of the files that it names are.
//!
//! Warnings are taken over along with what they are about.

use std::collections::HashMap;
use std::sync::Arc;

use spikard_middleware::stack::{Inherited, KEYS, LINES, Predecessor};
use spikard_middleware::{BuildContext, BuildError, ConfigPath, Effective, Policies, Stack, Step};

use super::leaves::BuiltLeaf;
use super::{Gateway, Route};
use crate::config::{Loaded, RouteConfig, TlsConfig, UpstreamConfig};
use crate::proxy::Upstream;
use crate::routes::RouteKey;
use crate::tls::Tls;

/// A gateway that is in force, its configuration, and the one that follows.
pub(super) struct Before<'a> {
    gateway: &'a Gateway,
    old: &'a Loaded,
    new: &'a Loaded,
    routes: HashMap<String, &'a Route>,
}

/// The stack of a server or a route, and where its settings stand.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    place: &'a ConfigPath,
    stack: &'a Stack,
    effective: &'a Effective,
}

impl<'a> From<&'a Route> for Placed<'a> {
    fn from(route: &'a Route) -> Self {
        Self { place: route.place(), stack: route.stack(), effective: route.effective() }
    }
}

impl<'a> Before<'a> {
    pub(super) fn new(gateway: &'a Gateway, old: &'a Loaded, new: &'a Loaded) -> Self {
        let routes = gateway.routes().map(|route| (route.name(), route)).collect();
        Self { gateway, old, new, routes }
    }

    /// The route that answered to the same.
    pub(super) fn route(&self, key: &RouteKey) -> Option<&'a Route> {
        self.routes.get(&key.to_string()).copied()
    }

    /// The stack of the server, where `policies` are its policies now.
    pub(super) fn server_stack(&self, policies: &Policies, ctx: &BuildContext) -> Result<Stack, BuildError> {
        let root = ConfigPath::root();
        let old = Placed { place: &root, stack: &self.gateway.stack, effective: &self.gateway.effective };
        self.stack(policies, ctx, None, old)
    }

    /// A stack with all layers of `old` that are as they were. `ctx` is at the new place.
    pub(super) fn stack(
        &self,
        policies: &Policies,
        ctx: &BuildContext,
        inherited: Option<Inherited<'_>>,
        old: Placed<'_>,
    ) -> Result<Stack, BuildError> {
        let root = ConfigPath::root();
        let has_same_files = |key: &str| {
            let same = |new: &ConfigPath, old: &ConfigPath| self.has_same_files(&new.key(key), &old.key(key));
            same(ctx.place(), old.place) && same(&root, &root)
        };
        let predecessor = Predecessor { stack: old.stack, effective: old.effective, has_same_files: &has_same_files };
        let stack = policies.build_after(ctx, inherited, Some(predecessor))?;
        let goes_on = |name: &str| {
            let layers = stack.layer(name).zip(old.stack.layer(name));
            layers.is_some_and(|(new, old)| new.is_same_as(&old))
        };
        for line in LINES.iter().filter(|line| goes_on(line.layer)) {
            for key in line.keys {
                self.take_warnings(&old.place.key(*key), &ctx.at(ctx.place().key(*key)), |_| true);
            }
        }
        Ok(stack)
    }

    /// An upstream as it was, with its connections and whatever else it knows of its servers.
    pub(super) fn upstream(&self, name: &str, config: &UpstreamConfig, ctx: &BuildContext) -> Option<Upstream> {
        let is_same = self.old.config.upstreams.get(name) == Some(config) && self.has_same_files(ctx.place(), ctx.place());
        let upstream = self.gateway.upstreams.get(name).filter(|_| is_same)?;
        self.take_warnings(ctx.place(), ctx, |_| true);
        Some(upstream.clone())
    }

    /// The TLS of the server as it was. It sees to its files itself.
    pub(super) fn tls(&self, config: &TlsConfig, ctx: &BuildContext) -> Option<Arc<Tls>> {
        let is_same = self.old.config.tls.as_ref() == Some(config);
        let tls = self.gateway.tls.as_ref().filter(|_| is_same)?;
        self.take_warnings(ctx.place(), ctx, |_| true);
        Some(Arc::clone(tls))
    }

    /// The leaf of a route of the configuration as it was; `upstream` is what the route leads to now.
    pub(super) fn leaf(
        &self,
        config: &RouteConfig,
        route: &Route,
        ctx: &BuildContext,
        upstream: Option<&Upstream>,
    ) -> Option<BuiltLeaf> {
        let [Step::Key(list), Step::Index(number)] = route.place().steps() else { return None };
        let former = self.old.config.routes.get(*number).filter(|_| list == "routes")?;
        let is_same = former.without_policies() == config.without_policies()
            && self.old.config.limits.body == self.new.config.limits.body
            && self.has_same_files(ctx.place(), route.place());
        let leads_there = match (&config.upstream, upstream) {
            (Some(name), Some(upstream)) => self.gateway.upstreams.get(name).is_some_and(|old| old.is_same_as(upstream)),
            (named, _) => named.is_none(),
        };
        if !is_same || !leads_there {
            return None;
        }
        self.take_warnings(route.place(), ctx, |inside| match inside.steps().first() {
            Some(Step::Key(key)) => KEYS.iter().all(|policy| policy.name != key),
            _ => true,
        });
        Some(route.built_leaf().clone())
    }

    fn has_same_files(&self, new: &ConfigPath, old: &ConfigPath) -> bool {
        self.new.files().is_same(new, self.old.files(), old)
    }

    /// Takes over the warnings about what stood at `from`, as far as `wanted` wants those about what is
    /// inside; `ctx` is where that stands now.
    fn take_warnings(&self, from: &ConfigPath, ctx: &BuildContext, wanted: impl Fn(&ConfigPath) -> bool) {
        for warning in &self.gateway.warnings {
            if warning.at.below(from).is_some_and(|inside| wanted(&inside))
                && let Some(moved) = warning.moved(from, ctx.place())
            {
                ctx.at(moved.at).warn("", moved.message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Format, load_text};
    use crate::python::NoPython;

    /// What a folder holds, and a gateway of it.
    struct Site(tempfile::TempDir);

    impl Site {
        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.0.path().join(name), text).unwrap();
        }

        fn load(&self, text: &str) -> Loaded {
            load_text("s.toml", text, Format::Toml, self.0.path(), &|_| None).unwrap_or_else(|report| panic!("{report}"))
        }

        fn next(&self, gateway: &Gateway, old: &str, new: &str) -> Gateway {
            gateway.successor(&self.load(old), &self.load(new), &NoPython).unwrap_or_else(|error| panic!("{error}"))
        }
    }

    fn site() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        let authority = rcgen::generate_simple_self_signed(["a".into()]).unwrap().cert.pem();
        site.write("ca.pem", &authority);
        site.write("other.pem", &format!("# the same, said otherwise\n{authority}"));
        site
    }

    const OLD: &str = "
        rate_limit = { per_second = 1, burst = 2, key = 'jwt:sub' }
        [upstreams.a]
        targets = ['https://a']
        ca = 'ca.pem'
        [[routes]]
        path = '/a'
        upstream = 'a'
        cors = { origins = ['https://a.example'] }
        [[routes]]
        path = '/b'
        response.body = 'b'
    ";

    fn same_layers(old: &Stack, new: &Stack) -> Vec<&'static str> {
        let layers = |name: &&str| old.layer(name).zip(new.layer(name)).is_some_and(|(old, new)| old.is_same_as(&new));
        new.names().filter(layers).collect()
    }

    #[test]
    fn what_is_as_it_was_goes_on_wherever_it_stands() {
        let site = site();
        let loaded = site.load(OLD);
        let gateway = Gateway::build_loaded(&loaded, &loaded.context(), &NoPython).unwrap();
        let new = OLD.replace("[[routes]]\n        path = '/b'", "[[routes]]\n        path = '/new'")
            + "[[routes]]\npath = '/b'\nresponse.body = 'c'\nmax_body_size = 7\n";
        let next = site.next(&gateway, OLD, &new);
        assert!(gateway.stack().is_same_as(next.stack()));
        assert!(gateway.upstreams["a"].is_same_as(&next.upstreams["a"]));
        let of = |gateway: &Gateway, path: &str| gateway.routes().position(|route| route.name() == path).unwrap();
        let [a, b] = ["/a", "/b"].map(|path| (of(&gateway, path), of(&next, path)));
        let [old, new] = [&gateway, &next].map(|gateway| gateway.routes().collect::<Vec<_>>());
        assert!(old[a.0].stack().is_same_as(new[a.1].stack()));
        let changed = new[b.1].stack().names().filter(|name| !same_layers(old[b.0].stack(), new[b.1].stack()).contains(name));
        assert_eq!(changed.collect::<Vec<_>>(), ["body_limit"]);
    }

    #[test]
    fn an_upstream_whose_file_has_other_content_is_another() {
        let site = site();
        let loaded = site.load(OLD);
        let gateway = Gateway::build_loaded(&loaded, &loaded.context(), &NoPython).unwrap();
        std::fs::rename(site.0.path().join("other.pem"), site.0.path().join("ca.pem")).unwrap();
        let next = gateway.successor(&loaded, &site.load(OLD), &NoPython).unwrap();
        assert!(!gateway.upstreams["a"].is_same_as(&next.upstreams["a"]));
    }

    #[test]
    fn warnings_go_on_with_what_they_are_about_and_do_not_multiply() {
        let site = site();
        let loaded = site.load(OLD);
        let mut gateway = Gateway::build_loaded(&loaded, &loaded.context(), &NoPython).unwrap();
        let warnings = gateway.warnings().to_vec();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        for _ in 0..3 {
            gateway = site.next(&gateway, OLD, OLD);
            assert_eq!(gateway.warnings(), warnings);
        }
        let strict = site.load(&format!("strict = true\n{OLD}"));
        assert!(gateway.successor(&loaded, &strict, &NoPython).is_err(), "a warning that was taken over is an error, too");
    }
}
