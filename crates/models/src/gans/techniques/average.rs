//! A running average of a generator's weights.

use crate::Result;
use wengert_nn::{Entries, EntriesMut, Layer, Module};
use wengert_tensor::ops::optimize::{Update, running_average_step_by};
use wengert_tensor::{DType, Tensor, no_grad};

/// A second copy of a network that follows the trained one: θ̄ ← d·θ̄ + (1 − d)·θ after each of its updates (Yazıcı et al.,
/// 2018, arXiv:1806.04498). d grows from 0.1 to the decay as (1 + n) / (10 + n) after n updates, so that a short run does not
/// keep the first weights.
///
/// The trained network's normalisation statistics belong to its own activations, whose spread is larger than that of
/// averaged weights; the copy gathers its own in a pass over the codes of each step.
///
/// All of its tensors are buffers of the model, so they are stored and restored but neither trained nor counted as
/// parameters. It is always in evaluation mode.
#[derive(Debug)]
pub struct Average<N> {
    network: N,
    /// Handles of the network's tensors, by name.
    tensors: Vec<(String, Tensor)>,
    decay: f64,
    /// n, i64 `[1]`.
    updates: Tensor,
}

impl<N: Layer> Average<N> {
    /// An average that starts at the present weights of `source`, in a network of the same build.
    pub fn new(network: N, source: &N, decay: f64) -> Result<Self> {
        network.load_state_dict(&source.state_dict(), true)?;
        network.set_requires_grad(false);
        network.eval();
        let tensors = network.named_parameters().into_iter().chain(network.named_buffers()).collect();
        Ok(Self { network, tensors, decay, updates: Tensor::zeros([1], DType::I64) })
    }

    /// Takes in the present weights of the network that is followed, which was just trained on these inputs.
    pub fn update(&self, source: &N, input: &Tensor) -> Result<()> {
        let (averages, present) = (self.network.parameters(), source.parameters());
        let updates: Vec<Update<'_, 0>> = averages
            .iter()
            .zip(&present)
            .map(|(average, present)| Update { parameter: average, gradient: present, state: [] })
            .collect();
        let done = self.updates.to_dtype(DType::F64);
        let decay = ((&done + 1.0) / (&done + 10.0)).clamp(None, Some(self.decay));
        running_average_step_by(&updates, &decay)?;
        self.updates.assign(&(&self.updates + 1.0))?;
        self.network.train();
        self.forward(input);
        self.network.eval();
        Ok(())
    }

    /// The averaged network's output, which has no tape.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        no_grad(|| self.network.forward(input))
    }
}

impl<N: Layer> Module for Average<N> {
    fn kind(&self) -> &'static str {
        "Average"
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        self.tensors.iter().for_each(|(name, tensor)| entries.buffers(name, tensor));
        entries.buffers("updates", &self.updates);
        entries
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        // The network holds the same tensors, so they cannot be replaced from outside, only assigned.
        EntriesMut::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::{BatchNorm1d, Linear, Sequential};
    use wengert_tensor::Generator;

    #[test]
    fn follows_weights_slowly_and_gathers_its_own_statistics() {
        let rng = Generator::new(0);
        let build = || Sequential::new().add(Linear::new(2, 3, &rng)).add(BatchNorm1d::new(3));
        let source = build();
        let average = Average::new(build(), &source, 0.15).unwrap();
        let input = rng.normal([8, 2], 0.0, 1.0, DType::F32);
        // (1 + n) / (10 + n) is 0.1 and then 2/11, above the decay of 0.15.
        for decay in [0.1, 0.15] {
            let before = average.state_dict();
            for (_, parameter) in source.named_parameters() {
                parameter.update(|weights: &mut [f32]| weights.iter_mut().for_each(|weight| *weight += 4.0));
            }
            average.update(&source, &input).unwrap();
            let after = average.state_dict();
            for (name, parameter) in source.named_parameters() {
                let expected = &before[&name] * decay + parameter * (1.0 - decay);
                assert!((&after[&name] - expected).abs().max_all().item() < 1e-5, "{name}");
            }
            let activations = input.matmul(&after["0.weight"].t()) + &after["0.bias"];
            let mean = &before["1.running_mean"] * 0.9 + activations.mean(&[0], false) * 0.1;
            assert!((&after["1.running_mean"] - mean).abs().max_all().item() < 1e-5);
        }
        assert_eq!(average.parameter_count(), 0);
    }
}
