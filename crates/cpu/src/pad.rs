//! Padding and cropping along any axes, and the adjoint.

use crate::element::{Element, Number};
use crate::par;
use crate::view::View;

/// What lies beyond the edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// One value everywhere.
    Constant,
    /// The mirror image, without repeating the edge: `c b | a b c | b a`.
    Reflect,
    /// The edge itself: `a a | a b c | c c`.
    Replicate,
    /// The other end, as on a ring: `b c | a b c | a b`.
    Circular,
}

/// For each position of a padded axis, the position of the input that it shows; `None` where it shows the constant.
///
/// The axis of `size` elements gets `before` more in front and `after` more behind; negative amounts crop.
pub fn source_positions(size: usize, before: isize, after: isize, fill: Fill) -> Vec<Option<usize>> {
    let padded = (size as isize + before + after).max(0);
    (0..padded)
        .map(|position| {
            let position = position - before;
            let (size, last) = (size as isize, size as isize - 1);
            if (0..size).contains(&position) {
                return Some(position as usize);
            }
            match fill {
                _ if size == 0 => None,
                Fill::Constant => None,
                Fill::Replicate => Some(position.clamp(0, last) as usize),
                Fill::Circular => Some(position.rem_euclid(size) as usize),
                Fill::Reflect if size == 1 => Some(0),
                Fill::Reflect => {
                    let phase = position.rem_euclid(2 * last);
                    Some(phase.min(2 * last - phase) as usize)
                }
            }
        })
        .collect()
}

/// Writes the padded `input` into the contiguous `out`. `sources` holds [`source_positions`] of each axis, and
/// `constant` stands where there is none.
pub fn pad<T: Element>(input: View<T>, sources: &[Vec<Option<usize>>], constant: T, out: &mut [T]) {
    assert_eq!(input.shape().len(), sources.len());
    assert_eq!(out.len(), sources.iter().map(Vec::len).product::<usize>());
    let Some((columns, outer)) = sources.split_last() else {
        out[0] = input.at(0);
        return;
    };
    let column_stride = input.strides()[outer.len()];
    par::rows_mut(out, columns.len(), columns.len(), |first, rows| {
        for (i, row) in rows.chunks_exact_mut(columns.len()).enumerate() {
            match row_start(&input, outer, first + i) {
                None => row.fill(constant),
                Some(start) => {
                    for (value, source) in row.iter_mut().zip(columns) {
                        *value = match source {
                            Some(column) => input.data()[(start + *column as isize * column_stride) as usize],
                            None => constant,
                        };
                    }
                }
            }
        }
    });
}

/// Where in the buffer the input's row lies that padded row `row` shows.
fn row_start<T: Copy>(input: &View<T>, outer: &[Vec<Option<usize>>], mut row: usize) -> Option<isize> {
    let mut start = input.offset() as isize;
    for (sources, stride) in outer.iter().zip(input.strides()).rev() {
        start += sources[row % sources.len()]? as isize * stride;
        row /= sources.len();
    }
    Some(start)
}

/// The adjoint of [`pad`]: adds each element of the contiguous `grad` (of the padded shape) to the element of the
/// contiguous `out` (of the input's shape) that it showed.
pub fn pad_grad<T: Number>(grad: &[T], sources: &[Vec<Option<usize>>], shape: &[usize], out: &mut [T]) {
    assert_eq!(shape.len(), sources.len());
    assert_eq!(grad.len(), sources.iter().map(Vec::len).product::<usize>());
    let (Some((columns, outer)), Some(&width)) = (sources.split_last(), shape.last()) else {
        out[0] = grad[0];
        return;
    };
    let shown: Vec<Vec<Vec<usize>>> =
        outer.iter().zip(shape).map(|(s, &size)| where_shown(s, size)).collect();
    par::rows_mut(out, width, columns.len(), |first, rows| {
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            row.fill(T::ZERO);
            for padded_row in padded_rows(&shown, outer, first + i) {
                let grad = &grad[padded_row * columns.len()..][..columns.len()];
                for (&value, source) in grad.iter().zip(columns) {
                    if let Some(column) = source {
                        row[*column] = row[*column].plus(value);
                    }
                }
            }
        }
    });
}

/// For each position of the input, the padded positions that show it, ascending.
fn where_shown(sources: &[Option<usize>], size: usize) -> Vec<Vec<usize>> {
    let mut shown = vec![Vec::new(); size];
    for (position, source) in sources.iter().enumerate() {
        if let Some(source) = source {
            shown[*source].push(position);
        }
    }
    shown
}

/// All padded rows that show row `row` of the input.
fn padded_rows(shown: &[Vec<Vec<usize>>], outer: &[Vec<Option<usize>>], mut row: usize) -> Vec<usize> {
    let (mut rows, mut stride) = (vec![0], 1);
    for (axis, sources) in shown.iter().zip(outer).rev() {
        let positions = &axis[row % axis.len()];
        rows = positions.iter().flat_map(|p| rows.iter().map(move |r| p * stride + r)).collect();
        row /= axis.len();
        stride *= sources.len();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(input: &[i64], before: isize, after: isize, fill: Fill) -> Vec<i64> {
        let sources = [source_positions(input.len(), before, after, fill)];
        let mut out = vec![0; sources[0].len()];
        pad(View::new(input, &[input.len()], &[1], 0), &sources, -1, &mut out);
        out
    }

    #[test]
    fn every_fill() {
        let input = [1, 2, 3];
        assert_eq!(padded(&input, 2, 1, Fill::Constant), [-1, -1, 1, 2, 3, -1]);
        assert_eq!(padded(&input, 2, 2, Fill::Reflect), [3, 2, 1, 2, 3, 2, 1]);
        assert_eq!(padded(&input, 2, 1, Fill::Replicate), [1, 1, 1, 2, 3, 3]);
        assert_eq!(padded(&input, 2, 4, Fill::Circular), [2, 3, 1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(padded(&input, -1, -1, Fill::Constant), [2]);
        assert_eq!(padded(&input, -2, 2, Fill::Constant), [3, -1, -1]);
        assert_eq!(padded(&[], 1, 1, Fill::Constant), [-1, -1]);
    }

    #[test]
    fn the_gradient_is_the_adjoint() {
        let shape = [2usize, 3, 4];
        for fill in [Fill::Constant, Fill::Reflect, Fill::Replicate, Fill::Circular] {
            let sources = [
                source_positions(2, 1, 0, fill),
                source_positions(3, 2, -1, fill),
                source_positions(4, -1, 3, fill),
            ];
            let padded: usize = sources.iter().map(Vec::len).product();
            let x: Vec<i64> = (0..24).map(|i| i * i % 17).collect();
            let g: Vec<i64> = (0..padded as i64).map(|i| i * i % 13).collect();
            let (mut y, mut x_grad) = (vec![0; padded], vec![7; 24]);
            pad(View::new(&x, &shape, &[12, 4, 1], 0), &sources, 0, &mut y);
            pad_grad(&g, &sources, &shape, &mut x_grad);
            let dot = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>();
            assert_eq!(dot(&y, &g), dot(&x, &x_grad), "{fill:?}");
        }
    }
}
