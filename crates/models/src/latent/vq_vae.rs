//! VQ-VAE: a picture as a grid of entries of a codebook, and a small autoregressive prior over such grids to draw new ones
//! from.
//!
//! `−ln p(x | e) + β·‖z − sg(e)‖² − ln p(k)`
//!
//! where z are the vectors of the encoder, e the entries k nearest to them and sg stops gradients. The decoder's gradient
//! goes past the choice straight to the encoder; the entries follow the vectors by moving averages, see
//! [`Codebook`]; the prior p(k), a [`GridPrior`], is trained along
//! on numbers, through which no gradient reaches the encoder. With a likelihood in nats the first and the last term are
//! minus a bound on ln p(x), since q(k | x) is certain. `perplexity` is e to the entropy of the use of the entries in a
//! batch.
//!
//! β = 0.25 and the decay of 0.99 are the paper's; 256 entries are enough for pictures of one channel.
//!
//! van den Oord, Vinyals, Kavukcuoglu 2017: Neural Discrete Representation Learning, <https://arxiv.org/abs/1711.00937>.

use super::codebook::Codebook;
use super::grid_prior::GridPrior;
use crate::autoencoders::likelihood::Likelihood;
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Error, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Conv2d, ConvTranspose2d, Flatten, Layer, Module, ReLU, Sequential, module};
use wengert_tensor::autograd::straight_through;
use wengert_tensor::ops::loss::Reduction;
use wengert_tensor::{Generator, Tensor, no_grad, scope};

/// The section `[vq-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Entries of the codebook.
    pub entries: usize,
    /// Numbers in an entry.
    pub entry_size: usize,
    /// Channels of the convolution nearest to the image; the next has twice as many.
    pub width: usize,
    /// β, how strongly the encoder is held to the entries.
    pub commitment: f64,
    /// Decay of the moving averages that entries follow.
    pub decay: f64,
    /// Width of the recurrent network of the prior.
    pub prior_hidden: usize,
    /// What a picture is compared with its reconstruction by: `bernoulli`, `l1`, `l2` or `gaussian`.
    pub reconstruction: String,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            entries: 256,
            entry_size: 16,
            width: 32,
            commitment: 0.25,
            decay: 0.99,
            prior_hidden: 128,
            reconstruction: "bernoulli".into(),
            learning_rate: 1e-3,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "vq-vae";
    const DESCRIPTION: &'static str =
        "VQ-VAE: grids of codebook entries, and an autoregressive prior over them";
    const PAPER: &'static str = "van den Oord et al. 2017, arXiv:1711.00937";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("entries", self.entries, 2..=65_536)?;
        ranges.within("entry_size", self.entry_size, 1..=1024)?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("commitment", self.commitment, 0.0..=1e6)?;
        ranges.within("decay", self.decay, 0.0..=1.0)?;
        ranges.within("prior_hidden", self.prior_hidden, 1..=4096)?;
        Likelihood::check(&self.reconstruction, ranges)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = VqVae::new(&self, images, rng)?;
        let adam = Adam::new(network.parameters(), self.learning_rate);
        let objective = Quantised { commitment: self.commitment };
        Ok(Box::new(Descent::with(network, objective, adam)))
    }
}

/// The networks, the codebook and the prior.
#[derive(Debug)]
pub struct VqVae {
    image_shape: [usize; 3],
    /// Sides of the grid.
    sides: [usize; 2],
    entry_size: usize,
    encoder: Sequential,
    codebook: Codebook,
    decoder: Sequential,
    likelihood: Likelihood,
    prior: GridPrior,
}

module!(VqVae { modules: encoder, codebook, decoder, likelihood, prior });

impl VqVae {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the sides of the images are not a multiple of 4.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> Result<VqVae> {
        let [channels, height, width] = images.shape;
        if height % 4 != 0 || width % 4 != 0 {
            return Err(Error::setting(format!(
                "vq-vae halves the sides of images twice, so they must be multiples of 4; these are {height} × {width}"
            )));
        }
        let (sides, first, second) = ([height / 4, width / 4], options.width, 2 * options.width);
        let halve = |from, to| Conv2d::builder(from, to, 4).stride(2).padding(1).build(rng);
        let double = |from, to| ConvTranspose2d::builder(from, to, 4).stride(2).padding(1).build(rng);
        let keep = |from, to| Conv2d::builder(from, to, 3).padding(1).build(rng);
        let model = VqVae {
            image_shape: images.shape,
            sides,
            entry_size: options.entry_size,
            encoder: Sequential::new()
                .add(halve(channels, first))
                .add(ReLU::new())
                .add(halve(first, second))
                .add(ReLU::new())
                .add(keep(second, options.entry_size)),
            codebook: Codebook::new(options.entries, options.entry_size, options.decay),
            decoder: Sequential::new()
                .add(keep(options.entry_size, second))
                .add(ReLU::new())
                .add(double(second, first))
                .add(ReLU::new())
                .add(double(first, channels))
                .add(Flatten::new()),
            likelihood: Likelihood::new(&options.reconstruction)?,
            prior: GridPrior::new(sides, options.entries, options.prior_hidden, rng),
        };
        model.assign_names();
        Ok(model)
    }

    fn places(&self) -> usize {
        self.sides[0] * self.sides[1]
    }

    /// The vectors of images, `[batch, entry size, rows, columns]`.
    fn vectors(&self, images: &Tensor) -> Tensor {
        self.encoder.forward(images)
    }

    /// Vectors one below the other, `[batch · places, entry size]`.
    fn rows(&self, vectors: &Tensor) -> Tensor {
        vectors.permute(&[0, 2, 3, 1]).reshape([vectors.dims()[0] * self.places(), self.entry_size])
    }

    /// Vectors in their places again, `[batch, entry size, rows, columns]`.
    fn planes(&self, rows: &Tensor) -> Tensor {
        let [height, width] = self.sides;
        let batch = rows.dims()[0] / self.places();
        rows.reshape([batch, height, width, self.entry_size]).permute(&[0, 3, 1, 2]).contiguous()
    }

    /// The numbers of the entries of images, i64 `[batch, places]`.
    pub fn numbers(&self, images: &Tensor) -> Tensor {
        let rows = self.rows(&self.vectors(images));
        self.codebook.nearest(&rows).reshape([images.dims()[0], self.places()])
    }

    /// The code of these numbers: their entries, `[batch, entry size · places]`.
    fn code(&self, numbers: &Tensor) -> Tensor {
        self.planes(&self.codebook.look_up(&numbers.flatten(0, 1))).flatten(1, -1)
    }
}

/// β beside the likelihoods.
#[derive(Debug)]
struct Quantised {
    commitment: f64,
}

impl Objective<VqVae> for Quantised {
    fn losses(&self, network: &VqVae, batch: &Batch, rng: &Generator, step: Option<u64>) -> Losses {
        let count = batch.images.dims()[0];
        let vectors = network.vectors(&batch.images);
        let rows = network.rows(&vectors);
        let numbers = network.codebook.nearest(&rows);
        let entries = network.planes(&network.codebook.look_up(&numbers));
        let outputs = network.decoder.forward(&straight_through(&vectors, &entries));
        let reconstruction = network.likelihood.loss(&outputs, &batch.images.flatten(1, -1));
        let _scope = scope::enter("loss");
        let commitment = vectors.mse_loss(&entries, Reduction::Sum) * (1.0 / count as f64);
        let perplexity = network.codebook.perplexity(&numbers);
        if step.is_some() {
            no_grad(|| network.codebook.follow(&rows, &numbers, rng)).expect("vectors fit their codebook");
        }
        let grids = numbers.reshape([count, network.places()]);
        let prior = network.prior.negative_log_likelihood(&grids).mean_all();
        let total = &reconstruction + &commitment * self.commitment + &prior;
        let terms = vec![
            ("reconstruction", reconstruction),
            ("commitment", commitment),
            ("prior", prior),
            ("perplexity", perplexity),
        ];
        Losses { total, terms }
    }
}

impl Model for VqVae {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.entry_size * self.places()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        self.code(&self.prior.draw(count, rng))
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let count = codes.dims()[0];
        let ([rows, columns], [channels, height, width]) = (self.sides, self.image_shape);
        let outputs = self.decoder.forward(&codes.reshape([count, self.entry_size, rows, columns]));
        Some(self.likelihood.mean(&outputs).reshape([count, channels, height, width]))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.code(&self.numbers(images)))
    }

    fn log_weights(
        &self,
        images: &Tensor,
        _labels: Option<&Tensor>,
        samples: usize,
        _rng: &Generator,
    ) -> Option<Tensor> {
        // The code of an image is certain, so that one sample says all.
        let numbers = self.numbers(images);
        let outputs = self.decoder.forward(&self.planes(&self.codebook.look_up(&numbers.flatten(0, 1))));
        let weights = self.likelihood.log_density(&outputs, &images.flatten(1, -1))
            - self.prior.negative_log_likelihood(&numbers);
        Some(weights.unsqueeze(0).expand([samples, images.dims()[0]]).contiguous())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;
    use wengert_tensor::DType;

    fn small() -> (VqVae, Batch) {
        let rng = Generator::new(1);
        let options = Options { entries: 8, entry_size: 3, width: 4, prior_hidden: 6, ..Options::default() };
        let network = VqVae::new(&options, &ImageSet { shape: [1, 8, 12], classes: 2 }, &rng).unwrap();
        let batch = Batch {
            images: rng.uniform([5, 1, 8, 12], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([5], DType::I64),
            indices: (0..5).collect(),
            position: Position::default(),
        };
        (network, batch)
    }

    #[test]
    fn rows_go_back_to_their_places() {
        let (network, batch) = small();
        let vectors = network.vectors(&batch.images);
        assert_eq!(vectors.dims(), [5, 3, 2, 3]);
        assert_eq!(network.planes(&network.rows(&vectors)).to_vec::<f32>(), vectors.to_vec::<f32>());
        // The third row of the second image is its place (0, 2).
        let row = network.rows(&vectors).select(0, 6 + 2).to_vec::<f32>();
        assert_eq!(row, vectors.select(0, 1).select(1, 0).select(1, 2).to_vec::<f32>());
    }

    #[test]
    fn the_decoders_gradient_reaches_the_encoder_and_the_priors_does_not() {
        let (network, batch) = small();
        let objective = Quantised { commitment: 0.0 };
        objective.losses(&network, &batch, &Generator::new(2), Some(0));
        let gradient = |which: &str| {
            network.zero_grad();
            let losses = objective.losses(&network, &batch, &Generator::new(2), None);
            let term = losses.terms.iter().find(|(name, _)| *name == which).unwrap().1.clone();
            term.backward().unwrap();
            let moved = |module: &dyn Module| module.parameters().iter().any(|p| p.grad().is_some());
            (moved(&network.encoder), moved(&network.decoder), moved(&network.prior))
        };
        assert_eq!(gradient("reconstruction"), (true, true, false));
        assert_eq!(gradient("commitment"), (true, false, false));
        assert_eq!(gradient("prior"), (false, false, true));
    }

    #[test]
    fn an_evaluation_leaves_the_codebook_alone_and_a_step_does_not() {
        let (network, batch) = small();
        let objective = Quantised { commitment: 0.25 };
        let entries = || network.codebook.entries.to_vec::<f32>();
        let before = entries();
        objective.losses(&network, &batch, &Generator::new(2), None);
        assert_eq!(entries(), before);
        objective.losses(&network, &batch, &Generator::new(2), Some(0));
        assert_ne!(entries(), before);
    }

    #[test]
    fn the_bound_is_minus_the_loss_without_commitment() {
        let (network, batch) = small();
        let objective = Quantised { commitment: 0.0 };
        objective.losses(&network, &batch, &Generator::new(2), Some(0));
        let loss = objective.losses(&network, &batch, &Generator::new(2), None).total.item();
        let weights = network.log_weights(&batch.images, None, 2, &Generator::new(3)).unwrap();
        assert!((weights.mean_all().item() + loss).abs() < 1e-3, "{} {loss}", weights.mean_all().item());
    }
}
