//! Freed blocks, kept by size class for the next tensor of about the same size.
//!
//! A training step asks for the same sizes again and again. Fresh pages from the system cost a fault each, ten times
//! the arithmetic on a 200 KB tensor; a recycled block costs a lock and a pop.

use super::buffer::Block;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Blocks above this size go back to the system at once.
const LARGEST_CACHED: usize = 1 << 30;
/// Most bytes that the cache keeps.
const CAPACITY: usize = 4 << 30;
/// Four classes an octave from 64 bytes to `LARGEST_CACHED`.
const CLASSES: usize = 4 * 25;

static CACHE: Mutex<Cache> = Mutex::new(Cache { free: [const { Vec::new() }; CLASSES], bytes: 0 });
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Cache {
    free: [Vec<Block>; CLASSES],
    bytes: usize,
}

/// Bytes held by living tensors, without what the cache keeps.
pub fn live_bytes() -> usize {
    LIVE.load(Relaxed)
}

/// Most bytes that living tensors have held at once.
pub fn peak_bytes() -> usize {
    PEAK.load(Relaxed)
}

/// Gives all cached blocks back to the system.
pub fn release_cache() {
    let mut cache = lock();
    cache.free.iter_mut().for_each(Vec::clear);
    cache.bytes = 0;
}

/// A block of at least `bytes` bytes, recycled where one of its class is free.
pub(super) fn take(bytes: usize) -> Block {
    let (class, size) = size_class(bytes);
    let recycled = match class {
        Some(class) => {
            let mut cache = lock();
            let block = cache.free[class].pop();
            cache.bytes -= block.as_ref().map_or(0, |block| block.bytes);
            block
        }
        None => None,
    };
    // Counted once it is there: an allocation that fails panics.
    let block = recycled.unwrap_or_else(|| Block::allocate(size));
    let live = LIVE.fetch_add(size, Relaxed) + size;
    PEAK.fetch_max(live, Relaxed);
    block
}

/// Takes a block back for later use.
pub(super) fn give_back(block: Block) {
    if block.bytes == 0 {
        return;
    }
    LIVE.fetch_sub(block.bytes, Relaxed);
    if let (Some(class), _) = size_class(block.bytes) {
        let mut cache = lock();
        if cache.bytes + block.bytes <= CAPACITY {
            cache.bytes += block.bytes;
            cache.free[class].push(block);
        }
    }
}

fn lock() -> std::sync::MutexGuard<'static, Cache> {
    CACHE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The class of a request and the bytes that a block of it has, four classes to each power of two.
fn size_class(bytes: usize) -> (Option<usize>, usize) {
    if bytes == 0 || bytes > LARGEST_CACHED {
        return (None, bytes);
    }
    // Whole cache lines, rounded up to the next quarter of the way from one power of two to the next.
    let bytes = bytes.next_multiple_of(64);
    let octave = bytes.ilog2();
    let quarter = (1usize << octave) / 4;
    let steps = (bytes - (1 << octave)).div_ceil(quarter);
    let class = (octave as usize - 6) * 4 + steps;
    (Some(class), (1 << octave) + steps * quarter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_was_asked_and_waste_little() {
        for bytes in (1..5000).chain([100_000, 200_704, 1 << 20, (1 << 20) + 1, LARGEST_CACHED - 1]) {
            let (class, size) = size_class(bytes);
            assert!(size >= bytes, "{bytes}");
            assert!(size < bytes + bytes / 4 + 64, "{bytes} -> {size}");
            assert!(class.unwrap() < CLASSES, "{bytes}");
            assert_eq!(
                size_class(size),
                (class, size),
                "a block goes back to the class it was taken from: {bytes}"
            );
        }
        assert_eq!(size_class(LARGEST_CACHED + 1).0, None);
    }
}
