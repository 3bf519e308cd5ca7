//! A thread's buffer for what it packs.

use std::cell::RefCell;

/// Which part of which call a buffer holds: call, matrix of the stack, group of panels, part of the depth.
pub(super) type Contents = [usize; 4];

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Memory that grows to the largest size asked for and stays, so that a training step does not allocate.
struct Scratch {
    lines: Vec<Line>,
    contents: Option<Contents>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch { lines: Vec::new(), contents: None }) };
}

/// Calls `body` with this thread's buffer of at least `len` elements, 64-byte aligned, filled by `fill` unless it already
/// holds `contents`.
pub(super) fn with<R>(
    contents: Contents,
    len: usize,
    fill: impl FnOnce(&mut [f32]),
    body: impl FnOnce(&[f32]) -> R,
) -> R {
    SCRATCH.with_borrow_mut(|scratch| {
        let lines = len.div_ceil(16);
        if scratch.lines.len() < lines {
            scratch.lines.resize(lines, Line([0.0; 16]));
            scratch.contents = None;
        }
        // SAFETY: a line is sixteen f32 without padding, and the slice is borrowed as long as the scratch.
        let buffer =
            unsafe { std::slice::from_raw_parts_mut(scratch.lines.as_mut_ptr().cast::<f32>(), lines * 16) };
        if scratch.contents != Some(contents) {
            scratch.contents = None;
            fill(buffer);
            scratch.contents = Some(contents);
        }
        body(buffer)
    })
}
