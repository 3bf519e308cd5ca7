//! The matrix product of one task, on the calling thread.

use crate::gemm::{Gemm, Strided};
use crate::view::View;

/// `out = a · b`, or `out += a · b` where `accumulate`, for `a` [m, k] and `b` [k, n]; row i of the result is
/// `out[i·row..][..n]`.
///
/// # Panics
/// When the inner sizes differ or `out` is too short.
pub fn product<T: Gemm>(a: View<T>, b: View<T>, out: &mut [T], row: usize, accumulate: bool) {
    let ([m, k], [inner, n]) = (size(&a), size(&b));
    assert_eq!(k, inner, "inner sizes");
    if m == 0 || n == 0 {
        return;
    }
    assert!(n <= row && (m - 1) * row + n <= out.len(), "the result must fit its buffer");
    let operand = |view: &View<T>| {
        // K = 0 leaves an operand without elements, and no address to form.
        let start = if k == 0 { view.data().as_ptr() } else { view.data()[view.offset()..].as_ptr() };
        Strided { start, row: view.strides()[0], column: view.strides()[1] }
    };
    let result = Strided { start: out.as_mut_ptr(), row: row as isize, column: 1 };
    let beta = if accumulate { T::ONE } else { T::ZERO };
    // SAFETY: `View` has checked that every element of a and b is in bounds and the assertion above that
    // those of the result are; `out` is borrowed mutably, so no one else touches it.
    unsafe { T::tile(m, k, n, operand(&a), operand(&b), beta, result) }
}

fn size<T: Copy>(view: &View<T>) -> [usize; 2] {
    view.shape().try_into().expect("a matrix has two axes")
}
