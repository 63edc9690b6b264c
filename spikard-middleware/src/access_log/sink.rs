//! Where lines go: a bounded buffer, and a thread that empties it.
//!
//! Requests only ever append to the buffer. The thread waits a moment after the first line, so
//! that a busy server wakes it and writes some fifty times a second, not once per request.

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::LogFormat;
use super::line::gap;
use crate::context::BuildContext;

/// How long lines are collected before they are written.
const GATHER: Duration = Duration::from_millis(20);
/// How long the end of a server waits for an output that takes no more lines.
const FAREWELL: Duration = Duration::from_secs(1);
/// How many bytes of lines may wait for a slow output.
const CAPACITY: usize = 1 << 20;

/// The place that lines are written to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Output {
    Stdout,
    Stderr,
    File(PathBuf),
}

impl Output {
    pub(super) fn of(name: &str, ctx: &BuildContext) -> Self {
        match name {
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            path => Self::File(ctx.path(path)),
        }
    }

    fn open(&self) -> io::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Self::Stdout => Box::new(io::stdout()),
            Self::Stderr => Box::new(io::stderr()),
            Self::File(path) => Box::new(LogFile::open(path)?),
        })
    }
}

/// A buffer and its thread. Dropping it writes what is left, if the output takes it in time.
pub(super) struct Sink {
    buffer: Arc<Buffer>,
}

#[derive(Default)]
struct Buffer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    /// Nothing more will be pushed.
    closed: bool,
    /// Nothing more will be written.
    ended: bool,
}

type Sinks = Mutex<HashMap<(Output, LogFormat), Weak<Sink>>>;

impl Sink {
    /// The sink of an output: all policies of a server that write there share one.
    pub(super) fn shared(output: &Output, format: LogFormat, ctx: &BuildContext) -> io::Result<Arc<Self>> {
        let sinks = ctx.shared::<Sinks>("access_log", Sinks::default);
        let mut sinks = sinks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (output.clone(), format);
        if let Some(sink) = sinks.get(&key).and_then(Weak::upgrade) {
            return Ok(sink);
        }
        let sink = Arc::new(Self::to(output.open()?, format));
        sinks.insert(key, Arc::downgrade(&sink));
        Ok(sink)
    }

    pub(super) fn to(output: impl Write + Send + 'static, format: LogFormat) -> Self {
        let buffer = Arc::<Buffer>::default();
        let filled = Arc::clone(&buffer);
        thread::spawn(move || filled.drain(output, format));
        Self { buffer }
    }

    /// Appends a line, or counts it as dropped if the output is that far behind.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.buffer.lock();
        let before = state.lines.len();
        let after = before + line.len();
        if after > CAPACITY {
            state.dropped += 1;
            return;
        }
        state.lines.extend_from_slice(line);
        drop(state);
        // Half full is not waited for.
        if before == 0 || (before < CAPACITY / 2 && after >= CAPACITY / 2) {
            self.buffer.changed.notify_one();
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut state = self.buffer.lock();
        state.closed = true;
        self.buffer.changed.notify_all();
        let waited = self.buffer.changed.wait_timeout_while(state, FAREWELL, |state| !state.ended);
        if waited.is_ok_and(|(state, _)| !state.ended) {
            tracing::error!("access log: lines are lost, the output takes no more");
        }
    }
}

impl Buffer {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the sink is closed and empty.
    fn drain(&self, mut output: impl Write, format: LogFormat) {
        let mut batch = Vec::new();
        let mut failed = false;
        while let Some(dropped) = self.take(&mut batch) {
            if dropped > 0 {
                batch.extend_from_slice(gap(format, dropped).as_bytes());
            }
            match output.write_all(&batch).and_then(|()| output.flush()) {
                Ok(()) => failed = false,
                // Said once, not fifty times a second.
                Err(_) if failed => {}
                Err(error) => {
                    failed = true;
                    tracing::error!("access log: lines are lost, the output cannot be written: {error}");
                }
            }
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Swaps the collected lines into `batch` and returns how many found no room; none at the end.
    fn take(&self, batch: &mut Vec<u8>) -> Option<u64> {
        batch.clear();
        let waiting = self.changed.wait_while(self.lock(), |state| state.lines.is_empty() && !state.closed);
        let state = waiting.unwrap_or_else(PoisonError::into_inner);
        let gathering = self.changed.wait_timeout_while(state, GATHER, |state| state.lines.len() < CAPACITY / 2 && !state.closed);
        let (mut state, _) = gathering.unwrap_or_else(PoisonError::into_inner);
        if state.lines.is_empty() {
            return None;
        }
        std::mem::swap(&mut state.lines, batch);
        Some(std::mem::take(&mut state.dropped))
    }
}

/// A file that is appended to, and opened anew once it is no longer what its path names.
struct LogFile {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { path: path.to_owned(), file, identity })
    }
}

impl Write for LogFile {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if std::fs::metadata(&self.path).map_or(true, |now| identity(&now) != self.identity) {
            *self = Self::open(&self.path)?;
        }
        self.file.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// An output that takes nothing until it is told to go on.
    struct Blocked {
        go: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Blocked {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            let _ = self.go.recv();
            let _ = self.written.send(lines.to_vec());
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_find_no_room_are_dropped_and_counted() {
        let (go, blocked) = mpsc::channel();
        let (written, batches) = mpsc::channel();
        let sink = Sink::to(Blocked { go: blocked, written }, LogFormat::Text);
        let line = [b'x'; 1024];
        // One more than the buffer and the batch that the thread may hold can take.
        let pushed = 2 * CAPACITY / line.len() + 1;
        for _ in 0..pushed {
            sink.push(&line);
        }
        drop(go);
        drop(sink);
        let text = String::from_utf8(batches.iter().flatten().collect()).unwrap();
        let kept = text.matches('x').count() / line.len();
        let said: Vec<usize> = text.split("# ").skip(1).filter_map(|rest| rest.split(' ').next()?.parse().ok()).collect();
        assert!(kept < pushed);
        assert_eq!(kept + said.iter().sum::<usize>(), pushed);
    }

    #[test]
    fn an_output_that_takes_nothing_holds_up_no_end() {
        let (_never, blocked) = mpsc::channel();
        let sink = Sink::to(Blocked { go: blocked, written: mpsc::channel().0 }, LogFormat::Text);
        sink.push(b"x");
        drop(sink);
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let mut log = LogFile::open(&path).unwrap();
        log.write_all(b"one\n").unwrap();
        std::fs::rename(&path, folder.path().join("access.log.1")).unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
    }

    #[test]
    fn policies_with_one_output_share_its_thread() {
        let ctx = BuildContext::default();
        let shared = |output: &Output| Sink::shared(output, LogFormat::Text, &ctx).unwrap();
        let stderr = shared(&Output::Stderr);
        assert!(Arc::ptr_eq(&stderr, &shared(&Output::Stderr)));
        assert!(!Arc::ptr_eq(&stderr, &shared(&Output::Stdout)));
    }
}
