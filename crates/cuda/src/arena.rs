//! Blocks of device memory, kept for the next array of the same size.
//!
//! A training step asks for the same sizes again and again, and the driver's allocation waits for the device. A block
//! may be handed out again at once, even while a kernel still reads it: whatever is done with it next comes later in the
//! one stream of its device.
//!
//! A captured graph writes to the same addresses at every replay. So what it allocates comes from a pool of its own, and
//! blocks of others that it reads or writes are not handed out again while it lives.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Every block is a multiple of this, as the driver's own are, so that arrays of about the same size share blocks.
const GRAIN: usize = 512;

/// Which arrays a block may be handed out for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PoolId(u64);

#[derive(Debug, Default)]
pub(crate) struct Arena {
    free: HashMap<(PoolId, usize), Vec<u64>>,
    /// All blocks that the driver has given, by address, and their sizes.
    blocks: BTreeMap<u64, usize>,
    held: HashMap<u64, Held>,
    pools: u64,
    /// Pools whose graph is gone: their blocks are everyone's again.
    dissolved: HashSet<PoolId>,
    live: usize,
    peak: usize,
}

/// A block that graphs use.
#[derive(Debug, Default)]
struct Held {
    graphs: usize,
    /// The pool it goes back to afterwards, where its array is gone.
    returns_to: Option<PoolId>,
}

impl Arena {
    /// The size of the block that holds `bytes`.
    pub fn block_size(bytes: usize) -> usize {
        bytes.max(1).next_multiple_of(GRAIN)
    }

    /// A pool for a graph.
    pub fn new_pool(&mut self) -> PoolId {
        self.pools += 1;
        PoolId(self.pools)
    }

    /// Gives a pool's blocks, and those that come back later, to everyone.
    pub fn dissolve(&mut self, pool: PoolId) {
        self.dissolved.insert(pool);
        let sizes: Vec<usize> =
            self.free.keys().filter(|(owner, _)| *owner == pool).map(|(_, size)| *size).collect();
        for size in sizes {
            let blocks = self.free.remove(&(pool, size)).unwrap_or_default();
            self.free.entry((PoolId::default(), size)).or_default().extend(blocks);
        }
    }

    /// A free block of exactly this size.
    pub fn take(&mut self, pool: PoolId, size: usize) -> Option<u64> {
        self.free.get_mut(&(pool, size))?.pop()
    }

    /// Notes a block that the driver has given.
    pub fn add(&mut self, pointer: u64, size: usize) {
        self.blocks.insert(pointer, size);
    }

    /// Counts a block that was handed out.
    pub fn count(&mut self, size: usize) {
        self.live += size;
        self.peak = self.peak.max(self.live);
    }

    pub fn give_back(&mut self, pointer: u64, size: usize, pool: PoolId) {
        self.live -= size;
        match self.held.get_mut(&pointer) {
            Some(held) => held.returns_to = Some(pool),
            None => self.put(pointer, size, pool),
        }
    }

    fn put(&mut self, pointer: u64, size: usize, pool: PoolId) {
        let pool = if self.dissolved.contains(&pool) { PoolId::default() } else { pool };
        self.free.entry((pool, size)).or_default().push(pointer);
    }

    /// Keeps a block for a graph, even when its array is gone.
    pub fn hold(&mut self, block: u64) {
        self.held.entry(block).or_default().graphs += 1;
    }

    /// Ends a [`hold`](Arena::hold).
    pub fn release(&mut self, block: u64) {
        let Some(held) = self.held.get_mut(&block) else { return };
        held.graphs -= 1;
        if held.graphs > 0 {
            return;
        }
        let returns_to = held.returns_to;
        self.held.remove(&block);
        if let (Some(pool), Some(&size)) = (returns_to, self.blocks.get(&block)) {
            self.put(block, size, pool);
        }
    }

    /// The block that an address lies in.
    pub fn block_of(&self, address: u64) -> Option<u64> {
        let (&start, &size) = self.blocks.range(..=address).next_back()?;
        (address < start + size as u64).then_some(start)
    }

    /// Everyone's free blocks, which are the caller's now. What is free in a graph's pool is the graph's.
    pub fn drain(&mut self) -> Vec<u64> {
        let common: Vec<_> =
            self.free.keys().filter(|(pool, _)| *pool == PoolId::default()).copied().collect();
        let blocks: Vec<u64> = common.iter().filter_map(|key| self.free.remove(key)).flatten().collect();
        for block in &blocks {
            self.blocks.remove(block);
        }
        blocks
    }

    pub fn live(&self) -> usize {
        self.live
    }

    pub fn peak(&self) -> usize {
        self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: PoolId = PoolId(0);

    fn arena() -> Arena {
        let mut arena = Arena::default();
        for pointer in [1024, 2048] {
            arena.add(pointer, 512);
            arena.count(512);
        }
        arena
    }

    #[test]
    fn a_pool_keeps_its_blocks_until_it_is_dissolved() {
        let mut arena = arena();
        let pool = arena.new_pool();
        arena.give_back(1024, 512, pool);
        assert_eq!(arena.take(COMMON, 512), None);
        arena.dissolve(pool);
        assert_eq!(arena.take(COMMON, 512), Some(1024));
        arena.give_back(2048, 512, pool);
        assert_eq!(arena.take(COMMON, 512), Some(2048), "what comes back later is everyone's as well");
    }

    #[test]
    fn a_held_block_is_not_handed_out() {
        let mut arena = arena();
        arena.hold(1024);
        arena.hold(1024);
        arena.give_back(1024, 512, COMMON);
        arena.release(1024);
        assert_eq!(arena.take(COMMON, 512), None);
        arena.release(1024);
        assert_eq!(arena.take(COMMON, 512), Some(1024));
    }

    #[test]
    fn addresses_are_found_in_their_blocks() {
        let mut arena = arena();
        assert_eq!(
            [1023, 1024, 1535, 1536, 2050].map(|address| arena.block_of(address)),
            [None, Some(1024), Some(1024), None, Some(2048)]
        );
        arena.give_back(2048, 512, COMMON);
        assert_eq!(arena.drain(), [2048]);
        assert_eq!(arena.block_of(2050), None);
    }
}
