//! A running average of a generator's weights.

use crate::Result;
use wengert_nn::{Entries, EntriesMut, Layer, Module};
use wengert_tensor::ops::optimize::{Update, running_average_step};
use wengert_tensor::{Tensor, no_grad};

/// A second copy of a network that follows the trained one: θ̄ ← d·θ̄ + (1 − d)·θ after each of its updates, normalisation
/// buffers as they are (Yazıcı et al., 2018, arXiv:1806.04498).
///
/// All of its tensors are buffers of the model, so they are stored and restored but neither trained nor counted as
/// parameters. It is always in evaluation mode.
#[derive(Debug)]
pub struct Average<N> {
    network: N,
    /// Handles of the network's tensors, by name: its parameters, then its buffers.
    tensors: Vec<(String, Tensor)>,
    decay: f64,
}

impl<N: Layer> Average<N> {
    /// An average that starts at the present weights of `source`, in a network of the same build.
    pub fn new(network: N, source: &N, decay: f64) -> Result<Self> {
        network.load_state_dict(&source.state_dict(), true)?;
        network.set_requires_grad(false);
        network.eval();
        let tensors = state(&network);
        Ok(Self { network, tensors, decay })
    }

    /// Takes in the present weights of the network that is followed.
    pub fn update(&self, source: &N) -> Result<()> {
        let parameters = source.parameters();
        let source = state(source);
        let mut pairs =
            self.tensors.iter().zip(&source).map(|((_, average), (_, present))| (average, present));
        let updates: Vec<Update<'_, 0>> = pairs
            .by_ref()
            .take(parameters.len())
            .map(|(average, present)| Update { parameter: average, gradient: present, state: [] })
            .collect();
        running_average_step(&updates, self.decay)?;
        for (average, present) in pairs {
            average.assign(present)?;
        }
        Ok(())
    }

    /// The averaged network's output, which has no tape.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        no_grad(|| self.network.forward(input))
    }
}

fn state(network: &impl Module) -> Vec<(String, Tensor)> {
    network.named_parameters().into_iter().chain(network.named_buffers()).collect()
}

impl<N: Layer> Module for Average<N> {
    fn kind(&self) -> &'static str {
        "Average"
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        self.tensors.iter().for_each(|(name, tensor)| entries.buffers(name, tensor));
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
    use wengert_tensor::{DType, Generator};

    #[test]
    fn follows_weights_slowly_and_buffers_at_once() {
        let rng = Generator::new(0);
        let build = || Sequential::new().add(Linear::new(2, 3, &rng)).add(BatchNorm1d::new(3));
        let source = build();
        let average = Average::new(build(), &source, 0.75).unwrap();
        let before = source.state_dict();
        for (_, parameter) in source.named_parameters() {
            parameter.update(|weights: &mut [f32]| weights.iter_mut().for_each(|weight| *weight += 4.0));
        }
        source.forward(&rng.normal([8, 2], 0.0, 1.0, DType::F32));
        average.update(&source).unwrap();
        assert_eq!(average.parameter_count(), 0);
        let state = average.state_dict();
        for (name, parameter) in source.named_parameters() {
            let moved = (&state[&name] - &before[&name]).to_vec::<f32>();
            assert!(moved.iter().all(|change| (change - 1.0).abs() < 1e-6), "{name}: {moved:?}");
            assert!(!parameter.to_vec::<f32>().is_empty());
        }
        assert_eq!(
            state["1.running_mean"].to_vec::<f32>(),
            source.state_dict()["1.running_mean"].to_vec::<f32>()
        );
    }
}
