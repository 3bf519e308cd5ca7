//! `co-gan`: two GANs of two domains that learn pairs of images without ever seeing one.
//!
//! The generators share all layers but the last, the discriminators all but the first, so what a code means is decided for
//! both domains together and only its rendering for each. Each pair plays the game of cross-entropies with logits dᵢ and
//! sp(x) = ln(1 + eˣ): Dᵢ pays sp(−dᵢ(xᵢ)) + sp(dᵢ(Gᵢ(z))), Gᵢ pays sp(−dᵢ(Gᵢ(z))), with one z for both generators.
//!
//! The second domain is made from the data: edge images (`domain = "edges"`: what 3 × 3 dilation adds to an image), or
//! negatives (`"negative"`: 1 − x). Images of even number in the data set belong to the first domain and the others to the
//! second, so that no image is seen in both.
//!
//! The last number of a code says which domain to decode it in: below 0 the first. [`Model::draw_codes`] gives each code
//! twice, for one domain and the other, so that pairs stand side by side in a picture.
//!
//! Liu, Tuzel: Coupled Generative Adversarial Networks, 2016, <https://arxiv.org/abs/1606.07536>, with digits and their
//! edges, and digits and their negatives, in sections 4 and 6. The networks are those of DCGAN, cut where the paper cuts
//! its own, with its Adam.

use super::networks::{accuracies, centred, logits, uncentred};
use super::turns::{Contest, Turn, Turns};
use crate::config::Ranges;
use crate::gans::losses::cross_entropy;
use crate::networks::start_as_dcgan;
use crate::registry::{ImageSet, Recipe};
use crate::{Error, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{
    Adam, BatchNorm2d, Conv2d, ConvTranspose2d, Flatten, Layer, LeakyReLU, Linear, Module, Optimizer, ReLU,
    Sequential, Unflatten, module,
};
use wengert_tensor::ops::pool::Pool2dOptions;
use wengert_tensor::{DType, Generator, Tensor};

/// The section `[co-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// What the second domain holds: `edges` or `negative`.
    pub domain: String,
    /// Numbers in a code, but for the one that says the domain.
    pub latent: usize,
    /// Channels of the layers next to the images; the others have twice as many.
    pub width: usize,
    /// Learning rate of all players.
    pub learning_rate: f64,
    /// Adam's β₁.
    pub beta1: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { domain: "edges".into(), latent: 100, width: 64, learning_rate: 2e-4, beta1: 0.5 }
    }
}

const DOMAINS: [&str; 2] = ["edges", "negative"];

impl Recipe for Options {
    const NAME: &'static str = "co-gan";
    const DESCRIPTION: &'static str = "coupled GANs: pairs of images of two domains from tied weights";
    const PAPER: &'static str = "Liu & Tuzel 2016, arXiv:1606.07536";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("domain", &self.domain, &DOMAINS)?;
        ranges.within("latent", self.latent, 1..=4095)?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("beta1", self.beta1, 0.0..=0.9999)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let (rate, beta1) = (self.learning_rate, self.beta1);
        let adam = |network: &dyn Module| {
            Box::new(Adam::new(network.parameters(), rate).betas(beta1, 0.999)) as Box<dyn Optimizer>
        };
        let training = Turns::new(CoGan::new(self, images, rng)?)
            .seat(Player::Discriminators, "discriminators", |model| adam(&model.discriminators))
            .seat(Player::Generators, "generators", |model| adam(&model.generators));
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// Both discriminators.
    Discriminators,
    /// Both generators.
    Generators,
}

/// Codes to images in −1..1: the shared layers, then one for each domain.
#[derive(Debug)]
struct Generators {
    shared: Sequential,
    last: Vec<ConvTranspose2d>,
}

module!(Generators { modules: shared, last });

impl Generators {
    /// Images of both domains of one code each.
    fn forward(&self, codes: &Tensor) -> [Tensor; 2] {
        let features = self.shared.forward(codes);
        [0, 1].map(|domain| self.last[domain].forward(&features).tanh())
    }
}

/// Images in −1..1 to logits: one layer for each domain, then the shared ones.
#[derive(Debug)]
struct Discriminators {
    first: Vec<Conv2d>,
    shared: Sequential,
}

module!(Discriminators { modules: first, shared });

impl Discriminators {
    /// Logits `[N]` of images of one domain.
    fn forward(&self, domain: usize, images: &Tensor) -> Tensor {
        logits(&self.shared, &self.first[domain].forward(images))
    }
}

/// Both pairs.
#[derive(Debug)]
pub struct CoGan {
    image_shape: [usize; 3],
    options: Options,
    generators: Generators,
    discriminators: Discriminators,
}

module!(CoGan { modules: generators, discriminators });

impl CoGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the sides of the images are not a multiple of 4.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<CoGan> {
        let ([channels, height, breadth], width) = (images.shape, options.width);
        if height % 4 != 0 || breadth % 4 != 0 {
            return Err(Error::setting(format!(
                "the images are {height} × {breadth}, and co-gan needs sides that are a multiple of 4"
            )));
        }
        let small = [2 * width, height / 4, breadth / 4];
        let features = small.iter().product();
        let generators = Generators {
            shared: Sequential::new()
                .add(Linear::builder(options.latent, features).bias(false).build(rng))
                .add(Unflatten::new(1, small))
                .add(BatchNorm2d::new(2 * width))
                .add(ReLU::new())
                .add(
                    ConvTranspose2d::builder(2 * width, width, 4).stride(2).padding(1).bias(false).build(rng),
                )
                .add(BatchNorm2d::new(width))
                .add(ReLU::new()),
            last: (0..2)
                .map(|_| ConvTranspose2d::builder(width, channels, 4).stride(2).padding(1).build(rng))
                .collect(),
        };
        let discriminators = Discriminators {
            first: (0..2)
                .map(|_| Conv2d::builder(channels, width, 4).stride(2).padding(1).build(rng))
                .collect(),
            shared: Sequential::new()
                .add(LeakyReLU::new(0.2))
                .add(Conv2d::builder(width, 2 * width, 4).stride(2).padding(1).bias(false).build(rng))
                .add(BatchNorm2d::new(2 * width))
                .add(LeakyReLU::new(0.2))
                .add(Flatten::new())
                .add(Linear::new(features, 1, rng)),
        };
        let model = CoGan { image_shape: images.shape, options, generators, discriminators };
        start_as_dcgan(&model, rng);
        Ok(model)
    }

    /// Images of the second domain, in 0..1, of such of the first.
    fn other_domain(&self, images: &Tensor) -> Tensor {
        match self.options.domain.as_str() {
            "negative" => 1.0 - images,
            _ => images.max_pool2d(Pool2dOptions::new([3, 3]).stride(1).padding(1)) - images,
        }
    }

    /// Real images of both domains in −1..1: those of even number, and what the second domain makes of the others. A batch
    /// with images of one kind only lends them to both.
    fn real(&self, batch: &Batch) -> [Tensor; 2] {
        let of_domain = |domain: usize| {
            let own = |row: &usize| batch.indices[*row] % 2 == domain;
            let rows: Vec<i64> = (0..batch.indices.len()).filter(own).map(|row| row as i64).collect();
            match rows.len() {
                0 => batch.images.clone(),
                count => batch.images.index_select(0, &Tensor::from_vec(rows, [count])),
            }
        };
        [centred(&of_domain(0)), centred(&self.other_domain(&of_domain(1)))]
    }
}

impl Model for CoGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.latent + 1
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let latent = self.options.latent;
        let pairs = rng.normal([count.div_ceil(2), 1, latent], 0.0, 1.0, DType::F32);
        let codes = pairs.repeat(&[1, 2, 1]).reshape([2 * count.div_ceil(2), latent]).narrow(0, 0, count);
        let domains: Vec<f32> = (0..count).map(|row| if row % 2 == 0 { -1.0 } else { 1.0 }).collect();
        Tensor::cat(&[&codes, &Tensor::from_vec(domains, [count, 1])], 1)
    }

    /// Of the first domain, which the data set is.
    fn draw_codes_to_judge(&self, count: usize, rng: &Generator) -> Tensor {
        let codes = rng.normal([count, self.options.latent], 0.0, 1.0, DType::F32);
        Tensor::cat(&[&codes, &Tensor::full([count, 1], -1.0, DType::F32)], 1)
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let latent = self.options.latent;
        let [first, second] = self.generators.forward(&codes.narrow(1, 0, latent));
        let is_first = codes.narrow(1, latent, 1).lt_scalar(0.0).reshape([codes.dims()[0], 1, 1, 1]);
        Some(uncentred(&is_first.where_(&first, &second)))
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.discriminators.forward(0, &centred(images)))
    }
}

impl Contest for CoGan {
    type Player = Player;

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Result<Turn> {
        let real = self.real(batch);
        let count = batch.images.dims()[0].div_ceil(2);
        let made = self.generators.forward(&rng.normal([count, self.options.latent], 0.0, 1.0, DType::F32));
        let fake = [0, 1].map(|domain| self.discriminators.forward(domain, &made[domain]));
        if player == Player::Generators {
            let loss = |domain: usize| cross_entropy::non_saturating_generator(&fake[domain]);
            return Ok(Turn::new(vec![("generator", loss(0)), ("generator_other", loss(1))]));
        }
        let real = [0, 1].map(|domain| self.discriminators.forward(domain, &real[domain]));
        let loss = |domain: usize| cross_entropy::discriminator(&real[domain], &fake[domain], 0.0);
        Ok(Turn::new(vec![("discriminator", loss(0)), ("discriminator_other", loss(1))]).report(accuracies(
            &Tensor::cat(&[&real[0], &real[1]], 0),
            &Tensor::cat(&[&fake[0], &fake[1]], 0),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::batch;
    use super::*;

    const IMAGES: ImageSet = ImageSet { shape: [1, 8, 8], classes: 10 };

    fn model(domain: &str) -> CoGan {
        let options = Options { domain: domain.into(), latent: 3, width: 4, ..Options::default() };
        CoGan::new(options, &IMAGES, &Generator::new(0)).unwrap()
    }

    #[test]
    fn the_second_domain_is_made_of_the_first() {
        let mut pixels = vec![0f32; 64];
        pixels[9] = 1.0;
        let image = Tensor::from_slice(&pixels, [1, 1, 8, 8]);
        let edges = model("edges").other_domain(&image).to_vec::<f32>();
        // A dot at (1, 1) has its eight neighbours for edges.
        let expected: Vec<f32> =
            (0..64).map(|i| if i / 8 <= 2 && i % 8 <= 2 && i != 9 { 1.0 } else { 0.0 }).collect();
        assert_eq!(edges, expected);
        assert_eq!(model("negative").other_domain(&image).sum_all().item(), 63.0);
    }

    #[test]
    fn no_image_is_seen_in_both_domains() {
        let batch = Batch { indices: vec![4, 7, 2, 9, 5], ..batch(&IMAGES, 5) };
        let [first, second] = model("negative").real(&batch);
        let rows = |rows: &[i64]| batch.images.index_select(0, &Tensor::from_slice(rows, rows.len()));
        assert_eq!(first.to_vec::<f32>(), centred(&rows(&[0, 2])).to_vec::<f32>());
        assert_eq!(second.to_vec::<f32>(), centred(&(1.0 - rows(&[1, 3, 4]))).to_vec::<f32>());
    }

    #[test]
    fn codes_come_in_pairs_that_differ_in_their_domain() {
        let model = model("edges");
        let codes = model.draw_codes(5, &Generator::new(1)).to_vec::<f32>();
        let rows: Vec<&[f32]> = codes.chunks(4).collect();
        assert_eq!(rows.len(), 5);
        for pair in rows.chunks_exact(2) {
            assert_eq!((&pair[0][..3], pair[0][3], pair[1][3]), (&pair[1][..3], -1.0, 1.0));
        }
        assert!(rows[0][..3] != rows[2][..3]);
        // The second domain is no part of the data set that images are judged beside.
        let judged = model.draw_codes_to_judge(5, &Generator::new(1)).to_vec::<f32>();
        assert!(judged.chunks(4).all(|code| code[3] == -1.0));
    }
}
