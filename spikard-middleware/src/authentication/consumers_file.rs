//! A file with consumers, which is read again when it changes: keys are added and taken away while
//! the server runs.
//!
//! The file is JSON: a table of names, each with what the settings of a consumer are. A file that
//! cannot be read, or says something that cannot be, changes nothing and is told in the log.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::consumer::{Consumer, Consumers};
use super::digests::Digests;
use crate::background::Task;
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::watched_file::{self, WatchedFile};

/// A file with consumers. It is looked at for as long as this is there.
pub(super) struct ConsumersFile {
    inner: Arc<Inner>,
    _watching: Task,
}

struct Inner {
    file: WatchedFile,
    keys: ArcSwap<Digests>,
    clock: Clock,
    /// What was wrong the last time: it is told once.
    wrong: Mutex<Option<String>>,
}

impl ConsumersFile {
    /// The file at `path`, which all routes share that name it.
    ///
    /// # Errors
    /// When it cannot be read, or says something that cannot be.
    pub(super) fn of(path: &Path, ctx: &BuildContext) -> Result<Arc<Self>, BuildError> {
        let file = ctx.shared(&format!("consumers {}", path.display()), || Self::new(path, ctx));
        file.inner.read().map_err(|message| ctx.unavailable("consumers_file", format!("`{}` {message}", path.display())))?;
        Ok(file)
    }

    fn new(path: &Path, ctx: &BuildContext) -> Self {
        let inner = Arc::new(Inner {
            file: WatchedFile::new(path.to_path_buf()),
            keys: ArcSwap::default(),
            clock: ctx.clock().clone(),
            wrong: Mutex::default(),
        });
        let watching = ctx.spawn(watch(Arc::clone(&inner)));
        Self { inner, _watching: watching }
    }

    /// Whose key this is.
    pub(super) fn find(&self, presented: &[u8]) -> Option<Arc<Consumer>> {
        self.inner.keys.load().find(presented)
    }
}

async fn watch(inner: Arc<Inner>) {
    loop {
        tokio::time::sleep(watched_file::INTERVAL).await;
        inner.refresh();
    }
}

impl Inner {
    /// Reads the file if it changed.
    fn refresh(&self) {
        let read = self.read();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(message) = &read
            && wrong.as_ref() != Some(message)
        {
            let path = self.file.path().display();
            tracing::warn!("consumers: `{path}` {message}; the {} keys at hand are kept", self.keys.load().len());
        }
        *wrong = read.err();
    }

    fn read(&self) -> Result<(), String> {
        let content = self.file.read_if_changed().map_err(|error| format!("cannot be read: {error}"))?;
        let Some(content) = content else { return Ok(()) };
        // What serde says of a value could show a key, its place cannot.
        let consumers: Consumers = serde_json::from_slice(&content).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!(
                "is no table of consumers, expected JSON such as {{\"NAME\": {{\"keys\": [...]}}}}: line {line}, column {column}"
            )
        })?;
        // Errors have their places in the file, not in the configuration.
        let ctx = BuildContext::new("", self.clock.clone());
        let mut keys = Digests::default();
        keys.add_consumers(&consumers, &ctx).map_err(|error| {
            let each = error.each().into_iter().map(|(at, message)| format!("{at}: {message}"));
            format!("cannot be used: {}", each.collect::<Vec<_>>().join("; "))
        })?;
        for warning in ctx.take_warnings() {
            tracing::warn!("consumers: `{}`: {}: {}", self.file.path().display(), warning.at, warning.message);
        }
        self.keys.store(Arc::new(keys));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_come_and_go_with_the_file_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("consumers.json");
        let ctx = BuildContext::default();
        let open = || ConsumersFile::of(&path, &ctx).map_err(|error| error.to_string());
        assert!(open().err().unwrap().starts_with("consumers_file: `"));
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(&json!({ "ann": { "keys": ["a"] } }).to_string());
        let file = open().unwrap();
        let name = |key: &[u8]| file.find(key).map(|consumer| consumer.name.to_string());
        assert_eq!(name(b"a").as_deref(), Some("ann"));

        write("{");
        file.inner.refresh();
        let told = file.inner.wrong.lock().unwrap().clone().unwrap();
        assert!(told.starts_with("is no table of consumers") && told.ends_with("line 1, column 1"), "{told}");
        write(&json!({ "eve": { "keys": ["secret", "secret"] } }).to_string());
        file.inner.refresh();
        let told = file.inner.wrong.lock().unwrap().clone().unwrap();
        assert_eq!(told, "cannot be used: eve.keys[1]: the key is that of `eve` too, expected one of its own");
        std::fs::remove_file(&path).unwrap();
        file.inner.refresh();
        assert_eq!(name(b"a").as_deref(), Some("ann"));

        write(&json!({ "bob": { "keys": ["b"] } }).to_string());
        file.inner.refresh();
        assert_eq!((name(b"a"), name(b"b").as_deref()), (None, Some("bob")));
    }
}
