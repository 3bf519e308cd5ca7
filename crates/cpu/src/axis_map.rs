//! Linear maps that act on the rows and the columns of every plane: average pooling and resampling.

use crate::element::Float;
use crate::par;

/// A sparse linear map from the positions of one axis to those of another: output `o` is a weighted sum of a
/// few inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisMap {
    inputs: usize,
    /// Where the terms of each output begin, and the end of the last.
    starts: Vec<usize>,
    /// Input position and weight.
    terms: Vec<(usize, f64)>,
}

impl AxisMap {
    /// The map from `inputs` positions whose outputs are the sums of the given (position, weight) terms.
    ///
    /// # Panics
    /// When a position is not below `inputs`.
    pub fn new(
        inputs: usize,
        outputs: impl IntoIterator<Item = impl IntoIterator<Item = (usize, f64)>>,
    ) -> Self {
        let (mut starts, mut terms) = (vec![0], Vec::new());
        for output in outputs {
            terms.extend(output);
            starts.push(terms.len());
        }
        assert!(terms.iter().all(|&(position, _)| position < inputs), "a term outside the input axis");
        Self { inputs, starts, terms }
    }

    /// Size of the axis that the map reads.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Size of the axis that the map writes.
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The map with inputs and outputs exchanged: the one that carries gradients back.
    pub fn transpose(&self) -> Self {
        let mut outputs = vec![Vec::new(); self.inputs];
        for output in 0..self.outputs() {
            for &(position, weight) in self.terms_of(output) {
                outputs[position].push((output, weight));
            }
        }
        Self::new(self.outputs(), outputs)
    }

    /// The (position, weight) terms of one output.
    fn terms_of(&self, output: usize) -> &[(usize, f64)] {
        &self.terms[self.starts[output]..self.starts[output + 1]]
    }
}

/// Maps the rows and the columns of each plane of `input` `[…, rows.inputs, columns.inputs]` into `out`
/// `[…, rows.outputs, columns.outputs]`.
///
/// # Panics
/// When the slices do not hold the same number of such planes.
pub fn map_planes<T: Float>(rows: &AxisMap, columns: &AxisMap, input: &[T], out: &mut [T]) {
    let (width, out_width) = (columns.inputs(), columns.outputs());
    let (in_plane, out_plane) = (rows.inputs() * width, rows.outputs() * out_width);
    assert_eq!(input.len() * out_plane, out.len() * in_plane, "planes");
    if out.is_empty() {
        return;
    }
    let work = rows.terms.len() * width + columns.terms.len() * rows.outputs();
    par::rows_mut(out, out_plane, work, |first_plane, out| {
        let mut mixed = vec![T::ZERO; width];
        for (plane, out) in (first_plane..).zip(out.chunks_exact_mut(out_plane)) {
            let input = &input[plane * in_plane..][..in_plane];
            for (row, out) in out.chunks_exact_mut(out_width).enumerate() {
                mix_rows(input, rows.terms_of(row), &mut mixed);
                for (column, value) in out.iter_mut().enumerate() {
                    let terms = columns.terms_of(column);
                    *value =
                        terms.iter().map(|&(position, weight)| mixed[position] * T::from_f64(weight)).sum();
                }
            }
        }
    });
}

/// The weighted sum of some rows of a plane.
fn mix_rows<T: Float>(plane: &[T], terms: &[(usize, f64)], out: &mut [T]) {
    let width = out.len();
    out.fill(T::ZERO);
    for &(row, weight) in terms {
        let weight = T::from_f64(weight);
        for (sum, &value) in out.iter_mut().zip(&plane[row * width..]) {
            *sum += value * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_rows_and_columns() {
        let rows = AxisMap::new(2, [vec![(0, 1.0), (1, 1.0)], vec![(1, 2.0)], vec![]]);
        let columns = AxisMap::new(3, [vec![(2, 1.0)], vec![(0, 1.0), (1, -1.0)]]);
        let input: Vec<f64> = (1..=12).map(f64::from).collect();
        let mut out = vec![f64::NAN; 12];
        map_planes(&rows, &columns, &input, &mut out);
        assert_eq!(out, [9.0, -2.0, 12.0, -2.0, 0.0, 0.0, 21.0, -2.0, 24.0, -2.0, 0.0, 0.0]);
    }

    #[test]
    fn transpose_is_the_adjoint() {
        let rows = AxisMap::new(2, [vec![(0, 1.0), (1, 1.0)], vec![(1, 2.0)], vec![]]);
        let columns = AxisMap::new(3, [vec![(2, 1.0)], vec![(0, 3.0), (1, -1.0)]]);
        let (x, y) = ([1.0, -2.0, 3.0, 4.0, 5.0, -6.0], [2.0, 7.0, 1.0, -8.0, 2.0, 8.0]);
        let (mut out, mut back) = ([0.0; 6], [0.0; 6]);
        map_planes(&rows, &columns, &x, &mut out);
        map_planes(&rows.transpose(), &columns.transpose(), &y, &mut back);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert_eq!(dot(&out, &y), dot(&x, &back));
        assert_eq!(rows.transpose().transpose(), rows);
    }
}
