//! The one leaf of each entry of `[[routes]]`, and the upstreams that several may share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use spikard_middleware::{BuildContext, BuildError, Service};
use spikard_openapi::Describe;

use super::converted::checked;
use crate::config::{RouteConfig, ServerConfig};
use crate::leaf::{Directory, FixedResponse, Redirect};
use crate::proxy::Upstream;
use crate::python::{PythonLeaf, PythonLeaves};
use crate::routes::PathPattern;

/// A leaf.
pub(super) struct BuiltLeaf {
    /// What it is called in `routes` and `explain`.
    pub(super) name: String,
    /// Where it is written, if that is not the configuration.
    pub(super) source: Option<String>,
    pub(super) service: Arc<dyn Service>,
    /// What it says of itself in the description of the API.
    pub(super) description: Option<Arc<dyn Describe>>,
}

impl BuiltLeaf {
    pub(super) fn new(name: impl Into<String>, service: Arc<dyn Service>) -> Self {
        Self { name: name.into(), source: None, service, description: None }
    }
}

/// The keys of which a route has exactly one.
const KEYS: [&str; 5] = ["upstream", "static_files", "response", "redirect", "python"];

/// What builds leaves.
pub(super) struct Leaves<'a> {
    config: &'a ServerConfig,
    python: &'a dyn PythonLeaves,
    /// None: it could not be built, and that is reported.
    upstreams: BTreeMap<String, Option<Upstream>>,
}

impl<'a> Leaves<'a> {
    /// Builds the upstreams of a configuration; what is wrong with them goes to `errors`.
    pub(super) fn new(
        config: &'a ServerConfig,
        python: &'a dyn PythonLeaves,
        ctx: &BuildContext,
        errors: &mut Vec<BuildError>,
    ) -> Self {
        let list = ctx.place().key("upstreams");
        let upstreams = config.upstreams.iter().map(|(name, upstream)| {
            let built = Upstream::build(upstream, &ctx.at(list.key(name)));
            (name.clone(), built.map_err(|error| errors.push(error)).ok())
        });
        Self { config, python, upstreams: upstreams.collect() }
    }

    /// Builds the leaf of a route with the path `path`, behind the check that the path asks for.
    pub(super) fn leaf(&self, config: &RouteConfig, path: &PathPattern, ctx: &BuildContext) -> Result<BuiltLeaf, BuildError> {
        check_one(config, ctx)?;
        let (leaf, checks_path) = if config.python.is_some() {
            let leaf = self.python.leaf(config, self.config, ctx)?;
            let PythonLeaf { name, service, source, checks_path, description } = leaf;
            (BuiltLeaf { name, source, service, description }, checks_path)
        } else {
            (self.unchecked(config, path, ctx)?, false)
        };
        if checks_path {
            return Ok(leaf);
        }
        Ok(BuiltLeaf { service: checked(path, leaf.service, ctx)?, ..leaf })
    }

    fn unchecked(&self, config: &RouteConfig, path: &PathPattern, ctx: &BuildContext) -> Result<BuiltLeaf, BuildError> {
        let inner = |key: &str| ctx.at(ctx.place().key(key));
        if let Some(name) = &config.upstream {
            return self.upstream(name, path, &inner("upstream"));
        }
        if let Some(files) = &config.static_files {
            let leaf = Directory::build(files, path, &inner("static_files"))?;
            return Ok(BuiltLeaf::new(directory_name(&files.directory), Arc::new(leaf)));
        }
        if let Some(response) = &config.response {
            let leaf = Arc::new(FixedResponse::build(response, &inner("response"))?);
            return Ok(BuiltLeaf { description: Some(leaf.clone()), ..BuiltLeaf::new("response", leaf) });
        }
        if let Some(redirect) = &config.redirect {
            let leaf = Redirect::build(redirect, path, &inner("redirect"))?;
            return Ok(BuiltLeaf::new(format!("redirect {}", redirect.to), Arc::new(leaf)));
        }
        // One of the five is there, and the fifth is Python's.
        Err(ctx.invalid("", "the route has nothing that answers"))
    }

    fn upstream(&self, name: &str, path: &PathPattern, ctx: &BuildContext) -> Result<BuiltLeaf, BuildError> {
        match self.upstreams.get(name) {
            Some(Some(upstream)) => Ok(BuiltLeaf::new(format!("upstream {name}"), Arc::new(upstream.leaf(path, ctx)?))),
            // Its own error is reported; the route has none.
            Some(None) => Err(BuildError::Several(Vec::new())),
            None if self.upstreams.is_empty() => {
                Err(ctx.invalid("", format!("upstream is `{name}`, expected an entry of `upstreams`")))
            }
            None => {
                let known: Vec<String> = self.upstreams.keys().map(|name| format!("`{name}`")).collect();
                Err(ctx.invalid("", format!("upstream is `{name}`, expected {}", known.join(" or "))))
            }
        }
    }
}

/// What the leaf of a directory is called.
pub(super) fn directory_name(directory: &Path) -> String {
    format!("static_files {}", directory.display())
}

fn check_one(config: &RouteConfig, ctx: &BuildContext) -> Result<(), BuildError> {
    let given = [
        config.upstream.is_some(),
        config.static_files.is_some(),
        config.response.is_some(),
        config.redirect.is_some(),
        config.python.is_some(),
    ];
    let given: Vec<&str> = KEYS.iter().zip(given).filter_map(|(key, given)| given.then_some(*key)).collect();
    let choices = KEYS.map(|key| format!("`{key}`")).join(", ");
    match given[..] {
        [] => Err(ctx.invalid("", format!("the route has nothing that answers, expected one of {choices}"))),
        [_] => Ok(()),
        [_, second, ..] => {
            Err(ctx.invalid(second, format!("the route has `{}`, expected one of {choices}", given.join("` and `"))))
        }
    }
}
