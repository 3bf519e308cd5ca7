//! A buffer that several tensors share, with a version that counts its in-place changes.

use super::buffer::Buffer;
use crate::{DType, dtype::Element};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[derive(Debug)]
pub(crate) struct Storage {
    contents: RwLock<Contents>,
    dtype: DType,
    len: usize,
    version: AtomicU64,
}

#[derive(Debug)]
struct Contents {
    buffer: Buffer,
    last_change: Option<&'static Location<'static>>,
}

impl Storage {
    pub fn new(buffer: Buffer) -> Self {
        Self {
            dtype: buffer.dtype(),
            len: buffer.len(),
            contents: RwLock::new(Contents { buffer, last_change: None }),
            version: AtomicU64::new(0),
        }
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn read(&self) -> ReadGuard<'_> {
        ReadGuard(self.contents.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Access for a new result in recycled memory: nobody else sees this storage, so its version stays.
    pub fn write(&self) -> WriteGuard<'_> {
        WriteGuard(self.contents.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Access for a new result where nobody else can see this storage, and no lock is needed.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        self.contents.get_mut().unwrap_or_else(PoisonError::into_inner).buffer.as_mut_slice()
    }

    /// Access for a change that other holders of this storage must be able to notice.
    #[track_caller]
    pub fn modify(&self) -> WriteGuard<'_> {
        self.version.fetch_add(1, Relaxed);
        let mut guard = self.write();
        guard.0.last_change = Some(Location::caller());
        guard
    }

    /// How often the contents were changed in place.
    pub fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// Where the contents were last changed in place.
    pub fn last_change(&self) -> Option<&'static Location<'static>> {
        self.read().0.last_change
    }
}

#[derive(Debug)]
pub(crate) struct ReadGuard<'a>(RwLockReadGuard<'a, Contents>);

impl ReadGuard<'_> {
    pub fn as_slice<T: Element>(&self) -> &[T] {
        self.0.buffer.as_slice()
    }
}

#[derive(Debug)]
pub(crate) struct WriteGuard<'a>(RwLockWriteGuard<'a, Contents>);

impl WriteGuard<'_> {
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        self.0.buffer.as_mut_slice()
    }
}
