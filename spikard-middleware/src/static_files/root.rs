//! Files below one directory, opened so that nothing leads out of it: by `openat2` with
//! `RESOLVE_BENEATH`, which the kernel checks while it resolves, so that no rename or symlink can
//! come between check and use. Symlinks that stay inside are followed, absolute ones are not.
//! Where the system has no `openat2`, no symlink is followed at all.
//!
//! Every step is told whether it may wait for a disk. One that may not gives up with
//! [`io::ErrorKind::WouldBlock`], and is then made on a thread that may.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

/// Whether a step may wait for a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Never,
    Allowed,
}

/// The directory, found anew for every request: a deployment may replace it.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    resolves_beneath: bool,
}

/// What stands at a path.
pub(super) enum Entry {
    File(OpenFile),
    Directory,
}

/// A file that is open, and what the file system said of it then. Times are seconds since 1970
/// and nanoseconds.
pub(super) struct OpenFile {
    pub(super) file: File,
    pub(super) size: u64,
    /// When the content was written, or what was set as that.
    pub(super) modified: (i64, i64),
    /// When anything about the file changed; nobody can set it.
    pub(super) changed: (i64, i64),
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
/// Without `NONBLOCK` the opening of a FIFO would wait for a writer.
const FILE: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// How often a path that is being renamed under us is tried.
const TRIES: usize = 4;

impl Root {
    /// # Errors
    /// When there is no directory at `path`, or it cannot be entered.
    pub(super) fn new(path: PathBuf) -> io::Result<Self> {
        let mut root = Self { path, resolves_beneath: false };
        let folder = root.folder(Wait::Allowed)?;
        root.resolves_beneath = beneath::open(&folder, ".", FOLDER, Wait::Allowed).is_ok();
        Ok(root)
    }

    #[cfg(test)]
    pub(super) fn without_openat2(self) -> Self {
        Self { resolves_beneath: false, ..self }
    }

    /// The directory as it is now, for one request.
    pub(super) fn folder(&self, wait: Wait) -> io::Result<OwnedFd> {
        if wait == Wait::Never && self.resolves_beneath {
            return Ok(beneath::open_cached(&self.path, FOLDER)?);
        }
        if wait == Wait::Never {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(rustix::fs::openat(CWD, &self.path, FOLDER, Mode::empty())?)
    }

    /// What stands at a path below the directory; none where nothing does, or nothing that may be
    /// served: other kinds of files, and what lies outside.
    pub(super) fn entry(&self, folder: &OwnedFd, path: &str, wait: Wait) -> io::Result<Option<Entry>> {
        let opened = if self.resolves_beneath { beneath::open(folder, path, FILE, wait) } else { walk(folder, path, wait) };
        let file = match opened {
            Ok(file) => File::from(file),
            Err(Errno::AGAIN) if wait == Wait::Never => return Err(io::ErrorKind::WouldBlock.into()),
            Err(error) if means_missing(error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Entry::of(file)
    }
}

impl Entry {
    /// What an open file is; none for other kinds than files and directories.
    pub(super) fn of(file: File) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        Ok(match metadata.file_type() {
            kind if kind.is_file() => Some(Self::File(OpenFile {
                file,
                size: metadata.len(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
            })),
            kind if kind.is_dir() => Some(Self::Directory),
            _ => None,
        })
    }
}

/// Opens the file at a path that a program chose, wherever it leads.
pub(super) fn open(path: &Path) -> io::Result<Option<Entry>> {
    Entry::of(File::from(rustix::fs::openat(CWD, path, FILE, Mode::empty())?))
}

/// `XDEV`: leads out of the root. `NXIO`: a socket, or a device without driver.
fn means_missing(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::XDEV | Errno::NAMETOOLONG | Errno::NXIO
    )
}

/// Opens segment by segment and follows no symlink.
fn walk(folder: &OwnedFd, path: &str, wait: Wait) -> rustix::io::Result<OwnedFd> {
    if wait == Wait::Never {
        return Err(Errno::AGAIN);
    }
    let (folders, name) = path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
    let mut inner: Option<OwnedFd> = None;
    for segment in folders.into_iter().flat_map(|folders| folders.split('/')) {
        let next = step(inner.as_ref().unwrap_or(folder), segment, FOLDER)?;
        inner = Some(next);
    }
    step(inner.as_ref().unwrap_or(folder), name, FILE)
}

fn step(folder: &OwnedFd, segment: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    if segment == ".." {
        return Err(Errno::NOENT);
    }
    rustix::fs::openat(folder, segment, flags | OFlags::NOFOLLOW, Mode::empty())
}

#[cfg(target_os = "linux")]
mod beneath {
    use rustix::fs::{ResolveFlags, openat2};

    use super::{CWD, Errno, Mode, OFlags, OwnedFd, Path, TRIES, Wait};

    pub(super) fn open(folder: &OwnedFd, path: &str, flags: OFlags, wait: Wait) -> rustix::io::Result<OwnedFd> {
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        if wait == Wait::Never {
            return cached(openat2(folder, path, flags, Mode::empty(), inside | ResolveFlags::CACHED));
        }
        let mut tries = (0..TRIES).map(|_| openat2(folder, path, flags, Mode::empty(), inside));
        tries.find(|opened| !matches!(opened, Err(Errno::AGAIN))).unwrap_or(Err(Errno::AGAIN))
    }

    pub(super) fn open_cached(path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        cached(openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED))
    }

    /// A kernel before 5.12 does not know the flag.
    fn cached(opened: rustix::io::Result<OwnedFd>) -> rustix::io::Result<OwnedFd> {
        opened.map_err(|error| if error == Errno::INVAL { Errno::AGAIN } else { error })
    }
}

#[cfg(not(target_os = "linux"))]
mod beneath {
    use super::{Errno, OFlags, OwnedFd, Path, Wait};

    pub(super) fn open(_: &OwnedFd, _: &str, _: OFlags, _: Wait) -> rustix::io::Result<OwnedFd> {
        Err(Errno::NOSYS)
    }

    pub(super) fn open_cached(_: &Path, _: OFlags) -> rustix::io::Result<OwnedFd> {
        Err(Errno::AGAIN)
    }
}

/// Reads `length` bytes from `offset` on.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] when the file has become shorter.
pub(super) fn read(file: &File, offset: u64, length: usize, wait: Wait) -> io::Result<Bytes> {
    let mut bytes = vec![0; length];
    if wait == Wait::Allowed {
        file.read_exact_at(&mut bytes, offset)?;
    } else {
        read_cached(file, &mut bytes, offset)?;
    }
    Ok(bytes.into())
}

#[cfg(target_os = "linux")]
fn read_cached(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut read = 0;
    while read < bytes.len() {
        let part = &mut [io::IoSliceMut::new(&mut bytes[read..])];
        match rustix::io::preadv2(file, part, offset + read as u64, rustix::io::ReadWriteFlags::NOWAIT) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => read += count,
            // Not every file system can say what it has in memory.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}
