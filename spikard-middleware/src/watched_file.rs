//! A file that is read again when it changes: keys that are added and taken away while a server
//! runs.
//!
//! The file is asked for by its name each time, so that a file that was moved in its place and the
//! links of a Kubernetes volume that now point elsewhere are seen like an edit.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How often a file is looked at.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// A file whose time lies this near may change once more without another time.
const CLOCK_TICK: Duration = Duration::from_secs(2);

/// A file, and what it was like when it was read last.
pub(crate) struct WatchedFile {
    path: PathBuf,
    seen: Mutex<Option<Stamp>>,
}

/// What changes with the content: device, inode, size and both times.
#[derive(PartialEq)]
struct Stamp {
    file: (u64, u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
}

impl WatchedFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, seen: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The content, if it may be another than the last time.
    pub(crate) fn read_if_changed(&self) -> io::Result<Option<Vec<u8>>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.take();
        let metadata = std::fs::metadata(&self.path)?;
        let stamp = Stamp::of(&metadata);
        if before.as_ref() == Some(&stamp) {
            *seen = before;
            return Ok(None);
        }
        let content = std::fs::read(&self.path)?;
        *seen = Some(stamp).filter(|_| is_settled(&metadata));
        Ok(Some(content))
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino(), metadata.size()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn is_settled(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > CLOCK_TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(path: &Path) {
        let old = SystemTime::now() - Duration::from_mins(1);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }

    #[test]
    fn a_file_is_read_again_only_when_it_may_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let file = WatchedFile::new(path.clone());
        assert!(file.read_if_changed().is_err());
        std::fs::write(&path, "one").unwrap();
        assert_eq!(file.read_if_changed().unwrap().as_deref(), Some(b"one".as_slice()));
        assert!(file.read_if_changed().unwrap().is_some(), "it is too young to be sure");
        age(&path);
        assert!(file.read_if_changed().unwrap().is_some());
        assert_eq!(file.read_if_changed().unwrap(), None);

        let other = folder.path().join("other");
        std::fs::write(&other, "two").unwrap();
        age(&other);
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(file.read_if_changed().unwrap().as_deref(), Some(b"two".as_slice()), "another file in its place");
        assert_eq!(file.read_if_changed().unwrap(), None);
        std::fs::remove_file(&path).unwrap();
        assert!(file.read_if_changed().is_err());
    }
}
