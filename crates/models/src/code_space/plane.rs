//! A sheet of codes: the plane of codes of two numbers, or the two directions in which longer ones differ most.
//!
//! The sheet is cut at quantiles, so that each image of the map stands for as many codes as any other (Kingma and Welling,
//! 2014, appendix A).

use crate::Model;
use crate::metrics::Gaussian;
use crate::traversal::quantile;
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Codes drawn to find the quantiles of a prior.
const DRAWS: usize = 8192;

/// A plane through the codes, with a grid on it.
#[derive(Debug, Clone)]
pub struct Plane {
    /// A code on the plane, f64 `[1, code size]`.
    origin: Tensor,
    /// Two directions of length 1 at right angles, f64 `[2, code size]`.
    axes: Tensor,
    /// Coordinates of the grid's columns, from left to right.
    pub horizontal: Vec<f64>,
    /// Coordinates of the grid's rows, from the bottom up.
    pub vertical: Vec<f64>,
    /// Share of the variance of the codes that the plane holds.
    pub share: f64,
}

impl Plane {
    /// The plane of a model whose codes are two numbers, with `side` quantiles of the prior along each; `None` for other
    /// codes.
    pub fn of_prior(model: &dyn Model, side: usize, rng: &Generator) -> Option<Plane> {
        (model.code_size() == 2).then(|| {
            let origin = Tensor::zeros([1, 2], DType::F64);
            let drawn = no_grad(|| model.draw_codes(DRAWS, rng));
            Plane::new(origin, Tensor::eye(2, DType::F64), &drawn, side, 1.0)
        })
    }

    /// The plane of the first two principal components of codes `[N, code size]`, with `side` quantiles of the codes along
    /// each; `None` for fewer than two codes, or codes of fewer than two numbers.
    pub fn of_codes(codes: &Tensor, side: usize) -> Option<Plane> {
        let [count, size] = codes.dims()[..] else { return None };
        (count > 1 && size > 1).then(|| {
            let components = Gaussian::fit(codes).principal_components(2);
            let share = components.variances.iter().sum::<f64>() / components.total.max(f64::MIN_POSITIVE);
            let origin = no_grad(|| codes.to_dtype(DType::F64).mean(&[0], true));
            Plane::new(origin, components.directions, codes, side, share)
        })
    }

    fn new(origin: Tensor, axes: Tensor, codes: &Tensor, side: usize, share: f64) -> Plane {
        let mut plane = Plane { origin, axes, horizontal: Vec::new(), vertical: Vec::new(), share };
        let points = plane.project(codes);
        let [horizontal, vertical] = [0, 1].map(|axis| {
            let values: Vec<f32> = points.iter().map(|point| point[axis] as f32).collect();
            (0..side).map(|index| f64::from(quantile(&values, index, side))).collect()
        });
        (plane.horizontal, plane.vertical) = (horizontal, vertical);
        plane
    }

    /// Where codes lie on the plane: their coordinates along both axes.
    pub fn project(&self, codes: &Tensor) -> Vec<[f64; 2]> {
        let points = no_grad(|| (codes.to_dtype(DType::F64) - &self.origin).matmul(&self.axes.t()));
        points.contiguous().to_vec::<f64>().chunks_exact(2).map(|point| [point[0], point[1]]).collect()
    }

    /// The code at the plane's middle, and the directions of its two axes, each of length 1.
    pub fn frame(&self) -> [Vec<f64>; 3] {
        let axis = |index| self.axes.select(0, index).contiguous().to_vec::<f64>();
        [self.origin.to_vec::<f64>(), axis(0), axis(1)]
    }

    /// The codes of the grid, row by row from the top left: f32 `[side², code size]`.
    pub fn codes(&self) -> Tensor {
        let rows = self.vertical.iter().rev();
        let points: Vec<f64> =
            rows.flat_map(|&y| self.horizontal.iter().flat_map(move |&x| [x, y])).collect();
        let count = points.len() / 2;
        let points = Tensor::from_vec(points, [count, 2]);
        no_grad(|| (points.matmul(&self.axes) + &self.origin).to_dtype(DType::F32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_holds_what_differs_most() {
        // Spread 3 along (0.6, 0.8, 0), 1 along (0, 0, 1), nothing across, about (1, 1, 1).
        let rng = Generator::new(3);
        let numbers = rng.normal([4000, 2], 0.0, 1.0, DType::F64);
        let spread = Tensor::from_slice(&[1.8, 2.4, 0.0, 0.0, 0.0, 1.0], [2, 3]);
        let codes = (numbers.matmul(&spread) + 1.0).to_dtype(DType::F32);
        let plane = Plane::of_codes(&codes, 5).unwrap();
        assert!((plane.share - 1.0).abs() < 1e-6);
        let axes = plane.axes.to_vec::<f64>();
        let sign = axes[0].signum();
        for (found, expected) in axes[..3].iter().zip([0.6, 0.8, 0.0]) {
            assert!((found * sign - expected).abs() < 0.02, "{axes:?}");
        }
        // The middle of five quantiles is the median, the outer ones are those of 10% and 90%.
        assert!(plane.horizontal[2].abs() < 0.15 && (plane.horizontal[4] - 3.0 * 1.2816).abs() < 0.2);
        assert_eq!(plane.codes().dims(), [25, 3]);
    }

    #[test]
    fn grid_codes_lie_where_the_grid_says() {
        let codes = Tensor::from_slice(&[0f32, 0.0, 1.0, 0.0, 4.0, 1.0, 2.0, 7.0], [4, 2]);
        let plane = Plane::of_codes(&codes, 2).unwrap();
        let points = plane.project(&plane.codes());
        let [left, right] = plane.horizontal[..] else { panic!("{plane:?}") };
        let [bottom, top] = plane.vertical[..] else { panic!("{plane:?}") };
        for (found, expected) in
            points.iter().zip([[left, top], [right, top], [left, bottom], [right, bottom]])
        {
            assert!(
                (found[0] - expected[0]).abs() < 1e-5 && (found[1] - expected[1]).abs() < 1e-5,
                "{points:?}"
            );
        }
    }
}
