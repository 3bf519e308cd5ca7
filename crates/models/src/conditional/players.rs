//! A generator and a discriminator that are told the classes of images, in the three ways of the field.
//!
//! The generator's code stands beside the class, one-hot. What the discriminator does with the class is its
//! [`Conditioning`]; the game it plays is an [`Objective`].

use crate::gans::game::{Game, Players, Round};
use crate::gans::networks::{Discriminator, ImageMaker, Verdict};
use crate::gans::objective::{Objective, accuracies};
use crate::gans::options::Options;
use crate::gans::players::feature_distance;
use crate::gans::techniques::Average;
use crate::registry::ImageSet;
use crate::{Losses, Model, Result};
use wengert_nn::{Embedding, Layer, Module, module};
use wengert_tensor::{DType, Generator, Reduction, Tensor};

/// What a discriminator does with the class of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditioning {
    /// It sees one more channel beside the image, learned for each class (Mirza and Osindero, 2014).
    Plane,
    /// It must name the class itself, by one more output for each (Odena et al., 2016).
    Auxiliary,
    /// Its score is ψ·φ + v_y·φ of features φ, with a learned v_y for each class y (Miyato and Koyama, 2018).
    Projection,
}

/// What a discriminator says of the images of one batch.
#[derive(Debug, Clone)]
pub struct Opinion {
    /// How real they are.
    pub verdict: Verdict,
    /// Logits of their classes, `[N, classes]`, from an [`Auxiliary`](Conditioning::Auxiliary) one.
    pub classes: Option<Tensor>,
}

/// The two networks with what they play for.
#[derive(Debug)]
pub struct ConditionalGan {
    image_shape: [usize; 3],
    classes: usize,
    options: Options,
    conditioning: Conditioning,
    generator: ImageMaker,
    discriminator: Discriminator,
    planes: Option<Embedding>,
    average: Option<Average<ImageMaker>>,
    objective: Box<dyn Objective>,
}

module!(ConditionalGan { modules: generator, discriminator, planes, average });

impl ConditionalGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(
        options: &Options,
        images: &ImageSet,
        conditioning: Conditioning,
        objective: impl Objective + 'static,
        rng: &Generator,
    ) -> Result<ConditionalGan> {
        let ([channels, height, width], classes) = (images.shape, images.classes);
        let (extra_channels, outputs) = match conditioning {
            Conditioning::Plane => (1, 1),
            Conditioning::Auxiliary | Conditioning::Projection => (0, 1 + classes),
        };
        let reference = |count| {
            let codes = rng.normal([count, options.latent], 0.0, 1.0, DType::F32);
            with_classes(&codes, &rng.randint(0, classes as i64, [count]), classes)
        };
        let build = || {
            ImageMaker::new(options.latent + classes, images.shape, options, rng)
                .map(|maker| maker.referring_to(reference))
        };
        let generator = build()?;
        let average = match options.average_decay {
            0.0 => None,
            decay => Some(Average::new(build()?, &generator, decay)?),
        };
        Ok(ConditionalGan {
            image_shape: images.shape,
            classes,
            options: options.clone(),
            conditioning,
            generator,
            discriminator: Discriminator::new(
                [channels + extra_channels, height, width],
                outputs,
                options,
                rng,
            )?,
            planes: (extra_channels > 0).then(|| Embedding::new(classes, height * width, rng)),
            average,
            objective: Box::new(objective),
        })
    }

    /// The players in a game.
    pub fn play(self) -> Game<ConditionalGan> {
        let options = self.options.clone();
        Game::new(self, &options)
    }

    /// The generator's input: codes with classes beside them.
    fn conditioned(&self, codes: &Tensor, labels: &Tensor) -> Tensor {
        with_classes(codes, labels, self.classes)
    }

    /// What the discriminator says of images in −1..1 of these classes.
    fn opinion(&self, images: &Tensor, labels: &Tensor) -> Opinion {
        let features = match &self.planes {
            None => self.discriminator.features(images),
            Some(planes) => {
                let [_, height, width] = self.image_shape;
                let planes = planes.forward(labels).reshape([labels.dims()[0], 1, height, width]);
                self.discriminator.features(&Tensor::cat(&[images, &planes], 1))
            }
        };
        let outputs = self.discriminator.outputs(&features);
        let (scores, classes) = scores(&outputs, labels, self.conditioning);
        Opinion { verdict: Verdict { scores, features }, classes }
    }
}

/// Scores `[N]`, and logits of the classes where there are any, of a discriminator's outputs: `[N, 1]` or
/// `[N, 1 + classes]`.
fn scores(outputs: &Tensor, labels: &Tensor, conditioning: Conditioning) -> (Tensor, Option<Tensor>) {
    let first = outputs.select(1, 0);
    let others = || outputs.narrow(1, 1, outputs.dims()[1] - 1);
    match conditioning {
        Conditioning::Plane => (first, None),
        Conditioning::Auxiliary => (first, Some(others())),
        Conditioning::Projection => (first + others().gather(1, &labels.unsqueeze(1)).squeeze(1), None),
    }
}

/// Codes with one-hot classes beside them.
fn with_classes(codes: &Tensor, labels: &Tensor, classes: usize) -> Tensor {
    Tensor::cat(&[codes, &labels.one_hot(classes).to_dtype(DType::F32)], 1)
}

impl Model for ConditionalGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.latent
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        let codes = self.conditioned(codes, labels?);
        let images = match &self.average {
            Some(average) => average.forward(&codes),
            None => self.generator.forward(&codes),
        };
        Some((images + 1.0) * 0.5)
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        if self.conditioning != Conditioning::Auxiliary {
            return None;
        }
        let any = Tensor::zeros([images.dims()[0]], DType::I64);
        self.opinion(&(images * 2.0 - 1.0), &any).classes
    }

    fn score(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.opinion(&(images * 2.0 - 1.0), labels?).verdict.scores)
    }
}

impl Players for ConditionalGan {
    type Verdict = Opinion;

    fn generator_parameters(&self) -> Vec<Tensor> {
        self.generator.parameters()
    }

    fn discriminator_parameters(&self) -> Vec<Tensor> {
        [self.discriminator.parameters(), self.planes.parameters()].concat()
    }

    fn is_steady(&self, step: u64) -> bool {
        self.options.instance_noise(Some(step)) == 0.0
    }

    fn generate(&self, codes: &Tensor, labels: &Tensor) -> Tensor {
        self.generator.forward(&self.conditioned(codes, labels))
    }

    fn judge(&self, images: &Tensor, round: &Round, rng: &Generator) -> Opinion {
        match self.options.instance_noise(round.step) {
            0.0 => self.opinion(images, &round.labels),
            deviation => self.opinion(&(images + rng.normal_like(images) * deviation), &round.labels),
        }
    }

    fn discriminator_loss(
        &self,
        round: &Round,
        real: &Opinion,
        fake: &Opinion,
        _rng: &Generator,
    ) -> Result<Losses> {
        let loss = self.objective.discriminator(&real.verdict, &fake.verdict);
        let mut total = loss.clone();
        let mut terms = vec![("discriminator", loss)];
        if let Some(boundary) = self.objective.boundary() {
            terms.extend(accuracies(&real.verdict.scores, &fake.verdict.scores, boundary));
        }
        if let (Some(real), Some(fake)) = (&real.classes, &fake.classes) {
            let [real, fake] =
                [real, fake].map(|logits| logits.cross_entropy(&round.labels, Reduction::Mean));
            total = total + &real + fake;
            terms.push(("classification", real));
        }
        Ok(Losses { total, terms })
    }

    fn generator_loss(&self, round: &Round, fake: &Opinion, real: &dyn Fn() -> Opinion) -> Result<Losses> {
        let loss = match self.options.feature_matching {
            true => feature_distance(&real().verdict.features, &fake.verdict.features),
            false => self.objective.generator(&fake.verdict, &|| real().verdict),
        };
        let mut total = loss.clone();
        let mut terms = vec![("generator", loss)];
        if let Some(logits) = &fake.classes {
            let classification = logits.cross_entropy(&round.labels, Reduction::Mean);
            total = total + &classification;
            terms.push(("generator_classification", classification));
        }
        Ok(Losses { total, terms })
    }

    fn end_step(&self, round: &Round, generator_moved: bool, _real: &Opinion, _fake: &Opinion) -> Result<()> {
        match self.average.as_ref().filter(|_| generator_moved) {
            Some(average) => average.update(&self.generator, &self.conditioned(&round.codes, &round.labels)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::gan::CrossEntropy;

    #[test]
    fn a_projection_adds_the_product_of_the_class_and_the_features() {
        // Two features, and rows ψ, v₀, v₁ of the last layer.
        let features = Tensor::from_slice(&[1f32, 2.0, -1.0, 3.0], [2, 2]);
        let rows = Tensor::from_slice(&[0.5f32, 0.25, 1.0, -1.0, 2.0, 3.0], [3, 2]);
        let (found, classes) = scores(
            &features.linear(&rows, None),
            &Tensor::from_slice(&[1i64, 0], 2),
            Conditioning::Projection,
        );
        // ψ·φ is 1 and 0.25; v₁·φ = 8 for the first image, v₀·φ = −4 for the second.
        assert_eq!(found.to_vec::<f32>(), [9.0, -3.75]);
        assert!(classes.is_none());
    }

    fn model(conditioning: Conditioning) -> ConditionalGan {
        let options = Options { width: 4, latent: 3, ..Options::default() };
        let images = ImageSet { shape: [1, 8, 8], classes: 3 };
        let objective = CrossEntropy { smoothing: 0.0, saturates: false };
        ConditionalGan::new(&options, &images, conditioning, objective, &Generator::new(0)).unwrap()
    }

    #[test]
    fn virtual_batch_normalisation_refers_to_codes_with_classes() {
        let options = Options { width: 4, latent: 3, virtual_batch_norm: 6, ..Options::default() };
        let images = ImageSet { shape: [1, 8, 8], classes: 3 };
        let objective = CrossEntropy { smoothing: 0.0, saturates: false };
        let model =
            ConditionalGan::new(&options, &images, Conditioning::Plane, objective, &Generator::new(0))
                .unwrap();
        let (_, reference) = &model.generator.named_buffers()[0];
        assert_eq!(reference.dims(), [6, 6]);
        let classes = reference.narrow(1, 3, 3).to_vec::<f32>();
        assert!(classes.chunks(3).all(|class| class.iter().filter(|&&one| one == 1.0).count() == 1
            && class.iter().filter(|&&zero| zero == 0.0).count() == 2));
    }

    fn round(model: &ConditionalGan) -> Round {
        let (rng, labels) = (Generator::new(1), Tensor::from_slice(&[2i64, 0, 1, 1], 4));
        let codes = model.draw_codes(4, &rng);
        let fake = model.generate(&codes, &labels);
        Round { real: rng.normal_like(&fake), labels, codes, fake, step: Some(0) }
    }

    #[test]
    fn auxiliary_losses_are_cross_entropies_of_logits() {
        let model = model(Conditioning::Auxiliary);
        let round = round(&model);
        // The score is 0 and the logits are (ln 1, ln 2, ln 5), whatever the image: shares (1, 2, 5)/8.
        let logits = Tensor::from_slice(&[0f32, 2f32.ln(), 5f32.ln()], [1, 3]).broadcast_to([4, 3]);
        let verdict = Verdict { scores: Tensor::zeros([4], DType::F32), features: logits.contiguous() };
        let opinion = Opinion { verdict, classes: Some(logits.contiguous()) };
        let classification = -((5.0 / 8f64).ln() + (1.0 / 8f64).ln() + 2.0 * (2.0 / 8f64).ln()) / 4.0;
        let chance = 2f64.ln();
        let discriminator =
            model.discriminator_loss(&round, &opinion, &opinion, &Generator::new(0)).unwrap().total.item();
        assert!((discriminator - 2.0 * (chance + classification)).abs() < 1e-6, "{discriminator}");
        let generator = model.generator_loss(&round, &opinion, &|| opinion.clone()).unwrap().total.item();
        assert!((generator - chance - classification).abs() < 1e-6, "{generator}");
    }

    #[test]
    fn the_class_changes_images_and_scores() {
        for conditioning in [Conditioning::Plane, Conditioning::Auxiliary, Conditioning::Projection] {
            let model = model(conditioning);
            model.eval();
            let (round, other) = (round(&model), Tensor::from_slice(&[0i64, 1, 2, 0], 4));
            let images = |labels| model.decode(&round.codes, Some(labels)).unwrap().to_vec::<f32>();
            assert!(images(&round.labels) != images(&other), "{conditioning:?}");
            let scores = |labels| model.score(&round.real, Some(labels)).unwrap().to_vec::<f32>();
            // An auxiliary discriminator has to find the class by itself.
            let is_told = conditioning != Conditioning::Auxiliary;
            assert_eq!(scores(&round.labels) != scores(&other), is_told, "{conditioning:?}");
            assert_eq!(model.classify(&round.real).is_none(), is_told, "{conditioning:?}");
        }
    }
}
