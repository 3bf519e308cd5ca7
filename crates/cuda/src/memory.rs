//! A block of device memory, and copies into and out of it.

use crate::arena::{Arena, PoolId};
use crate::error::During;
use crate::launch::{Grid, arguments};
use crate::{Device, Error, Result, capture};
use cudarc::driver::{result, sys};
use std::sync::{Mutex, PoisonError};

/// What was said when a device had no more memory.
static EXHAUSTED: Mutex<Option<String>> = Mutex::new(None);

/// What the error said when a device last had no more memory, and that it is forgotten by this call. Most of what computes
/// can only panic then; a program may end with these words instead.
pub fn take_exhaustion() -> Option<String> {
    EXHAUSTED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Whether a device has had no more memory since [`take_exhaustion`] was last called.
pub fn is_exhausted() -> bool {
    EXHAUSTED.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Bytes in a device's memory. Dropping them gives the block back for the next array.
#[derive(Debug)]
pub struct Memory {
    device: Device,
    pointer: u64,
    bytes: usize,
    pool: PoolId,
}

impl Memory {
    /// `bytes` bytes with unspecified contents, all ones (NaN) in debug builds, so that a kernel that forgets an element
    /// is noticed.
    ///
    /// # Errors
    /// When the device has no such memory.
    pub fn unspecified(device: &Device, bytes: usize) -> Result<Memory> {
        let recording = device.recording(|recording| (recording.pool(), recording.is_capture()))?;
        let (pool, is_capture) = recording.unwrap_or_default();
        let size = Arena::block_size(bytes);
        let mut arena = device.arena();
        let pointer = match arena.take(pool, size) {
            Some(pointer) => pointer,
            None if is_capture => return Err(Error::Capturing { what: "asking for more device memory" }),
            None => allocate(device, &mut arena, size)?,
        };
        arena.count(size);
        drop(arena);
        device.recording(|recording| recording.born(pointer))?;
        let memory = Memory { device: device.clone(), pointer, bytes, pool };
        if cfg!(debug_assertions) {
            memory.fill(0xff)?;
        }
        Ok(memory)
    }

    /// A copy of `elements` that is no part of a recorded step, whose contents may differ from time to time.
    ///
    /// # Errors
    /// When the device has no memory for them, or while a step is captured.
    pub fn unrecorded<T: Plain>(device: &Device, elements: &[T]) -> Result<Memory> {
        let bytes = size_of_val(elements);
        let (size, pool) = (Arena::block_size(bytes), PoolId::default());
        let mut arena = device.arena();
        let pointer = match arena.take(pool, size) {
            Some(pointer) => pointer,
            None => allocate(device, &mut arena, size)?,
        };
        arena.count(size);
        drop(arena);
        let memory = Memory { device: device.clone(), pointer, bytes, pool };
        memory.write_now(0, bytes_of(elements))?;
        Ok(memory)
    }

    /// A copy of `elements`.
    ///
    /// # Errors
    /// When the device has no memory for them.
    pub fn upload<T: Plain>(device: &Device, elements: &[T]) -> Result<Memory> {
        let memory = Self::unspecified(device, size_of_val(elements))?;
        memory.write(0, elements)?;
        Ok(memory)
    }

    /// The device whose memory this is.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn pointer(&self) -> u64 {
        self.pointer
    }

    /// Sets every byte.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn fill(&self, byte: u8) -> Result<()> {
        if self.bytes == 0 {
            return Ok(());
        }
        self.note("fill", &[self.pointer, u64::from(byte), self.bytes as u64], &[], false)?;
        self.device.bind()?;
        // SAFETY: the block has at least `bytes` bytes, and the stream orders this after all earlier uses of it.
        unsafe { result::memset_d8_async(self.pointer, byte, self.bytes, self.device.stream()) }
            .during("filling device memory")
    }

    /// Overwrites the bytes from `offset` on with `elements`.
    ///
    /// # Errors
    /// When they do not fit, or are not those of the rehearsal where a step is captured.
    pub fn write<T: Plain>(&self, offset: usize, elements: &[T]) -> Result<()> {
        let bytes = size_of_val(elements);
        self.check(offset, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        if capture::writes_constant(self, offset, bytes_of(elements))? {
            return Ok(());
        }
        self.write_now(offset, bytes_of(elements))
    }

    fn write_now(&self, offset: usize, elements: &[u8]) -> Result<()> {
        self.device.bind()?;
        // SAFETY: the range lies in the block; the driver has read pageable host memory when the call returns.
        unsafe { result::memcpy_htod_async(self.pointer + offset as u64, elements, self.device.stream()) }
            .during("copying to the device")
    }

    /// Fills `elements` with the bytes from `offset` on, once everything that was started has run.
    ///
    /// # Errors
    /// When there are not so many, a kernel has failed, or while a step is recorded.
    pub fn read<T: Element>(&self, offset: usize, elements: &mut [T]) -> Result<()> {
        let bytes = size_of_val(elements);
        self.check(offset, bytes)?;
        self.device.refuse_recording("reading a tensor's elements")?;
        if bytes == 0 {
            return Ok(());
        }
        self.device.bind()?;
        // SAFETY: the range lies in the block, `T` is a plain number, and `elements` outlives the wait below.
        unsafe { result::memcpy_dtoh_async(elements, self.pointer + offset as u64, self.device.stream()) }
            .during("copying from the device")?;
        self.device.synchronize()
    }

    /// Copies the bytes `from..from + bytes` of `source` to `offset`.
    ///
    /// # Errors
    /// When they lie outside either block.
    pub fn copy(&self, offset: usize, source: &Memory, from: usize, bytes: usize) -> Result<()> {
        self.copy_from(offset, source, from, bytes, false)
    }

    /// As [`copy`](Memory::copy), from a place that may be another the next time where a step is recorded.
    ///
    /// # Errors
    /// As [`copy`](Memory::copy).
    pub fn copy_varying(&self, offset: usize, source: &Memory, from: usize, bytes: usize) -> Result<()> {
        self.copy_from(offset, source, from, bytes, true)
    }

    fn copy_from(
        &self,
        offset: usize,
        source: &Memory,
        from: usize,
        bytes: usize,
        varies: bool,
    ) -> Result<()> {
        self.check(offset, bytes)?;
        source.check(from, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        let (to, from) = (self.pointer + offset as u64, source.pointer + from as u64);
        self.note("copy", &[to, bytes as u64], &[from], varies)?;
        self.device.bind()?;
        // SAFETY: both ranges lie in their blocks, and the stream orders this after all earlier uses of them.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.device.stream()) }
            .during("copying on the device")
    }

    /// Notes what the driver does itself as if it were a kernel with these arguments, the last of which may vary.
    fn note(&self, name: &str, words: &[u64], last: &[u64], varies: bool) -> Result<()> {
        self.device.recording(|recording| {
            let mut arguments = arguments![];
            words.iter().for_each(|&word| arguments.add(word));
            last.iter().for_each(|word| arguments.push_varying(&word.to_ne_bytes(), 0..usize::from(varies)));
            recording.note(&self.device, name, Grid::line(1, 1), &arguments);
        })?;
        Ok(())
    }

    fn check(&self, offset: usize, bytes: usize) -> Result<()> {
        if offset.checked_add(bytes).is_some_and(|end| end <= self.bytes) {
            return Ok(());
        }
        Err(Error::Argument(format!("{bytes} bytes from {offset} on are not in an array of {}", self.bytes)))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // Where another thread records a step, this array is no part of it.
        let _ = self.device.recording(|recording| recording.given_back(self.pointer, self.bytes));
        self.device.arena().give_back(self.pointer, Arena::block_size(self.bytes), self.pool);
    }
}

/// Types whose elements are bytes without gaps.
pub trait Plain: Copy {}
/// Types any bytes of which are a value as well.
pub trait Element: Plain {}

macro_rules! elements {
    ($($type:ty),*) => {$(
        impl Plain for $type {}
        impl Element for $type {}
    )*};
}
elements!(u8, i64, u64, f32, f64);
// A byte that is neither 0 nor 1 is no truth value.
impl Plain for bool {}

fn bytes_of<T: Plain>(elements: &[T]) -> &[u8] {
    // SAFETY: an element is a plain number, whose bytes may be looked at.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast::<u8>(), size_of_val(elements)) }
}

/// A block from the driver; what the arena keeps goes back first where there is no room.
fn allocate(device: &Device, arena: &mut Arena, size: usize) -> Result<u64> {
    device.bind()?;
    // SAFETY: a size above 0 on a bound device.
    let allocate = || unsafe { result::malloc_sync(size) };
    let full = |error: &result::DriverError| error.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY;
    let mut block = allocate();
    if block.as_ref().is_err_and(full) {
        for pointer in arena.drain() {
            // SAFETY: the block came from `malloc_sync` and nobody holds it; freeing waits for the device.
            unsafe { result::free_sync(pointer) }.during("freeing device memory")?;
        }
        block = allocate();
    }
    match block {
        Err(error) if full(&error) => {
            let (free, total) = result::mem_get_info().during("asking for free memory")?;
            let device = format!("{device} ({})", device.report().name);
            let error = Error::OutOfMemory { device, asked: size, free, total };
            *EXHAUSTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            Err(error)
        }
        block => {
            let pointer = block.during("allocating device memory")?;
            arena.add(pointer, size);
            Ok(pointer)
        }
    }
}
