//! The f32 product on the register tile: what a task packs, multiplies and finishes.

use super::ahead::Ahead;
use super::dot::InnerProducts;
use super::kernel::{Bias, Kernel, Product};
use super::pack::Packing;
use super::plan::{Method, Plan};
use super::{Epilogue, RowFunction, Stack, Strided, scratch};
use crate::par;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Numbers the calls, so that a thread knows what it has packed already.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Computes all products of a stack.
pub(super) fn multiply(stack: &Stack<f32>) {
    let kernel = Kernel::current();
    let (a, b) = (stack.a(0), stack.b(0));
    let size = [stack.m, stack.k, stack.n];
    let plan = Plan::new(&kernel, rayon::current_num_threads(), size, [a.row, a.column], [b.row, b.column]);
    let call = CALLS.fetch_add(1, Relaxed);
    let together = SERIAL_WORK / (stack.m * stack.k * stack.n / plan.tasks()).max(1);
    par::ranges(stack.batch * plan.tasks(), together.max(1), |tasks| {
        for task in tasks {
            let (index, task) = (task / plan.tasks(), task % plan.tasks());
            // Tasks in a row share a group, which the thread packs once.
            let (group, row_part) = (task / plan.row_parts, task % plan.row_parts);
            let rows = plan.row_part(row_part);
            let task = Task { stack, plan: &plan, kernel: &kernel, call, index, group, row_part, rows };
            if plan.method == Method::Dot { task.dot() } else { task.tiles() }
        }
    });
}

/// Multiply-adds that are done sooner than a helper that is awake can come.
const SERIAL_WORK: usize = 1 << 17;

/// Rows of a matrix that are copied to all strips or panels before the next ones are, so that each is read at a time.
const BLOCK: usize = 16;

/// Rows of the left operand.
#[derive(Clone, Copy)]
enum Left<'a> {
    /// From the first of them on.
    InPlace(Strided<*const f32>),
    /// Copied by [`Task::pack_strips`].
    Strips(&'a [f32]),
}

/// A part of the rows by a group of panels of one product.
struct Task<'a> {
    stack: &'a Stack<'a, f32>,
    plan: &'a Plan,
    kernel: &'a Kernel,
    call: usize,
    index: usize,
    group: usize,
    row_part: usize,
    rows: Range<usize>,
}

impl Task<'_> {
    /// left, right and out, turned as planned.
    fn operands(&self) -> (Strided<*const f32>, Strided<*const f32>, Strided<*mut f32>) {
        let (a, b, out) = (self.stack.a(self.index), self.stack.b(self.index), self.stack.out(self.index));
        if self.plan.turned { (b.turned(), a.turned(), out.turned()) } else { (a, b, out) }
    }

    /// The group's columns of the task's rows, a part of the depth after the other.
    fn tiles(&self) {
        for part in 0..self.plan.depth_parts {
            if self.plan.method == Method::InPlace {
                self.multiply(part, None);
                continue;
            }
            let contents = [self.call, self.index, self.group, part];
            let width: usize = self.panels().map(|(_, width)| width).sum();
            let len = self.plan.depth_part(part).len() * width;
            scratch::with(
                &scratch::PANELS,
                contents,
                len,
                |buffer| self.pack(part, buffer),
                |buffer| self.multiply(part, Some(buffer)),
            );
        }
    }

    /// The columns of the group's panels, and how wide each is when it is packed.
    fn panels(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
        let panels = self.plan.group(self.group).map(|panel| self.plan.panel(panel));
        panels.map(|columns| (columns.clone(), columns.len().next_multiple_of(self.kernel.lanes)))
    }

    fn pack(&self, part: usize, buffer: &mut [f32]) {
        let (_, right, _) = self.operands();
        let depth = self.plan.depth_part(part);
        // A block of every panel in turn, so that what is next to each other in a row is read together.
        let block = if right.column == 1 { BLOCK } else { depth.len() };
        for k in (0..depth.len()).step_by(block.max(1)) {
            let block = block.min(depth.len() - k);
            let mut rest = &mut *buffer;
            for (columns, width) in self.panels() {
                let (panel, after) = rest.split_at_mut(depth.len() * width);
                let from = right.at(depth.start + k, columns.start);
                let to = panel[k * width..].as_mut_ptr();
                let columns = columns.len();
                let packing = Packing { depth: block, columns, from, to, width, readable: columns };
                // SAFETY: the views have checked that all elements of right are in bounds, and the panel is depth by width.
                unsafe { self.kernel.pack(&packing) }
                rest = after;
            }
        }
    }

    /// This task's share of the panel that comes after this one.
    fn ahead(&self, part: usize) -> Ahead {
        let (_, right, _) = self.operands();
        let last_part = part + 1 == self.plan.depth_parts;
        let (group, part) = if last_part { (self.group + 1, 0) } else { (self.group, part + 1) };
        if !self.plan.fetch_ahead || group == self.plan.groups {
            return Ahead::NONE;
        }
        let (depth, columns) = (self.plan.depth_part(part), self.plan.panel(group));
        let next = right.at(depth.start, columns.start);
        let (start, row, rows, width) = match (next.row, next.column) {
            (row, 1) => (next.start, row, depth.len(), columns.len()),
            (1, column) => (next.start, column, columns.len(), depth.len()),
            _ => return Ahead::NONE,
        };
        Ahead { start, row, rows, width }.part(self.plan.row_parts, self.row_part)
    }

    /// Multiplies the rows by the group's panels, packed or in place, over a part of the depth.
    fn multiply(&self, part: usize, packed: Option<&[f32]>) {
        let (left, _, _) = self.operands();
        let depth = self.plan.depth_part(part);
        for start in self.rows.clone().step_by(self.plan.row_step) {
            let rows = start..self.rows.end.min(start + self.plan.row_step);
            let of_rows = left.at(start, depth.start);
            if self.plan.strips {
                let contents = [self.call, self.index, start, part];
                let len = rows.len().next_multiple_of(self.kernel.rows) * depth.len();
                let fill = |strips: &mut [f32]| self.pack_strips(of_rows, rows.len(), depth.len(), strips);
                scratch::with(&scratch::STRIPS, contents, len, fill, |strips| {
                    self.multiply_rows(part, rows.clone(), Left::Strips(strips), packed);
                });
            } else {
                self.multiply_rows(part, rows.clone(), Left::InPlace(of_rows), packed);
            }
            if part + 1 == self.plan.depth_parts
                && let Some(activation) = self.stack.epilogue.activation
            {
                let group = self.plan.group(self.group);
                let columns = self.plan.panel(group.start).start..self.plan.panel(group.end - 1).end;
                self.activate(activation, rows, columns);
            }
        }
    }

    /// Copies rows of left, which lie down its columns, strip by strip: as many rows as a tile has, an element of each for
    /// every k.
    fn pack_strips(&self, left: Strided<*const f32>, rows: usize, depth: usize, strips: &mut [f32]) {
        let width = self.kernel.rows;
        for k in (0..depth).step_by(BLOCK) {
            let block = BLOCK.min(depth - k);
            for (start, strip) in (0..rows).step_by(width).zip(strips.chunks_exact_mut(width * depth)) {
                let (from, to) = (left.at(start, k).turned(), strip[k * width..].as_mut_ptr());
                let columns = width.min(rows - start);
                let packing = Packing { depth: block, columns, from, to, width, readable: rows - start };
                // SAFETY: the views have checked that all elements of left are in bounds, and the strip is depth by width.
                unsafe { self.kernel.pack(&packing) }
            }
        }
    }

    /// Multiplies some of the rows by the group's panels.
    fn multiply_rows(&self, part: usize, rows: Range<usize>, left: Left, packed: Option<&[f32]>) {
        let (_, right, out) = self.operands();
        let Epilogue { accumulate, column_bias, .. } = self.stack.epilogue;
        let depth = self.plan.depth_part(part);
        let ahead = self.ahead(part);
        let mut rest = packed;
        for (columns, width) in self.panels() {
            let (panel, panel_row) = match &mut rest {
                Some(rest) => {
                    let (panel, after) = rest.split_at(depth.len() * width);
                    *rest = after;
                    (panel.as_ptr(), width)
                }
                None => (right.at(depth.start, columns.start).start, right.row as usize),
            };
            let product = |rows: Range<usize>, left, ahead| {
                let bias = match column_bias {
                    Some(bias) if part == 0 && self.plan.turned => Bias::Rows(bias[rows.clone()].as_ptr()),
                    Some(bias) if part == 0 => Bias::Columns(bias[columns.clone()].as_ptr()),
                    _ => Bias::None,
                };
                let product = Product {
                    rows: rows.len(),
                    columns: columns.len(),
                    depth: depth.len(),
                    left,
                    panel,
                    panel_row,
                    out: out.at(rows.start, columns.start),
                    accumulate: accumulate || part > 0,
                    bias,
                    ahead,
                };
                // SAFETY: the views have checked that all elements of left and right are in bounds; rows and columns are
                // within the result, whose part belongs to this task alone.
                unsafe { self.kernel.multiply(&product) }
            };
            match left {
                Left::InPlace(left) => product(rows.clone(), left, ahead),
                Left::Strips(strips) => {
                    let (height, count) = (self.kernel.rows, rows.len().div_ceil(self.kernel.rows));
                    for (i, strip) in strips.chunks_exact(height * depth.len()).take(count).enumerate() {
                        let start = rows.start + i * height;
                        let left = Strided { start: strip.as_ptr(), row: 1, column: height as isize };
                        product(start..rows.end.min(start + height), left, ahead.part(count, i));
                    }
                }
            }
        }
    }

    /// All columns of the task's rows, with right turned to where k is next to k.
    fn dot(&self) {
        let (left, right, out) = self.operands();
        let (depth, columns) = (self.plan.depth, self.plan.columns);
        let multiply = |right| {
            let rows = self.rows.clone();
            let Epilogue { accumulate, column_bias, activation } = self.stack.epilogue;
            let bias = match column_bias {
                Some(bias) if self.plan.turned => Bias::Rows(bias[rows.clone()].as_ptr()),
                Some(bias) => Bias::Columns(bias.as_ptr()),
                None => Bias::None,
            };
            let (left, out) = (left.at(rows.start, 0), out.at(rows.start, 0));
            let products =
                InnerProducts { rows: rows.len(), columns, depth, left, right, out, accumulate, bias };
            // SAFETY: the views have checked that all elements of left and right are in bounds; the rows of the result
            // belong to this task alone.
            unsafe { self.kernel.dot(&products) }
            if let Some(activation) = activation {
                self.activate(activation, rows, 0..columns);
            }
        };
        if right.row == 1 {
            return multiply(right);
        }
        let fill = |buffer: &mut [f32]| {
            let (from, to) = (right.turned(), buffer.as_mut_ptr());
            let packing = Packing { depth: columns, columns: depth, from, to, width: depth, readable: depth };
            // SAFETY: as above; the buffer holds a row of all k for each column.
            unsafe { self.kernel.pack(&packing) }
        };
        scratch::with(&scratch::PANELS, [self.call, self.index, 0, 0], columns * depth, fill, |buffer| {
            multiply(Strided { start: buffer.as_ptr(), row: 1, column: depth as isize })
        });
    }

    /// Activates a finished part of the planned, perhaps turned, result.
    fn activate(&self, activation: RowFunction<f32>, rows: Range<usize>, columns: Range<usize>) {
        let (rows, columns) = if self.plan.turned { (columns, rows) } else { (rows, columns) };
        // SAFETY: the task has computed this part of the result, which is its own.
        unsafe { self.stack.activate(activation, self.index, rows, columns) }
    }
}
