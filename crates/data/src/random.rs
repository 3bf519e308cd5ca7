//! Random streams of the data side. Each seed has 2^64 streams; those with a set top bit are used here, so that a model
//! with the same seed draws from others.

use wengert_cpu::rng::{self, Position};

/// Stream of the order of epoch 0; the others follow.
const SHUFFLE: u64 = 0x80 << 56;

/// Stream of the fixed binarisation.
pub(crate) const STATIC_BINARISATION: u64 = 0x90 << 56;

/// Stream of the binarisation of step 0; the others follow.
pub(crate) const DYNAMIC_BINARISATION: u64 = 0xa0 << 56;

/// Stream of the cuts of photographs behind MNIST-M's training digits; the test digits have the next.
pub(crate) const BACKGROUNDS: u64 = 0xb0 << 56;

/// The numbers below `count` in the random order of that epoch.
pub(crate) fn permutation(seed: u64, epoch: u64, count: usize) -> Vec<usize> {
    let mut order = vec![0; count];
    rng::permutation(&mut order, Position { seed, stream: SHUFFLE.wrapping_add(epoch), offset: 0 });
    order.into_iter().map(|index| index as usize).collect()
}
