//! A block of aligned bytes that holds elements of one type. All `unsafe` of this crate is in this file.

use super::cache;
use crate::{DType, dtype::Element};
use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Elements of one type in memory that is always initialised, and aligned to a cache line unless it is somebody else's.
#[derive(Debug)]
pub(crate) struct Buffer {
    start: NonNull<u8>,
    owner: Owner,
    dtype: DType,
    len: usize,
}

/// Who else may look at a buffer's memory.
enum Owner {
    /// Nobody.
    Sole(Recycled),
    /// Holders of a [`Lease`], who must find it as it is. Once they are gone, memory of ours is writable again; that of a
    /// [`Foreign`] owner never is.
    Shared { keeper: Keeper, is_ours: bool },
}

/// What keeps memory alive until it is dropped.
type Keeper = Arc<dyn Send + Sync>;

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Sole(block) => block.fmt(f),
            Owner::Shared { is_ours, .. } => write!(f, "Shared {{ is_ours: {is_ours} }}"),
        }
    }
}

// SAFETY: a buffer owns its memory, or keeps it alive together with others who, as it does, only read it. It has no interior
// mutability: like `Box<[u8]>`, it may move between threads.
unsafe impl Send for Buffer {}
// SAFETY: shared references to a buffer only read.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// A buffer whose contents are unspecified but valid: whatever a recycled block held, zeros in a fresh one, and
    /// NaN in debug builds, so that a kernel that forgets an element is noticed.
    pub fn unspecified(dtype: DType, len: usize) -> Self {
        let mut buffer = Self::recycled(dtype, len);
        match dtype {
            // A bool must be 0 or 1, which a recycled block need not hold.
            DType::Bool => buffer.bytes_mut().fill(0),
            DType::F32 if cfg!(debug_assertions) => buffer.as_mut_slice::<f32>().fill(f32::NAN),
            DType::F64 if cfg!(debug_assertions) => buffer.as_mut_slice::<f64>().fill(f64::NAN),
            _ => {}
        }
        buffer
    }

    fn recycled(dtype: DType, len: usize) -> Self {
        let block = Recycled(cache::take(len * dtype.size_of()));
        Self { start: block.0.start, owner: Owner::Sole(block), dtype, len }
    }

    /// The elements of somebody else, to be read where they lie.
    pub fn foreign(memory: Foreign) -> Self {
        let Foreign { start, keeper, dtype, len } = memory;
        Self { start, owner: Owner::Shared { keeper, is_ours: false }, dtype, len }
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
        // SAFETY: a block of ours is aligned to 64 bytes, holds at least `len` elements of `dtype` (see `recycled`), is
        // initialised from its allocation on, and every byte pattern in it is valid for `T`: any for the numeric
        // types, and bool buffers were zeroed and only ever written through `&mut [bool]`. The same of foreign memory is
        // the promise of `Foreign::new`. Nobody writes meanwhile: a lease only reads.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.len) }
    }

    /// The elements for writing: in memory of our own, to which they move first where others look at them.
    ///
    /// # Panics
    /// When `T` is not the buffer's type.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert_eq!(T::DTYPE, self.dtype, "a buffer is written as another type than it holds");
        self.leave_shared();
        // SAFETY: as in `as_slice`, and after `leave_shared` `&mut self` is the only access to the block.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.len) }
    }

    /// Lends the memory to readers outside of the engine, who find it unchanged for as long as they keep the lease.
    pub fn lend(&mut self) -> Lease {
        let keeper: Keeper = match &mut self.owner {
            Owner::Shared { keeper, .. } => keeper.clone(),
            Owner::Sole(block) => Arc::new(std::mem::replace(block, Recycled(Block::EMPTY))),
        };
        if let Owner::Sole(_) = self.owner {
            self.owner = Owner::Shared { keeper: keeper.clone(), is_ours: true };
        }
        Lease { start: self.start, _keeper: keeper }
    }

    /// Sees to it that nobody else looks at the memory, by a copy where somebody does.
    fn leave_shared(&mut self) {
        let alone = match &mut self.owner {
            Owner::Sole(_) => true,
            Owner::Shared { keeper, is_ours } => *is_ours && Arc::get_mut(keeper).is_some(),
        };
        if !alone {
            let copy = Self::recycled(self.dtype, self.len);
            let bytes = self.len * self.dtype.size_of();
            // SAFETY: both hold `bytes` bytes, and the copy is a block of its own.
            unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr(), copy.start.as_ptr(), bytes) };
            *self = copy;
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.leave_shared();
        let bytes = self.len * self.dtype.size_of();
        // SAFETY: the block holds at least `bytes` initialised bytes, u8 allows any pattern, and nobody else has access.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), bytes) }
    }
}

/// A block that goes back to the cache when it is dropped.
#[derive(Debug)]
struct Recycled(Block);

impl Drop for Recycled {
    fn drop(&mut self) {
        cache::give_back(std::mem::replace(&mut self.0, Block::EMPTY));
    }
}

/// Memory that is lent to readers outside of the engine. It stays where and as it is while the lease lives: a change in
/// place moves the elements to other memory first.
pub struct Lease {
    start: NonNull<u8>,
    _keeper: Keeper,
}

impl Lease {
    /// The first byte.
    pub(crate) fn start(&self) -> *const u8 {
        self.start.as_ptr()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease {{ start: {:?} }}", self.start)
    }
}

// SAFETY: a lease gives no access to the bytes but their address, and what it keeps alive may move between threads.
unsafe impl Send for Lease {}
// SAFETY: as above.
unsafe impl Sync for Lease {}

/// Elements in memory that somebody else owns, such as an array of NumPy.
pub struct Foreign {
    start: NonNull<u8>,
    keeper: Keeper,
    dtype: DType,
    len: usize,
}

impl Foreign {
    /// `len` elements from `start` on, there until `keeper` is dropped.
    ///
    /// # Safety
    /// Until `keeper` is dropped, there are `len` initialised elements of `dtype` at `start`, which is aligned for them;
    /// truth values are bytes of 0 or 1. Nobody writes to them while an op, or another function of this crate, reads them.
    pub unsafe fn new(start: NonNull<u8>, len: usize, dtype: DType, keeper: Arc<dyn Send + Sync>) -> Foreign {
        Foreign { start, keeper, dtype, len }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foreign {{ start: {:?}, dtype: {}, len: {} }}", self.start, self.dtype, self.len)
    }
}

/// Owned, initialised memory, aligned to a cache line (64 bytes); where it fills a huge page, it starts shortly behind the
/// beginning of one.
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
    /// Blocks from here on are staggered, by multiples of a few cache lines: for smaller ones the room would count.
    const STAGGERED: usize = 32 << 10;
    const STAGGER: usize = 256;
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
        let layout = Self::layout(bytes);
        // SAFETY: the layout has a non-zero size.
        match layout.and_then(|layout| NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })) {
            Some(base) => {
                let gap = base.as_ptr().align_offset(Self::alignment(bytes)) + Self::stagger(bytes);
                // SAFETY: `layout` adds room for a gap of up to the alignment and the largest stagger before the block.
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

    /// By how much a block of this size starts behind the alignment, at most.
    fn largest_stagger(bytes: usize) -> usize {
        if bytes < Self::STAGGERED { 0 } else { 15 * Self::STAGGER }
    }

    /// Another one for every block. What an optimiser reads and writes side by side would otherwise begin at the same offset
    /// of a page, in all of its arrays, and caches and memory sort lines by such offsets: on huge pages Adam takes 1.6 times
    /// as long then (`wengert bench "adam 10M"`). Multiples of the golden ratio are far from each other however many blocks
    /// lie between two.
    fn stagger(bytes: usize) -> usize {
        static BLOCKS: AtomicU64 = AtomicU64::new(0);
        if bytes < Self::STAGGERED {
            return 0;
        }
        let sixteenths = BLOCKS.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
        sixteenths as usize * Self::STAGGER
    }

    /// Only as many as the block fills, so that none holds memory that nobody uses.
    fn ask_for_huge_pages(&self) {
        #[cfg(target_os = "linux")]
        if self.bytes >= Self::HUGE_PAGE {
            use rustix::mm::{Advice, madvise};
            let past = self.start.as_ptr() as usize % Self::HUGE_PAGE;
            let filled = (past + self.bytes) / Self::HUGE_PAGE * Self::HUGE_PAGE;
            // SAFETY: the range starts on the huge page in which the block does, which lies in what the system gave, and ends
            // in the block. The advice changes nothing of what it holds. A system that knows no huge pages refuses, which is
            // as good.
            let _ = unsafe { madvise(self.start.as_ptr().sub(past).cast(), filled, Advice::LinuxHugepage) };
        }
    }

    /// `None` where so many bytes do not fit the address space. We align the block ourselves: asked for alignment, the
    /// standard allocator writes zeros itself and touches every page, whereas pages fresh from the system are zero and
    /// take up memory only once they are used.
    fn layout(bytes: usize) -> Option<Layout> {
        let gap = Self::alignment(bytes) + Self::largest_stagger(bytes);
        Layout::from_size_align(bytes.checked_add(gap)?, 1).ok()
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
    use std::collections::HashSet;

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
    fn a_lease_sees_no_change_and_costs_a_copy_only_while_it_lives() {
        let mut buffer = Buffer::unspecified(DType::I64, 3);
        buffer.as_mut_slice().copy_from_slice(&[1i64, 2, 3]);
        let address = buffer.as_slice::<i64>().as_ptr();
        let lease = buffer.lend();
        assert_eq!(lease.start(), address.cast(), "lending moves nothing");
        let reader = Buffer::foreign(Foreign {
            start: lease.start,
            keeper: lease._keeper.clone(),
            dtype: DType::I64,
            len: 3,
        });
        buffer.as_mut_slice::<i64>()[0] = 9;
        assert_eq!((buffer.as_slice::<i64>(), reader.as_slice::<i64>()), (&[9, 2, 3][..], &[1, 2, 3][..]));

        let address = buffer.as_slice::<i64>().as_ptr();
        drop(buffer.lend());
        buffer.as_mut_slice::<i64>()[0] = 10;
        assert_eq!(buffer.as_slice::<i64>().as_ptr(), address, "nobody looked any more");
    }

    #[test]
    fn foreign_memory_is_read_where_it_lies_and_never_written() {
        let theirs = Arc::new([1f32, 2.0]);
        let start = NonNull::from(&*theirs).cast();
        // SAFETY: two floats, kept by `theirs`, which nobody changes.
        let mut buffer = Buffer::foreign(unsafe { Foreign::new(start, 2, DType::F32, theirs.clone()) });
        assert_eq!(buffer.as_slice::<f32>().as_ptr(), theirs.as_ptr());
        buffer.as_mut_slice::<f32>()[1] = 5.0;
        assert_eq!((buffer.as_slice::<f32>(), *theirs), (&[1.0, 5.0][..], [1.0, 2.0]));
        assert_eq!(Arc::strong_count(&theirs), 1, "given up with the copy");
    }

    #[test]
    fn large_blocks_start_shortly_behind_a_huge_page_and_not_all_at_one_distance() {
        for (bytes, page) in [(Block::STAGGERED, size_of::<CacheLine>()), (5 << 20, Block::HUGE_PAGE)] {
            let blocks: Vec<Block> = (0..16).map(|_| Block::allocate(bytes)).collect();
            let starts = blocks.iter().map(|block| block.start.as_ptr() as usize);
            assert!(starts.clone().all(|start| start % 64 == 0 && start % page < 4096));
            let distances: HashSet<usize> = starts.map(|start| start % 4096).collect();
            assert!(distances.len() >= 8, "{distances:?}");
        }
    }

    #[test]
    #[should_panic(expected = "storage: the system does not have the 1152921504606846976 bytes")]
    fn too_much_memory_is_a_panic_and_no_abort() {
        Block::allocate(1 << 60);
    }
}
