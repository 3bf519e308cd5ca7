//! Matrix products: `out = a · b`, batched, over strided views, parallel over a grid of output tiles.
//!
//! f32 runs on our own register tile where the processor has AVX-512 or AVX2 ([`kernel`]); f64 and what other processors
//! do runs on the crate matrixmultiply. Transposed operands are strides like any other.
//!
//! How a product is cut depends on its shape and strides only, and each element is one sum in one order, so the bits do
//! not depend on the number of threads.

mod ahead;
mod dot;
#[cfg(test)]
mod f32_tests;
pub mod kernel;
mod pack;
mod packed;
mod plan;
mod portable;
mod scratch;
pub(crate) mod split;
mod stack;
#[cfg(test)]
mod tests;
mod tile;

pub use split::{Precision, precision, set_precision};
pub use stack::{Stack, Strided};

use crate::element::Number;
use crate::simd::{self, Level};
use crate::view::View;

/// Changes a row, or a part of one, in place.
pub type RowFunction<'a, T> = &'a (dyn Fn(&mut [T]) + Sync);

/// What happens to each element of a product before it leaves its tile, in this order:
/// `out = activation([accumulate] out + (a·b + bias))`.
///
/// It costs no further pass over memory, because the tile is still in cache.
#[derive(Clone, Copy)]
pub struct Epilogue<'a, T> {
    /// Adds the product to what `out` holds instead of overwriting it.
    pub accumulate: bool,
    /// One value a column, added to each row: the bias of a linear layer.
    pub column_bias: Option<&'a [T]>,
    /// Applied in place to each finished row of a tile.
    pub activation: Option<RowFunction<'a, T>>,
}

impl<T> Epilogue<'_, T> {
    /// The plain product.
    pub const NONE: Self = Self { accumulate: false, column_bias: None, activation: None };
}

/// Element types that have a matrix product.
pub trait Gemm: Number {
    /// `c = a · b + beta · c` for `a` [m, k], `b` [k, n], `c` [m, n]; each operand is a pointer with its row and
    /// column stride. `c` is not read when `beta` is zero.
    ///
    /// # Safety
    /// All elements that the shapes and strides describe must be in bounds, and no other thread may touch those of `c`.
    unsafe fn tile(
        m: usize,
        k: usize,
        n: usize,
        a: Strided<*const Self>,
        b: Strided<*const Self>,
        beta: Self,
        c: Strided<*mut Self>,
    );

    /// Computes all products of a stack.
    fn multiply(stack: &Stack<Self>) {
        portable::multiply(stack)
    }
}

macro_rules! float_gemm {
    ($t:ty, $gemm:path $(, $multiply:item)?) => {
        impl Gemm for $t {
            $($multiply)?

            unsafe fn tile(
                m: usize,
                k: usize,
                n: usize,
                a: Strided<*const Self>,
                b: Strided<*const Self>,
                beta: Self,
                c: Strided<*mut Self>,
            ) {
                // SAFETY: the caller vouches for the bounds and for sole access to `c`.
                unsafe {
                    $gemm(
                        m, k, n, 1.0, a.start, a.row, a.column, b.start, b.row, b.column, beta, c.start,
                        c.row, c.column,
                    )
                }
            }
        }
    };
}
float_gemm!(
    f32,
    matrixmultiply::sgemm,
    fn multiply(stack: &Stack<f32>) {
        match simd::level() {
            Level::Baseline => portable::multiply(stack),
            _ if split::multiply(stack) => {}
            _ => packed::multiply(stack),
        }
    }
);
float_gemm!(f64, matrixmultiply::dgemm);

macro_rules! integer_gemm {
    ($($t:ty),*) => {$(
        impl Gemm for $t {
            unsafe fn tile(
                m: usize,
                k: usize,
                n: usize,
                a: Strided<*const Self>,
                b: Strided<*const Self>,
                beta: Self,
                c: Strided<*mut Self>,
            ) {
                for i in 0..m as isize {
                    for j in 0..n as isize {
                        // SAFETY: i < m, j < n and l < k, and the caller vouches for such elements.
                        unsafe {
                            let mut sum = Self::ZERO;
                            for l in 0..k as isize {
                                let left = *a.start.offset(i * a.row + l * a.column);
                                sum = sum.plus(left.times(*b.start.offset(l * b.row + j * b.column)));
                            }
                            let out = c.start.offset(i * c.row + j * c.column);
                            *out = if beta == 0 { sum } else { sum.plus(beta.times(*out)) };
                        }
                    }
                }
            }
        }
    )*};
}
integer_gemm!(i64, u8);

/// The product of matrices, or of stacks of them: `a` [batch…, m, k] by `b` [batch…, k, n] into the contiguous `out`
/// [batch…, m, n]. The batch axes must already agree; broadcast ones have stride 0. K = 0 gives zeros.
///
/// # Panics
/// When shapes disagree.
pub fn matmul<T: Gemm>(a: View<T>, b: View<T>, out: &mut [T], epilogue: Epilogue<T>) {
    let stack = Stack::new(a, b, out, epilogue);
    if !stack.is_empty() {
        T::multiply(&stack);
    }
}
