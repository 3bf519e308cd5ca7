//! A block of device memory, and copies into and out of it.

use crate::arena::Arena;
use crate::error::During;
use crate::{Device, Error, Result};
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
}

impl Memory {
    /// `bytes` bytes with unspecified contents, all ones (NaN) in debug builds, so that a kernel that forgets an element
    /// is noticed.
    ///
    /// # Errors
    /// When the device has no such memory.
    pub fn unspecified(device: &Device, bytes: usize) -> Result<Memory> {
        let size = Arena::block_size(bytes);
        let mut arena = device.arena();
        let pointer = match arena.take(size) {
            Some(pointer) => pointer,
            None => allocate(device, &mut arena, size)?,
        };
        arena.count(size);
        drop(arena);
        let memory = Memory { device: device.clone(), pointer, bytes };
        if cfg!(debug_assertions) {
            memory.fill(0xff)?;
        }
        Ok(memory)
    }

    /// A copy of `elements`.
    ///
    /// # Errors
    /// When the device has no memory for them.
    pub fn upload<T: Copy>(device: &Device, elements: &[T]) -> Result<Memory> {
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
        self.device.bind()?;
        // SAFETY: the block has at least `bytes` bytes, and the stream orders this after all earlier uses of it.
        unsafe { result::memset_d8_async(self.pointer, byte, self.bytes, self.device.stream()) }
            .during("filling device memory")
    }

    /// Overwrites the bytes from `offset` on with `elements`.
    ///
    /// # Errors
    /// When they do not fit, or while a graph is captured.
    pub fn write<T: Copy>(&self, offset: usize, elements: &[T]) -> Result<()> {
        let bytes = size_of_val(elements);
        self.check(offset, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        self.device.bind()?;
        // SAFETY: the range lies in the block; the driver has read pageable host memory when the call returns.
        unsafe { result::memcpy_htod_async(self.pointer + offset as u64, elements, self.device.stream()) }
            .during("copying to the device")
    }

    /// Fills `elements` with the bytes from `offset` on, once everything that was started has run.
    ///
    /// # Errors
    /// When there are not so many, a kernel has failed, or while a graph is captured.
    pub fn read<T: Element>(&self, offset: usize, elements: &mut [T]) -> Result<()> {
        let bytes = size_of_val(elements);
        self.check(offset, bytes)?;
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
        self.check(offset, bytes)?;
        source.check(from, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        self.device.bind()?;
        let (to, from) = (self.pointer + offset as u64, source.pointer + from as u64);
        // SAFETY: both ranges lie in their blocks, and the stream orders this after all earlier uses of them.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.device.stream()) }
            .during("copying on the device")
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
        self.device.arena().give_back(self.pointer, Arena::block_size(self.bytes));
    }
}

/// Types any bytes of which are a value.
pub trait Element: Copy {}
impl Element for u8 {}
impl Element for i64 {}
impl Element for f32 {}
impl Element for f64 {}

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
        Err(error) if error.0 == sys::CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED => {
            Err(Error::Capturing { what: "asking for more device memory" })
        }
        block => block.during("allocating device memory"),
    }
}
