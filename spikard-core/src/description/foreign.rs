//! Operations that documents of others describe: those of upstreams, and those that the program itself
//! brings, made by utoipa for example. Each is an operation of the route that answers it.

use std::sync::Arc;

use http::Method;
use spikard_middleware::problem::{BAD_GATEWAY, GATEWAY_TIMEOUT, MALFORMED_BODY, UNSUPPORTED_MEDIA_TYPE, VALIDATION_ERROR};
use spikard_middleware::{BuildError, ConfigPath};
use spikard_openapi::Merged;
use spikard_openapi::foreign::{Foreign, ForeignOperation};

use super::{Described, surroundings};
use crate::gateway::{Route, UpstreamApi};
use crate::routes::{HostPattern, Matched, RouteKey, Table};

/// The operations of an upstream's document that a route answers: none that another one does, which may
/// lead to the same upstream.
pub(super) fn of_upstream<'d>(
    (number, route): (usize, &'d Described),
    api: &'d UpstreamApi,
    table: &'d Table,
) -> impl Iterator<Item = Merged<'d>> {
    let foreign = api.file().foreign();
    let own =
        reached(api, &route.key).filter(move |(path, operation)| answering(table, &route.key, path, operation) == Some(number));
    own.map(|(path, operation)| {
        let mut refusals = vec![BAD_GATEWAY, GATEWAY_TIMEOUT];
        if api.validate().is_some() {
            refusals.push(VALIDATION_ERROR);
            if operation.value.contains_key("requestBody") {
                refusals.extend([MALFORMED_BODY, UNSUPPORTED_MEDIA_TYPE]);
            }
        }
        let surroundings = surroundings::of(&route.effective.policies, &refusals);
        Merged { foreign, operation, path, host: route.host(), surroundings }
    })
}

/// The operations of an upstream's document that a route leads to, each with the path that clients ask for.
fn reached<'d>(api: &'d UpstreamApi, key: &'d RouteKey) -> impl Iterator<Item = (String, ForeignOperation<'d>)> {
    let answered = api.file().foreign().operations().filter(|operation| key.answers(&method(operation)));
    answered.filter_map(|operation| Some((api.public_path(&operation)?, operation)))
}

/// The number of the route that answers an operation, which a route with that key leads to.
fn answering(table: &Table, key: &RouteKey, path: &str, operation: &ForeignOperation<'_>) -> Option<usize> {
    match table.find(&host(&key.host), &sample(path), &method(operation)) {
        Matched::Route(number, _) => Some(number),
        _ => None,
    }
}

/// The operations of the program's documents, each with the route that answers it.
pub(super) fn of_program<'d>(
    routes: &'d [Described],
    documents: &'d [Arc<Foreign>],
    table: &'d Table,
) -> impl Iterator<Item = (&'d Described, &'d Foreign, ForeignOperation<'d>)> {
    let operations = documents.iter().flat_map(|foreign| foreign.operations().map(move |operation| (&**foreign, operation)));
    operations.filter_map(move |(foreign, operation)| match table.find("", &sample(operation.path), &method(&operation)) {
        Matched::Route(number, _) => Some((routes.get(number)?, foreign, operation)),
        _ => None,
    })
}

/// An operation of a document of the program.
pub(super) fn merged<'d>(route: &Described, foreign: &'d Foreign, operation: ForeignOperation<'d>) -> Merged<'d> {
    let surroundings = surroundings::of(&route.effective.policies, &[]);
    Merged { foreign, path: operation.path.to_owned(), operation, host: route.host(), surroundings }
}

/// What documents describe and another route answers, or none.
pub(crate) fn unfit(routes: &[Arc<Route>], documents: &[Arc<Foreign>], place: &ConfigPath) -> Vec<BuildError> {
    if documents.is_empty() && routes.iter().all(|route| route.upstream_api().is_none()) {
        return Vec::new();
    }
    // Routes that collide are reported, and there is no table then.
    let Ok(table) = Table::new(routes.iter().map(|route| route.key().clone()).collect()) else { return Vec::new() };
    let mut errors = Vec::new();
    for route in routes {
        let Some(api) = route.upstream_api().filter(|_| route.description().is_none()) else { continue };
        for (path, operation) in reached(api, route.key()) {
            let other = answering(&table, route.key(), &path, &operation).map(|number| &*routes[number]);
            // A route to the same upstream answers it as the document says.
            let is_described = |other: &Route| other.upstream_api().is_some_and(|other| Arc::ptr_eq(other.file(), api.file()));
            if let Some(other) = other.filter(|other| !is_described(other)) {
                let (named, at) = (api.file().place(&operation.pointer), route.place().key("upstream"));
                let method = method(&operation);
                let message = format!("{method} {path} of {named} is answered by {}, expected by this route", other.name());
                errors.push(BuildError::Invalid { at, message });
            }
        }
    }
    for operation in documents.iter().flat_map(|foreign| foreign.operations()) {
        let (method, path) = (method(&operation), operation.path);
        let message = match table.find("", &sample(path), &method) {
            Matched::Route(number, _) if routes[number].is_described() => {
                format!(
                    "{method} {path} of the program's document is answered by {}, expected by a route of the program",
                    routes[number].name()
                )
            }
            Matched::Route(..) => continue,
            _ => format!("{method} {path} of the program's document is answered by no route"),
        };
        errors.push(BuildError::Invalid { at: place.clone(), message });
    }
    errors
}

fn method(operation: &ForeignOperation<'_>) -> Method {
    // One of the eight that documents have.
    operation.method.to_ascii_uppercase().parse().unwrap_or_default()
}

/// A path that fits a template, and no fixed segment of any route.
fn sample(template: &str) -> String {
    let mut pieces = template.split('{');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |path, piece| path + "~" + piece.split_once('}').map_or("", |(_, rest)| rest))
}

/// A host that fits a pattern.
fn host(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Any => String::new(),
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Wildcard(suffix) => format!("~{suffix}"),
    }
}
