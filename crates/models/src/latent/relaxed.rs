//! Autoencoders some of whose code is a choice among categories, trained through a relaxation of the choice.
//!
//! The code of an image is a vector of normal numbers followed by so many one-hot vectors; either part may be missing. The
//! prior is N(0, 1) and even odds.

use super::relaxation::{divergence_from_uniform, gumbel_softmax, one_hot, one_hot_sample};
use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::gaussian::{DiagonalGaussian, standard_log_density};
use crate::autoencoders::likelihood::Likelihood;
use crate::registry::ImageSet;
use crate::{CodePart, Model, Result};
use wengert_nn::{Layer, Module, Sequential, module};
use wengert_tensor::{DType, Generator, Tensor};

/// Encoder, decoder and the sizes of the parts of a code.
#[derive(Debug)]
pub struct RelaxedCoder {
    image_shape: [usize; 3],
    normal: usize,
    choices: usize,
    categories: usize,
    encoder: Sequential,
    decoder: Sequential,
    likelihood: Likelihood,
}

module!(RelaxedCoder { modules: encoder, decoder, likelihood });

/// What an encoder says of the codes of a batch.
#[derive(Debug)]
pub struct RelaxedPosterior {
    /// The normal part; `None` where codes have none.
    pub normal: Option<DiagonalGaussian>,
    /// `[batch, choices, categories]`.
    pub logits: Tensor,
}

impl RelaxedPosterior {
    /// Codes `[batch, code size]` of the normal part, drawn, and one-hot vectors or what stands for them,
    /// `[batch, choices, categories]`.
    fn code(normal: Option<Tensor>, choices: Tensor) -> Tensor {
        let choices = choices.flatten(1, -1);
        normal.map_or_else(|| choices.clone(), |normal| Tensor::cat(&[&normal, &choices], 1))
    }

    /// Codes with relaxed choices, through which gradients flow, `[batch, code size]`.
    pub fn relaxed(&self, temperature: f64, rng: &Generator) -> Tensor {
        let normal = self.normal.as_ref().map(|normal| normal.sample(rng));
        Self::code(normal, gumbel_softmax(&self.logits, temperature, rng))
    }

    /// Codes with choices that are made, `[batch, code size]`.
    pub fn drawn(&self, rng: &Generator) -> Tensor {
        let normal = self.normal.as_ref().map(|normal| normal.sample(rng));
        Self::code(normal, one_hot_sample(&self.logits, rng))
    }

    /// The divergence of the normal part from its prior in nats, a mean per image; 0 where there is none.
    pub fn normal_divergence(&self) -> Tensor {
        self.normal.as_ref().map_or_else(|| Tensor::zeros((), DType::F32), DiagonalGaussian::kl)
    }

    /// The divergence of the choices from even odds in nats, a mean per image.
    pub fn choice_divergence(&self) -> Tensor {
        divergence_from_uniform(&self.logits).sum(&[1], false).mean_all()
    }
}

impl RelaxedCoder {
    /// Fresh networks for codes of `normal` numbers and `choices` among `categories` each; the size of codes in
    /// `options` is not used.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(
        options: &CoderOptions,
        [normal, choices, categories]: [usize; 3],
        images: &ImageSet,
        rng: &Generator,
    ) -> Result<RelaxedCoder> {
        let size = normal + choices * categories;
        let coder = RelaxedCoder {
            image_shape: images.shape,
            normal,
            choices,
            categories,
            encoder: options.encoder(images.shape, size + normal, rng)?,
            decoder: options.decoder(size, images.shape, rng)?,
            likelihood: options.likelihood()?,
        };
        coder.assign_names();
        Ok(coder)
    }

    /// q(z | x) of images.
    pub fn posterior(&self, images: &Tensor) -> RelaxedPosterior {
        let outputs = self.encoder.forward(images);
        let (halves, logits) = (2 * self.normal, self.choices * self.categories);
        RelaxedPosterior {
            normal: (self.normal > 0).then(|| DiagonalGaussian::from_halves(&outputs.narrow(1, 0, halves))),
            logits: outputs.narrow(1, halves, logits).unflatten(1, [self.choices, self.categories]),
        }
    }

    /// The loss of the images made of these codes, a mean per image.
    pub fn reconstruction(&self, codes: &Tensor, images: &Tensor) -> Tensor {
        self.likelihood.loss(&self.decoder.forward(codes), &images.flatten(1, -1))
    }

    /// The most that the choices can tell, in nats: ln K for each, −ln of the probability of a choice of even odds.
    pub fn most_told(&self) -> f64 {
        self.choices as f64 * (self.categories as f64).ln()
    }

    /// ln p(x, z) − ln q(z | x) of one code of each image, drawn with its choices made: `[batch]`.
    fn log_weight(&self, images: &Tensor, posterior: &RelaxedPosterior, rng: &Generator) -> Tensor {
        let codes = posterior.drawn(rng);
        let outputs = self.decoder.forward(&codes);
        let choices = codes.narrow(1, self.normal, self.choices * self.categories);
        let log_odds = posterior.logits.log_softmax(-1).flatten(1, -1);
        let mut weight = self.likelihood.log_density(&outputs, &images.flatten(1, -1))
            - (choices * log_odds).sum(&[1], false)
            - self.most_told();
        if let Some(normal) = &posterior.normal {
            let part = codes.narrow(1, 0, self.normal);
            weight = weight + standard_log_density(&part) - normal.log_density(&part);
        }
        weight
    }
}

impl Model for RelaxedCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.normal + self.choices * self.categories
    }

    fn code_parts(&self) -> Vec<CodePart> {
        let (numbers, choices) =
            (vec![CodePart::Number; self.normal], vec![CodePart::Category(self.categories); self.choices]);
        [numbers, choices].concat()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let normal = (self.normal > 0).then(|| rng.normal([count, self.normal], 0.0, 1.0, DType::F32));
        let numbers = rng.randint(0, self.categories as i64, [count, self.choices]);
        RelaxedPosterior::code(normal, numbers.one_hot(self.categories).to_dtype(DType::F32))
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let [channels, height, width] = self.image_shape;
        let pixels = self.likelihood.mean(&self.decoder.forward(codes));
        Some(pixels.reshape([codes.dims()[0], channels, height, width]))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let RelaxedPosterior { normal, logits } = self.posterior(images);
        Some(RelaxedPosterior::code(normal.map(|normal| normal.mean), one_hot(&logits)))
    }

    fn cluster(&self, images: &Tensor) -> Option<Tensor> {
        // Several choices sort images in several ways, none of which is the one.
        (self.choices == 1).then(|| self.posterior(images).logits.squeeze(1))
    }

    fn log_weights(
        &self,
        images: &Tensor,
        _labels: Option<&Tensor>,
        samples: usize,
        rng: &Generator,
    ) -> Option<Tensor> {
        let posterior = self.posterior(images);
        let weights: Vec<Tensor> = (0..samples).map(|_| self.log_weight(images, &posterior, rng)).collect();
        Some(Tensor::stack(&weights.iter().collect::<Vec<_>>(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::no_grad;

    fn coder(parts: [usize; 3]) -> RelaxedCoder {
        let options = CoderOptions { hidden: 8, ..CoderOptions::default() };
        let images = ImageSet { shape: [1, 4, 4], classes: 10 };
        RelaxedCoder::new(&options, parts, &images, &Generator::new(3)).unwrap()
    }

    #[test]
    fn the_mean_of_the_weights_is_the_bound() {
        let rng = Generator::new(4);
        let images = rng.uniform([2, 1, 4, 4], 0.0, 1.0, DType::F32);
        for parts in [[0, 3, 4], [2, 1, 5]] {
            let coder = coder(parts);
            let (bound, weights) = no_grad(|| {
                let weights = coder.log_weights(&images, None, 4000, &rng).unwrap().mean_all().item();
                let posterior = coder.posterior(&images);
                let draws = (0..4000).map(|_| coder.reconstruction(&posterior.drawn(&rng), &images).item());
                let reconstruction = draws.sum::<f64>() / 4000.0;
                let divergence = posterior.normal_divergence() + posterior.choice_divergence();
                (-reconstruction - divergence.item(), weights)
            });
            assert!((bound - weights).abs() < 0.1, "{parts:?}: {bound} {weights}");
        }
    }

    #[test]
    fn all_images_of_a_code_of_choices_add_up_to_the_likelihood() {
        // With one choice p(x) = Σ p(x | k)/K is exact, and weights averaged over q must give it.
        let (coder, rng) = (coder([0, 1, 3]), Generator::new(4));
        let images = rng.uniform([1, 1, 4, 4], 0.0, 1.0, DType::F32);
        no_grad(|| {
            let outputs = coder.decoder.forward(&Tensor::eye(3, DType::F32)).unsqueeze(1);
            let each = coder.likelihood.log_density(&outputs, &images.flatten(1, -1));
            let exact = each.logsumexp(&[0], false).item() - 3f64.ln();
            let weights = coder.log_weights(&images, None, 3000, &rng).unwrap();
            let estimate = weights.logsumexp(&[0], false).item() - 3000f64.ln();
            assert!((exact - estimate).abs() < 0.05, "{exact} {estimate}");
        });
    }

    #[test]
    fn codes_hold_their_parts() {
        let (coder, rng) = (coder([2, 3, 4]), Generator::new(4));
        let codes = coder.draw_codes(50, &rng);
        assert_eq!(codes.dims(), [50, 14]);
        let choices = codes.narrow(1, 2, 12).reshape([50, 3, 4]);
        assert_eq!(choices.sum(&[2], false).to_vec::<f32>(), [1.0; 150]);
        let images = rng.uniform([2, 1, 4, 4], 0.0, 1.0, DType::F32);
        assert_eq!(coder.encode(&images, None).unwrap().dims(), [2, 14]);
        assert!(coder.cluster(&images).is_none());
        assert_eq!(coder.posterior(&images).relaxed(0.5, &rng).dims(), [2, 14]);
    }
}
