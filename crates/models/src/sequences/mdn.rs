//! A mixture density network that completes digits: the lower half of an image given the upper one.
//!
//! The upper half of a 3 may be that of an 8 or a 2, so the lower half has several likely forms, which a network that
//! learns the mean would blur into one. This one gives a mixture of K normal distributions instead, for upper half u and
//! lower half y of D pixels:
//!
//! `−ln p(y | u) = −ln Σₖ πₖ(u) · N(y; μₖ(u), σₖ(u)²)`
//!
//! in nats per image. To pixels in steps of 1/255 noise as wide as a step is added, without which a density may grow
//! without bound; deviations have a lower bound for the same reason. A reconstruction is the upper half with the mean of
//! the likeliest component below it.
//!
//! Bishop: Mixture Density Networks, 1994, <https://publications.aston.ac.uk/id/eprint/373/>: the mixture with one
//! deviation a component. The task and the sizes are ours.

use super::mixture::Mixture;
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Layer, Module, Sequential, module};
use wengert_tensor::{Generator, Tensor, scope};

/// Width of the noise that fills the gaps between bytes.
const STEP: f64 = 1.0 / 255.0;

/// The section `[mdn]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// K, the number of components.
    pub components: usize,
    /// Width of the two hidden layers.
    pub hidden: usize,
    /// The least deviation of a component.
    pub least_deviation: f64,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { components: 10, hidden: 400, least_deviation: 0.02, learning_rate: 1e-3 }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "mdn";
    const DESCRIPTION: &'static str = "mixture density network: the lower half of a digit given the upper";
    const PAPER: &'static str = "Bishop 1994, Aston University NCRG/94/004";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("components", self.components, 1..=1024)?;
        ranges.within("hidden", self.hidden, 1..=8192)?;
        ranges.within("least_deviation", self.least_deviation, 1e-4..=1.0)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let model = Mdn::new(&self, images.shape, rng);
        let adam = Adam::new(model.parameters(), self.learning_rate);
        Ok(Box::new(Descent::with(model, NegativeLogLikelihood, adam)))
    }
}

/// The network.
#[derive(Debug)]
pub struct Mdn {
    image_shape: [usize; 3],
    components: usize,
    least_deviation: f64,
    network: Sequential,
}

module!(Mdn { modules: network });

impl Mdn {
    /// A network for images of `[channels, height, width]`.
    pub fn new(options: &Options, image_shape: [usize; 3], rng: &Generator) -> Mdn {
        let &Options { components, hidden, least_deviation, .. } = options;
        let [upper, lower] = sizes(image_shape);
        let outputs = components * (lower + 2);
        let network = mlp(&[upper, hidden, hidden, outputs], Nonlinearity::ReLU, rng);
        let model = Mdn { image_shape, components, least_deviation, network };
        model.assign_names();
        model
    }

    /// Rows of the upper half; the lower has one more where the height is odd.
    fn upper_rows(&self) -> usize {
        self.image_shape[1] / 2
    }

    /// Images as their upper and lower halves, pixels of each in one row.
    fn halves(&self, images: &Tensor) -> [Tensor; 2] {
        let (upper, height) = (self.upper_rows(), self.image_shape[1]);
        [images.narrow(2, 0, upper).flatten(1, -1), images.narrow(2, upper, height - upper).flatten(1, -1)]
    }

    /// The mixture over lower halves `[N, D]` that upper halves `[N, U]` give.
    pub fn mixture(&self, upper: &Tensor) -> Mixture {
        let (count, components) = (upper.dims()[0], self.components);
        let [_, lower] = sizes(self.image_shape);
        let outputs = self.network.forward(upper);
        let means = outputs.narrow(1, 2 * components, components * lower);
        Mixture {
            logits: outputs.narrow(1, 0, components),
            means: means.sigmoid().reshape([count, components, lower]),
            // softplus(0) is 0.69, so a fresh network begins with wide components.
            log_deviations: (outputs.narrow(1, components, components).softplus() + self.least_deviation)
                .log(),
        }
    }
}

/// Pixels of the upper and lower half.
fn sizes([channels, height, width]: [usize; 3]) -> [usize; 2] {
    let upper = height / 2;
    [channels * upper * width, channels * (height - upper) * width]
}

impl Model for Mdn {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// It makes half an image of the other half, not images of codes.
    fn code_size(&self) -> usize {
        0
    }

    /// Upper halves as they are, with the mean of the likeliest component below.
    fn reconstruct(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let ([channels, height, width], rows) = (self.image_shape, self.upper_rows());
        let [upper, _] = self.halves(images);
        let lower = self.mixture(&upper).likeliest_mean();
        let lower = lower.reshape([images.dims()[0], channels, height - rows, width]);
        Some(Tensor::cat(&[&images.narrow(2, 0, rows), &lower], 2))
    }
}

/// The negative log-likelihood, in nats an image.
#[derive(Debug)]
struct NegativeLogLikelihood;

impl Objective<Mdn> for NegativeLogLikelihood {
    fn losses(&self, network: &Mdn, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let [upper, lower] = network.halves(&batch.images);
        let noise = rng.uniform(lower.shape(), -0.5 * STEP, 0.5 * STEP, lower.dtype());
        let mixture = network.mixture(&upper);
        let _scope = scope::enter("loss");
        let total = -mixture.log_density(&(lower + noise)).mean_all();
        // How many components are in use for an image: e to the entropy of π.
        let log_shares = mixture.logits.detach().log_softmax(1);
        let in_use = (-(log_shares.exp() * &log_shares).sum(&[1], false)).exp().mean_all();
        Losses { total, terms: vec![("components_in_use", in_use)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn a_completion_keeps_the_upper_half() {
        let rng = Generator::new(1);
        for shape in [[1, 6, 4], [3, 5, 4]] {
            let model = Mdn::new(&Options { hidden: 8, ..Options::default() }, shape, &rng);
            let images = rng.uniform([2, shape[0], shape[1], shape[2]], 0.0, 1.0, DType::F32);
            let whole = model.reconstruct(&images, None).unwrap();
            assert_eq!(whole.dims(), images.dims());
            let upper = |images: &Tensor| images.narrow(2, 0, shape[1] / 2).to_vec::<f32>();
            assert_eq!(upper(&whole), upper(&images));
            let mixture = model.mixture(&model.halves(&images)[0]);
            let least = mixture.log_deviations.min_all().exp().item();
            assert!(least > Options::default().least_deviation, "{least}");
            assert_eq!(mixture.means.dims(), [2, 10, shape[0] * shape[1].div_ceil(2) * 4]);
        }
    }
}
