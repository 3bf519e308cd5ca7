//! Resampling along one axis, as maps for [`map_planes`](crate::axis_map::map_planes).
//!
//! `step` is the distance between neighbouring outputs in input elements: input/output, or 1/scale.

use crate::axis_map::AxisMap;

/// Output o is input min(⌊o·step⌋, input − 1).
pub fn nearest(input: usize, output: usize, step: f64) -> AxisMap {
    let source = |position: usize| ((position as f64 * step) as usize).min(input - 1);
    AxisMap::new(input, (0..output).map(|position| [(source(position), 1.0)]))
}

/// Output o interpolates linearly at input position `max((o + ½)·step − ½, 0)`, as if elements were areas, or
/// at `o·step` where `align_corners`, as if they were points and the corners fixed.
pub fn linear(input: usize, output: usize, step: f64, align_corners: bool) -> AxisMap {
    AxisMap::new(
        input,
        (0..output).map(|position| {
            let position = position as f64;
            let at = if align_corners { position * step } else { ((position + 0.5) * step - 0.5).max(0.0) };
            let low = (at as usize).min(input - 1);
            let high_weight = if low + 1 < input { at - low as f64 } else { 0.0 };
            // A term of weight zero would turn an infinite neighbour into NaN.
            let high = (high_weight > 0.0).then_some((low + 1, high_weight));
            std::iter::once((low, 1.0 - high_weight)).chain(high)
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis_map::map_planes;
    use crate::pool::adaptive_average;

    fn resample(map: &AxisMap, input: &[f64]) -> Vec<f64> {
        let mut out = vec![f64::NAN; map.outputs()];
        map_planes(&adaptive_average(1, 1), map, input, &mut out);
        out
    }

    #[test]
    fn nearest_repeats_and_skips() {
        assert_eq!(resample(&nearest(2, 4, 0.5), &[1.0, 2.0]), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(resample(&nearest(5, 3, 5.0 / 3.0), &[0.0, 1.0, 2.0, 3.0, 4.0]), [0.0, 1.0, 3.0]);
    }

    #[test]
    fn linear_between_areas_and_between_points() {
        assert_eq!(resample(&linear(2, 4, 0.5, false), &[0.0, 4.0]), [0.0, 1.0, 3.0, 4.0]);
        assert_eq!(resample(&linear(2, 5, 0.25, true), &[0.0, 4.0]), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(resample(&linear(1, 3, 0.0, true), &[7.0]), [7.0, 7.0, 7.0]);
        assert_eq!(resample(&linear(2, 2, 1.0, false), &[f64::INFINITY, 1.0]), [f64::INFINITY, 1.0]);
    }
}
