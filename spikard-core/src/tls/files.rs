//! The files of TLS: how they are read, and how a change of them is seen.
//!
//! What the system says of a file is compared, and not its content: looking costs next to nothing,
//! and renames and symbolic links that lead elsewhere (Kubernetes) show as well.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use spikard_middleware::{BuildContext, BuildError};

use crate::config::TlsConfig;

/// The content of a file, and its name for messages.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(path: &Path, field: &str, ctx: &BuildContext) -> Result<(Vec<u8>, String), BuildError> {
    let path = ctx.path(path);
    let shown = path.display().to_string();
    match fs::read(&path) {
        Ok(content) => Ok((content, shown)),
        Err(error) => Err(ctx.unavailable(field, format!("`{shown}` cannot be read: {error}"))),
    }
}

/// All files that the settings name.
pub(super) fn named(config: &TlsConfig, ctx: &BuildContext) -> Vec<PathBuf> {
    let certificates = config.certificates.iter().flat_map(|one| [Some(&one.certificate), one.key.as_ref()]);
    let clients = config.client_auth.iter().flat_map(|auth| [Some(&auth.ca), auth.crl.as_ref()]);
    certificates.chain(clients).flatten().map(|path| ctx.path(path)).collect()
}

/// What the system says of files: device, number, size, and when content and name last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamps(Vec<Option<[i64; 7]>>);

impl Stamps {
    /// Of these files, now.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        Self(paths.iter().map(|path| fs::metadata(path).ok().map(|metadata| stamp(&metadata))).collect())
    }
}

fn stamp(of: &fs::Metadata) -> [i64; 7] {
    [
        of.dev().cast_signed(),
        of.ino().cast_signed(),
        of.size().cast_signed(),
        of.mtime(),
        of.mtime_nsec(),
        of.ctime(),
        of.ctime_nsec(),
    ]
}
