//! The files of a directory, below the path of a route.

use http::Uri;
use spikard_middleware::{Answer, BuildContext, BuildError, DirectoryConfig, Request, RestPath, Service, StaticFiles};

use crate::routes::{PathParams, PathPattern, Segment};

/// The leaf of `static_files`: what `{*rest}` matched names the file.
#[derive(Clone)]
pub struct Directory(StaticFiles);

impl Directory {
    /// Opens the directory for a route with the path `path`.
    ///
    /// # Errors
    /// When the path does not end in `{*rest}`, or the directory is not there.
    pub fn build(config: &DirectoryConfig, path: &PathPattern, ctx: &BuildContext) -> Result<Self, BuildError> {
        if !matches!(path.segments().last(), Some(Segment::Rest(_))) {
            let message = format!("the path is `{path}`, expected it to end in `{{*rest}}`, which names the file");
            return Err(ctx.invalid("", message));
        }
        Self::open(config, ctx)
    }

    /// Opens the directory.
    ///
    /// # Errors
    /// When the directory is not there.
    pub fn open(config: &DirectoryConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        StaticFiles::build(config, ctx).map(Self)
    }
}

impl Service for Directory {
    fn call(&self, mut request: Request) -> Answer<'_> {
        let params = request.extensions().get::<PathParams>();
        let rest = params.and_then(|params| params.iter().last()).map(|(_, rest)| rest.to_owned());
        request.extensions_mut().insert(RestPath(rest.unwrap_or_default()));
        self.0.call(request)
    }
}

/// A path prefix as the beginning of a route's path, without the slash at its end.
pub(crate) fn prefix(text: &str) -> Result<&str, String> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let is_path = text.starts_with('/') && text.parse::<Uri>().is_ok_and(|uri| uri.path() == text);
    if !is_path || text.contains(['{', '}']) {
        return Err(format!("route_prefix is `{text}`, expected a path such as `/static`"));
    }
    Ok(bare)
}
