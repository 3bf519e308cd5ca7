//! Buffers for what is packed: aligned to cache lines, grown to the largest size asked for, and kept.

use std::cell::RefCell;
use std::thread::LocalKey;

/// Which part of which call a buffer holds: call, matrix of the stack, group of panels or first row, part of the depth.
pub(super) type Contents = [usize; 4];

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// Memory that grows to the largest size asked for and stays, so that a training step does not allocate.
pub(super) struct Lines(Vec<Line>);

impl Lines {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// At least `len` words, which hold what they held before, or zeros.
    pub(super) fn words(&mut self, len: usize) -> &mut [u32] {
        let lines = len.div_ceil(16);
        if self.0.len() < lines {
            self.0.resize(lines, Line([0; 16]));
        }
        // SAFETY: a line is sixteen u32 without padding, and the slice is borrowed as long as the lines.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16) }
    }

    /// At least `len` numbers, likewise.
    fn floats(&mut self, len: usize) -> &mut [f32] {
        let words = self.words(len);
        // SAFETY: any word is an f32 of the same size and alignment, and the borrow goes on.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
    }
}

/// A thread's buffer and what it holds.
pub(super) struct Scratch {
    lines: Lines,
    contents: Option<Contents>,
}

impl Scratch {
    const fn new() -> RefCell<Self> {
        RefCell::new(Scratch { lines: Lines::new(), contents: None })
    }
}

thread_local! {
    /// Panels of the right operand.
    pub(super) static PANELS: RefCell<Scratch> = const { Scratch::new() };
    /// Strips of the left operand.
    pub(super) static STRIPS: RefCell<Scratch> = const { Scratch::new() };
}

/// Calls `body` with this thread's buffer of a kind, of at least `len` elements, 64-byte aligned, filled by `fill` unless it
/// already holds `contents`.
pub(super) fn with<R>(
    kind: &'static LocalKey<RefCell<Scratch>>,
    contents: Contents,
    len: usize,
    fill: impl FnOnce(&mut [f32]),
    body: impl FnOnce(&[f32]) -> R,
) -> R {
    kind.with_borrow_mut(|scratch| {
        let Scratch { lines, contents: held } = scratch;
        let buffer = lines.floats(len);
        if *held != Some(contents) {
            *held = None;
            fill(buffer);
            *held = Some(contents);
        }
        body(buffer)
    })
}
