//! Pooling: where the largest element of each window lies, and the windows that averages are taken over.

use crate::axis_map::AxisMap;
use crate::element::Number;
use crate::par;
use crate::simd::{Kernel, vectorize_for};
use crate::window::Window;
use std::ops::Range;

/// For each window of each plane of `input` `[…, rows.input, columns.input]`, the row-major index within the
/// plane of its largest element: the first of equals, or the first NaN. `out` is `[…, rows.output,
/// columns.output]`.
///
/// Every window must hold at least one element, see [`every_window_meets_input`].
///
/// # Panics
/// When the slices do not hold the same number of planes, or a plane has 2³² elements or more.
pub fn max_indices<T: Number>(input: &[T], rows: &Window, columns: &Window, out: &mut [i64]) {
    let (in_plane, out_plane) = (rows.input * columns.input, rows.output * columns.output);
    assert_eq!(input.len() * out_plane, out.len() * in_plane, "planes");
    assert!(u32::try_from(in_plane).is_ok(), "planes of less than 2³² elements");
    // What is the same in every plane is worked out once: the arithmetic of windows is full of divisions.
    let windows = || (0..rows.output).flat_map(|row| (0..columns.output).map(move |column| [row, column]));
    let begins: Vec<u32> = windows()
        .map(|[row, column]| {
            let row = rows.source(rows.taps_inside(row).start, row);
            (row * columns.input + columns.source(columns.taps_inside(column).start, column)) as u32
        })
        .collect();
    let taps: Vec<[Tap; 2]> =
        taps(rows).flat_map(|row| taps(columns).map(move |column| [row.clone(), column])).collect();
    // A kernel may be far larger than the input that it meets.
    par::rows_mut(out, out_plane, out_plane.saturating_mul(taps.len()), |first_plane, out| {
        let mut read = vec![T::ZERO; out_plane];
        let mut read_at = vec![0; out_plane];
        let (mut largest, mut next_largest) = (vec![T::ZERO; out_plane], vec![T::ZERO; out_plane]);
        let (mut places, mut next_places) = (vec![0; out_plane], vec![0; out_plane]);
        for (plane, out) in (first_plane..).zip(out.chunks_exact_mut(out_plane)) {
            let input = &input[plane * in_plane..][..in_plane];
            places.copy_from_slice(&begins);
            largest.iter_mut().zip(&begins).for_each(|(largest, &begin)| *largest = input[begin as usize]);
            for [row_tap, column_tap] in &taps {
                if row_tap.outputs.len() * column_tap.outputs.len() < out_plane {
                    // Where the tap is padding nothing is larger than what there is.
                    read.copy_from_slice(&largest);
                }
                for (row, line) in row_tap.outputs.clone().zip((row_tap.first..).step_by(rows.stride)) {
                    let first = line * columns.input + column_tap.first;
                    let start = row * columns.output + column_tap.outputs.start;
                    let part = start..start + column_tap.outputs.len();
                    let reads = read[part.clone()].iter_mut().zip(&mut read_at[part]);
                    for ((value, place), step) in reads.zip(0..) {
                        let at = first + step * columns.stride;
                        (*value, *place) = (input[at], at as u32);
                    }
                }
                vectorize_for::<T, _>(Larger {
                    values: [&read, &largest],
                    places: [&read_at, &places],
                    larger: &mut next_largest,
                    larger_at: &mut next_places,
                });
                std::mem::swap(&mut largest, &mut next_largest);
                std::mem::swap(&mut places, &mut next_places);
            }
            out.iter_mut().zip(&places).for_each(|(index, &place)| *index = i64::from(place));
        }
    });
}

/// One tap along one axis: the positions of the window where it reads the input, and what it reads at the first.
#[derive(Clone)]
struct Tap {
    outputs: Range<usize>,
    first: usize,
}

/// The taps that read the input at some position; the others are padding everywhere.
fn taps(window: &Window) -> impl Iterator<Item = Tap> + '_ {
    let reached = match window.output {
        0 => 0..0,
        outputs => window.taps_inside(outputs - 1).start..window.taps_inside(0).end,
    };
    reached.filter_map(|tap| {
        let outputs = window.inside(tap, &(0..window.output));
        (!outputs.is_empty()).then(|| Tap { first: window.source(tap, outputs.start), outputs })
    })
}

/// The larger of two values each, and where it lies; the second of equals. Into memory of its own: in place the compiler
/// would store under a condition, and which of two is larger no processor foresees.
struct Larger<'a, T> {
    values: [&'a [T]; 2],
    places: [&'a [u32]; 2],
    larger: &'a mut [T],
    larger_at: &'a mut [u32],
}

impl<T: Number> Kernel for Larger<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let count = self.larger.len();
        let [values, others] = self.values.map(|values| &values[..count]);
        let [places, other_places] = self.places.map(|places| &places[..count]);
        for (i, larger) in self.larger.iter_mut().enumerate() {
            *larger = if is_larger(values[i], others[i]) { values[i] } else { others[i] };
        }
        for (i, place) in self.larger_at[..count].iter_mut().enumerate() {
            *place = if is_larger(values[i], others[i]) { places[i] } else { other_places[i] };
        }
    }
}

/// Whether `value` takes the place of `largest` in a running maximum: NaN, once met, stays.
#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
#[inline(always)]
fn is_larger<T: Number>(value: T, largest: T) -> bool {
    (value > largest) | ((value != value) & (largest == largest))
}

/// `out[p, i] = input[p, indices[p, i]]` for each plane p; planes have `in_plane` and `out_plane` elements.
///
/// # Panics
/// When the slices do not hold the same number of planes or an index is outside its plane.
pub fn gather_planes<T: Number>(
    input: &[T],
    in_plane: usize,
    indices: &[i64],
    out_plane: usize,
    out: &mut [T],
) {
    assert_eq!(indices.len(), out.len(), "one index an output");
    assert_eq!(input.len() * out_plane, out.len() * in_plane, "planes");
    par::rows_mut(out, out_plane, out_plane, |first_plane, out| {
        for (plane, out) in (first_plane..).zip(out.chunks_exact_mut(out_plane)) {
            let input = &input[plane * in_plane..][..in_plane];
            for (value, &index) in out.iter_mut().zip(&indices[plane * out_plane..]) {
                *value = input[index as usize];
            }
        }
    });
}

/// The adjoint of [`gather_planes`]: `out[p, indices[p, i]] += values[p, i]` on zeros; here `in_plane` is the
/// size of a plane of `values` and `out_plane` that of a plane of `out`.
///
/// # Panics
/// When the slices do not hold the same number of planes or an index is outside its plane.
pub fn scatter_planes<T: Number>(
    values: &[T],
    in_plane: usize,
    indices: &[i64],
    out_plane: usize,
    out: &mut [T],
) {
    assert_eq!(indices.len(), values.len(), "one index a value");
    assert_eq!(values.len() * out_plane, out.len() * in_plane, "planes");
    par::rows_mut(out, out_plane, out_plane, |first_plane, out| {
        for (plane, out) in (first_plane..).zip(out.chunks_exact_mut(out_plane)) {
            out.fill(T::ZERO);
            let part = plane * in_plane..(plane + 1) * in_plane;
            for (&value, &index) in values[part.clone()].iter().zip(&indices[part]) {
                out[index as usize] = out[index as usize].plus(value);
            }
        }
    });
}

/// Whether a window reads at least one element, and not only padding, at each of its positions.
pub fn every_window_meets_input(window: &Window) -> bool {
    (0..window.output).all(|position| !window.taps_inside(position).is_empty())
}

/// The average over each position of a window. Where `count_padding` is given, padding counts as zeros: the
/// divisor is the number of taps that lie within the axis padded with so many elements at its end, and
/// otherwise the number of taps that read the input.
pub fn window_average(window: &Window, count_padding: Option<usize>) -> AxisMap {
    AxisMap::new(
        window.input,
        (0..window.output).map(|position| {
            let taps = window.taps_inside(position);
            let count = count_padding.map_or(taps.len(), |after| {
                let padded = (window.padding + window.input).saturating_add(after);
                (padded - position * window.stride).div_ceil(window.dilation).min(window.kernel)
            });
            taps.map(move |tap| (window.source(tap, position), 1.0 / count as f64))
        }),
    )
}

/// The average over `output` ranges that cover the axis evenly: output o averages the inputs from
/// ⌊o·input/output⌋ up to but not including ⌈(o + 1)·input/output⌉.
pub fn adaptive_average(input: usize, output: usize) -> AxisMap {
    AxisMap::new(
        input,
        (0..output).map(|position| {
            let (start, end) = (position * input / output, ((position + 1) * input).div_ceil(output));
            (start..end).map(move |index| (index, 1.0 / (end - start) as f64))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis_map::map_planes;
    use crate::window::output_size;

    fn window(input: usize, kernel: usize, stride: usize, dilation: usize, padding: usize) -> Window {
        let output = output_size(input, kernel, stride, dilation, (padding, padding as isize)).unwrap();
        Window { input, output, kernel, stride, dilation, padding }
    }

    #[test]
    fn the_first_of_equals_is_the_largest_and_nan_wins() {
        let one = window(1, 1, 1, 1, 0);
        let row = window(6, 3, 3, 1, 0);
        let mut out = [-1; 2];
        max_indices(&[1.0, 2.0, 2.0, 5.0, f64::NAN, f64::NAN], &one, &row, &mut out);
        assert_eq!(out, [1, 4]);
        max_indices(&[f64::NEG_INFINITY; 6], &one, &row, &mut out);
        assert_eq!(out, [0, 3]);
    }

    #[test]
    fn padding_is_never_the_largest() {
        let (rows, columns) = (window(3, 3, 2, 1, 1), window(4, 2, 2, 2, 1));
        let input: Vec<f64> = (0..24).map(|i| -1.0 - f64::from((i * 7) % 24)).collect();
        let mut out = vec![-1; 2 * rows.output * columns.output];
        max_indices(&input, &rows, &columns, &mut out);
        let mut expected = Vec::new();
        for plane in input.chunks(12) {
            for (y, x) in (0..rows.output).flat_map(|y| (0..columns.output).map(move |x| (y, x))) {
                let mut taps: Vec<usize> = Vec::new();
                for (i, j) in (0..3).flat_map(|i| (0..2).map(move |j| (i, j))) {
                    let (row, column) = ((y * 2 + i).wrapping_sub(1), (x * 2 + j * 2).wrapping_sub(1));
                    if row < 3 && column < 4 {
                        taps.push(row * 4 + column);
                    }
                }
                expected
                    .push(taps.into_iter().max_by(|&a, &b| plane[a].total_cmp(&plane[b])).unwrap() as i64);
            }
        }
        assert_eq!(out, expected);
    }

    #[test]
    fn scatter_is_the_adjoint_of_gather() {
        let indices = [3, 0, 3, 1, 1, 1];
        let (mut gathered, mut scattered) = ([0; 6], [0; 8]);
        gather_planes(&[1i64, 2, 3, 4, 5, 6, 7, 8], 4, &indices, 3, &mut gathered);
        assert_eq!(gathered, [4, 1, 4, 6, 6, 6]);
        scatter_planes(&[1i64, 2, 3, 4, 5, 6], 3, &indices, 4, &mut scattered);
        assert_eq!(scattered, [2, 0, 0, 4, 0, 15, 0, 0]);
    }

    #[test]
    fn averages_with_and_without_padding() {
        let one = adaptive_average(1, 1);
        // The last window hangs over the end of the padding, as ceil_mode makes it.
        let row = Window { input: 5, output: 4, kernel: 3, stride: 2, dilation: 1, padding: 1 };
        let input = [6.0, 12.0, 18.0, 24.0, 30.0];
        let mut out = [0.0; 4];
        map_planes(&one, &window_average(&row, Some(2)), &input, &mut out);
        assert_eq!(out, [6.0, 18.0, 18.0, 0.0]);
        let row = Window { output: 3, ..row };
        let mut out = [0.0; 3];
        map_planes(&one, &window_average(&row, None), &input, &mut out);
        assert_eq!(out, [9.0, 18.0, 27.0]);
    }

    #[test]
    fn adaptive_ranges_overlap_where_sizes_do_not_divide() {
        let mut out = [0.0; 3];
        map_planes(&adaptive_average(1, 1), &adaptive_average(5, 3), &[1.0, 2.0, 3.0, 4.0, 5.0], &mut out);
        assert_eq!(out, [1.5, 3.0, 4.5]);
        let mut out = [0.0; 5];
        map_planes(&adaptive_average(1, 1), &adaptive_average(2, 5), &[1.0, 3.0], &mut out);
        assert_eq!(out, [1.0, 1.0, 2.0, 3.0, 3.0]);
    }

    #[test]
    fn windows_of_padding_are_found() {
        assert!(every_window_meets_input(&window(4, 3, 1, 1, 2)));
        assert!(!every_window_meets_input(&window(4, 3, 1, 1, 3)));
        assert!(!every_window_meets_input(&window(1, 2, 1, 2, 1)));
    }
}
