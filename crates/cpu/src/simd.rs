//! One body, compiled for every instruction set.
//!
//! A kernel is a plain loop over slices in a [`Kernel`]. [`vectorize`] holds a copy of it for AVX-512, one for AVX2 and
//! one for what every processor of the architecture has (SSE2, NEON), and runs the widest that this processor knows; the
//! compiler turns the loop into vector instructions. It fuses a multiplication with an addition where `mul_add` is written
//! and nowhere else, so that all copies, and a CUDA kernel that follows the same steps, give the same bits. Without the
//! instruction, on x86-64 from before 2013, every `mul_add` is a call and slow.
//!
//! What the compiler vectorises: loops over slices of known equal length, `if` between two finished values, bit casts.
//! What it does not: early exits, calls, `as` from float to integer (which saturates), `f32::max` (which sorts out NaN).

use crate::Element;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A loop to be compiled for every instruction set.
pub trait Kernel {
    /// What the loop returns.
    type Output;
    /// Runs the loop. Implementations are `#[inline(always)]`: only what is inlined into its caller is compiled with
    /// the caller's instruction set.
    fn run(self) -> Self::Output;
}

/// The widest vector instructions in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What every processor of the architecture has.
    Baseline = 1,
    /// 256 bits: AVX2 and fused multiply-add.
    Avx2 = 2,
    /// 512 bits: AVX-512 F, BW, DQ and VL.
    Avx512 = 3,
}

impl Level {
    /// The level's name, as `WENGERT_SIMD` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Baseline => "baseline",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// The widest level that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx2 && avx512 {
                return Level::Avx512;
            }
            if avx2 {
                return Level::Avx2;
            }
        }
        Level::Baseline
    }
}

/// The level in use; 0 before the first question.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The level in use: the widest that the processor has, or a lower one that `WENGERT_SIMD` (`baseline`, `avx2` or
/// `avx512`) or [`limit`] asks for.
#[inline]
pub fn level() -> Level {
    match LEVEL.load(Relaxed) {
        1 => Level::Baseline,
        2 => Level::Avx2,
        3 => Level::Avx512,
        _ => choose(),
    }
}

#[cold]
fn choose() -> Level {
    let wanted = std::env::var("WENGERT_SIMD").ok();
    let wanted =
        [Level::Baseline, Level::Avx2].into_iter().find(|level| wanted.as_deref() == Some(level.name()));
    limit(wanted.unwrap_or(Level::Avx512))
}

/// Uses no wider instructions than `widest` from now on, in the whole process; returns the level then in use.
pub fn limit(widest: Level) -> Level {
    let level = widest.min(Level::detect());
    LEVEL.store(level as u8, Relaxed);
    level
}

/// Runs `kernel` with the widest instructions in use.
#[inline]
pub fn vectorize<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` is never above what `Level::detect` found this processor to have.
        Level::Avx512 => return unsafe { avx512(kernel) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { avx2(kernel) },
        Level::Baseline => {}
    }
    kernel.run()
}

/// [`vectorize`] for a kernel over elements of type `T`, where that is f32: what training spends its time on. All other
/// types share one copy for the baseline, which keeps the build short.
#[inline]
pub fn vectorize_for<T: Element, K: Kernel>(kernel: K) -> K::Output {
    // f32 is the one element of four bytes.
    if const { size_of::<T>() == 4 } { vectorize(kernel) } else { kernel.run() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Calls `body` at each level in turn; one test at a time, because the level is the whole process's.
#[cfg(test)]
pub(crate) fn at_each_level(mut body: impl FnMut(Level)) {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
        body(limit(level));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Polynomial<'a>(&'a [f32], &'a mut [f32]);

    impl Kernel for Polynomial<'_> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (y, &x) in self.1.iter_mut().zip(self.0) {
                *y = (x * 1.1 + 0.7) * x + 0.3;
            }
        }
    }

    #[test]
    fn all_levels_give_the_same_bits() {
        let x: Vec<f32> = (0..1001).map(|i| i as f32 / 7.0 - 60.0).collect();
        let mut results = Vec::new();
        at_each_level(|_| {
            let mut y = vec![0.0; x.len()];
            vectorize(Polynomial(&x, &mut y));
            results.push(y);
        });
        assert!(results[0] == results[1] && results[1] == results[2]);
    }
}
