//! Patches of an image: what the window of a convolution sees, tap by tap.
//!
//! A patch matrix has one row for each `(channel, tap row, tap column)` and one column for each position of
//! the window.

use crate::element::Number;
use crate::par;
use crate::window::Window;

/// Writes the patch matrix of a plane `[height, width]` into `patches`: a row of `positions` values for each tap, padding
/// as zeros.
fn pack<T: Number>(plane: &[T], rows: &Window, columns: &Window, patches: &mut [T]) {
    patches.fill(T::ZERO);
    for_each_run(rows, columns, |packed, source, length| {
        let run = &mut patches[packed..packed + length];
        if columns.stride == 1 {
            run.copy_from_slice(&plane[source..source + length]);
        } else {
            for (value, &from) in run.iter_mut().zip(plane[source..].iter().step_by(columns.stride)) {
                *value = from;
            }
        }
    });
}

/// The adjoint of [`pack`]: adds every value of the patch matrix to the element that it would be read from.
fn scatter_add<T: Number>(patches: &[T], rows: &Window, columns: &Window, plane: &mut [T]) {
    for_each_run(rows, columns, |packed, source, length| {
        let run = &patches[packed..packed + length];
        if columns.stride == 1 {
            for (to, &value) in plane[source..source + length].iter_mut().zip(run) {
                *to = to.plus(value);
            }
        } else {
            for (to, &value) in plane[source..].iter_mut().step_by(columns.stride).zip(run) {
                *to = to.plus(value);
            }
        }
    });
}

/// The patch matrices of all planes of `images` `[…, rows.input, columns.input]`: `[…, taps, positions]`.
///
/// # Panics
/// When the slices do not hold the same number of planes.
pub fn unfold<T: Number>(images: &[T], rows: &Window, columns: &Window, patches: &mut [T]) {
    // Without planes the sizes below may be beyond all measure.
    if patches.is_empty() {
        return;
    }
    let [plane, matrix] = sizes(rows, columns);
    assert_eq!(images.len() * matrix, patches.len() * plane, "planes");
    par::rows_mut(patches, matrix, matrix, |first_plane, patches| {
        for (index, patches) in (first_plane..).zip(patches.chunks_exact_mut(matrix)) {
            pack(&images[index * plane..][..plane], rows, columns, patches);
        }
    });
}

/// The adjoint of [`unfold`]: the sum of all patches where they come from, on zeros.
///
/// # Panics
/// When the slices do not hold the same number of planes.
pub fn fold<T: Number>(patches: &[T], rows: &Window, columns: &Window, images: &mut [T]) {
    if images.is_empty() {
        return;
    }
    let [plane, matrix] = sizes(rows, columns);
    assert_eq!(images.len() * matrix, patches.len() * plane, "planes");
    par::rows_mut(images, plane, matrix, |first_plane, images| {
        images.fill(T::ZERO);
        for (index, image) in (first_plane..).zip(images.chunks_exact_mut(plane)) {
            scatter_add(&patches[index * matrix..][..matrix], rows, columns, image);
        }
    });
}

/// Elements of a plane and of its patch matrix.
fn sizes(rows: &Window, columns: &Window) -> [usize; 2] {
    [rows.input * columns.input, rows.kernel * columns.kernel * rows.output * columns.output]
}

/// Calls `body(packed, source, length)` for every run of patch values of one plane that lies in the image:
/// `length` values from `packed` on in the patch matrix, read from the plane at `source` and every
/// `columns.stride` after it.
fn for_each_run(rows: &Window, columns: &Window, mut body: impl FnMut(usize, usize, usize)) {
    for row_tap in 0..rows.kernel {
        for column_tap in 0..columns.kernel {
            let inside = columns.inside(column_tap, &(0..columns.output));
            if inside.is_empty() {
                continue;
            }
            let patch_row = (row_tap * columns.kernel + column_tap) * rows.output * columns.output;
            let first_column = columns.source(column_tap, inside.start);
            for row in rows.inside(row_tap, &(0..rows.output)) {
                let packed = patch_row + row * columns.output + inside.start;
                body(packed, rows.source(row_tap, row) * columns.input + first_column, inside.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::output_size;

    fn window(input: usize, kernel: usize, stride: usize, dilation: usize, padding: usize) -> Window {
        let output = output_size(input, kernel, stride, dilation, (padding, padding as isize)).unwrap();
        Window { input, output, kernel, stride, dilation, padding }
    }

    #[test]
    fn packs_what_the_window_sees() {
        let (rows, columns) = (window(4, 2, 2, 2, 1), window(5, 3, 1, 1, 1));
        let images: Vec<i64> = (1..=2 * 4 * 5).collect();
        let mut patches = vec![-1; 2 * 2 * 3 * rows.output * columns.output];
        unfold(&images, &rows, &columns, &mut patches);
        let mut expected = Vec::new();
        for channel in 0..2 {
            for (tap_row, tap_column) in (0..2).flat_map(|r| (0..3).map(move |c| (r, c))) {
                let positions = (0..rows.output).flat_map(|row| (0..columns.output).map(move |c| (row, c)));
                for (row, column) in positions {
                    let y = (row * 2 + tap_row * 2).wrapping_sub(1);
                    let x = (column + tap_column).wrapping_sub(1);
                    expected.push(if y < 4 && x < 5 { images[(channel * 4 + y) * 5 + x] } else { 0 });
                }
            }
        }
        assert_eq!(patches, expected);
    }

    #[test]
    fn fold_is_the_adjoint_of_unfold() {
        let (rows, columns) = (window(5, 2, 2, 2, 1), window(6, 3, 1, 1, 1));
        let numbers =
            |count: usize, step: usize| (0..count).map(|i| (i * step % 13) as i64 - 6).collect::<Vec<_>>();
        let (planes, matrix) = (4, 2 * 3 * rows.output * columns.output);
        let (image, patches) = (numbers(planes * 30, 7), numbers(planes * matrix, 5));
        let (mut unfolded, mut folded) = (vec![-1; planes * matrix], vec![-1; planes * 30]);
        unfold(&image, &rows, &columns, &mut unfolded);
        fold(&patches, &rows, &columns, &mut folded);
        let dot = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>();
        assert_eq!(dot(&unfolded, &patches), dot(&image, &folded));
    }
}
