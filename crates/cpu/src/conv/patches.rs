//! Patches of an image: what the window of a convolution sees, tap by tap.
//!
//! A patch matrix has one row for each `(channel, tap row, tap column)` and one column for each position of
//! the window.

use crate::element::Number;
use crate::par;
use crate::window::Window;
use std::ops::Range;

/// A rectangle of window positions. It spans whole rows of the output or a part of one row, so that its
/// positions are consecutive in a row-major plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows of window positions.
    pub rows: Range<usize>,
    /// Columns of window positions.
    pub columns: Range<usize>,
}

impl Tile {
    /// All positions of the window.
    pub fn whole(rows: &Window, columns: &Window) -> Self {
        Self { rows: 0..rows.output, columns: 0..columns.output }
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Index of the first position in a row-major plane that is `width` wide.
    pub fn start(&self, width: usize) -> usize {
        self.rows.start * width + self.columns.start
    }
}

/// Cuts all positions of a window into tiles of about `positions` positions.
pub fn tiles(rows: &Window, columns: &Window, positions: usize) -> impl Iterator<Item = Tile> + use<> {
    let (height, width) = (rows.output, columns.output);
    let positions = positions.max(1);
    let step = if width > positions { [1, positions] } else { [positions / width.max(1), width.max(1)] };
    (0..height).step_by(step[0]).flat_map(move |row| {
        (0..width).step_by(step[1]).map(move |column| Tile {
            rows: row..(row + step[0]).min(height),
            columns: column..(column + step[1]).min(width),
        })
    })
}

/// Writes the patch matrix of `tile` into `patches`: `channels·kernel` rows of `tile.len()` values, padding
/// as zeros.
///
/// `image` is `[channels, height, width]`.
pub fn pack<T: Number>(image: &[T], rows: &Window, columns: &Window, tile: &Tile, patches: &mut [T]) {
    patches.fill(T::ZERO);
    for (plane, patches) in
        planes(image, rows, columns).zip(patches.chunks_exact_mut(patch_rows(rows, columns) * tile.len()))
    {
        for_each_run(rows, columns, tile, |packed, source, length| {
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
}

/// The adjoint of [`pack`]: adds every value of the patch matrix to the image element that it would be read
/// from.
pub fn scatter_add<T: Number>(patches: &[T], rows: &Window, columns: &Window, tile: &Tile, image: &mut [T]) {
    let plane_size = (rows.input * columns.input).max(1);
    for (plane, patches) in
        image.chunks_exact_mut(plane_size).zip(patches.chunks_exact(patch_rows(rows, columns) * tile.len()))
    {
        for_each_run(rows, columns, tile, |packed, source, length| {
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
    let (tile, plane) = (Tile::whole(rows, columns), rows.input * columns.input);
    let matrix = patch_rows(rows, columns) * tile.len();
    assert_eq!(images.len() * matrix, patches.len() * plane, "planes");
    par::rows_mut(patches, matrix, matrix, |first_plane, patches| {
        for (index, patches) in (first_plane..).zip(patches.chunks_exact_mut(matrix)) {
            pack(&images[index * plane..][..plane], rows, columns, &tile, patches);
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
    let (tile, plane) = (Tile::whole(rows, columns), rows.input * columns.input);
    let matrix = patch_rows(rows, columns) * tile.len();
    assert_eq!(images.len() * matrix, patches.len() * plane, "planes");
    par::rows_mut(images, plane, matrix, |first_plane, images| {
        images.fill(T::ZERO);
        for (index, image) in (first_plane..).zip(images.chunks_exact_mut(plane)) {
            scatter_add(&patches[index * matrix..][..matrix], rows, columns, &tile, image);
        }
    });
}

fn planes<'a, T>(image: &'a [T], rows: &Window, columns: &Window) -> impl Iterator<Item = &'a [T]> {
    image.chunks_exact((rows.input * columns.input).max(1))
}

/// Rows of the patch matrix for one channel.
fn patch_rows(rows: &Window, columns: &Window) -> usize {
    rows.kernel * columns.kernel
}

/// Calls `body(packed, source, length)` for every run of patch values of one channel that lies in the image:
/// `length` values from `packed` on in the patch matrix, read from the plane at `source` and every
/// `columns.stride` after it.
fn for_each_run(rows: &Window, columns: &Window, tile: &Tile, mut body: impl FnMut(usize, usize, usize)) {
    for row_tap in 0..rows.kernel {
        let inside_rows = rows.inside(row_tap, &tile.rows);
        for column_tap in 0..columns.kernel {
            let inside = columns.inside(column_tap, &tile.columns);
            if inside.is_empty() {
                continue;
            }
            let patch_row = (row_tap * columns.kernel + column_tap) * tile.len();
            let first_column = columns.source(column_tap, inside.start);
            for row in inside_rows.clone() {
                let packed = patch_row + (row - tile.rows.start) * tile.columns.len() + inside.start
                    - tile.columns.start;
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
        let image: Vec<i64> = (1..=2 * 4 * 5).collect();
        for tile in tiles(&rows, &columns, 3) {
            let mut patches = vec![-1; 2 * 2 * 3 * tile.len()];
            pack(&image, &rows, &columns, &tile, &mut patches);
            let mut expected = Vec::new();
            for channel in 0..2 {
                for (tap_row, tap_column) in (0..2).flat_map(|r| (0..3).map(move |c| (r, c))) {
                    for (row, column) in
                        tile.rows.clone().flat_map(|r| tile.columns.clone().map(move |c| (r, c)))
                    {
                        let y = (row * 2 + tap_row * 2).wrapping_sub(1);
                        let x = (column + tap_column).wrapping_sub(1);
                        expected.push(if y < 4 && x < 5 { image[(channel * 4 + y) * 5 + x] } else { 0 });
                    }
                }
            }
            assert_eq!(patches, expected);
        }
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

    #[test]
    fn tiles_cover_every_position_once_and_consecutively() {
        for (height, width, positions) in
            [(5, 4, 9), (3, 10, 4), (1, 1, 100), (7, 3, 1), (0, 4, 8), (4, 0, 8)]
        {
            let axis =
                |size| Window { input: size, output: size, kernel: 1, stride: 1, dilation: 1, padding: 0 };
            let mut next = 0;
            for tile in tiles(&axis(height), &axis(width), positions) {
                assert_eq!(tile.start(width), next);
                assert!(tile.len() <= positions.max(1));
                next += tile.len();
            }
            assert_eq!(next, height * width);
        }
    }
}
