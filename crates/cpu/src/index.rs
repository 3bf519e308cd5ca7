//! Reading and writing at positions that a tensor of indices gives.
//!
//! The kernels take it as checked that indices are in range: see [`check`].

use crate::element::{Element, Number};
use crate::par;
use crate::view::View;

/// The first of `indices`, in row-major order, that does not lie in `0..size`.
pub fn check(indices: View<i64>, size: usize) -> Option<i64> {
    let row = indices.shape().last().copied().unwrap_or(1);
    let stride = indices.strides().last().copied().unwrap_or(1);
    if indices.is_empty() {
        return None;
    }
    indices.rows_from(0).take(indices.len() / row).find_map(|start| {
        let row = (0..row as isize).map(|i| indices.data()[(start + i * stride) as usize]);
        row.into_iter().find(|&index| index < 0 || index as usize >= size)
    })
}

/// `out[i, j, k] = input[i, index[i, j, k], k]` for axis `dim` = 1 of three, and likewise for any rank and axis.
/// `out` is contiguous and has the shape of `index`, whose other axes may be shorter than those of `input`.
pub fn gather<T: Element>(input: View<T>, index: View<i64>, dim: usize, out: &mut [T]) {
    assert_eq!(input.shape().len(), index.shape().len());
    assert_eq!(out.len(), index.len());
    // Standing still along `dim`, the input walks in step with the index, which then says how far to go.
    let mut strides = input.strides().to_vec();
    let reach = std::mem::replace(&mut strides[dim], 0);
    let base = View::new(input.data(), index.shape(), &strides, input.offset());
    let (row, last) = (index.shape()[index.shape().len() - 1], index.shape().len() - 1);
    par::rows_mut(out, row, row, |first, rows| {
        let starts = base.rows_from(first).zip(index.rows_from(first));
        for (out_row, (from, place)) in rows.chunks_exact_mut(row).zip(starts) {
            for (i, value) in out_row.iter_mut().enumerate() {
                let chosen = index.data()[(place + i as isize * index.strides()[last]) as usize];
                *value = input.data()[(from + i as isize * strides[last] + chosen as isize * reach) as usize];
            }
        }
    });
}

/// `combine(&mut out[i, index[i, j, k], k], source[i, j, k])` in row-major order, for axis `dim` = 1 of three, and
/// likewise for any rank and axis. `out` is contiguous with shape `shape`; `source` has the shape of `index`.
pub fn scatter<T: Element>(
    out: &mut [T],
    shape: &[usize],
    index: View<i64>,
    source: View<T>,
    dim: usize,
    combine: impl Fn(&mut T, T) + Send + Sync + Copy,
) {
    assert_eq!(index.shape(), source.shape());
    assert_eq!(out.len(), shape.iter().product::<usize>());
    if index.is_empty() {
        return;
    }
    let slice: usize = shape[1..].iter().product();
    if dim == 0 || shape.len() == 1 {
        // Any slice may be written from anywhere: one thread, so that the order is that of the index.
        scatter_slice(out, shape, index, source, dim, combine);
        return;
    }
    let (used, cost) = (index.shape()[0] * slice, index.len() / index.shape()[0]);
    par::rows_mut(&mut out[..used], slice, cost, |first, slices| {
        for (i, out) in slices.chunks_exact_mut(slice).enumerate() {
            scatter_slice(
                out,
                &shape[1..],
                inner(&index, first + i),
                inner(&source, first + i),
                dim - 1,
                combine,
            );
        }
    });
}

/// The part of a view at position `i` of its first axis.
fn inner<'a, T: Copy>(view: &View<'a, T>, i: usize) -> View<'a, T> {
    let offset = view.offset() as isize + i as isize * view.strides()[0];
    View::new(view.data(), &view.shape()[1..], &view.strides()[1..], offset as usize)
}

fn scatter_slice<T: Element>(
    out: &mut [T],
    shape: &[usize],
    index: View<i64>,
    source: View<T>,
    dim: usize,
    combine: impl Fn(&mut T, T),
) {
    let mut strides = contiguous_strides(shape);
    let reach = std::mem::replace(&mut strides[dim], 0);
    let last = shape.len() - 1;
    let row = index.shape()[last];
    // Where the output's walk begins does not depend on what is in it: a view of positions, not of values.
    let target = vec![(); out.len()];
    let base = View::new(&target, index.shape(), &strides, 0);
    let starts = base.rows_from(0).zip(index.rows_from(0)).zip(source.rows_from(0));
    for ((to, place), from) in starts.take(index.len() / row) {
        for i in 0..row as isize {
            let chosen = index.data()[(place + i * index.strides()[last]) as usize];
            let value = source.data()[(from + i * source.strides()[last]) as usize];
            combine(&mut out[(to + i * strides[last] + chosen as isize * reach) as usize], value);
        }
    }
}

fn contiguous_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// `out[i, j, k] = input[i, index[j], k]`: `input` is [outer, size, inner] and `out` [outer, index.len(), inner],
/// both contiguous, where `size` is what the lengths leave for it.
pub fn index_select<T: Element>(input: &[T], index: &[i64], outer: usize, inner: usize, out: &mut [T]) {
    assert_eq!(out.len(), outer * index.len() * inner);
    if out.is_empty() {
        return;
    }
    let size = input.len() / (outer * inner);
    par::rows_mut(out, inner, inner, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(inner).enumerate() {
            let (block, j) = ((first + i) / index.len(), (first + i) % index.len());
            let start = (block * size + index[j] as usize) * inner;
            row.copy_from_slice(&input[start..start + inner]);
        }
    });
}

/// `out[i, index[j], k] += source[i, j, k]`, in the order of j: `out` is [outer, size, inner] and `source`
/// [outer, index.len(), inner], both contiguous.
///
/// Positions are first sorted by where they go, so that each row of the output has one writer: parallel, without
/// atomics, and with the same bits each time.
pub fn index_add<T: Number>(out: &mut [T], index: &[i64], source: &[T], outer: usize, inner: usize) {
    assert_eq!(source.len(), outer * index.len() * inner);
    if source.is_empty() {
        return;
    }
    let size = out.len() / (outer * inner);
    let (starts, order) = sort_by_target(index, size);
    let cost = inner * (1 + index.len() / size);
    par::rows_mut(out, inner, cost, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(inner).enumerate() {
            let (block, target) = ((first + i) / size, (first + i) % size);
            for &j in &order[starts[target]..starts[target + 1]] {
                let from = (block * index.len() + j) * inner;
                for (value, &more) in row.iter_mut().zip(&source[from..from + inner]) {
                    *value = value.plus(more);
                }
            }
        }
    });
}

/// A counting sort: positions of `index` that hold `t` are `order[starts[t]..starts[t + 1]]`, ascending.
fn sort_by_target(index: &[i64], size: usize) -> (Vec<usize>, Vec<usize>) {
    let mut starts = vec![0; size + 1];
    for &target in index {
        starts[target as usize + 1] += 1;
    }
    for t in 0..size {
        starts[t + 1] += starts[t];
    }
    let (mut next, mut order) = (starts.clone(), vec![0; index.len()]);
    for (position, &target) in index.iter().enumerate() {
        order[next[target as usize]] = position;
        next[target as usize] += 1;
    }
    (starts, order)
}

/// `out[i, index[i]] = 1` and 0 elsewhere; `out` is [index.len(), classes].
pub fn one_hot(index: &[i64], classes: usize, out: &mut [i64]) {
    par::rows_mut(out, classes, classes, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(classes).enumerate() {
            row.fill(0);
            row[index[first + i] as usize] = 1;
        }
    });
}

/// Row b of `out` is picture `rows[b]` of `pictures`, whose channels are planes of `plane` bytes: each byte becomes what
/// `levels` [channels, 256] says for its channel.
pub fn pixels(pictures: &[u8], rows: &[i64], levels: &[f32], plane: usize, out: &mut [f32]) {
    let size = levels.len() / 256 * plane;
    par::rows_mut(out, size, size, |first, out| {
        for (b, out) in out.chunks_exact_mut(size).enumerate() {
            let picture = &pictures[rows[first + b] as usize * size..][..size];
            let planes = picture.chunks_exact(plane).zip(out.chunks_exact_mut(plane));
            for ((picture, out), levels) in planes.zip(levels.chunks_exact(256)) {
                out.iter_mut().zip(picture).for_each(|(out, &byte)| *out = levels[usize::from(byte)]);
            }
        }
    });
}

/// Which side of a diagonal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triangle {
    /// On and below the diagonal.
    Lower,
    /// On and above the diagonal.
    Upper,
}

/// Copies matrices `input` [batch, rows, columns], contiguous, keeping the part on one side of the diagonal where
/// `column - row = diagonal`; the rest becomes the default value, zero.
pub fn triangle<T: Element>(
    input: &[T],
    [rows, columns]: [usize; 2],
    side: Triangle,
    diagonal: i64,
    out: &mut [T],
) {
    assert_eq!(input.len(), out.len());
    par::rows_mut(out, columns, columns, |first, part| {
        for (i, row) in part.chunks_exact_mut(columns).enumerate() {
            let start = (first + i) * columns;
            row.copy_from_slice(&input[start..start + columns]);
            // The first column to the right of the diagonal, in 0..=columns.
            let edge = |on_diagonal: i64| {
                let column = (((first + i) % rows) as i64).saturating_add(on_diagonal);
                column.clamp(0, columns as i64) as usize
            };
            match side {
                Triangle::Lower => row[edge(diagonal.saturating_add(1))..].fill(T::default()),
                Triangle::Upper => row[..edge(diagonal)].fill(T::default()),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_an_index_out_of_range() {
        let index = [0, 2, 3, -1];
        assert_eq!(check(View::new(&index, &[4], &[1], 0), 4), Some(-1));
        assert_eq!(check(View::new(&index, &[2], &[2], 0), 3), Some(3));
        assert_eq!(check(View::new(&index, &[3], &[1], 0), 4), None);
        assert_eq!(check(View::new(&index, &[0], &[1], 0), 0), None);
    }

    #[test]
    fn gathers_and_scatters_along_either_axis() {
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let input = View::new(&input, &[2, 3], &[3, 1], 0);
        let index = [2, 0, 1, 1];
        let index = View::new(&index, &[2, 2], &[2, 1], 0);
        let mut out = [0.0; 4];
        gather(input, index, 1, &mut out);
        assert_eq!(out, [3.0, 1.0, 5.0, 5.0]);

        let rows = [1, 0, 0, 1];
        let rows = View::new(&rows, &[2, 2], &[2, 1], 0);
        gather(input, rows, 0, &mut out);
        assert_eq!(out, [4.0, 2.0, 1.0, 5.0]);

        let source = [10.0, 20.0, 30.0, 40.0];
        let source = View::new(&source, &[2, 2], &[2, 1], 0);
        let mut out = [0.0; 6];
        scatter(&mut out, &[2, 3], index, source, 1, |old, new| *old += new);
        assert_eq!(out, [20.0, 0.0, 10.0, 0.0, 70.0, 0.0]);
        let mut out = [0.0; 6];
        scatter(&mut out, &[2, 3], rows, source, 0, |old, new| *old = new);
        assert_eq!(out, [30.0, 20.0, 0.0, 10.0, 40.0, 0.0]);
    }

    #[test]
    fn index_add_undoes_index_select() {
        let input: Vec<i64> = (0..12).collect();
        let index = [2, 0, 2];
        let mut out = [0; 12];
        index_select(&input, &index, 2, 2, &mut out);
        assert_eq!(out, [4, 5, 0, 1, 4, 5, 10, 11, 6, 7, 10, 11]);
        let mut sum = [0i64; 12];
        index_add(&mut sum, &index, &out, 2, 2);
        assert_eq!(sum, [0, 1, 0, 0, 8, 10, 6, 7, 0, 0, 20, 22]);
    }

    #[test]
    fn triangles() {
        let input = [1, 2, 3, 4, 5, 6];
        let keep = |side, diagonal| {
            let mut out = [9i64; 6];
            triangle(&input, [2, 3], side, diagonal, &mut out);
            out
        };
        assert_eq!(keep(Triangle::Lower, 0), [1, 0, 0, 4, 5, 0]);
        assert_eq!(keep(Triangle::Lower, -5), [0; 6]);
        assert_eq!(keep(Triangle::Upper, 1), [0, 2, 3, 0, 0, 6]);
        assert_eq!(keep(Triangle::Upper, i64::MIN), input);
        assert_eq!(keep(Triangle::Lower, i64::MAX), input);
    }
}
