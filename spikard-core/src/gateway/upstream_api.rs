//! What the OpenAPI document of an upstream says of a route that leads there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spikard_middleware::{BuildContext, BuildError};
use spikard_openapi::foreign::ForeignOperation;

use crate::config::{OpenApiFile, Validate};
use crate::proxy::{Reach, Upstream};
use crate::routes::PathPattern;

/// The document of the upstream of a route, and how the route leads to what it describes.
#[derive(Clone)]
pub struct UpstreamApi {
    file: Arc<OpenApiFile>,
    upstream: Upstream,
    route: PathPattern,
    validate: Option<Validate>,
    broken: Arc<AtomicU64>,
}

impl UpstreamApi {
    pub(super) fn new(file: Arc<OpenApiFile>, upstream: Upstream, route: PathPattern, validate: Option<Validate>) -> Self {
        Self { file, upstream, route, validate, broken: Arc::default() }
    }

    /// The document.
    pub fn file(&self) -> &Arc<OpenApiFile> {
        &self.file
    }

    /// The path by which clients reach an operation through the route: `/api/orders/{id}`. None if
    /// they do not, or if that path cannot be written as a template.
    pub fn public_path(&self, operation: &ForeignOperation<'_>) -> Option<String> {
        let bases = self.file.foreign().bases(operation).into_iter();
        bases.map(|base| base + operation.path).find_map(|asked| match self.upstream.reach(&self.route, &asked) {
            Reach::Never => None,
            Reach::By(path) => path,
        })
    }

    /// What is held to the document.
    pub fn validate(&self) -> Option<Validate> {
        self.validate
    }

    /// How many answers of the upstream broke the document since the start, as far as they are held
    /// to it.
    pub fn broken_responses(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.broken)
    }
}

/// The documents of one configuration, each read once.
#[derive(Default)]
pub(super) struct Documents(RefCell<HashMap<PathBuf, Read>>);

/// A document, or all that is wrong with it.
type Read = Result<Arc<OpenApiFile>, Vec<String>>;

impl Documents {
    /// The document that the setting `openapi` at the place of `ctx` names.
    pub(super) fn open(&self, name: &Path, ctx: &BuildContext) -> Result<Arc<OpenApiFile>, BuildError> {
        let path = ctx.path(name);
        let mut known = self.0.borrow_mut();
        let read =
            known.entry(path).or_insert_with_key(|path| OpenApiFile::read(path, &name.display().to_string()).map(Arc::new));
        read.clone().map_err(|errors| {
            let errors = errors.into_iter().map(|message| ctx.invalid("openapi", message));
            BuildError::Several(errors.collect())
        })
    }
}
