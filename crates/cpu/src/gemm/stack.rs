//! A stack of products with its operands, checked once.

use super::{Epilogue, RowFunction};
use crate::view::View;
use std::ops::Range;

/// A matrix in memory: where element (0, 0) lies, and the distances between rows and between columns.
#[derive(Clone, Copy, Debug)]
pub struct Strided<P> {
    /// Address of element (0, 0).
    pub start: P,
    /// Elements from a row to the next.
    pub row: isize,
    /// Elements from a column to the next.
    pub column: isize,
}

impl<P> Strided<P> {
    /// The transposed matrix.
    pub fn turned(self) -> Self {
        Self { start: self.start, row: self.column, column: self.row }
    }
}

macro_rules! at {
    ($($pointer:ty),*) => {$(
        impl<T> Strided<$pointer> {
            /// The part of the matrix from an element on. The address need not be in bounds.
            #[inline(always)]
            pub fn at(self, row: usize, column: usize) -> Self {
                let offset = row as isize * self.row + column as isize * self.column;
                Self { start: self.start.wrapping_offset(offset), ..self }
            }
        }
    )*};
}
at!(*const T, *mut T);

/// Products `out = a · b` with the same shapes: `batch` times [m, k] by [k, n].
pub struct Stack<'a, T> {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) batch: usize,
    pub(super) epilogue: Epilogue<'a, T>,
    a: View<'a, T>,
    b: View<'a, T>,
    out: *mut T,
}

// SAFETY: threads read the operands and write, through `out`, to different elements: whoever dereferences it vouches.
unsafe impl<T: Send + Sync> Sync for Stack<'_, T> {}

impl<'a, T: Copy> Stack<'a, T> {
    /// Checks that the shapes fit, as [`matmul`](super::matmul) says.
    pub(super) fn new(a: View<'a, T>, b: View<'a, T>, out: &'a mut [T], epilogue: Epilogue<'a, T>) -> Self {
        let axes = a.shape().len();
        assert!(axes >= 2 && b.shape().len() == axes, "matmul takes matrices of one rank");
        let (batch_shape, [m, k]) = (&a.shape()[..axes - 2], [a.shape()[axes - 2], a.shape()[axes - 1]]);
        let n = b.shape()[axes - 1];
        assert_eq!(&b.shape()[..axes - 2], batch_shape, "batch axes");
        assert_eq!(b.shape()[axes - 2], k, "inner axes");
        let batch: usize = batch_shape.iter().product();
        assert_eq!(out.len(), batch * m * n, "output");
        assert!(epilogue.column_bias.is_none_or(|bias| bias.len() == n), "one bias a column");
        Self { m, k, n, batch, epilogue, a, b, out: out.as_mut_ptr() }
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.batch * self.m * self.n == 0
    }

    /// Left operand number `index`.
    pub(super) fn a(&self, index: usize) -> Strided<*const T> {
        operand(&self.a, index)
    }

    /// Right operand number `index`.
    pub(super) fn b(&self, index: usize) -> Strided<*const T> {
        operand(&self.b, index)
    }

    /// Result number `index`, row-major.
    pub(super) fn out(&self, index: usize) -> Strided<*mut T> {
        Strided { start: self.out.wrapping_add(index * self.m * self.n), row: self.n as isize, column: 1 }
    }

    /// Applies `activation` to a finished part of result `index`, row by row.
    ///
    /// # Safety
    /// The part must be within the result, and nobody else's.
    pub(super) unsafe fn activate(
        &self,
        activation: RowFunction<T>,
        index: usize,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        for row in rows {
            let start = self.out(index).at(row, columns.start).start;
            // SAFETY: the caller vouches for the part.
            activation(unsafe { std::slice::from_raw_parts_mut(start, columns.len()) });
        }
    }
}

/// Matrix `index` of a stack. The stride of an axis of one element is 1, whatever the view says.
fn operand<T: Copy>(view: &View<T>, mut index: usize) -> Strided<*const T> {
    let mut offset = view.offset() as isize;
    let batch_axes = view.shape().len() - 2;
    for axis in (0..batch_axes).rev() {
        offset += (index % view.shape()[axis]) as isize * view.strides()[axis];
        index /= view.shape()[axis];
    }
    let stride = |axis: usize| if view.shape()[axis] <= 1 { 1 } else { view.strides()[axis] };
    // The pointer may reach the whole buffer: negative strides lead to elements before the first one.
    let start = view.data().as_ptr().wrapping_offset(offset);
    Strided { start, row: stride(batch_axes), column: stride(batch_axes + 1) }
}
