//! Options that all adversarial models share.

use crate::Result;
use crate::config::Ranges;
use crate::descent::latter_half;
use crate::networks::Normalisation;
use serde::{Deserialize, Serialize};
use wengert_nn::{Adam, Optimizer, RmsProp};
use wengert_tensor::Tensor;

/// Networks, optimisers and techniques of a game; flattened into each model's own options.
///
/// The defaults are those of DCGAN (Radford et al., 2015, arXiv:1511.06434), every technique off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// `dcgan`, or `mlp`: 100-256-512-1024-784 against 784-512-256-1.
    pub network: String,
    /// Channels of the first layer of a DCGAN's discriminator; the others have a multiple.
    pub width: usize,
    /// Width of a fully connected layer between a DCGAN's convolutions and the code, in the generator, and the score, in
    /// the discriminator, as the networks of InfoGAN have it (Chen et al., 2016, arXiv:1606.03657); 0 for none.
    pub hidden: usize,
    /// How many such layers a DCGAN's generator has, one after the other, where there are any: with more of them it can
    /// leave less between two kinds of images (as a mapping network, Karras et al., 2019, arXiv:1812.04948).
    pub mapping_layers: usize,
    /// Whether the first planes of a DCGAN's generator are normalised unit by unit, over the batch alone, as its authors'
    /// code does, and not channel by channel, over the batch and all places. One picture for all codes passes the
    /// latter unchanged, and where the discriminator has no batch normalisation of its own to notice that (`dragan`, `sn-gan`),
    /// generators with a hidden layer end there.
    pub normalise_units: bool,
    /// What normalises the discriminator's layers: `none`, `batch`, `layer` or `spectral`.
    pub normalisation: String,
    /// Numbers in a code.
    pub latent: usize,
    /// `adam` or `rmsprop`.
    pub optimizer: String,
    /// Learning rate of both players.
    pub learning_rate: f64,
    /// Learning rate of the discriminator where it has one of its own; 0 for the generator's.
    pub discriminator_learning_rate: f64,
    /// Steps in whose latter half both learning rates fall to 0 by a straight line; 0 for constant rates.
    pub decay_steps: u64,
    /// Adam's β₁.
    pub beta1: f64,
    /// Adam's β₂.
    pub beta2: f64,
    /// Moves of the discriminator for each of the generator. Each takes one step and one real batch.
    pub critic_steps: u64,
    /// Whether the generator's loss is the squared distance of the mean features of real and made images, whatever the
    /// discriminator's loss is (Salimans et al., 2016, arXiv:1606.03498).
    pub feature_matching: bool,
    /// Kernels of minibatch discrimination (Salimans et al., 2016); 0 for none.
    pub minibatch_discrimination: usize,
    /// Codes in the reference batch by which the generator's layers are normalised instead of by the batch itself
    /// (virtual batch normalisation, Salimans et al., 2016); 0 for batch normalisation.
    pub virtual_batch_norm: usize,
    /// Standard deviation of the noise on all that the discriminator sees, at the first step (Sønderby et al., 2016,
    /// arXiv:1610.04490).
    pub instance_noise: f64,
    /// Steps in which that noise falls to nothing, by a straight line.
    pub instance_noise_steps: u64,
    /// Decay of the running average of the generator's weights, which then makes the model's images (Yazıcı et al., 2018,
    /// arXiv:1806.04498); 0 for none.
    pub average_decay: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: "dcgan".into(),
            width: 64,
            hidden: 0,
            mapping_layers: 1,
            normalise_units: false,
            normalisation: "batch".into(),
            latent: 100,
            optimizer: "adam".into(),
            learning_rate: 2e-4,
            discriminator_learning_rate: 0.0,
            decay_steps: 0,
            beta1: 0.5,
            beta2: 0.999,
            critic_steps: 1,
            feature_matching: false,
            minibatch_discrimination: 0,
            virtual_batch_norm: 0,
            instance_noise: 0.0,
            instance_noise_steps: 10_000,
            average_decay: 0.0,
        }
    }
}

const NORMALISATIONS: [(&str, Normalisation); 4] = [
    ("none", Normalisation::None),
    ("batch", Normalisation::Batch),
    ("layer", Normalisation::Layer),
    ("spectral", Normalisation::Spectral),
];

impl Options {
    /// An error for the first option outside its range.
    pub fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("network", &self.network, &["dcgan", "mlp"])?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("hidden", self.hidden, 0..=65_536)?;
        ranges.within("mapping_layers", self.mapping_layers, 1..=64)?;
        let is_convolutional = self.network == "dcgan";
        let is_mapped = is_convolutional && self.hidden > 0;
        let detail =
            "is above 1, which needs the network dcgan with a hidden layer: set hidden, such as to 256";
        ranges.takes_effect("mapping_layers", self.mapping_layers == 1 || is_mapped, detail)?;
        let detail = "is above 0, which needs the network dcgan; the layers of mlp have widths of their own";
        ranges.takes_effect("hidden", self.hidden == 0 || is_convolutional, detail)?;
        let detail = "is true, which needs the network dcgan";
        ranges.takes_effect("normalise_units", !self.normalise_units || is_convolutional, detail)?;
        ranges.one_of("normalisation", &self.normalisation, &NORMALISATIONS.map(|(name, _)| name))?;
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.one_of("optimizer", &self.optimizer, &["adam", "rmsprop"])?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("discriminator_learning_rate", self.discriminator_learning_rate, 0.0..=1e3)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)?;
        ranges.within("beta1", self.beta1, 0.0..=0.9999)?;
        ranges.within("beta2", self.beta2, 0.0..=0.999_999)?;
        ranges.within("critic_steps", self.critic_steps, 1..=1000)?;
        ranges.within("minibatch_discrimination", self.minibatch_discrimination, 0..=1024)?;
        ranges.within("virtual_batch_norm", self.virtual_batch_norm, 0..=4096)?;
        ranges.within("instance_noise", self.instance_noise, 0.0..=100.0)?;
        ranges.within("instance_noise_steps", self.instance_noise_steps, 1..=1_000_000_000)?;
        ranges.within("average_decay", self.average_decay, 0.0..=0.999_999)
    }

    /// The discriminator's normalisation. The options have passed [`Options::check`].
    pub fn normalisation(&self) -> Normalisation {
        let named = NORMALISATIONS.iter().find(|(name, _)| *name == self.normalisation);
        named.map_or(Normalisation::None, |(_, normalisation)| *normalisation)
    }

    /// The discriminator's learning rate.
    pub fn discriminator_learning_rate(&self) -> f64 {
        match self.discriminator_learning_rate {
            0.0 => self.learning_rate,
            own => own,
        }
    }

    /// The share of their learning rates that the players have at a step.
    pub fn rate(&self, step: u64) -> f64 {
        latter_half(self.decay_steps, step)
    }

    /// An optimiser for these parameters.
    pub fn optimizer(&self, parameters: Vec<Tensor>, learning_rate: f64) -> Box<dyn Optimizer> {
        match self.optimizer.as_str() {
            "rmsprop" => Box::new(RmsProp::new(parameters, learning_rate)),
            _ => Box::new(Adam::new(parameters, learning_rate).betas(self.beta1, self.beta2)),
        }
    }

    /// Standard deviation of the instance noise at a step; none without one.
    pub fn instance_noise(&self, step: Option<u64>) -> f64 {
        let left = |step: u64| 1.0 - step as f64 / self.instance_noise_steps as f64;
        self.instance_noise * step.map_or(0.0, left).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_noise_falls_to_nothing() {
        let options = Options { instance_noise: 0.4, instance_noise_steps: 8, ..Options::default() };
        for (step, expected) in [(Some(0), 0.4), (Some(2), 0.3), (Some(8), 0.0), (Some(99), 0.0), (None, 0.0)]
        {
            assert!((options.instance_noise(step) - expected).abs() < 1e-12, "{step:?}");
        }
    }

    #[test]
    fn the_discriminator_follows_the_common_learning_rate_unless_it_has_its_own() {
        let common = Options { learning_rate: 3e-4, ..Options::default() };
        assert_eq!(common.discriminator_learning_rate(), 3e-4);
        let own = Options { discriminator_learning_rate: 1e-3, ..common };
        assert_eq!(own.discriminator_learning_rate(), 1e-3);
    }

    #[test]
    fn options_are_checked() {
        let refusal = |options: Options| options.check(&Ranges::new("gan")).unwrap_err().to_string();
        let options = Options::default();
        assert!(
            refusal(Options { network: "unet".into(), ..options.clone() }).contains("gan.network is `unet`")
        );
        assert!(
            refusal(Options { normalisation: "x".into(), ..options.clone() }).contains("none, batch, layer")
        );
        assert!(refusal(Options { critic_steps: 0, ..options.clone() }).contains("gan.critic_steps is 0"));
        assert!(refusal(Options { mapping_layers: 2, ..options.clone() }).contains("set hidden"));
        assert!(
            Options { mapping_layers: 2, hidden: 8, ..options.clone() }.check(&Ranges::new("gan")).is_ok()
        );
        let connected = Options { network: "mlp".into(), ..options.clone() };
        let units = Options { normalise_units: true, ..connected.clone() };
        assert!(refusal(units).contains("gan.normalise_units is true"));
        assert!(refusal(Options { hidden: 8, ..connected }).contains("gan.hidden is above 0"));
        assert!(refusal(Options { beta1: 1.0, ..options.clone() }).contains("gan.beta1 is 1"));
        assert!(refusal(Options { average_decay: 1.0, ..options }).contains("gan.average_decay is 1"));
    }
}
