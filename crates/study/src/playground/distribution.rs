//! Distributions of points in the plane: what the networks learn.

use serde::{Deserialize, Serialize};
use std::f32::consts::{PI, TAU};
use wengert_tensor::{DType, Generator, Tensor};

/// A point of the plane.
pub type Point = [f32; 2];

/// The part of the plane that is looked at reaches from −`HALF` to `HALF` on both axes. Every distribution lies in it.
pub const HALF: f32 = 1.5;

/// Points that may be drawn.
pub const MOST_POINTS: usize = 2000;

/// Standard deviation around a drawn point.
const DRAWN: f32 = 0.03;

/// A shape by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Eight normal distributions on a circle of radius 1, with the standard deviation 0.05.
    EightGaussians,
    /// Twenty-five on a grid, half a unit apart, with the standard deviation 0.03.
    Grid,
    /// A circle of radius 1, with the standard deviation 0.04 across.
    Ring,
    /// Two half circles, one reaching into the other.
    Moons,
    /// An arm of one and a half turns.
    Spiral,
    /// The eight dark squares of a board of four by four.
    Checkerboard,
    /// Around points of the user's.
    Drawn,
}

impl Shape {
    /// All shapes with their titles.
    pub const ALL: [(Shape, &'static str); 7] = [
        (Shape::EightGaussians, "8 Gaussians"),
        (Shape::Grid, "25 Gaussians"),
        (Shape::Ring, "Ring"),
        (Shape::Moons, "Two moons"),
        (Shape::Spiral, "Spiral"),
        (Shape::Checkerboard, "Checkerboard"),
        (Shape::Drawn, "Drawn by you"),
    ];
}

/// The centres of a mixture of round normal distributions.
#[derive(Debug, Clone, PartialEq)]
pub struct Modes {
    /// Where they are.
    pub centres: Vec<Point>,
    /// Their standard deviation along each axis.
    pub deviation: f32,
}

/// Where real points come from.
#[derive(Debug, Clone)]
pub struct Distribution {
    shape: Shape,
    points: Vec<Point>,
}

impl Distribution {
    /// A shape; `points` are those of the user, and count for [`Shape::Drawn`] only.
    ///
    /// # Errors
    /// When points are needed and there are none or too many, or one lies outside the plane that is looked at.
    pub fn new(shape: Shape, points: &[[f64; 2]]) -> Result<Self, String> {
        if points.len() > MOST_POINTS {
            return Err(format!("there are {} points; at most {MOST_POINTS} can be drawn", points.len()));
        }
        if shape == Shape::Drawn && points.is_empty() {
            return Err("no points are drawn; draw some, or choose another distribution".into());
        }
        let half = f64::from(HALF);
        let outside = |point: &&[f64; 2]| !point.iter().all(|x| (-half..=half).contains(x));
        if let Some([x, y]) = points.iter().find(outside) {
            return Err(format!("the point ({x}, {y}) must lie between −{HALF} and {HALF} on both axes"));
        }
        let points = points.iter().map(|point| point.map(|x| x as f32)).collect();
        Ok(Self { shape, points })
    }

    /// The modes, where the distribution is a mixture that has some.
    pub fn modes(&self) -> Option<Modes> {
        match self.shape {
            Shape::EightGaussians => {
                let centre = |k| [(TAU * k as f32 / 8.0).cos(), (TAU * k as f32 / 8.0).sin()];
                Some(Modes { centres: (0..8).map(centre).collect(), deviation: 0.05 })
            }
            Shape::Grid => {
                let centre = |k| [(k % 5) as f32 * 0.5 - 1.0, (k / 5) as f32 * 0.5 - 1.0];
                Some(Modes { centres: (0..25).map(centre).collect(), deviation: 0.03 })
            }
            _ => None,
        }
    }

    /// `count` points, drawn independently.
    pub fn sample(&self, count: usize, rng: &Generator) -> Vec<Point> {
        let shares = rng.uniform([count, 3], 0.0, 1.0, DType::F32).to_vec::<f32>();
        let noise = rng.normal([count, 2], 0.0, 1.0, DType::F32).to_vec::<f32>();
        let modes = self.modes();
        shares
            .chunks_exact(3)
            .zip(noise.chunks_exact(2))
            .map(|(share, noise)| {
                self.point([share[0], share[1], share[2]], [noise[0], noise[1]], modes.as_ref())
            })
            .collect()
    }

    /// The point that belongs to three uniform numbers from [0, 1) and two normal ones.
    fn point(&self, [a, b, c]: [f32; 3], noise: Point, modes: Option<&Modes>) -> Point {
        let around = |[x, y]: Point, deviation: f32| [x + deviation * noise[0], y + deviation * noise[1]];
        let pick = |points: &[Point]| points[((a * points.len() as f32) as usize).min(points.len() - 1)];
        if let Some(modes) = modes {
            return around(pick(&modes.centres), modes.deviation);
        }
        match self.shape {
            Shape::Ring => {
                let radius = 1.0 + 0.04 * noise[0];
                [radius * (TAU * a).cos(), radius * (TAU * a).sin()]
            }
            Shape::Moons => {
                let (x, y) = ((PI * b).cos(), (PI * b).sin());
                let point = if a < 0.5 { [x - 0.5, y - 0.25] } else { [0.5 - x, 0.25 - y] };
                around(point.map(|x| 0.85 * x), 0.04)
            }
            Shape::Spiral => {
                // The square root spreads the points evenly along the arm.
                let turn = 3.0 * PI * a.sqrt();
                let radius = 1.2 * turn / (3.0 * PI);
                around([radius * turn.cos(), radius * turn.sin()], 0.03)
            }
            Shape::Checkerboard => {
                let square = ((a * 8.0) as usize).min(7);
                let (row, column) = (square / 2, 2 * (square % 2) + (square / 2) % 2);
                [(column as f32 + b) * 0.6 - 1.2, (row as f32 + c) * 0.6 - 1.2]
            }
            Shape::Drawn | Shape::EightGaussians | Shape::Grid => around(pick(&self.points), DRAWN),
        }
    }
}

/// Points as a tensor, `[count, 2]`.
pub fn tensor(points: &[Point]) -> Tensor {
    Tensor::from_slice(points.as_flattened(), [points.len(), 2])
}

/// The points in a tensor `[count, 2]`.
pub fn points(tensor: &Tensor) -> Vec<Point> {
    tensor.to_vec::<f32>().chunks_exact(2).map(|point| [point[0], point[1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance([x, y]: Point, [u, v]: Point) -> f32 {
        (x - u).hypot(y - v)
    }

    fn sample(shape: Shape) -> Vec<Point> {
        Distribution::new(shape, &[[0.5, -0.5], [-1.0, 1.0]]).unwrap().sample(4000, &Generator::new(1))
    }

    #[test]
    fn every_shape_lies_in_the_plane_and_is_spread() {
        for (shape, title) in Shape::ALL {
            let points = sample(shape);
            assert_eq!(points.len(), 4000);
            assert!(points.iter().flatten().all(|x| x.abs() <= HALF), "{title}");
            for axis in 0..2 {
                let mean = points.iter().map(|point| point[axis]).sum::<f32>() / 4000.0;
                let variance = points.iter().map(|point| (point[axis] - mean).powi(2)).sum::<f32>() / 4000.0;
                assert!(variance > 0.1, "{title}: {variance}");
            }
            assert_eq!(points, sample(shape), "{title}: the same seed gives the same points");
        }
    }

    #[test]
    fn modes_get_equal_shares_within_three_deviations() {
        for shape in [Shape::EightGaussians, Shape::Grid] {
            let modes = Distribution::new(shape, &[]).unwrap().modes().unwrap();
            let points = sample(shape);
            let count = |centre: &Point| {
                points.iter().filter(|point| distance(**point, *centre) < 3.0 * modes.deviation).count()
            };
            let fair = 4000 / modes.centres.len();
            for centre in &modes.centres {
                let found = count(centre);
                assert!(
                    found > fair * 7 / 10 && found < fair * 13 / 10,
                    "{shape:?} {centre:?}: {found} of {fair}"
                );
            }
        }
    }

    #[test]
    fn shapes_are_what_they_are_called() {
        for point in sample(Shape::Ring) {
            assert!((distance(point, [0.0, 0.0]) - 1.0).abs() < 0.25);
        }
        for [x, y] in sample(Shape::Checkerboard) {
            let cell = |x: f32| ((x + 1.2) / 0.6) as usize;
            assert!(cell(x) % 2 == cell(y) % 2, "({x}, {y}) is in a light square");
        }
        for point in sample(Shape::Drawn) {
            assert!(distance(point, [0.5, -0.5]).min(distance(point, [-1.0, 1.0])) < 0.2);
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let refused = |points: &[[f64; 2]]| Distribution::new(Shape::Drawn, points).unwrap_err();
        assert!(refused(&[]).contains("no points"));
        assert!(refused(&[[0.0, 1.6]]).contains("(0, 1.6)"));
        assert!(refused(&[[f64::NAN, 0.0]]).contains("NaN"));
        assert!(refused(&[[0.0, f64::INFINITY]]).contains("inf"));
        assert!(refused(&vec![[0.0, 0.0]; MOST_POINTS + 1]).contains("2001 points"));
    }
}
