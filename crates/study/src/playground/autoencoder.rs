//! A variational autoencoder of points.
//!
//! The encoder gives q(z | x) = N(μ, diag σ²), the decoder the mean of p(x | z) = N(f(z), s²), and the loss is
//! ‖x − f(z)‖² / 2s² + β·KL(q ‖ N(0, 1)), a mean per point (Kingma, Welling, 2013, <https://arxiv.org/abs/1312.6114>, up to
//! a constant; β by Higgins et al., 2017).

use super::distribution::{Distribution, Point, points, tensor};
use super::fault::{Fault, finite};
use super::game::{gradient_norm, optimizer};
use super::networks::network;
use super::settings::{Rules, Settings};
use wengert_models::autoencoders::gaussian::DiagonalGaussian;
use wengert_nn::{Layer, Module, Optimizer, Sequential};
use wengert_tensor::{Generator, Tensor, no_grad};

/// Encoder and decoder, and all that their next step depends on.
#[derive(Debug)]
pub struct Autoencoder {
    distribution: Distribution,
    rules: Rules,
    encoder: Sequential,
    decoder: Sequential,
    optimizer: Box<dyn Optimizer>,
    data: Generator,
    noise: Generator,
    told: Told,
}

/// What the last step said.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// ‖x − f(z)‖² / 2s², a mean per point.
    pub reconstruction: Option<f64>,
    /// The divergence from the prior in nats, a mean per point, without its weight.
    pub divergence: Option<f64>,
}

impl Autoencoder {
    /// Fresh networks.
    pub fn new(settings: &Settings, distribution: Distribution) -> Autoencoder {
        let seed = Generator::new(settings.seed);
        let encoder = network(2, settings.width, 2 * settings.codes, &seed.stream(0));
        let decoder = network(settings.codes, settings.width, 2, &seed.stream(1));
        let rules = settings.rules.clone();
        let parameters = encoder.parameters().into_iter().chain(decoder.parameters()).collect();
        Autoencoder {
            optimizer: optimizer(rules.optimizer, parameters, rules.learning_rate),
            distribution,
            rules,
            encoder,
            decoder,
            data: seed.stream(2),
            noise: seed.stream(3),
            told: Told::default(),
        }
    }

    /// Trains by other rules from now on. An optimiser of another kind begins without memory.
    pub fn change(&mut self, rules: Rules) {
        if rules.optimizer != self.rules.optimizer {
            self.optimizer = optimizer(rules.optimizer, self.optimizer.parameters(), 0.0);
        }
        self.optimizer.set_learning_rate(rules.learning_rate);
        self.rules = rules;
    }

    /// One step.
    pub fn step(&mut self) -> Result<(), Fault> {
        let real = tensor(&self.distribution.sample(self.rules.batch, &self.data));
        let codes = DiagonalGaussian::from_halves(&self.encoder.forward(&real));
        let distance = (self.decoder.forward(&codes.sample(&self.noise)) - &real).square().sum_all();
        let scale = 0.5 / (self.rules.deviation.powi(2) * self.rules.batch as f64);
        let (reconstruction, divergence) = (distance * scale, codes.kl());
        self.told.reconstruction = Some(finite("the reconstruction's loss", reconstruction.item())?);
        self.told.divergence = Some(finite("the divergence", divergence.item())?);
        self.optimizer.zero_grad();
        (reconstruction + divergence * self.rules.beta).backward()?;
        self.optimizer.step()?;
        Ok(())
    }

    /// The decoder's points for codes `[N, codes]`.
    pub fn decode(&self, codes: &Tensor) -> Vec<Point> {
        no_grad(|| points(&self.decoder.forward(codes)))
    }

    /// The means of the codes of points `[N, 2]`, `[N, codes]`, and the points that the decoder makes of them.
    pub fn reconstruct(&self, real: &Tensor) -> (Tensor, Vec<Point>) {
        no_grad(|| {
            let means = DiagonalGaussian::from_halves(&self.encoder.forward(real)).mean;
            let made = points(&self.decoder.forward(&means));
            (means, made)
        })
    }

    /// What the last step said.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// The norm of the last gradients.
    pub fn gradient_norm(&self) -> Option<f64> {
        gradient_norm(&self.optimizer.parameters())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::distribution::Shape;

    fn trained(beta: f64) -> (Autoencoder, Vec<Point>) {
        let mut settings = Settings { distribution: Shape::Moons, width: 32, ..Settings::default() };
        settings.rules.beta = beta;
        settings.rules.learning_rate = 5e-3;
        let distribution = settings.check().unwrap();
        let data = distribution.sample(100, &Generator::new(7));
        let mut autoencoder = Autoencoder::new(&settings, distribution);
        (0..400).for_each(|_| autoencoder.step().unwrap());
        (autoencoder, data)
    }

    #[test]
    fn it_learns_to_give_points_back_unless_codes_cost_too_much() {
        let error = |(autoencoder, data): &(Autoencoder, Vec<Point>)| {
            let (_, made) = autoencoder.reconstruct(&tensor(data));
            data.iter().zip(&made).map(|(x, y)| (x[0] - y[0]).hypot(x[1] - y[1])).sum::<f32>()
                / data.len() as f32
        };
        let (cheap, dear) = (trained(1.0), trained(1000.0));
        assert!(error(&cheap) < 0.15, "{}", error(&cheap));
        assert!(error(&dear) > 0.5, "{}", error(&dear));
        // The posterior has collapsed onto the prior.
        assert!(dear.0.told().divergence.unwrap() < 0.01, "{:?}", dear.0.told());
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let once = || {
            let (autoencoder, data) = trained(1.0);
            autoencoder.reconstruct(&tensor(&data)).1
        };
        assert_eq!(once(), once());
    }
}
