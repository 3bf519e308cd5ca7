//! A block of aligned bytes that holds elements of one type. All `unsafe` of this crate is in this file.

use super::cache;
use crate::{DType, dtype::Element};
use std::alloc::Layout;
use std::ptr::NonNull;

/// Elements of one type in memory that is aligned to a cache line and always initialised.
#[derive(Debug)]
pub(crate) struct Buffer {
    block: Block,
    dtype: DType,
    len: usize,
}

impl Buffer {
    /// A buffer whose contents are unspecified but valid: whatever a recycled block held, zeros in a fresh one, and
    /// NaN in debug builds, so that a kernel that forgets an element is noticed.
    pub fn unspecified(dtype: DType, len: usize) -> Self {
        let block = cache::take(len * dtype.size_of());
        let mut buffer = Self { block, dtype, len };
        match dtype {
            // A bool must be 0 or 1, which a recycled block need not hold.
            DType::Bool => buffer.bytes_mut().fill(0),
            DType::F32 if cfg!(debug_assertions) => buffer.as_mut_slice::<f32>().fill(f32::NAN),
            DType::F64 if cfg!(debug_assertions) => buffer.as_mut_slice::<f64>().fill(f64::NAN),
            _ => {}
        }
        buffer
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// # Panics
    /// When `T` is not the buffer's type.
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert_eq!(T::DTYPE, self.dtype, "a buffer is read as another type than it holds");
        // SAFETY: the block is aligned to 64 bytes, holds at least `len` elements of `dtype` (see `unspecified`), is
        // initialised from its allocation on, and every byte pattern in it is valid for `T`: any for the numeric
        // types, and bool buffers were zeroed and only ever written through `&mut [bool]`.
        unsafe { std::slice::from_raw_parts(self.block.start.as_ptr().cast(), self.len) }
    }

    /// # Panics
    /// When `T` is not the buffer's type.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert_eq!(T::DTYPE, self.dtype, "a buffer is written as another type than it holds");
        // SAFETY: as in `as_slice`, and `&mut self` is the only access to the block.
        unsafe { std::slice::from_raw_parts_mut(self.block.start.as_ptr().cast(), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let bytes = self.len * self.dtype.size_of();
        // SAFETY: the block holds at least `bytes` initialised bytes, and u8 allows any pattern.
        unsafe { std::slice::from_raw_parts_mut(self.block.start.as_ptr(), bytes) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        cache::give_back(std::mem::replace(&mut self.block, Block::EMPTY));
    }
}

/// Owned, initialised memory, aligned to a cache line (64 bytes), or to a huge page where it fills one.
#[derive(Debug)]
pub(super) struct Block {
    /// What the system gave: `start` or a little before it.
    base: NonNull<u8>,
    start: NonNull<u8>,
    pub(super) bytes: usize,
}

// SAFETY: a block owns its memory and has no interior mutability: like `Box<[u8]>`, it may move between threads.
unsafe impl Send for Block {}
// SAFETY: shared references to a block give no access to its bytes except through `Buffer`'s borrow-checked methods.
unsafe impl Sync for Block {}

impl Block {
    /// Where a large block may lie on huge pages, each of them costs one entry of the processor's page table cache and
    /// one fault instead of 512. A matrix product that walks down a wide matrix meets a new page in every row.
    const HUGE_PAGE: usize = 2 << 20;
    const EMPTY: Block = {
        let start = NonNull::<CacheLine>::dangling().cast();
        Block { base: start, start, bytes: 0 }
    };

    /// Zeroed memory from the system.
    ///
    /// # Panics
    /// When the system does not have so much memory. Unlike an abort, a panic lets whoever asked for a tensor too
    /// large go on without it.
    pub fn allocate(bytes: usize) -> Self {
        if bytes == 0 {
            return Self::EMPTY;
        }
        let base = Self::layout(bytes).and_then(|layout| {
            // SAFETY: the layout has a non-zero size.
            NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })
        });
        match base {
            Some(base) => {
                let gap = base.as_ptr().align_offset(Self::alignment(bytes));
                // SAFETY: `layout` adds room for a gap of up to the alignment before the block.
                let block = Self { base, start: unsafe { base.add(gap) }, bytes };
                block.ask_for_huge_pages();
                block
            }
            None => {
                panic!("storage: the system does not have the {bytes} bytes of memory that a tensor needs")
            }
        }
    }

    fn alignment(bytes: usize) -> usize {
        if bytes < Self::HUGE_PAGE { size_of::<CacheLine>() } else { Self::HUGE_PAGE }
    }

    /// Only as many as the block fills, so that none holds memory that nobody uses.
    fn ask_for_huge_pages(&self) {
        #[cfg(target_os = "linux")]
        if self.bytes >= Self::HUGE_PAGE {
            use rustix::mm::{Advice, madvise};
            let filled = self.bytes / Self::HUGE_PAGE * Self::HUGE_PAGE;
            // SAFETY: the range is the block's own, and the advice changes nothing of what it holds. A system that
            // knows no huge pages refuses, which is as good.
            let _ = unsafe { madvise(self.start.as_ptr().cast(), filled, Advice::LinuxHugepage) };
        }
    }

    /// `None` where so many bytes do not fit the address space. We align the block ourselves: asked for alignment, the
    /// standard allocator writes zeros itself and touches every page, whereas pages fresh from the system are zero and
    /// take up memory only once they are used.
    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes.checked_add(Self::alignment(bytes))?, 1).ok()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(layout) = Self::layout(self.bytes).filter(|_| self.bytes > 0) {
            // SAFETY: `base` came from `allocate` with this very layout and is freed once.
            unsafe { std::alloc::dealloc(self.base.as_ptr(), layout) }
        }
    }
}

#[repr(align(64))]
struct CacheLine(#[allow(dead_code)] u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_aligned_and_recycled_bools_are_valid() {
        let mut bytes = Buffer::unspecified(DType::U8, 100);
        bytes.as_mut_slice::<u8>().fill(7);
        assert_eq!(bytes.as_slice::<u8>().as_ptr() as usize % 64, 0);
        drop(bytes);
        assert!(Buffer::unspecified(DType::Bool, 100).as_slice::<bool>().iter().all(|&b| !b));
        assert!(Buffer::unspecified(DType::F64, 0).as_slice::<f64>().is_empty());
    }

    #[test]
    fn large_blocks_start_on_a_huge_page() {
        let block = Buffer::unspecified(DType::U8, 5 << 20);
        assert_eq!(block.as_slice::<u8>().as_ptr() as usize % Block::HUGE_PAGE, 0);
    }

    #[test]
    #[should_panic(expected = "storage: the system does not have the 1152921504606846976 bytes")]
    fn too_much_memory_is_a_panic_and_no_abort() {
        Block::allocate(1 << 60);
    }
}
