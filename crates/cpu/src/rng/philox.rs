//! The generator: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! SC'11.

/// Words of one block.
pub const BLOCK: usize = 4;

/// Where a draw begins: a seed, one of its 2⁶⁴ streams, and the block within the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The key of the generator.
    pub seed: u64,
    /// Which of the seed's independent sequences.
    pub stream: u64,
    /// First block of the draw.
    pub offset: u64,
}

impl Position {
    /// The four words of block `index` of the draw.
    #[inline(always)]
    pub fn block(&self, index: u64) -> [u32; BLOCK] {
        let counter = self.offset.wrapping_add(index);
        philox4x32_10(
            [counter as u32, (counter >> 32) as u32, self.stream as u32, (self.stream >> 32) as u32],
            [self.seed as u32, (self.seed >> 32) as u32],
        )
    }

    /// The two 64-bit words of block `index` of the draw.
    #[inline]
    pub fn wide_block(&self, index: u64) -> [u64; 2] {
        wide(self.block(index))
    }
}

/// The words of a block as two of 64 bits, the earlier word being the lower half.
#[inline(always)]
pub(super) fn wide([a, b, c, d]: [u32; BLOCK]) -> [u64; 2] {
    let join = |low, high| u64::from(low) | u64::from(high) << 32;
    [join(a, b), join(c, d)]
}

/// Ten rounds of the Philox bijection on a 128-bit counter under a 64-bit key.
#[inline(always)]
pub fn philox4x32_10(mut counter: [u32; BLOCK], mut key: [u32; 2]) -> [u32; BLOCK] {
    for round in 0..10 {
        if round > 0 {
            // Weyl sequences of the golden ratio and of √3 − 1.
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let left = u64::from(counter[0]) * 0xD251_1F53;
        let right = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (right >> 32) as u32 ^ counter[1] ^ key[0],
            right as u32,
            (left >> 32) as u32 ^ counter[3] ^ key[1],
            left as u32,
        ];
    }
    counter
}
