//! Blocks of device memory, kept for the next array of the same size.
//!
//! A training step asks for the same sizes again and again, and the driver's allocation waits for the device. A block
//! may be handed out again at once, even while a kernel still reads it: whatever is done with it next comes later in the
//! one stream of its device.

use std::collections::HashMap;

/// Every block is a multiple of this, as the driver's own are, so that arrays of about the same size share blocks.
const GRAIN: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Arena {
    free: HashMap<usize, Vec<u64>>,
    live: usize,
    peak: usize,
}

impl Arena {
    /// The size of the block that holds `bytes`.
    pub fn block_size(bytes: usize) -> usize {
        bytes.max(1).next_multiple_of(GRAIN)
    }

    /// A free block of exactly this size.
    pub fn take(&mut self, size: usize) -> Option<u64> {
        self.free.get_mut(&size)?.pop()
    }

    /// Counts a block that was handed out.
    pub fn count(&mut self, size: usize) {
        self.live += size;
        self.peak = self.peak.max(self.live);
    }

    pub fn give_back(&mut self, pointer: u64, size: usize) {
        self.live -= size;
        self.free.entry(size).or_default().push(pointer);
    }

    /// All free blocks, which are the caller's now.
    pub fn drain(&mut self) -> impl Iterator<Item = u64> + use<> {
        std::mem::take(&mut self.free).into_values().flatten()
    }

    pub fn live(&self) -> usize {
        self.live
    }

    pub fn peak(&self) -> usize {
        self.peak
    }
}
