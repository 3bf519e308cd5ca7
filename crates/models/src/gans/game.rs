//! The step rule of every game of a generator against a discriminator.

use crate::gans::options::Options;
use crate::{Losses, Model, Result, Training};
use wengert_data::Batch;
use wengert_nn::{Optimizer, clip_values_};
use wengert_tensor::autograd::{is_grad_enabled, with_grad};
use wengert_tensor::{Generator, Tensor, no_grad};

/// What lies on the table in one step.
#[derive(Debug)]
pub struct Round {
    /// Real images, f32 `[N, C, H, W]` in −1..1.
    pub real: Tensor,
    /// Labels of the real images, i64 `[N]`; a conditional generator makes its images for the same ones.
    pub labels: Tensor,
    /// The generator's codes, `[N, code size]`.
    pub codes: Tensor,
    /// Its images of the codes, `[N, C, H, W]` in −1..1, with the tape that leads to the generator where it is its turn.
    pub fake: Tensor,
    /// Number of the step from 0; none in evaluation.
    pub step: Option<u64>,
}

/// Two networks that play against each other: a model that [`Game`] can train.
pub trait Players: Model {
    /// What the discriminator says of the images of one batch. Its tensors are shared by clones.
    type Verdict: Clone;

    /// What the generator's optimiser moves.
    fn generator_parameters(&self) -> Vec<Tensor>;

    /// What the discriminator's optimiser moves. While the generator moves these are frozen, but for any that are
    /// among the generator's as well.
    fn discriminator_parameters(&self) -> Vec<Tensor>;

    /// Whether from this step on the losses of a round do not depend on the number of the step, nor on any number that is
    /// read from a tensor: see [`Training::phase`].
    fn is_steady(&self, step: u64) -> bool;

    /// Images in −1..1 of codes, for labels where the model is conditional.
    fn generate(&self, codes: &Tensor, labels: &Tensor) -> Tensor;

    /// The discriminator's forward pass on the real or the made images of a round.
    fn judge(&self, images: &Tensor, round: &Round, rng: &Generator) -> Self::Verdict;

    /// The discriminator's loss. By convention its terms are `discriminator`, then `accuracy_real` and `accuracy_fake`
    /// where its scores tell the two kinds apart by themselves, and `penalty` where it has one and gradients are on.
    fn discriminator_loss(
        &self,
        round: &Round,
        real: &Self::Verdict,
        fake: &Self::Verdict,
        rng: &Generator,
    ) -> Result<Losses>;

    /// The generator's loss, its first term being `generator`. `real` judges the real images when it is called, which
    /// few losses need.
    fn generator_loss(
        &self,
        round: &Round,
        fake: &Self::Verdict,
        real: &dyn Fn() -> Self::Verdict,
    ) -> Result<Losses>;

    /// Ends a step, after all updates: for averages of weights and the like. The verdicts are those that the
    /// discriminator was trained on.
    fn end_step(
        &self,
        _round: &Round,
        _generator_moved: bool,
        _real: &Self::Verdict,
        _fake: &Self::Verdict,
    ) -> Result<()> {
        Ok(())
    }
}

/// Two players in training: in each step the discriminator moves, on one real batch and as many made images, and in every
/// n-th the generator after it.
///
/// As in PyTorch's DCGAN tutorial the images that the discriminator was trained on are judged once more, by the
/// discriminator as it is now, for the generator's move.
#[derive(Debug)]
pub struct Game<P> {
    players: P,
    generator: Box<dyn Optimizer>,
    discriminator: Box<dyn Optimizer>,
    options: Options,
    weight_clip: Option<f64>,
}

impl<P: Players> Game<P> {
    /// A game with fresh optimisers.
    pub fn new(players: P, options: &Options) -> Self {
        players.assign_names();
        Self {
            generator: options.optimizer(players.generator_parameters(), options.learning_rate),
            discriminator: options
                .optimizer(players.discriminator_parameters(), options.discriminator_learning_rate()),
            options: options.clone(),
            weight_clip: None,
            players,
        }
    }

    /// Keeps every parameter of the discriminator within ±`bound` (Arjovsky et al., 2017).
    pub fn weight_clip(self, bound: f64) -> Self {
        Self { weight_clip: Some(bound), ..self }
    }

    /// The players.
    pub fn players(&self) -> &P {
        &self.players
    }

    fn deal(&self, batch: &Batch, rng: &Generator, step: Option<u64>, generator_moves: bool) -> Round {
        let codes = self.players.draw_codes(batch.images.dims()[0], rng);
        let labels = batch.labels.clone();
        let fake = with_grad(generator_moves && is_grad_enabled(), || self.players.generate(&codes, &labels));
        Round { real: &batch.images * 2.0 - 1.0, labels, codes, fake, step }
    }

    fn move_discriminator(&mut self, losses: &Losses) -> Result<()> {
        losses.check_finite()?;
        self.discriminator.zero_grad();
        losses.total.backward()?;
        self.discriminator.step()?;
        if let Some(bound) = self.weight_clip {
            clip_values_(&self.discriminator.parameters(), -bound, bound)?;
        }
        Ok(())
    }

    fn move_generator(&mut self, round: &Round, rng: &Generator) -> Result<Losses> {
        let players = &self.players;
        let fake = players.judge(&round.fake, round, rng);
        let losses = players.generator_loss(round, &fake, &|| players.judge(&round.real, round, rng))?;
        losses.check_finite()?;
        self.generator.zero_grad();
        losses.total.backward()?;
        self.generator.step()?;
        Ok(losses)
    }

    fn generator_moves(&self, step: u64) -> bool {
        (step + 1).is_multiple_of(self.options.critic_steps)
    }

    fn freeze_discriminator(&self, frozen: bool) {
        let own = self.players.generator_parameters();
        let is_shared = |parameter: &Tensor| own.iter().any(|other| other.address() == parameter.address());
        for parameter in self.players.discriminator_parameters() {
            if !is_shared(&parameter) {
                parameter.set_requires_grad(!frozen);
            }
        }
    }
}

/// The losses of both players as one: the total is their sum, the generator's terms come first.
fn join(generator: Losses, discriminator: Losses) -> Losses {
    let terms = generator.terms.into_iter().chain(discriminator.terms).collect();
    Losses { total: generator.total + discriminator.total, terms }
}

impl<P: Players> Training for Game<P> {
    fn model(&self) -> &dyn Model {
        &self.players
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.players
    }

    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        let round = self.deal(batch, rng, None, true);
        let real = self.players.judge(&round.real, &round, rng);
        let fake = self.players.judge(&round.fake, &round, rng);
        let generator = self.players.generator_loss(&round, &fake, &|| real.clone())?;
        Ok(join(generator, self.players.discriminator_loss(&round, &real, &fake, rng)?))
    }

    fn phase(&self, step: u64) -> Option<u64> {
        self.players.is_steady(step).then(|| u64::from(self.generator_moves(step)))
    }

    fn set_rates(&mut self, step: u64) {
        let rate = self.options.rate(step);
        self.generator.set_learning_rate(rate * self.options.learning_rate);
        self.discriminator.set_learning_rate(rate * self.options.discriminator_learning_rate());
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        self.set_rates(step);
        let generator_moves = self.generator_moves(step);
        let round = self.deal(batch, rng, Some(step), generator_moves);
        let real = self.players.judge(&round.real, &round, rng);
        let fake = self.players.judge(&round.fake.detach(), &round, rng);
        let discriminator = self.players.discriminator_loss(&round, &real, &fake, rng)?;
        // Where the generator stays, its loss is only reported.
        let reported = match generator_moves {
            true => None,
            false => Some(no_grad(|| self.players.generator_loss(&round, &fake, &|| real.clone()))?),
        };
        self.move_discriminator(&discriminator)?;
        let generator = match reported {
            Some(losses) => losses,
            None => {
                self.freeze_discriminator(true);
                let moved = self.move_generator(&round, rng);
                self.freeze_discriminator(false);
                moved?
            }
        };
        no_grad(|| self.players.end_step(&round, generator_moves, &real, &fake))?;
        Ok(join(generator, discriminator))
    }

    fn is_ranked_by_loss(&self) -> bool {
        false
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![("generator", self.generator.as_mut()), ("discriminator", self.discriminator.as_mut())]
    }
}
