//! `limit`: what this machine can do at most, measured in the same run as what is held against it.

use super::{Call, Micro, Work};
use wengert_cpu::limits::{TILE_FLOPS, Triad, flops, has_tiles, multiply_adds, tile_products};

/// Multiply-adds in registers, the limit of products and convolutions.
pub const FMA: &str = "limit fma";

/// A triad with stores that bypass the caches, the limit of passes over arrays.
pub const STREAM: &str = "limit stream";

/// Elements of each array of the triad, 64 MiB.
const ELEMENTS: usize = 1 << 24;

/// Both limits, the triad with ordinary stores for comparison, and products of bf16 tiles, for `--precision`.
pub fn all() -> Vec<Micro> {
    let triad = |name: &str, pass: fn(&mut Triad)| {
        Micro::new(name, Work::Bytes(Triad::bytes(ELEMENTS)), move || {
            let mut triad = Triad::new(ELEMENTS);
            Box::new(move || pass(&mut triad)) as Call
        })
    };
    let mut limits = vec![
        Micro::new(FMA, Work::Flops(flops()), || Box::new(multiply_adds) as Call),
        triad(STREAM, Triad::run_streaming),
        triad("limit stream-cached", Triad::run),
    ];
    if has_tiles() {
        let multiply = || Box::new(tile_products) as Call;
        limits.push(Micro::new("limit tiles", Work::Flops(TILE_FLOPS), multiply));
    }
    limits
}
