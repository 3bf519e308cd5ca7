//! Penalties on the slope of a critic.
//!
//! With ‖∇‖ the Euclidean norm over all pixels of one image of the gradient of the critic's score by that image, the mean
//! over the batch of
//!
//! - two-sided: k·(‖∇‖ − 1)² (Gulrajani et al., 2017, <https://arxiv.org/abs/1704.00028>),
//! - one-sided: k·max(‖∇‖ − 1, 0)² (same, and Petzka et al., 2017, <https://arxiv.org/abs/1709.08894>),
//! - power: k·‖∇‖ᵖ (WGAN-div: Wu et al., 2017, <https://arxiv.org/abs/1712.01026>; with p = 2 and k = γ/2 at the real
//!   images it is the R₁ of Mescheder et al., 2018, <https://arxiv.org/abs/1801.04406>).

use crate::Result;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{DType, Generator, Tensor};

/// What is made of the norm of a slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// (‖∇‖ − 1)²: every slope is drawn towards 1.
    TwoSided,
    /// max(‖∇‖ − 1, 0)²: only slopes above 1 pay.
    OneSided,
    /// ‖∇‖ᵖ.
    Power(f64),
}

/// Where slopes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the straight lines from made to real images, at a uniformly drawn point of each.
    Between,
    /// Around the real images: x + ½·α·s·u with s the standard deviation of all real pixels, u uniform in 0..1 for each
    /// pixel and α for each image, as in the code of DRAGAN (Kodali et al., 2017, arXiv:1705.07215).
    AroundData,
    /// At the real images.
    Real,
}

/// A penalty on slopes.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientPenalty {
    /// k.
    pub weight: f64,
    /// What is made of the norms.
    pub form: Form,
    /// Where they are taken.
    pub place: Place,
}

impl GradientPenalty {
    /// The weighted penalty of the critic that gives these scores `[N]` of images, a mean per image. It can be
    /// differentiated by the critic's parameters.
    ///
    /// # Errors
    /// When the scores do not depend on the images by ops with gradients.
    pub fn apply(
        &self,
        scores: impl Fn(&Tensor) -> Tensor,
        real: &Tensor,
        fake: &Tensor,
        rng: &Generator,
    ) -> Result<Tensor> {
        let images = self.points(real, fake, rng).detach().requires_grad_(true);
        let norms = slopes(&scores(&images), &images)?;
        let penalties = match self.form {
            Form::TwoSided => (norms - 1.0).square(),
            Form::OneSided => (norms - 1.0).relu().square(),
            Form::Power(power) => norms.pow_scalar(power),
        };
        Ok(penalties.mean_all() * self.weight)
    }

    fn points(&self, real: &Tensor, fake: &Tensor, rng: &Generator) -> Tensor {
        // A number for each image.
        let shares = || {
            let mut shape = vec![1; real.rank()];
            shape[0] = real.dims()[0];
            rng.uniform(shape, 0.0, 1.0, DType::F32)
        };
        match self.place {
            Place::Between => fake + shares() * (real - fake),
            Place::AroundData => {
                let all: Vec<isize> = (0..real.rank() as isize).collect();
                let deviation = real.var(&all, 0.0, false).sqrt();
                real + shares() * rng.uniform(real.dims(), 0.0, 0.5, DType::F32) * deviation
            }
            Place::Real => real.clone(),
        }
    }
}

/// ‖∇‖ of each image, `[N]`, over all its pixels.
fn slopes(scores: &Tensor, images: &Tensor) -> Result<Tensor> {
    let options = GradOptions { create_graph: true, ..GradOptions::default() };
    // The score of an image depends on that image alone, so the gradient of the sum holds the gradient of each.
    let gradient = grad(&[&scores.sum_all()], &[images], options)?.remove(0);
    Ok(gradient.flatten(1, -1).norm(2.0, &[1], false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A linear critic w·x has the slope ‖w‖ everywhere: here 5, from axes that differ.
    fn penalty(form: Form, place: Place) -> (f64, Vec<f32>) {
        let rng = Generator::new(0);
        let weight = Tensor::from_slice(&[3f32, 0.0, 0.0, 4.0], [4, 1]).requires_grad_(true);
        let [real, fake] = [0, 1].map(|_| rng.normal([6, 1, 2, 2], 0.0, 1.0, DType::F32));
        let critic = |images: &Tensor| images.flatten(1, -1).matmul(&weight).flatten(0, -1);
        let penalty =
            GradientPenalty { weight: 10.0, form, place }.apply(critic, &real, &fake, &rng).unwrap();
        penalty.backward().unwrap();
        (penalty.item(), weight.grad().unwrap().to_vec())
    }

    fn holds(found: (f64, Vec<f32>), value: f64, along: f64) {
        assert!((found.0 - value).abs() < 1e-4 * value.abs(), "{found:?}");
        // Every form depends on w by its norm, so its gradient is a multiple of w / ‖w‖ = (0.6, 0, 0, 0.8).
        for (found, direction) in found.1.iter().zip([0.6, 0.0, 0.0, 0.8]) {
            assert!((f64::from(*found) - along * direction).abs() < 1e-4 * along.abs(), "{found} {along}");
        }
    }

    #[test]
    fn value_and_gradient_of_a_linear_critic() {
        for place in [Place::Between, Place::AroundData, Place::Real] {
            holds(penalty(Form::TwoSided, place), 10.0 * 16.0, 10.0 * 8.0);
            holds(penalty(Form::OneSided, place), 10.0 * 16.0, 10.0 * 8.0);
            holds(penalty(Form::Power(6.0), place), 10.0 * 15_625.0, 10.0 * 6.0 * 3_125.0);
        }
    }

    #[test]
    fn one_sided_lets_gentle_slopes_pass() {
        let images = Tensor::ones([2, 3], DType::F32);
        let apply = |form| {
            let penalty = GradientPenalty { weight: 1.0, form, place: Place::Real };
            let gentle = |images: &Tensor| (images * 0.1).sum(&[1], false);
            penalty.apply(gentle, &images, &images, &Generator::new(0)).unwrap().item()
        };
        assert_eq!(apply(Form::OneSided), 0.0);
        assert!((apply(Form::TwoSided) - (1.0 - 0.1 * 3f64.sqrt()).powi(2)).abs() < 1e-6);
    }

    #[test]
    fn points_lie_where_they_should() {
        let rng = Generator::new(0);
        let (real, fake) =
            (Tensor::ones([64, 1, 2, 2], DType::F32), Tensor::zeros([64, 1, 2, 2], DType::F32));
        let points =
            |place| GradientPenalty { weight: 1.0, form: Form::TwoSided, place }.points(&real, &fake, &rng);
        let between = points(Place::Between).to_vec::<f32>();
        // All pixels of an image lie at the same share of its line, and images at shares of their own.
        assert!(between.chunks(4).all(|pixels| pixels.iter().all(|&pixel| pixel == pixels[0])));
        assert!(between.iter().all(|&pixel| (0.0..=1.0).contains(&pixel)));
        assert!(between[0] != between[4]);
        // Real pixels that are all equal have no spread, so there is nothing around them.
        assert_eq!(points(Place::AroundData).to_vec::<f32>(), real.to_vec::<f32>());
    }

    #[test]
    fn images_lie_at_distances_of_their_own_around_the_data() {
        let rng = Generator::new(0);
        let real = rng.normal([64, 1, 16, 16], 0.0, 1.0, DType::F32);
        let penalty = GradientPenalty { weight: 1.0, form: Form::TwoSided, place: Place::AroundData };
        let moved = penalty.points(&real, &real, &rng) - &real;
        // Half of α, which is uniform, times half a deviation of 1, at most.
        let means = moved.mean(&[1, 2, 3], false).to_vec::<f32>();
        assert!(means.iter().all(|mean| (0.0..0.3).contains(mean)), "{means:?}");
        assert!((means.iter().sum::<f32>() / 64.0 - 0.125).abs() < 0.04, "{means:?}");
        assert!(means.iter().any(|&mean| mean < 0.05) && means.iter().any(|&mean| mean > 0.2), "{means:?}");
    }
}
