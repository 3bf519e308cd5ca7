//! Working memory of the kernels: kept by each thread, so that it is neither asked for nor cleared again.

use super::kernel::Convolve;
use std::cell::RefCell;

/// A cache line: what vectors are aligned to.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    _bytes: [u8; 64],
}

thread_local! {
    /// Buffers that are not in use. A kernel may run inside another one's: while a thread waits for others, or between
    /// the packing of an operand and its use.
    static KEPT: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `body` with `N` buffers of at least the given lengths, aligned to cache lines. What they hold is left over from
/// earlier.
pub(super) fn with<T: Convolve, const N: usize, R>(
    lengths: [usize; N],
    body: impl FnOnce([&mut [T]; N]) -> R,
) -> R {
    // SAFETY: f32 and f64 take any bits.
    unsafe { buffers(lengths, body) }
}

/// The same for words, in which numbers of fewer bits lie.
pub(super) fn words<const N: usize, R>(lengths: [usize; N], body: impl FnOnce([&mut [u32]; N]) -> R) -> R {
    // SAFETY: a word takes any bits.
    unsafe { buffers(lengths, body) }
}

/// # Safety
/// A `T` must take any bits; lines must hold a whole number of them and be aligned as strictly.
unsafe fn buffers<T, const N: usize, R>(lengths: [usize; N], body: impl FnOnce([&mut [T]; N]) -> R) -> R {
    let per_line = size_of::<Line>() / size_of::<T>();
    let lines = lengths.map(|length| length.div_ceil(per_line));
    let total = lines.iter().sum();
    let mut kept = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
    if kept.len() < total {
        kept.resize(total, Line { _bytes: [0; 64] });
    }
    let mut rest = &mut kept[..];
    let buffers = lines.map(|lines| {
        let (buffer, after) = std::mem::take(&mut rest).split_at_mut(lines);
        rest = after;
        // SAFETY: lines are initialised, and the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<T>(), lines * per_line) }
    });
    let result = body(buffers);
    KEPT.with_borrow_mut(|buffers| buffers.push(kept));
    result
}
