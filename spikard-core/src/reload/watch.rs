//! `--watch`: notices when the file of a configuration, or a file that it names, has other content.
//!
//! The system says when something happens in the folders of these files (inotify and its like);
//! what counts is whether the content differs from what is in force. So it does not matter how it
//! changes: written in place, renamed over, or by the swap of a symbolic link somewhere on the way, as
//! Kubernetes does it. File systems that tell nothing, such as those of a network, are looked at every
//! few seconds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::config::{Content, Files};

/// How often files are looked at although nothing was heard of them.
const LOOK: Duration = Duration::from_secs(3);
/// How long the content has to stay as it is: a file that is written in place is first empty, then
/// half there.
const REST: Duration = Duration::from_millis(150);

/// Tries another configuration whenever the files that `in_force` gives have other content. An error
/// of `attempt` is why it was refused; it goes to the log, once. What was refused is tried again every
/// few seconds, since what it refers to may be there by then.
pub async fn watch<A, F>(in_force: impl Fn() -> Files, mut attempt: A)
where
    A: FnMut() -> F,
    F: Future<Output = Result<(), String>>,
{
    let mut watch = Watch::new();
    let mut said = String::new();
    loop {
        let files = in_force();
        watch.changed(&files).await;
        if in_force() != files {
            // Somebody else was faster.
            continue;
        }
        match attempt().await {
            Ok(()) => {
                watch.tried = None;
                said.clear();
            }
            Err(report) if report == said => {}
            Err(report) => {
                refused(&report);
                said = report;
            }
        }
    }
}

/// Writes to the log why another configuration is not in force.
pub(super) fn refused(report: &str) {
    tracing::error!("not reloaded, what was in force stays:\n{report}");
}

/// Watches the files of one configuration after the other.
struct Watch {
    watcher: Option<RecommendedWatcher>,
    woken: Arc<Notify>,
    folders: BTreeSet<PathBuf>,
    /// What was in the files when they were tried last.
    tried: Option<Vec<Content>>,
}

impl Watch {
    /// Where the system cannot tell of changes, files are looked at now and then.
    fn new() -> Self {
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // That somebody reads a file, as we do, is no news.
            let is_reading = |kind| matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write));
            if !event.is_ok_and(|event| is_reading(event.kind)) {
                wake.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!("watching by looking every {LOOK:?}: {error}"));
        Self { watcher: watcher.ok(), woken, folders: BTreeSet::new(), tried: None }
    }

    /// Waits until `files` have other content that was not tried, or was tried a while ago.
    async fn changed(&mut self, files: &Files) {
        let paths: Arc<[PathBuf]> = files.all().map(|(path, _)| path.to_owned()).collect();
        let in_force: Vec<Content> = files.all().map(|(_, content)| content).collect();
        let mut is_first = true;
        loop {
            self.follow(&paths);
            // What has changed while nobody watched wakes nobody.
            let is_quiet = !std::mem::take(&mut is_first) && timeout(LOOK, self.woken.notified()).await.is_err();
            if !is_quiet {
                // A log in the same folder tells of itself all the time.
                sleep(REST).await;
            }
            if contents(&paths).await == in_force {
                continue;
            }
            let now = settled(&paths).await;
            let is_known = self.tried.as_ref() == Some(&now);
            if now != in_force && is_there(&paths, &now) && (!is_known || is_quiet) {
                self.tried = Some(now);
                return;
            }
        }
    }

    /// Watches the folders of these files, and of what they are links to.
    fn follow(&mut self, paths: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let folder = |path: &Path| match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
            parent => parent.map(Path::to_owned),
        };
        let of_path = |path: &PathBuf| [folder(path), path.canonicalize().ok().and_then(|path| folder(&path))];
        let folders: BTreeSet<PathBuf> = paths.iter().flat_map(of_path).flatten().collect();
        for gone in self.folders.difference(&folders) {
            // It may be gone altogether.
            let _ = watcher.unwatch(gone);
        }
        // One that cannot be watched is tried again with the next look, which sees its files anyway.
        self.folders.retain(|known| folders.contains(known));
        for new in folders {
            if !self.folders.contains(&new) && watcher.watch(&new, RecursiveMode::NonRecursive).is_ok() {
                self.folders.insert(new);
            }
        }
    }
}

/// What is in the files, once it stays so.
async fn settled(paths: &Arc<[PathBuf]>) -> Vec<Content> {
    let mut before = contents(paths).await;
    loop {
        sleep(REST).await;
        let now = contents(paths).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

async fn contents(paths: &Arc<[PathBuf]>) -> Vec<Content> {
    let paths = Arc::clone(paths);
    let contents = tokio::task::spawn_blocking(move || paths.iter().map(|path| Content::of(path)).collect());
    contents.await.unwrap_or_default()
}

/// Whether there is a configuration at all. One that is gone or empty is about to be written: no
/// server is emptied by that.
fn is_there(paths: &[PathBuf], now: &[Content]) -> bool {
    let is_empty = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
    match (paths.first(), now.first()) {
        (Some(path), Some(Content::File(_))) => !is_empty(path),
        _ => false,
    }
}
