//! The rates that bound every kernel on a machine: arithmetic in registers and tiles, and streams through memory.
//!
//! They are measured by running them, beside the kernels that are held against them: a processor's data sheet knows
//! neither its clock under load nor who else uses its memory.

use crate::gemm::split;
use crate::par;
use crate::simd::{Kernel, Level, level, vectorize};
use std::hint::black_box;

/// Parts of equal work, many more than there are threads, so that a late thread costs little.
const TASKS: usize = 64;

/// Multiply-adds that each accumulator of a task goes through.
const DEPTH: usize = 20_000;

/// Chains of dependent multiply-adds in flight. Two units with a latency of four cycles need eight; together with the
/// two constants they must fit the sixteen registers of AVX2.
const CHAINS: usize = 12;

/// Floating-point operations of one call of [`multiply_adds`], two for each multiply-add.
pub fn flops() -> usize {
    let lanes = match level() {
        Level::Avx512 => 16,
        Level::Avx2 => 8,
        Level::Baseline => 4,
    };
    2 * TASKS * DEPTH * CHAINS * lanes
}

/// Multiplies and adds in registers only, on all threads, fused where the processor can.
pub fn multiply_adds() {
    match level() {
        Level::Avx512 => tasks::<16>(true),
        Level::Avx2 => tasks::<8>(true),
        // SSE2 has no fused form, and the function that stands in for it would be timed instead.
        Level::Baseline => tasks::<4>(cfg!(target_arch = "aarch64")),
    }
}

fn tasks<const LANES: usize>(fused: bool) {
    par::ranges(TASKS, 1, |_| {
        black_box(vectorize(Chains::<LANES> { factor: black_box(0.999), term: black_box(0.001), fused }));
    });
}

/// x ← factor · x + term in every lane of every chain; near 1 for ever, so that no number becomes special.
struct Chains<const LANES: usize> {
    factor: f32,
    term: f32,
    fused: bool,
}

impl<const LANES: usize> Kernel for Chains<LANES> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let mut chains = [[1.0f32; LANES]; CHAINS];
        if self.fused {
            for _ in 0..DEPTH {
                for x in chains.as_flattened_mut() {
                    *x = x.mul_add(self.factor, self.term);
                }
            }
        } else {
            for _ in 0..DEPTH {
                for x in chains.as_flattened_mut() {
                    *x = *x * self.factor + self.term;
                }
            }
        }
        chains.as_flattened().iter().sum()
    }
}

/// Blocks of each tile of [`tile_products`]: all of them fit a first-level cache.
const BLOCKS: usize = 4;
/// How often a task of [`tile_products`] multiplies its tiles.
const TIMES: usize = 100;

/// Floating-point operations of one call of [`tile_products`], on bf16 numbers.
pub const TILE_FLOPS: usize = TASKS * TIMES * BLOCKS * split::BLOCK_FLOPS;

/// Whether [`tile_products`] has tiles to multiply.
pub fn has_tiles() -> bool {
    split::Limit::new(BLOCKS).is_some()
}

/// Multiplies tiles of bf16 that are in the first-level cache, on all threads, as `--precision bf16x3` does it; nothing on a
/// processor without tiles.
pub fn tile_products() {
    if let Some(tiles) = split::Limit::new(BLOCKS) {
        par::ranges(TASKS, 1, |_| tiles.run(TIMES));
    }
}

/// Three arrays for McCalpin's STREAM triad, a ← b + s·c.
pub struct Triad {
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Triad {
    /// Arrays of `len` elements each. They measure the memory where they are several times larger than the last cache.
    pub fn new(len: usize) -> Self {
        Self { a: vec![0.0; len], b: vec![1.0; len], c: vec![2.0; len] }
    }

    /// Bytes that a pass over arrays of `len` elements reads and writes, as STREAM counts them.
    pub fn bytes(len: usize) -> usize {
        3 * size_of::<f32>() * len
    }

    /// One pass on all threads, with ordinary stores: the processor reads each line of `a` before it is overwritten.
    pub fn run(&mut self) {
        let Self { a, b, c } = self;
        let len = a.len();
        par::chunks_mut(a, len.div_ceil(TASKS), |start, part| {
            let range = start..start + part.len();
            vectorize(Part { a: part, b: &b[range.clone()], c: &c[range] });
        });
    }

    /// One pass on all threads, with stores that bypass the caches where the processor has them: the most that memory
    /// can give.
    pub fn run_streaming(&mut self) {
        let Self { a, b, c } = self;
        // Whole cache lines for every task.
        let chunk = a.len().div_ceil(TASKS).next_multiple_of(16);
        par::chunks_mut(a, chunk, |start, part| {
            let range = start..start + part.len();
            stream_part(part, &b[range.clone()], &c[range]);
        });
    }
}

const SCALE: f32 = 3.0;

struct Part<'a> {
    a: &'a mut [f32],
    b: &'a [f32],
    c: &'a [f32],
}

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((a, &b), &c) in self.a.iter_mut().zip(self.b).zip(self.c) {
            *a = b + SCALE * c;
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn stream_part(a: &mut [f32], b: &[f32], c: &[f32]) {
    use std::arch::x86_64::{_mm_set_ps, _mm_sfence, _mm_stream_ps};
    const LANES: usize = 4;
    // The stores need addresses that are multiples of 16.
    let head = a.as_ptr().align_offset(16).min(a.len());
    let body = head..head + (a.len() - head) / LANES * LANES;
    for i in (0..body.start).chain(body.end..a.len()) {
        a[i] = b[i] + SCALE * c[i];
    }
    let (b, c) = (&b[body.clone()], &c[body.clone()]);
    let quads = a[body].chunks_exact_mut(LANES).zip(b.chunks_exact(LANES)).zip(c.chunks_exact(LANES));
    for ((a, b), c) in quads {
        let sum = |i: usize| b[i] + SCALE * c[i];
        // SAFETY: the chunk of `a` has four elements and starts at a multiple of 16 bytes; SSE is part of x86-64.
        unsafe { _mm_stream_ps(a.as_mut_ptr(), _mm_set_ps(sum(3), sum(2), sum(1), sum(0))) };
    }
    // SAFETY: SSE is part of x86-64. The fence makes the stores visible before the task is reported as done.
    unsafe { _mm_sfence() };
}

#[cfg(not(target_arch = "x86_64"))]
fn stream_part(a: &mut [f32], b: &[f32], c: &[f32]) {
    vectorize(Part { a, b, c });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_triads_give_the_sum() {
        for len in [0, 1, 5, 1000, 4097] {
            for pass in [Triad::run, Triad::run_streaming] {
                let mut triad = Triad::new(len);
                pass(&mut triad);
                assert_eq!(triad.a, vec![1.0 + SCALE * 2.0; len]);
            }
        }
    }
}
