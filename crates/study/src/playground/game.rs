//! A generator against a discriminator, one move at a time.

use super::distribution::{Distribution, Point, points, tensor};
use super::fault::{Fault, finite};
use super::loss::Loss;
use super::networks::{Discriminator, network};
use super::settings::{OptimizerKind, Rules, Settings};
use wengert_models::gans::losses::gradient_penalty::{Form, GradientPenalty, Place};
use wengert_nn::{Adam, Layer, Module, Optimizer, Sequential, Sgd, clip_values_};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// The two players, and all that their next moves depend on.
#[derive(Debug)]
pub struct Game {
    distribution: Distribution,
    rules: Rules,
    codes: usize,
    generator: Sequential,
    discriminator: Discriminator,
    move_generator: Box<dyn Optimizer>,
    move_discriminator: Box<dyn Optimizer>,
    data: Generator,
    noise: Generator,
    told: Told,
}

/// What the last moves said.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The generator's loss before its last move.
    pub generator: Option<f64>,
    /// The discriminator's loss before its last move, without the penalty.
    pub discriminator: Option<f64>,
    /// The penalty on slopes, where there is one.
    pub penalty: Option<f64>,
    /// Moves of the generator so far.
    pub generator_moves: u64,
    /// Moves of the discriminator so far.
    pub discriminator_moves: u64,
}

/// The optimiser of these parameters by name.
pub fn optimizer(kind: OptimizerKind, parameters: Vec<Tensor>, learning_rate: f64) -> Box<dyn Optimizer> {
    match kind {
        OptimizerKind::Adam => Box::new(Adam::new(parameters, learning_rate).betas(0.5, 0.9)),
        OptimizerKind::Sgd => Box::new(Sgd::new(parameters, learning_rate)),
    }
}

/// The Euclidean norm of all gradients of the last move, where there was one.
pub fn gradient_norm(parameters: &[Tensor]) -> Option<f64> {
    let squares: Vec<f64> = parameters
        .iter()
        .filter_map(Tensor::grad)
        .map(|gradient| gradient.square().sum_all().item())
        .collect();
    (!squares.is_empty()).then(|| squares.iter().sum::<f64>().sqrt())
}

impl Game {
    /// Fresh players.
    pub fn new(settings: &Settings, distribution: Distribution) -> Game {
        let seed = Generator::new(settings.seed);
        let generator = network(settings.codes, settings.width, 2, &seed.stream(0));
        let mut discriminator = Discriminator::new(settings.discriminator_width, &seed.stream(1));
        let rules = settings.rules.clone();
        discriminator.normalise(rules.bound());
        Game {
            move_generator: optimizer(rules.optimizer, generator.parameters(), rules.learning_rate),
            move_discriminator: optimizer(
                rules.optimizer,
                discriminator.parameters(),
                rules.discriminator_learning_rate,
            ),
            distribution,
            rules,
            codes: settings.codes,
            generator,
            discriminator,
            data: seed.stream(2),
            noise: seed.stream(3),
            told: Told::default(),
        }
    }

    /// Plays by other rules from now on. An optimiser of another kind begins without memory.
    pub fn change(&mut self, rules: Rules) {
        if rules.optimizer != self.rules.optimizer {
            self.move_generator = optimizer(rules.optimizer, self.generator.parameters(), 0.0);
            self.move_discriminator = optimizer(rules.optimizer, self.discriminator.parameters(), 0.0);
        }
        self.move_generator.set_learning_rate(rules.learning_rate);
        self.move_discriminator.set_learning_rate(rules.discriminator_learning_rate);
        self.discriminator.normalise(rules.bound());
        self.rules = rules;
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A step: as many moves of each player as the rules say, the discriminator's first.
    pub fn step(&mut self) -> Result<(), Fault> {
        for _ in 0..self.rules.critic_steps {
            self.step_discriminator()?;
        }
        for _ in 0..self.rules.generator_steps {
            self.step_generator()?;
        }
        Ok(())
    }

    /// One move of the discriminator.
    pub fn step_discriminator(&mut self) -> Result<(), Fault> {
        let real = tensor(&self.distribution.sample(self.rules.batch, &self.data));
        let fake = no_grad(|| self.generator.forward(&self.draw_codes()));
        let loss = self
            .rules
            .loss
            .discriminator(&self.discriminator.scores(&real), &self.discriminator.scores(&fake));
        self.told.discriminator = Some(finite("the discriminator's loss", loss.item())?);
        let mut total = loss;
        self.told.penalty = None;
        if self.rules.loss == Loss::WassersteinGp {
            let penalty = GradientPenalty {
                weight: self.rules.penalty_weight,
                form: Form::TwoSided,
                place: Place::Between,
            };
            let penalty =
                penalty.apply(|points| self.discriminator.scores(points), &real, &fake, &self.noise)?;
            self.told.penalty = Some(finite("the penalty on slopes", penalty.item())?);
            total = total + penalty;
        }
        self.move_discriminator.zero_grad();
        total.backward()?;
        self.move_discriminator.step()?;
        if self.rules.loss == Loss::Wasserstein {
            clip_values_(&self.discriminator.parameters(), -self.rules.weight_clip, self.rules.weight_clip)?;
        }
        self.told.discriminator_moves += 1;
        Ok(())
    }

    /// One move of the generator.
    pub fn step_generator(&mut self) -> Result<(), Fault> {
        let weights = self.discriminator.parameters();
        weights.iter().for_each(|weight| weight.set_requires_grad(false));
        let scores = self.discriminator.scores(&self.generator.forward(&self.draw_codes()));
        weights.iter().for_each(|weight| weight.set_requires_grad(true));
        let loss = self.rules.loss.generator(&scores);
        self.told.generator = Some(finite("the generator's loss", loss.item())?);
        self.move_generator.zero_grad();
        loss.backward()?;
        self.move_generator.step()?;
        self.told.generator_moves += 1;
        Ok(())
    }

    fn draw_codes(&self) -> Tensor {
        self.noise.normal([self.rules.batch, self.codes], 0.0, 1.0, DType::F32)
    }

    /// The generator's points for codes `[N, codes]`.
    pub fn generate(&self, codes: &Tensor) -> Vec<Point> {
        no_grad(|| points(&self.generator.forward(codes)))
    }

    /// What the discriminator makes of points, as it is shown.
    pub fn heat(&self, points: &Tensor) -> Vec<f32> {
        no_grad(|| self.rules.loss.shown(&self.discriminator.look(points)).to_vec())
    }

    /// What the last moves said.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// The norms of the last gradients: the generator's and the discriminator's.
    pub fn gradient_norms(&self) -> [Option<f64>; 2] {
        [&self.move_generator, &self.move_discriminator]
            .map(|optimizer| gradient_norm(&optimizer.parameters()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::loss::Loss;

    fn game(change: impl Fn(&mut Settings)) -> Game {
        let mut settings = Settings { width: 16, discriminator_width: 16, ..Settings::default() };
        settings.rules.batch = 32;
        change(&mut settings);
        Game::new(&settings, settings.check().unwrap())
    }

    fn codes() -> Tensor {
        Generator::new(9).normal([20, 2], 0.0, 1.0, DType::F32)
    }

    #[test]
    fn every_loss_moves_both_players_and_can_be_left_for_any_other() {
        let mut game = game(|_| {});
        for kind in [OptimizerKind::Sgd, OptimizerKind::Adam] {
            for (loss, title, _) in Loss::ALL {
                for spectral_norm in [false, true] {
                    let before = (game.generate(&codes()), game.heat(&codes()));
                    game.change(Rules { loss, spectral_norm, optimizer: kind, ..game.rules().clone() });
                    game.step().unwrap();
                    assert_ne!(game.generate(&codes()), before.0, "{title}");
                    assert_ne!(game.heat(&codes()), before.1, "{title}");
                    assert_eq!(game.told().penalty.is_some(), loss == Loss::WassersteinGp, "{title}");
                    assert!(game.gradient_norms().iter().all(Option::is_some), "{title}");
                }
            }
        }
    }

    #[test]
    fn a_move_of_one_player_leaves_the_other() {
        let mut game = game(|settings| settings.rules.spectral_norm = true);
        let before = game.generate(&codes());
        game.step_discriminator().unwrap();
        assert_eq!(game.generate(&codes()), before);
        let weights = |game: &Game| {
            game.discriminator.parameters().iter().map(|w| w.to_vec::<f32>()).collect::<Vec<_>>()
        };
        let before = weights(&game);
        game.step_generator().unwrap();
        assert_eq!(weights(&game), before);
        assert_eq!((game.told().discriminator_moves, game.told().generator_moves), (1, 1));
    }

    #[test]
    fn clipped_weights_stay_in_their_bounds() {
        let mut game = game(|settings| {
            settings.rules = Rules { loss: Loss::Wasserstein, weight_clip: 0.05, ..settings.rules.clone() };
        });
        game.step().unwrap();
        let largest =
            |tensor: &Tensor| tensor.to_vec::<f32>().into_iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!(game.discriminator.parameters().iter().all(|weight| largest(weight) <= 0.05));
    }

    #[test]
    fn the_same_seed_and_moves_give_the_same_numbers_whoever_looks() {
        let play = |looks: bool, seed: u64| {
            let mut game = game(|settings| {
                settings.seed = seed;
                settings.rules.loss = Loss::Hinge;
                settings.rules.spectral_norm = true;
            });
            for step in 0..20 {
                if step == 10 {
                    game.change(Rules { loss: Loss::WassersteinGp, critic_steps: 2, ..game.rules().clone() });
                }
                game.step().unwrap();
                if looks {
                    game.heat(&codes());
                    game.generate(&codes());
                }
            }
            (game.generate(&codes()), game.heat(&codes()), game.told().discriminator.map(f64::to_bits))
        };
        assert_eq!(play(false, 4), play(true, 4));
        assert_ne!(play(false, 4).0, play(false, 5).0);
    }

    #[test]
    fn a_loss_that_is_not_finite_ends_in_a_fault_before_the_weights_move() {
        let mut game = game(|_| {});
        game.discriminator.parameters()[0].assign(&Tensor::full([16, 2], f64::NAN, DType::F32)).unwrap();
        let before = game.generate(&codes());
        assert!(game.step_generator().unwrap_err().to_string().contains("the generator's loss is NaN"));
        assert!(
            game.step_discriminator().unwrap_err().to_string().contains("the discriminator's loss is NaN")
        );
        assert_eq!(game.generate(&codes()), before);
    }
}
