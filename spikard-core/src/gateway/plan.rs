//! From the entries of the configuration to routes: keys, effective policies, leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use spikard_middleware::stack::Inherited;
use spikard_middleware::{BuildContext, BuildError, Effective, Policies, Service, Stack, StaticFilesConfig};
use spikard_openapi::Describe;
use spikard_openapi::foreign::Foreign;

use super::before::Before;
use super::converted::checked;
use super::leaves::{BuiltLeaf, Leaves, directory_name};
use super::pages;
use super::route::Route;
use crate::config::{OpenApiConfig, RouteConfig, ServerConfig};
use crate::description::{Api, DocumentFormat, DocumentLeaf, Shared, unfit};
use crate::leaf::{Directory, prefix};
use crate::proxy::Upstream;
use crate::python::PythonLeaves;
use crate::routes::{HostPattern, PathPattern, RouteKey};
use crate::traffic::Requests;

/// A leaf that exists in the program only: its route, and the service that answers.
pub struct Leaf {
    /// The path, methods, host and policies; the fields for leaves stay empty.
    pub route: RouteConfig,
    /// What answers, for `routes` and `explain`.
    pub name: String,
    /// The service.
    pub service: Arc<dyn Service>,
    /// What it says of itself in the description of the API.
    pub description: Option<Arc<dyn Describe>>,
}

/// What answers beside what the configuration says.
pub(super) struct Sources<'a> {
    /// The leaves that exist in the program only.
    pub(super) leaves: Vec<Leaf>,
    /// What routes with `python` name.
    pub(super) python: &'a dyn PythonLeaves,
    /// The routes that name Python applications. They are not served themselves.
    pub(super) applications: &'a [usize],
    /// The descriptions of routes that the program brings.
    pub(super) documents: &'a [Arc<Foreign>],
}

/// What all routes of one server have in common while they are built.
struct Plan<'a> {
    policies: Policies,
    stack: &'a Stack,
    ctx: &'a BuildContext,
    before: Option<&'a Before<'a>>,
    /// Counts requests; none if nobody asks.
    requests: Option<&'a Requests>,
}

/// What is built of the entries of a configuration.
pub(super) struct Planned {
    pub(super) routes: Vec<Arc<Route>>,
    pub(super) upstreams: BTreeMap<String, Upstream>,
}

pub(super) fn routes(
    config: &ServerConfig,
    sources: Sources<'_>,
    stack: &Stack,
    ctx: &BuildContext,
    before: Option<&Before<'_>>,
    requests: Option<&Requests>,
    errors: &mut Vec<BuildError>,
) -> Planned {
    let plan = Plan { policies: config.policies(), stack, ctx, before, requests };
    let entries = Leaves::new(config, sources.python, ctx, before, errors);
    let list = ctx.place().key("routes");
    let served = config.routes.iter().enumerate().filter(|(number, _)| !sources.applications.contains(number));
    let from_config = served.map(|(number, route)| {
        let ctx = ctx.at(list.index(number));
        let leaf = |path: &PathPattern, former: Option<&Route>| {
            let goes_on =
                before.zip(former).and_then(|(before, former)| before.leaf(route, former, &ctx, entries.upstream_of(route)));
            goes_on.map_or_else(|| entries.leaf(route, path, &ctx), Ok)
        };
        plan.route(route, leaf, &ctx)
    });
    let from_program = sources.leaves.into_iter().map(|leaf| {
        let Leaf { route, name, service, description } = leaf;
        let leaf = |path: &PathPattern, _: Option<&Route>| {
            let service = checked(path, service, plan.ctx)?;
            Ok(BuiltLeaf { description, ..BuiltLeaf::new(name, service) })
        };
        plan.route(&route, leaf, plan.ctx)
    });
    let list = ctx.place().key("static_files");
    let directories =
        config.static_files.iter().enumerate().map(|(number, files)| plan.directory(files, &ctx.at(list.index(number))));
    let mut routes = Vec::new();
    for built in from_config.chain(from_program).map(|route| Ok(vec![route?])).chain(directories) {
        match built {
            Ok(built) => routes.extend(built.into_iter().map(|route| plan.counted(route))),
            Err(error) => errors.push(error),
        }
    }
    if let Some(openapi) = config.openapi.as_ref().filter(|openapi| openapi.enabled) {
        let place = ctx.place().key("openapi");
        errors.extend(unfit(&routes, sources.documents, &place));
        let api = Shared::new(Api::new(openapi, routes.iter().map(|route| &**route), sources.documents));
        let described = plan.description(openapi, &api, &ctx.at(place), errors);
        routes.extend(described.into_iter().map(|route| plan.counted(route)));
    }
    Planned { routes, upstreams: entries.into_upstreams() }
}

impl Plan<'_> {
    fn route(
        &self,
        config: &RouteConfig,
        leaf: impl FnOnce(&PathPattern, Option<&Route>) -> Result<BuiltLeaf, BuildError>,
        ctx: &BuildContext,
    ) -> Result<Route, BuildError> {
        let mut errors = Vec::new();
        let path = PathPattern::parse(&config.path).map_err(|message| ctx.invalid("path", message));
        let methods = methods_of(config, ctx);
        let host = config
            .host
            .as_deref()
            .map_or(Ok(HostPattern::Any), HostPattern::parse)
            .map_err(|message| ctx.invalid("host", message));
        let path = keep(path, &mut errors);
        let methods = keep(methods, &mut errors);
        let host = keep(host, &mut errors);
        let pattern = path.clone();
        let key = path.zip(methods).zip(host).map(|((path, methods), host)| RouteKey { host, path, methods });
        let former = key.as_ref().and_then(|key| self.before?.route(key));

        let effective = config.effective(&self.policies);
        let stack = keep(self.stack_of(&effective, ctx, key.as_ref(), former), &mut errors);
        let leaf = keep(pattern.map(|path| leaf(&path, former)).transpose(), &mut errors).flatten();
        BuildError::all(errors)?;
        match (key, stack, leaf) {
            (Some(key), Some(stack), Some(leaf)) => Ok(Route::new(key, ctx.place().clone(), effective, stack, leaf)),
            _ => Err(BuildError::Several(Vec::new())),
        }
    }

    /// The routes of an entry of `[[static_files]]`: all paths below its prefix, and the prefix.
    fn directory(&self, config: &StaticFilesConfig, ctx: &BuildContext) -> Result<Vec<Route>, BuildError> {
        let mut errors = Vec::new();
        let prefix = prefix(&config.route_prefix).map_err(|message| ctx.invalid("route_prefix", message));
        let effective = config.effective(&self.policies);
        let below = |prefix: &str| {
            let paths = [format!("{prefix}/{{*rest}}"), prefix.to_owned()].into_iter().filter(|path| !path.is_empty());
            let keys = paths.map(|path| PathPattern::parse(&path).map(get));
            keys.collect::<Result<Vec<_>, _>>().map_err(|message| ctx.invalid("route_prefix", message))
        };
        let keys = keep(prefix.and_then(below), &mut errors).unwrap_or_default();
        let former = keys.first().and_then(|key| self.before?.route(key));
        let stack = keep(self.stack_of(&effective, ctx, keys.first(), former), &mut errors);
        let leaf = keep(Directory::open(&config.files(), ctx), &mut errors);
        BuildError::all(errors)?;
        let (Some(stack), Some(leaf)) = (stack, leaf) else { return Ok(Vec::new()) };
        let route = |key| {
            let leaf = BuiltLeaf::new(directory_name(&config.directory), Arc::new(leaf.clone()));
            Route::new(key, ctx.place().clone(), effective.clone(), stack.clone(), leaf)
        };
        Ok(keys.into_iter().map(route).collect())
    }

    /// The routes of the description of the API: the document, as JSON and as YAML, and its pages. Those that can be
    /// built are there beside `errors` about the others, so that what else is wrong with them is found, too.
    fn description(
        &self,
        config: &OpenApiConfig,
        api: &Arc<Shared>,
        ctx: &BuildContext,
        errors: &mut Vec<BuildError>,
    ) -> Vec<Route> {
        let effective = config.effective(&self.policies);
        let key = PathPattern::parse(&config.openapi_json_path).ok().map(get);
        let former = key.as_ref().and_then(|key| self.before?.route(key));
        let Some(stack) = keep(self.stack_of(&effective, ctx, key.as_ref(), former), errors) else { return Vec::new() };
        let documents =
            [(config.openapi_json_path.clone(), DocumentFormat::Json), (config.openapi_yaml_path(), DocumentFormat::Yaml)];
        let documents = documents.into_iter().map(|(path, format)| {
            let path = PathPattern::parse(&path).and_then(pages::one);
            let path = path.map_err(|message| ctx.invalid("openapi_json_path", message))?;
            Ok((path, BuiltLeaf::new("openapi document", Arc::new(DocumentLeaf { shared: Arc::clone(api), format }))))
        });
        let documents = keep(documents.collect::<Result<Vec<_>, BuildError>>(), errors).unwrap_or_default();
        let pages = pages::pages(config, ctx, errors);
        let route = |(path, leaf)| Route::new(get(path), ctx.place().clone(), effective.clone(), stack.clone(), leaf);
        documents.into_iter().chain(pages).map(route).collect()
    }

    fn counted(&self, route: Route) -> Arc<Route> {
        Arc::new(match self.requests {
            Some(requests) => route.counted(requests),
            None => route,
        })
    }

    /// The stack of the route `key`, in the place of that of `former`.
    fn stack_of(
        &self,
        effective: &Effective,
        ctx: &BuildContext,
        key: Option<&RouteKey>,
        former: Option<&Route>,
    ) -> Result<Stack, BuildError> {
        let ctx = &key.map_or_else(|| ctx.clone(), |key| ctx.of_route(key.to_string()));
        let inherited = Some(Inherited { stack: self.stack, keys: &effective.inherited });
        match self.before.zip(former) {
            Some((before, former)) => before.stack(&effective.policies, ctx, inherited, former.into()),
            None => effective.policies.build(ctx, inherited),
        }
    }
}

/// What a route answers to that is the server's own.
fn get(path: PathPattern) -> RouteKey {
    RouteKey { host: HostPattern::Any, path, methods: vec![Method::GET] }
}

fn keep<T>(result: Result<T, BuildError>, errors: &mut Vec<BuildError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn methods_of(config: &RouteConfig, ctx: &BuildContext) -> Result<Vec<Method>, BuildError> {
    let mut methods = Vec::new();
    let mut errors = Vec::new();
    for (position, text) in config.methods.iter().enumerate() {
        match text.parse::<Method>() {
            Ok(method) if methods.contains(&method) => {
                errors.push(ctx.invalid(&format!("methods.{position}"), format!("`{text}` stands twice, expected it once")));
            }
            Ok(method) if method != Method::CONNECT && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') => {
                methods.push(method);
            }
            _ => {
                let message = format!("`{text}` is not a method, expected one such as `GET` in upper case, other than `CONNECT`");
                errors.push(ctx.invalid(&format!("methods.{position}"), message));
            }
        }
    }
    BuildError::all(errors)?;
    if methods.is_empty() && config.static_files.is_some() {
        // Files have no other; what asks for one is answered like on any route that lacks it.
        methods.push(Method::GET);
    }
    Ok(methods)
}
