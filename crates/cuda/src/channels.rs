//! How kernels share out the channels of `[batch, channels, length]` arrays: `kernels/channels.cuh`.

use crate::launch::{Argument, Arguments, Grid};

/// As in `kernels/channels.cuh`.
const BLOCK: usize = 256;

/// Channels of a block where threads next to each other take channels next to each other.
const WIDTH: usize = 32;

/// Elements that are worth a thread.
const ELEMENTS_OF_A_THREAD: usize = 16;

/// As many blocks as keep the largest devices busy. Not asked of the device, so that sums are the same on all.
const BLOCKS: usize = 528;

/// Sizes of an array, and how its channels are spread over threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channels {
    batch: usize,
    channels: usize,
    length: usize,
    /// Neighbouring channels that a block takes.
    width: usize,
}

impl Channels {
    /// Positions of a channel that are fewer than a sector of memory are taken with those of its neighbours.
    pub fn of([batch, channels, length]: [usize; 3]) -> Channels {
        Channels { batch, channels, length, width: if length < 8 { WIDTH } else { 1 } }
    }

    /// `parts` states of each channel.
    pub fn parts(&self, parts: usize) -> Channels {
        let width = if self.channels < WIDTH { 1 } else { WIDTH };
        Channels { batch: parts, channels: self.channels, length: 1, width }
    }

    /// Blocks that share the elements of a channel.
    pub fn shares(&self) -> usize {
        let elements = self.batch * self.length;
        let worthwhile = elements / (BLOCK / self.width * ELEMENTS_OF_A_THREAD);
        worthwhile.clamp(1, BLOCKS.div_ceil(self.blocks()))
    }

    /// A grid with so many blocks for each channel.
    pub fn grid(&self, shares: usize) -> Grid {
        Grid { blocks: [self.blocks() as u32, shares as u32, 1], threads: [BLOCK as u32, 1, 1], shared: 0 }
    }

    fn blocks(&self) -> usize {
        self.channels.div_ceil(self.width).max(1)
    }
}

impl Argument for Channels {
    fn add_to(&self, arguments: &mut Arguments) {
        let sizes = [self.batch, self.channels, self.length, self.width];
        let bytes: Vec<u8> = sizes.iter().flat_map(|&size| (size as u32).to_ne_bytes()).collect();
        arguments.push(&bytes);
    }
}
