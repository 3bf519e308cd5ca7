//! A generator and a discriminator without labels, playing for any objective.

use crate::gans::game::{Game, Players, Round};
use crate::gans::networks::{Discriminator, ImageMaker, Judge, Verdict};
use crate::gans::objective::{Objective, accuracies};
use crate::gans::options::Options;
use crate::gans::techniques::Average;
use crate::registry::ImageSet;
use crate::{Losses, Model, Result};
use wengert_nn::{Entries, EntriesMut, Layer, Module};
use wengert_tensor::autograd::is_grad_enabled;
use wengert_tensor::{Generator, Tensor};

/// The two networks with what they play for.
#[derive(Debug)]
pub struct Gan {
    image_shape: [usize; 3],
    options: Options,
    generator: ImageMaker,
    discriminator: Box<dyn Judge>,
    average: Option<Average<ImageMaker>>,
    objective: Box<dyn Objective>,
}

impl Gan {
    /// The networks of the options with fresh weights.
    pub fn new(
        options: &Options,
        images: &ImageSet,
        objective: impl Objective + 'static,
        rng: &Generator,
    ) -> Result<Self> {
        let discriminator = Discriminator::new(images.shape, 1, options, rng)?;
        Self::with_judge(options, images, discriminator, objective, rng)
    }

    /// The generator of the options against a judge of the caller's choice.
    pub fn with_judge(
        options: &Options,
        images: &ImageSet,
        judge: impl Judge + 'static,
        objective: impl Objective + 'static,
        rng: &Generator,
    ) -> Result<Self> {
        let build = || ImageMaker::new(options.latent, images.shape, options, rng);
        let generator = build()?;
        let average = match options.average_decay {
            0.0 => None,
            decay => Some(Average::new(build()?, &generator, decay)?),
        };
        Ok(Self {
            image_shape: images.shape,
            options: options.clone(),
            generator,
            discriminator: Box::new(judge),
            average,
            objective: Box::new(objective),
        })
    }

    /// The players in a game.
    pub fn play(self) -> Game<Gan> {
        let options = self.options.clone();
        Game::new(self, &options)
    }
}

impl Module for Gan {
    fn kind(&self) -> &'static str {
        "Gan"
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        entries.modules("generator", &self.generator);
        entries.modules("discriminator", &self.discriminator);
        entries.modules("average", &self.average);
        entries.buffers("balance", self.objective.balance());
        entries
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        let mut entries = EntriesMut::default();
        entries.modules("generator", &mut self.generator);
        entries.modules("discriminator", &mut self.discriminator);
        entries
    }
}

impl Model for Gan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.latent
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let images = match &self.average {
            Some(average) => average.forward(codes),
            None => self.generator.forward(codes),
        };
        Some((images + 1.0) * 0.5)
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.discriminator.judge(&(images * 2.0 - 1.0)).scores)
    }
}

impl Players for Gan {
    type Verdict = Verdict;

    fn generator_parameters(&self) -> Vec<Tensor> {
        self.generator.parameters()
    }

    fn discriminator_parameters(&self) -> Vec<Tensor> {
        self.discriminator.parameters()
    }

    fn is_steady(&self, step: u64) -> bool {
        self.options.instance_noise(Some(step)) == 0.0 && self.objective.balance().is_none()
    }

    fn generate(&self, codes: &Tensor, _labels: &Tensor) -> Tensor {
        self.generator.forward(codes)
    }

    fn judge(&self, images: &Tensor, round: &Round, rng: &Generator) -> Verdict {
        match self.options.instance_noise(round.step) {
            0.0 => self.discriminator.judge(images),
            deviation => self.discriminator.judge(&(images + rng.normal_like(images) * deviation)),
        }
    }

    fn discriminator_loss(
        &self,
        round: &Round,
        real: &Verdict,
        fake: &Verdict,
        rng: &Generator,
    ) -> Result<Losses> {
        let loss = self.objective.discriminator(real, fake);
        let mut total = loss.clone();
        let mut terms = vec![("discriminator", loss)];
        if let Some(boundary) = self.objective.boundary() {
            terms.extend(accuracies(&real.scores, &fake.scores, boundary));
        }
        terms.extend(self.objective.report(real, fake));
        if let Some(penalty) = self.objective.penalty().filter(|_| is_grad_enabled()) {
            let scores = |images: &Tensor| self.judge(images, round, rng).scores;
            let penalty = penalty.apply(scores, &round.real, &round.fake.detach(), rng)?;
            total = total + &penalty;
            terms.push(("penalty", penalty));
        }
        Ok(Losses { total, terms })
    }

    fn generator_loss(&self, _round: &Round, fake: &Verdict, real: &dyn Fn() -> Verdict) -> Result<Losses> {
        let total = match self.options.feature_matching {
            true => feature_distance(&real().features, &fake.features),
            false => self.objective.generator(fake, real),
        };
        Ok(Losses { terms: vec![("generator", total.clone())], total })
    }

    fn end_step(&self, round: &Round, generator_moved: bool, real: &Verdict, fake: &Verdict) -> Result<()> {
        if let Some(average) = self.average.as_ref().filter(|_| generator_moved) {
            average.update(&self.generator, &round.codes)?;
        }
        self.objective.rebalance(real, fake)
    }
}

/// Squared distance of the mean features of real and made images, both `[N, features]` (Salimans et al., 2016, section
/// 3.1).
pub fn feature_distance(real: &Tensor, fake: &Tensor) -> Tensor {
    (real.mean(&[0], false) - fake.mean(&[0], false)).square().sum_all()
}
