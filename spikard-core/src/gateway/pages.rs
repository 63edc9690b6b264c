//! The pages of the description of the API, as leaves of routes.

use std::sync::Arc;

use spikard_middleware::{BuildContext, BuildError};
use spikard_openapi::pages::{Page, PageSettings};

use super::leaves::BuiltLeaf;
use crate::config::OpenApiConfig;
use crate::leaf::PageResource;
use crate::routes::PathPattern;

/// What the leaves of pages are called.
pub(super) const PAGE: &str = "openapi page";

/// All that the pages are made of, page after page, each for a route of its own; what is wrong with
/// others goes to `errors`. `ctx` is that of `openapi`.
pub(super) fn pages(config: &OpenApiConfig, ctx: &BuildContext, errors: &mut Vec<BuildError>) -> Vec<(PathPattern, BuiltLeaf)> {
    let pages = [
        (Page::SwaggerUi, "swagger_ui_path", &config.swagger_ui_path),
        (Page::Redoc, "redoc_path", &config.redoc_path),
        (Page::Scalar, "scalar_path", &config.scalar_path),
    ];
    let servers: Vec<&str> = config.servers.iter().map(|server| server.url.as_str()).collect();
    let mut routes = Vec::new();
    for (page, key, path) in pages.into_iter().filter(|(.., path)| !path.is_empty()) {
        if let Err(message) = PathPattern::parse(path).and_then(one) {
            errors.push(ctx.invalid(key, message));
            continue;
        }
        let document = &config.openapi_json_path;
        for resource in page.resources(&PageSettings { title: &config.title, path, document, servers: &servers }) {
            match PathPattern::parse(&resource.path) {
                Ok(path) => {
                    let leaf = BuiltLeaf::new(PAGE, Arc::new(PageResource::new(resource)));
                    routes.push((path, BuiltLeaf { source: Some(format!("openapi.{key}")), ..leaf }));
                }
                Err(message) => errors.push(ctx.invalid(key, message)),
            }
        }
    }
    routes
}

/// The path, if it is one and not many.
pub(super) fn one(path: PathPattern) -> Result<PathPattern, String> {
    if path.names().next().is_some() {
        return Err(format!("path is `{path}`, expected one without parameters"));
    }
    Ok(path)
}
