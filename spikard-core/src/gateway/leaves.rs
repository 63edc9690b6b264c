//! The one leaf of each entry of `[[routes]]`, and the upstreams that several may share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use spikard_middleware::{BuildContext, BuildError, Service};
use spikard_openapi::Describe;

use super::before::Before;
use super::converted::checked;
use super::upstream_api::{Documents, UpstreamApi};
use crate::config::{BrokenResponses, OpenApiFile, RouteConfig, ServerConfig, UndescribedRequests, UpstreamConfig, Validate};
use crate::edge::{Edge, Parts};
use crate::leaf::{Directory, FixedResponse, Redirect};
use crate::proxy::Upstream;
use crate::python::{PythonLeaf, PythonLeaves};
use crate::routes::PathPattern;

/// A leaf.
#[derive(Clone)]
pub(super) struct BuiltLeaf {
    /// What it is called in `routes` and `explain`.
    pub(super) name: String,
    /// Where it is written, if that is not the configuration.
    pub(super) source: Option<String>,
    pub(super) service: Arc<dyn Service>,
    /// What it says of itself in the description of the API.
    pub(super) description: Option<Arc<dyn Describe>>,
    /// What the document of its upstream says of it.
    pub(super) api: Option<UpstreamApi>,
}

impl BuiltLeaf {
    pub(super) fn new(name: impl Into<String>, service: Arc<dyn Service>) -> Self {
        Self { name: name.into(), source: None, service, description: None, api: None }
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
    documents: Documents,
    /// The documents of the upstreams; none: it could not be read, and that is reported.
    of_upstreams: BTreeMap<String, Option<Arc<OpenApiFile>>>,
}

impl<'a> Leaves<'a> {
    /// Builds the upstreams of a configuration; what is wrong with them goes to `errors`.
    pub(super) fn new(
        config: &'a ServerConfig,
        python: &'a dyn PythonLeaves,
        ctx: &BuildContext,
        before: Option<&Before<'_>>,
        errors: &mut Vec<BuildError>,
    ) -> Self {
        let list = ctx.place().key("upstreams");
        let upstreams = config.upstreams.iter().map(|(name, upstream)| {
            let ctx = ctx.at(list.key(name));
            let goes_on = before.and_then(|before| before.upstream(name, upstream, &ctx));
            let built = goes_on.map_or_else(|| Upstream::build(upstream, &ctx), Ok);
            (name.clone(), built.map_err(|error| errors.push(error)).ok())
        });
        let upstreams = upstreams.collect();
        let documents = Documents::default();
        let described = config.upstreams.iter().filter_map(|(name, upstream)| Some((name, upstream.openapi.as_ref()?)));
        let of_upstreams = described.map(|(name, file)| {
            let read = documents.open(file, &ctx.at(list.key(name)));
            (name.clone(), read.map_err(|error| errors.push(error)).ok())
        });
        let of_upstreams = of_upstreams.collect();
        Self { config, python, upstreams, documents, of_upstreams }
    }

    /// What a route leads to, if that is an upstream that could be built.
    pub(super) fn upstream_of(&self, config: &RouteConfig) -> Option<&Upstream> {
        self.upstreams.get(config.upstream.as_deref()?)?.as_ref()
    }

    /// All upstreams that could be built.
    pub(super) fn into_upstreams(self) -> BTreeMap<String, Upstream> {
        self.upstreams.into_iter().filter_map(|(name, upstream)| Some((name, upstream?))).collect()
    }

    /// Builds the leaf of a route with the path `path`, behind the check that the path asks for.
    pub(super) fn leaf(&self, config: &RouteConfig, path: &PathPattern, ctx: &BuildContext) -> Result<BuiltLeaf, BuildError> {
        check_one(config, ctx)?;
        check_description(config, ctx)?;
        let (leaf, checks_path) = if config.python.is_some() {
            let leaf = self.python.leaf(config, self.config, ctx)?;
            let PythonLeaf { name, service, source, checks_path, description } = leaf;
            (BuiltLeaf { name, source, service, description, api: None }, checks_path)
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
            return self.upstream(name, config, path, ctx);
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

    fn upstream(
        &self,
        name: &str,
        config: &RouteConfig,
        path: &PathPattern,
        ctx: &BuildContext,
    ) -> Result<BuiltLeaf, BuildError> {
        let inner = ctx.at(ctx.place().key("upstream"));
        let upstream = match self.upstreams.get(name) {
            Some(Some(upstream)) => upstream,
            // Its own error is reported; the route has none.
            Some(None) => return Err(BuildError::Several(Vec::new())),
            None if self.upstreams.is_empty() => {
                return Err(inner.invalid("", format!("upstream is `{name}`, expected an entry of `upstreams`")));
            }
            None => {
                let known: Vec<String> = self.upstreams.keys().map(|name| format!("`{name}`")).collect();
                return Err(inner.invalid("", format!("upstream is `{name}`, expected {}", known.join(" or "))));
            }
        };
        let leaf = upstream.leaf(path, &inner)?;
        let title = format!("upstream {name}{}", self.config.upstreams.get(name).map(shared).unwrap_or_default());
        let file = match (&config.openapi, self.of_upstreams.get(name)) {
            (Some(file), _) => self.documents.open(file, ctx)?,
            (None, Some(Some(file))) => Arc::clone(file),
            (None, Some(None)) => return Err(BuildError::Several(Vec::new())),
            (None, None) if config.validate.is_some() => {
                let message = format!("the route has `validate`, expected `openapi` beside it or in the upstream `{name}`");
                return Err(ctx.invalid("validate", message));
            }
            (None, None) => return Ok(BuiltLeaf::new(title, Arc::new(leaf))),
        };
        let api = UpstreamApi::new(Arc::clone(&file), upstream.clone(), path.clone(), config.validate);
        let Some(validate) = config.validate else {
            return Ok(BuiltLeaf { api: Some(api), ..BuiltLeaf::new(title, Arc::new(leaf)) });
        };
        let title = format!("{title}, {}", held(config, validate, file.name()));
        let limits = self.config.limits.body;
        let parts = Parts { leaf, upstream, file: &file, route: config, path, validate, limits, count: api.counter() };
        Ok(BuiltLeaf { api: Some(api), ..BuiltLeaf::new(title, Arc::new(Edge::build(parts, ctx)?)) })
    }
}

/// What the leaf of a directory is called.
pub(super) fn directory_name(directory: &Path) -> String {
    format!("static_files {}", directory.display())
}

/// How servers share requests and what keeps requests from them, for `explain`.
fn shared(config: &UpstreamConfig) -> String {
    let by = config.hash_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let balance = match config.targets.len() {
        0 | 1 => String::new(),
        targets => format!(", {}{by} of {targets} targets", config.balance),
    };
    let checked = config.health.as_ref().map(|health| format!(", checked at {}", health.path)).unwrap_or_default();
    let limited = config.max_connections.map(|most| format!(", at most {most} at once")).unwrap_or_default();
    let retried = config.retries.as_ref().map(|retries| format!(", sent up to {} more times", retries.attempts));
    let broken = if config.circuit_breaker.is_some() { ", circuit breaker" } else { "" };
    balance + &checked + &limited + &retried.unwrap_or_default() + broken
}

/// What of a route is held to a document, for `explain`.
fn held(config: &RouteConfig, validate: Validate, document: &str) -> String {
    let what = if validate == Validate::Both { "requests and answers" } else { "requests" };
    let pass = config.undescribed_requests == Some(UndescribedRequests::Pass);
    let refuse = config.broken_responses == Some(BrokenResponses::Refuse);
    let pass = if pass { ", undescribed requests pass" } else { "" };
    let refuse = if refuse { ", broken answers are refused" } else { "" };
    format!("{what} held to {document}{pass}{refuse}")
}

/// What is said of the document of an upstream has to have an effect.
fn check_description(config: &RouteConfig, ctx: &BuildContext) -> Result<(), BuildError> {
    let mut errors = Vec::new();
    let mut lacks = |key: &str, given: bool, lacks: bool, expected: &str| {
        if given && lacks {
            errors.push(ctx.invalid(key, format!("the route has `{key}`, expected {expected} beside it")));
        }
    };
    let no_upstream = config.upstream.is_none();
    lacks("openapi", config.openapi.is_some(), no_upstream, "`upstream`");
    lacks("validate", config.validate.is_some(), no_upstream, "`upstream`");
    lacks("undescribed_requests", config.undescribed_requests.is_some(), config.validate.is_none(), "`validate`");
    let no_answers = config.validate != Some(Validate::Both);
    lacks("broken_responses", config.broken_responses.is_some(), no_answers, "`validate = \"both\"`");
    BuildError::all(errors)
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
