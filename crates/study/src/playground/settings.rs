//! What is played: the networks, which stay as they are until a reset, and the rules, which may change at any step.

use super::distribution::{Distribution, Shape};
use super::loss::Loss;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Everything a session starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which networks.
    pub model: Model,
    /// What they learn.
    pub distribution: Shape,
    /// The user's points, for [`Shape::Drawn`].
    pub points: Vec<[f64; 2]>,
    /// The seed of weights, data and noise.
    pub seed: u64,
    /// Numbers in a code.
    pub codes: usize,
    /// Units in each hidden layer of the generator, or of encoder and decoder.
    pub width: usize,
    /// Units in each hidden layer of the discriminator.
    pub discriminator_width: usize,
    /// What may change at any step.
    pub rules: Rules,
}

/// What may change at any step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// What the players play for.
    pub loss: Loss,
    /// Whether the discriminator's weights are divided by their largest singular values.
    pub spectral_norm: bool,
    /// The steepest slope that spectral normalisation leaves. A picture is far from another one by its many pixels; points of
    /// the plane are close, so 1 would leave them hard to tell apart.
    pub steepest: f64,
    /// Weight of the gradient penalty, where the loss has one.
    pub penalty_weight: f64,
    /// Bound of the critic's parameters, where the loss clips them.
    pub weight_clip: f64,
    /// How weights move.
    pub optimizer: OptimizerKind,
    /// Of the generator, or of the autoencoder.
    pub learning_rate: f64,
    /// Of the discriminator.
    pub discriminator_learning_rate: f64,
    /// Moves of the discriminator in a step.
    pub critic_steps: usize,
    /// Moves of the generator in a step.
    pub generator_steps: usize,
    /// Points in a batch.
    pub batch: usize,
    /// Weight of an autoencoder's divergence from the prior.
    pub beta: f64,
    /// Standard deviation of a point around what the decoder says.
    pub deviation: f64,
}

/// Which networks are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// A generator against a discriminator.
    Gan,
    /// A variational autoencoder.
    Vae,
}

/// How weights move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with β = (0.5, 0.9).
    Adam,
    /// Plain gradient descent.
    Sgd,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: Model::Gan,
            distribution: Shape::EightGaussians,
            points: Vec::new(),
            seed: 0,
            codes: 2,
            width: 64,
            discriminator_width: 64,
            rules: Rules::default(),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            loss: Loss::NonSaturating,
            spectral_norm: false,
            steepest: 10.0,
            penalty_weight: 1.0,
            weight_clip: 0.1,
            optimizer: OptimizerKind::Adam,
            learning_rate: 1e-3,
            discriminator_learning_rate: 1e-3,
            critic_steps: 1,
            generator_steps: 1,
            batch: 256,
            beta: 1.0,
            deviation: 0.1,
        }
    }
}

/// Numbers in JSON are exact in a page up to here.
const MOST_SEED: u64 = (1 << 53) - 1;

impl Settings {
    /// The distribution, after all else has been looked at.
    ///
    /// # Errors
    /// When a number is out of its range, or the points cannot be used.
    pub fn check(&self) -> Result<Distribution, String> {
        within("seed", self.seed, 0..=MOST_SEED)?;
        within("codes", self.codes, 1..=16)?;
        within("width", self.width, 2..=256)?;
        within("discriminator_width", self.discriminator_width, 2..=256)?;
        self.rules.check()?;
        Distribution::new(self.distribution, &self.points)
    }
}

impl Rules {
    /// The bound on the discriminator's slopes, where there is one.
    pub fn bound(&self) -> Option<f64> {
        self.spectral_norm.then_some(self.steepest)
    }

    /// # Errors
    /// When a number is out of its range.
    pub fn check(&self) -> Result<(), String> {
        within("steepest", self.steepest, 0.1..=1000.0)?;
        within("penalty_weight", self.penalty_weight, 0.0..=1000.0)?;
        within("weight_clip", self.weight_clip, 1e-4..=10.0)?;
        within("learning_rate", self.learning_rate, 0.0..=1.0)?;
        within("discriminator_learning_rate", self.discriminator_learning_rate, 0.0..=1.0)?;
        within("critic_steps", self.critic_steps, 1..=50)?;
        within("generator_steps", self.generator_steps, 1..=50)?;
        within("batch", self.batch, 8..=1024)?;
        within("beta", self.beta, 0.0..=1000.0)?;
        within("deviation", self.deviation, 0.01..=1.0)
    }
}

/// NaN is in no range.
fn within<T: PartialOrd + std::fmt::Display>(
    name: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), String> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(format!("{name} = {value} must be from {} to {}", range.start(), range.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let rules = |change: fn(&mut Rules)| {
            let mut rules = Rules::default();
            change(&mut rules);
            rules.check().unwrap_err()
        };
        assert_eq!(rules(|rules| rules.batch = 4), "batch = 4 must be from 8 to 1024");
        assert!(rules(|rules| rules.learning_rate = f64::NAN).starts_with("learning_rate = NaN"));
        assert!(rules(|rules| rules.beta = f64::INFINITY).starts_with("beta = inf"));
        assert!(rules(|rules| rules.deviation = 0.0).starts_with("deviation = 0"));
        let wide = Settings { width: 1 << 40, ..Settings::default() };
        assert!(wide.check().unwrap_err().starts_with("width"));
        assert!(Settings::default().check().is_ok());
    }

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        let read = |text: &str| serde_json::from_str::<Settings>(text);
        assert_eq!(read("{}").unwrap(), Settings::default());
        let settings = read(r#"{"model": "vae", "rules": {"loss": "hinge", "optimizer": "sgd"}}"#).unwrap();
        assert_eq!((settings.model, settings.rules.loss), (Model::Vae, Loss::Hinge));
        for text in [
            r#"{"rate": 1}"#,
            r#"{"rules": {"lr": 1}}"#,
            r#"{"seed": -1}"#,
            r#"{"points": [[1]]}"#,
            r#"{"rules": {"beta": NaN}}"#,
            r#"{"rules": {"beta": 1e999}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
