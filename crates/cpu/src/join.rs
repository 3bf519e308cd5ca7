//! Putting blocks together along an axis, and putting a block into zeros.

use crate::element::Element;
use crate::par;

/// Concatenates contiguous blocks along one axis; `outer` is the product of the axes before it.
///
/// # Panics
/// When the blocks' elements do not add up to `out`.
pub fn cat<T: Element>(blocks: &[&[T]], outer: usize, out: &mut [T]) {
    assert_eq!(out.len(), blocks.iter().map(|block| block.len()).sum::<usize>());
    if out.is_empty() {
        return;
    }
    if outer == 1 {
        let mut rest = out;
        for block in blocks {
            let (part, others) = rest.split_at_mut(block.len());
            par::chunks_mut(part, par::CHUNK, |start, chunk| {
                chunk.copy_from_slice(&block[start..][..chunk.len()])
            });
            rest = others;
        }
        return;
    }
    // Each outer slice of the output is a slice of each block, one after another.
    let row = out.len() / outer;
    par::rows_mut(out, row, row, |first, rows| {
        for (i, mut rest) in rows.chunks_exact_mut(row).enumerate() {
            for block in blocks {
                let (part, others) = rest.split_at_mut(block.len() / outer);
                part.copy_from_slice(&block[(first + i) * part.len()..][..part.len()]);
                rest = others;
            }
        }
    });
}

/// The adjoint of taking every `step`-th element of an axis from `start` on: `out` [outer, size, inner] is zero but
/// for `out[i, start + j·step, k] = grad[i, j, k]`. Both are contiguous and `grad` is [outer, count, inner].
pub fn slice_grad<T: Element>(
    grad: &[T],
    [outer, count, inner]: [usize; 3],
    [start, step]: [usize; 2],
    out: &mut [T],
) {
    assert_eq!(grad.len(), outer * count * inner);
    if out.is_empty() {
        return;
    }
    let row = out.len() / outer;
    par::rows_mut(out, row, row, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(row).enumerate() {
            row.fill(T::default());
            let block = &grad[(first + i) * count * inner..][..count * inner];
            for (j, values) in block.chunks_exact(inner).enumerate() {
                let at = (start + j * step) * inner;
                row[at..at + inner].copy_from_slice(values);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_along_the_first_and_a_later_axis() {
        let (a, b) = ([1i64, 2, 3, 4], [5, 6]);
        let mut out = [0; 6];
        cat(&[&a, &b], 1, &mut out);
        assert_eq!(out, [1, 2, 3, 4, 5, 6]);
        cat(&[&a, &b], 2, &mut out);
        assert_eq!(out, [1, 2, 5, 3, 4, 6]);
    }

    #[test]
    fn puts_a_slice_back() {
        let mut out = [9.0; 10];
        slice_grad(&[1.0, 2.0, 3.0, 4.0], [2, 2, 1], [1, 2], &mut out);
        assert_eq!(out, [0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0]);
    }
}
