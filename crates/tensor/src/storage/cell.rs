//! Memory that several tensors share, with a version that counts its in-place changes.

use super::buffer::{Buffer, Lease};
use crate::dtype::Element;
use crate::{DType, Device, Result};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wengert_cuda::Memory;

#[derive(Debug)]
pub(crate) struct Storage {
    place: Place,
    dtype: DType,
    len: usize,
    version: AtomicU64,
    last_change: Mutex<Option<&'static Location<'static>>>,
}

#[derive(Debug)]
enum Place {
    Host(RwLock<Buffer>),
    /// Kernels run one after another, so that no lock is needed.
    Cuda(Memory),
}

impl Storage {
    pub fn new(buffer: Buffer) -> Self {
        let (dtype, len) = (buffer.dtype(), buffer.len());
        Self::at(Place::Host(RwLock::new(buffer)), dtype, len)
    }

    /// `len` elements in a device's memory.
    pub fn cuda(memory: Memory, dtype: DType, len: usize) -> Self {
        debug_assert!(len * dtype.size_of() <= memory.bytes());
        Self::at(Place::Cuda(memory), dtype, len)
    }

    fn at(place: Place, dtype: DType, len: usize) -> Self {
        Self { place, dtype, len, version: AtomicU64::new(0), last_change: Mutex::new(None) }
    }

    pub fn device(&self) -> Device {
        match &self.place {
            Place::Host(_) => Device::Cpu,
            Place::Cuda(memory) => Device::Cuda(memory.device().ordinal()),
        }
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The memory where it is a device's.
    pub fn device_memory(&self) -> Option<&Memory> {
        match &self.place {
            Place::Host(_) => None,
            Place::Cuda(memory) => Some(memory),
        }
    }

    /// The elements; those on a device are copied from there.
    pub fn read(&self) -> Result<ReadGuard<'_>> {
        Ok(match &self.place {
            Place::Host(buffer) => ReadGuard::Shared(buffer.read().unwrap_or_else(PoisonError::into_inner)),
            Place::Cuda(memory) => ReadGuard::Copied(self.download(memory)?),
        })
    }

    /// Access for a new result in recycled memory: nobody else sees this storage, so its version stays. Elements on a
    /// device are copied from there, and back when the guard is dropped.
    pub fn write(&self) -> Result<WriteGuard<'_>> {
        Ok(match &self.place {
            Place::Host(buffer) => WriteGuard::Own(buffer.write().unwrap_or_else(PoisonError::into_inner)),
            Place::Cuda(memory) => WriteGuard::Copied { copy: self.download(memory)?, memory },
        })
    }

    /// Lends the memory to readers outside of the engine; `None` on a device.
    pub fn lend(&self) -> Option<Lease> {
        match &self.place {
            Place::Host(buffer) => Some(buffer.write().unwrap_or_else(PoisonError::into_inner).lend()),
            Place::Cuda(_) => None,
        }
    }

    fn download(&self, memory: &Memory) -> Result<Buffer> {
        let mut buffer = Buffer::unspecified(self.dtype, self.len);
        match self.dtype {
            // A truth value is a byte that is 0 or 1, and the kernels write no others.
            DType::Bool => {
                let mut bytes = vec![0u8; self.len];
                memory.read(0, &mut bytes)?;
                let truths = buffer.as_mut_slice::<bool>().iter_mut().zip(bytes);
                truths.for_each(|(truth, byte)| *truth = byte != 0);
            }
            DType::F32 => memory.read(0, buffer.as_mut_slice::<f32>())?,
            DType::F64 => memory.read(0, buffer.as_mut_slice::<f64>())?,
            DType::I64 => memory.read(0, buffer.as_mut_slice::<i64>())?,
            DType::U8 => memory.read(0, buffer.as_mut_slice::<u8>())?,
        }
        Ok(buffer)
    }

    /// Access for a new result where nobody else can see this storage, and no lock is needed; `None` on a device.
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        match &mut self.place {
            Place::Host(buffer) => {
                Some(buffer.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut_slice())
            }
            Place::Cuda(_) => None,
        }
    }

    /// Access for a change that other holders of this storage must be able to notice.
    #[track_caller]
    pub fn modify(&self) -> Result<WriteGuard<'_>> {
        self.note_change();
        self.write()
    }

    /// Counts a change, so that other holders of this storage can notice it.
    #[track_caller]
    pub fn note_change(&self) {
        self.version.fetch_add(1, Relaxed);
        *self.last_change.lock().unwrap_or_else(PoisonError::into_inner) = Some(Location::caller());
    }

    /// How often the contents were changed in place.
    pub fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// Where the contents were last changed in place.
    pub fn last_change(&self) -> Option<&'static Location<'static>> {
        *self.last_change.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) enum ReadGuard<'a> {
    Shared(RwLockReadGuard<'a, Buffer>),
    Copied(Buffer),
}

impl ReadGuard<'_> {
    pub fn as_slice<T: Element>(&self) -> &[T] {
        match self {
            ReadGuard::Shared(buffer) => buffer.as_slice(),
            ReadGuard::Copied(buffer) => buffer.as_slice(),
        }
    }
}

#[derive(Debug)]
pub(crate) enum WriteGuard<'a> {
    Own(RwLockWriteGuard<'a, Buffer>),
    Copied { copy: Buffer, memory: &'a Memory },
}

impl WriteGuard<'_> {
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        match self {
            WriteGuard::Own(buffer) => buffer.as_mut_slice(),
            WriteGuard::Copied { copy, .. } => copy.as_mut_slice(),
        }
    }
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        if let WriteGuard::Copied { copy, memory } = self {
            let written = for_any!(copy.dtype(), T => memory.write(0, copy.as_slice::<T>()));
            // Reading the same bytes has just succeeded.
            written.expect("a device that could be read can be written");
        }
    }
}
