//! The memory that counters lie in: of this process, or shared with others.
//!
//! The only file of the crate with `unsafe` code. It knows bytes, descriptors and addresses, and
//! nothing of rate limits but which types may lie in such memory; what the words mean is told in
//! [`super::table`] and [`super::shared`].

use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// What may lie in memory that begins as zeros and that anybody may change at any time.
///
/// # Safety
/// The type consists of atomic integers alone, and `repr(C)` says in which order.
#[expect(unsafe_code, reason = "only the type's author can promise this")]
pub(super) unsafe trait Plain {}

#[expect(unsafe_code, reason = "an atomic integer: every pattern of bits is a value")]
// SAFETY: as the reason says; std guarantees that it lies in memory like a `u32`.
unsafe impl Plain for AtomicU32 {}

#[expect(unsafe_code, reason = "an atomic integer: every pattern of bits is a value")]
// SAFETY: as the reason says; std guarantees that it lies in memory like a `u64`.
unsafe impl Plain for AtomicU64 {}

#[expect(unsafe_code, reason = "an array has no other bytes than its elements")]
// SAFETY: as the reason says.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// A number of values, all zero in the beginning. Pages that nobody has touched do not exist.
pub(super) enum Memory<T> {
    Own(Box<[T]>),
    Shared(Mapping<T>),
}

impl<T: Plain> Memory<T> {
    /// Memory of this process alone.
    #[expect(unsafe_code, reason = "filling it by hand would touch all of it")]
    pub(super) fn own(length: usize) -> Self {
        // SAFETY: zero bytes are a value of every `Plain` type.
        Self::Own(unsafe { Box::<[T]>::new_zeroed_slice(length).assume_init() })
    }

    /// A part of a file in memory, from the byte `offset` on, which is a multiple of a page.
    ///
    /// # Errors
    /// When the file is shorter, or the system has no room for the mapping.
    pub(super) fn shared(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        Mapping::new(file, offset, length).map(Self::Shared)
    }
}

impl<T> Deref for Memory<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Own(values) => values,
            Self::Shared(mapping) => mapping,
        }
    }
}

/// A file without a name that exists in memory only. It never shrinks: what is mapped stays.
pub(super) struct File(OwnedFd);

impl File {
    /// A new file of `size` zeros, of which no page exists.
    pub(super) fn create(size: u64) -> io::Result<Self> {
        let file = nameless()?;
        rustix::fs::ftruncate(&file, size)?;
        #[cfg(target_os = "linux")]
        rustix::fs::fcntl_add_seals(&file, rustix::fs::SealFlags::SHRINK | rustix::fs::SealFlags::SEAL)?;
        Ok(Self(file))
    }

    /// A file that another process has created.
    ///
    /// # Errors
    /// When it could become shorter, or has another size.
    pub(super) fn open(file: OwnedFd, size: u64) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if !rustix::fs::fcntl_get_seals(&file)?.contains(rustix::fs::SealFlags::SHRINK) {
            return Err(invalid("the memory could become shorter, expected one that was made by this program"));
        }
        let found = rustix::fs::fstat(&file)?.st_size;
        if u64::try_from(found) != Ok(size) {
            return Err(invalid(&format!("the memory has {found} bytes, expected {size}")));
        }
        Ok(Self(file))
    }

    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

pub(super) fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(target_os = "linux")]
fn nameless() -> io::Result<OwnedFd> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(memfd_create("spikard-counters", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?)
}

/// Elsewhere a sparse file, whose name goes before anything is in it.
#[cfg(not(target_os = "linux"))]
fn nameless() -> io::Result<OwnedFd> {
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(|error| io::Error::other(error.to_string()))?;
    let path = std::env::temp_dir().join(format!("spikard-counters-{:x}", u64::from_ne_bytes(number)));
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file.into())
}

/// Values in a file that several processes have mapped.
pub(super) struct Mapping<T> {
    start: NonNull<T>,
    length: usize,
    values: PhantomData<T>,
}

#[expect(unsafe_code, reason = "a pointer is neither by itself")]
// SAFETY: the mapping belongs to no thread, and gives out nothing but shared references.
unsafe impl<T: Send + Sync> Send for Mapping<T> {}
#[expect(unsafe_code, reason = "a pointer is neither by itself")]
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Mapping<T> {}

impl<T: Plain> Mapping<T> {
    fn new(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        let bytes = length * size_of::<T>();
        let size = rustix::fs::fstat(&file.0)?.st_size;
        // A mapping beyond the end is a mapping, but touching it ends the process.
        if length == 0 || u64::try_from(size).unwrap_or(0) < offset + bytes as u64 {
            return Err(invalid(&format!("the memory has {size} bytes, expected {bytes} at {offset}")));
        }
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        #[expect(unsafe_code, reason = "the system's call for this")]
        // SAFETY: the system chooses an address where nothing lies; the file covers the mapping and
        // cannot become shorter.
        let start = unsafe { mmap(std::ptr::null_mut(), bytes, protection, flags, file.0.as_fd(), offset) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length, values: PhantomData })
    }
}

impl<T> Deref for Mapping<T> {
    type Target = [T];

    #[expect(unsafe_code, reason = "the mapping as what it holds")]
    fn deref(&self) -> &[T] {
        // SAFETY: `new` has mapped so many values at a page's start; their type is `Plain`, so that
        // all they hold are values, whoever changes them meanwhile.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T> Drop for Mapping<T> {
    #[expect(unsafe_code, reason = "the system's call for this")]
    fn drop(&mut self) {
        // SAFETY: it was mapped with this address and length, and no reference outlives it. It fails
        // for none that was.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length * size_of::<T>()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    const PAGE: u64 = 64 << 10;

    #[test]
    fn what_one_mapping_changes_the_others_see() {
        let file = File::create(2 * PAGE).unwrap();
        let copy = File::open(file.descriptor().try_clone().unwrap(), 2 * PAGE).unwrap();
        let first = Memory::<AtomicU64>::shared(&file, PAGE, 8).unwrap();
        let second = Memory::<AtomicU64>::shared(&copy, PAGE, 8).unwrap();
        drop(file);
        first[7].store(42, Ordering::Relaxed);
        assert_eq!(second.iter().map(|word| word.load(Ordering::Relaxed)).sum::<u64>(), 42);
    }

    #[test]
    fn nothing_is_mapped_that_does_not_exist() {
        let file = File::create(PAGE).unwrap();
        let error = Memory::<AtomicU64>::shared(&file, PAGE, 1).err().unwrap().to_string();
        assert_eq!(error, "the memory has 65536 bytes, expected 8 at 65536");
        let error = File::open(file.descriptor().try_clone().unwrap(), 2 * PAGE).err().unwrap().to_string();
        assert_eq!(error, "the memory has 65536 bytes, expected 131072");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nobody_can_take_memory_away() {
        let file = File::create(PAGE).unwrap();
        assert!(rustix::fs::ftruncate(file.descriptor(), 0).is_err());
        let loose = nameless().unwrap();
        assert!(File::open(loose, 0).is_err());
    }
}
