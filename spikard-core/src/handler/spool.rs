//! The content of a file of a form: in memory while it is small, on disk beyond.
//!
//! A file on disk has no name from the start (`O_TMPFILE`, else unlinked at once): the system frees
//! it when nothing holds it any more, whatever becomes of the request. It lies where `TMPDIR` says.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::take;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// How much of a file is held in memory before it goes to disk.
const IN_MEMORY: usize = 1 << 20;
/// How much the files of one form hold in memory together.
const IN_MEMORY_OF_FORM: usize = 8 << 20;
/// How much is written at a time; as much again may be waiting to be.
const BLOCK: usize = 256 << 10;

/// The content of a file. A clone is the same file.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// It is in memory.
    Memory(Bytes),
    /// It lies on disk, in a file without a name; its length.
    Disk(Arc<File>, u64),
}

impl FileContent {
    /// The number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk(_, length) => *length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes, in memory.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub async fn bytes(&self) -> io::Result<Bytes> {
        let (file, length) = match self {
            Self::Memory(bytes) => return Ok(bytes.clone()),
            Self::Disk(file, length) => (Arc::clone(file), *length),
        };
        let read = move || {
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            (&*file).seek(SeekFrom::Start(0))?;
            (&*file).read_to_end(&mut bytes)?;
            Ok(bytes.into())
        };
        spawn_blocking(read).await?
    }
}

impl PartialEq for FileContent {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(one), Self::Memory(other)) => one == other,
            (Self::Disk(one, _), Self::Disk(other, _)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// What the files of a form may still hold in memory.
pub(super) struct Memory(usize);

impl Memory {
    pub(super) fn of_form() -> Self {
        Self(IN_MEMORY_OF_FORM)
    }
}

/// A file that is being received.
#[derive(Default)]
pub(super) struct Spool {
    held: Vec<Bytes>,
    held_length: usize,
    length: u64,
    disk: Disk,
}

#[derive(Default)]
enum Disk {
    #[default]
    Unused,
    Idle(Arc<File>),
    /// A block is being written, on a thread: the next one is received meanwhile.
    Writing(JoinHandle<io::Result<Arc<File>>>),
}

impl Spool {
    /// The number of bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    pub(super) async fn push(&mut self, piece: Bytes, memory: &mut Memory) -> io::Result<()> {
        self.length += piece.len() as u64;
        self.held_length += piece.len();
        self.held.push(piece);
        let most = if matches!(self.disk, Disk::Unused) { IN_MEMORY.min(memory.0) } else { BLOCK };
        if self.held_length > most { self.write().await } else { Ok(()) }
    }

    pub(super) async fn finish(mut self, memory: &mut Memory) -> io::Result<FileContent> {
        if matches!(self.disk, Disk::Unused) {
            memory.0 -= self.held_length;
            return Ok(FileContent::Memory(joined(&self.held)));
        }
        if !self.held.is_empty() {
            self.write().await?;
        }
        let file = self.file().await?.ok_or_else(|| io::Error::other("a file that was written is gone"))?;
        Ok(FileContent::Disk(file, self.length))
    }

    /// Begins to write what is held, when the block before it has been written.
    async fn write(&mut self) -> io::Result<()> {
        let file = self.file().await?;
        let pieces = take(&mut self.held);
        self.held_length = 0;
        self.disk = Disk::Writing(spawn_blocking(move || {
            let file = file.map_or_else(|| tempfile::tempfile().map(Arc::new), Ok)?;
            pieces.iter().try_for_each(|piece| (&*file).write_all(piece))?;
            Ok(file)
        }));
        Ok(())
    }

    /// The file on disk, if there is one, once nothing is being written.
    async fn file(&mut self) -> io::Result<Option<Arc<File>>> {
        if let Disk::Writing(writing) = &mut self.disk {
            self.disk = Disk::Idle(writing.await??);
        }
        Ok(match &self.disk {
            Disk::Idle(file) => Some(Arc::clone(file)),
            _ => None,
        })
    }
}

fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [] => Bytes::new(),
        [single] => single.clone(),
        several => several.concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn spooled(pieces: &[usize], memory: &mut Memory) -> FileContent {
        let mut spool = Spool::default();
        for (number, length) in pieces.iter().enumerate() {
            let piece = vec![u8::try_from(number % 256).unwrap(); *length];
            spool.push(piece.into(), memory).await.unwrap();
        }
        spool.finish(memory).await.unwrap()
    }

    #[tokio::test]
    async fn a_mebibyte_stays_in_memory_and_a_byte_more_goes_to_disk() {
        for (pieces, on_disk) in [
            (&[][..], false),
            (&[IN_MEMORY], false),
            (&[IN_MEMORY / 2, IN_MEMORY / 2, 1], true),
            (&[IN_MEMORY + 1], true),
            (&[100_000; 50], true),
        ] {
            let content = spooled(pieces, &mut Memory::of_form()).await;
            assert_eq!(matches!(content, FileContent::Disk(..)), on_disk, "{pieces:?}");
            let bytes = content.bytes().await.unwrap();
            assert_eq!((bytes.len(), content.len()), (pieces.iter().sum(), bytes.len() as u64));
            let mut at = 0;
            for (number, length) in pieces.iter().enumerate() {
                assert!(bytes[at..at + length].iter().all(|&byte| usize::from(byte) == number % 256), "piece {number}");
                at += length;
            }
        }
    }

    #[tokio::test]
    async fn the_files_of_a_form_share_what_they_hold_in_memory() {
        let mut memory = Memory::of_form();
        for _ in 0..8 {
            assert!(matches!(spooled(&[IN_MEMORY], &mut memory).await, FileContent::Memory(_)));
        }
        assert!(matches!(spooled(&[1], &mut memory).await, FileContent::Disk(..)));
        assert!(matches!(spooled(&[], &mut memory).await, FileContent::Memory(_)));
    }
}
