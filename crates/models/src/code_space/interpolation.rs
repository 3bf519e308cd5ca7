//! The way from one code to another.
//!
//! Codes of D numbers, if these are many, from N(0, σ²) lie near a sphere of radius σ√D. The straight line between two of them passes through
//! the inside, where there are none; the great circle stays where the decoder has learnt to see codes (Shoemake: Animating
//! Rotation with Quaternion Curves, 1985; White: Sampling Generative Networks, 2016, <https://arxiv.org/abs/1609.04468>).

use crate::{CodePart, Model};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// A kind of way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// (1 − t)·a + t·b.
    Straight,
    /// (sin((1 − t)θ)·a + sin(tθ)·b) / sin θ, with θ the angle between a and b.
    GreatCircle,
}

impl Path {
    /// The great circle where the codes have a prior N(0, σ²), the straight line elsewhere.
    pub fn of(model: &dyn Model) -> Path {
        if has_normal_prior(model) { Path::GreatCircle } else { Path::Straight }
    }
}

/// Whether the model draws its codes from N(0, σ²): those that it draws are then multiples of the generator's next normal
/// numbers, all of the same.
pub fn has_normal_prior(model: &dyn Model) -> bool {
    prior_deviation(model).is_some()
}

/// σ of a model that draws its codes from N(0, σ²); `None` for any other.
pub fn prior_deviation(model: &dyn Model) -> Option<f32> {
    const DRAWS: usize = 8;
    let (drawn, normal) = (Generator::new(0), Generator::new(0));
    let normal = normal.normal([DRAWS, model.code_size()], 0.0, 1.0, DType::F32);
    let drawn = no_grad(|| model.draw_codes(DRAWS, &drawn));
    let (drawn, normal) = (drawn.to_vec::<f32>(), normal.to_vec::<f32>());
    let deviation = drawn.first().zip(normal.first()).map(|(drawn, normal)| drawn / normal)?;
    let pairs = || drawn.iter().zip(&normal);
    let is_normal = drawn.len() == normal.len()
        && pairs().all(|(drawn, normal)| (drawn - deviation * normal).abs() <= 1e-5 * drawn.abs());
    is_normal.then_some(deviation)
}

/// Codes on the way from one code to another, both ends with them: `[steps, code size]`, evenly spaced in t.
///
/// The great circle is for the numbers of the code; categories go straight from one to the other.
pub fn between(from: &[f32], to: &[f32], steps: usize, path: Path, parts: &[CodePart]) -> Tensor {
    let is_number: Vec<bool> =
        parts.iter().flat_map(|part| vec![*part == CodePart::Number; part.width()]).collect();
    let angle = match path {
        Path::Straight => 0.0,
        Path::GreatCircle => angle(from, to, &is_number),
    };
    let mut codes = Vec::with_capacity(steps * from.len());
    for step in 0..steps {
        let t = step as f64 / (steps - 1).max(1) as f64;
        let circle = shares(t, angle);
        for (index, (&a, &b)) in from.iter().zip(to).enumerate() {
            let (of_a, of_b) = if is_number.get(index) == Some(&true) { circle } else { (1.0 - t, t) };
            codes.push((of_a * f64::from(a) + of_b * f64::from(b)) as f32);
        }
    }
    Tensor::from_vec(codes, [steps, from.len()])
}

/// How much of each end a code holds. Ends in the same direction, and opposite ones, which many great circles join, have
/// a straight way.
fn shares(t: f64, angle: f64) -> (f64, f64) {
    let sine = angle.sin();
    match sine.abs() < 1e-4 {
        true => (1.0 - t, t),
        false => (((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine),
    }
}

/// The angle between two codes as far as they are numbers; 0 where one of them is.
fn angle(from: &[f32], to: &[f32], is_number: &[bool]) -> f64 {
    let product = |one: &[f32], other: &[f32]| -> f64 {
        let numbers = one.iter().zip(other).zip(is_number).filter(|(_, is_number)| **is_number);
        numbers.map(|((&a, &b), _)| f64::from(a) * f64::from(b)).sum()
    };
    let lengths = (product(from, from) * product(to, to)).sqrt();
    if lengths == 0.0 { 0.0 } else { (product(from, to) / lengths).clamp(-1.0, 1.0).acos() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::FRAC_1_SQRT_2;

    fn way(from: &[f32], to: &[f32], path: Path, parts: &[CodePart]) -> Vec<f32> {
        between(from, to, 3, path, parts).to_vec()
    }

    fn close(found: Vec<f32>, expected: &[f32]) {
        let pairs = || found.iter().zip(expected);
        assert!(found.len() == expected.len() && pairs().all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn ways_have_the_middles_of_their_formulas() {
        let numbers = [CodePart::Number; 2];
        close(way(&[1.0, 0.0], &[0.0, 1.0], Path::Straight, &numbers), &[1.0, 0.0, 0.5, 0.5, 0.0, 1.0]);
        let half = FRAC_1_SQRT_2;
        close(way(&[1.0, 0.0], &[0.0, 1.0], Path::GreatCircle, &numbers), &[1.0, 0.0, half, half, 0.0, 1.0]);
        // No great circle is the one between opposite codes, and none leads to the origin.
        close(way(&[1.0, 0.0], &[-1.0, 0.0], Path::GreatCircle, &numbers), &[1.0, 0.0, 0.0, 0.0, -1.0, 0.0]);
        close(way(&[0.0, 0.0], &[2.0, 0.0], Path::GreatCircle, &numbers), &[0.0, 0.0, 1.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn categories_go_straight() {
        let parts = [CodePart::Number, CodePart::Number, CodePart::Category(2)];
        let found = way(&[1.0, 0.0, 1.0, 0.0], &[0.0, 1.0, 0.0, 1.0], Path::GreatCircle, &parts);
        close(found[4..8].to_vec(), &[FRAC_1_SQRT_2, FRAC_1_SQRT_2, 0.5, 0.5]);
    }

    /// Draws codes of the numbers of its generator by its own rule.
    #[derive(Debug)]
    struct Drawing(fn(&Tensor) -> Tensor);
    wengert_nn::module!(Drawing {});

    impl Model for Drawing {
        fn image_shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }

        fn code_size(&self) -> usize {
            3
        }

        fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
            (self.0)(&rng.normal([count, 3], 0.0, 1.0, DType::F32))
        }
    }

    #[test]
    fn a_normal_prior_is_known_by_its_draws() {
        let path = |rule| Path::of(&Drawing(rule));
        assert_eq!(path(|normal| normal.clone()), Path::GreatCircle);
        assert_eq!(path(|normal| normal * 5.0), Path::GreatCircle);
        assert_eq!(path(|normal| normal + 1.0), Path::Straight);
        assert_eq!(path(|normal| normal.tanh()), Path::Straight);
    }

    #[test]
    fn a_single_step_is_where_the_way_begins() {
        assert_eq!(between(&[3.0], &[4.0], 1, Path::Straight, &[CodePart::Number]).to_vec::<f32>(), [3.0]);
    }
}
