//! Whether a GPU computes what the processor does.

use anyhow::{Result, bail};
use wengert_nn::{
    Adam, BatchNorm2d, Conv2d, Flatten, Layer, LeakyReLU, Linear, Module, Optimizer, Sequential,
};
use wengert_tensor::step::{Step, Work};
use wengert_tensor::{DType, Device, Generator, Reduction, Tensor, on_device};

const BATCH: usize = 16;
const CLASSES: i64 = 10;
/// Enough for a GPU to replay some of them.
const STEPS: usize = 6;
/// How far losses may lie apart, as a share of the larger: products of a GPU add up in another order.
const TOLERANCE: f64 = 1e-3;

/// A small network in training, with convolutions, normalisation, products, noise and an optimiser.
struct Trial {
    network: Sequential,
    adam: Adam,
    noise: Generator,
    images: Tensor,
    classes: Tensor,
}

impl Trial {
    fn new() -> Trial {
        let rng = Generator::new(0);
        let network = Sequential::new()
            .add(Conv2d::builder(1, 8, 4).stride(2).padding(1).build(&rng))
            .add(BatchNorm2d::new(8))
            .add(LeakyReLU::new(0.2))
            .add(Conv2d::builder(8, 16, 4).stride(2).padding(1).build(&rng));
        let head = Linear::new(16 * 7 * 7, CLASSES as usize, &rng);
        let network = network.add(Flatten::new()).add(head);
        Trial {
            adam: Adam::new(network.parameters(), 1e-3),
            noise: rng.stream(1),
            images: rng.uniform([BATCH, 1, 28, 28], 0.0, 1.0, DType::F32),
            classes: rng.randint(0, CLASSES, [BATCH]),
            network,
        }
    }
}

impl Work for Trial {
    type Error = anyhow::Error;

    fn run(&mut self, _step: u64) -> Result<Vec<Tensor>> {
        let images = &self.images + self.noise.normal_like(&self.images) * 0.1;
        let loss = self.network.forward(&images).cross_entropy(&self.classes, Reduction::Mean);
        self.adam.zero_grad();
        loss.backward()?;
        self.adam.step()?;
        Ok(vec![loss])
    }
}

/// An error unless the losses of a small training are those of the processor: kernels that are wrong on some device must not
/// spoil a run that nobody meant for it.
pub fn holds(device: Device) -> Result<()> {
    let losses = |device| on_device(device, || Step::new(device).run(&mut Trial::new(), 0, STEPS));
    agree(&losses(Device::Cpu)?.concat(), &losses(device)?.concat())
}

fn agree(expected: &[f64], found: &[f64]) -> Result<()> {
    for (step, (expected, found)) in expected.iter().zip(found).enumerate() {
        let apart = (expected - found).abs() / expected.abs().max(found.abs());
        if apart.is_nan() || apart > TOLERANCE {
            bail!("the loss of step {step} of a trial is {found} on it and {expected} on the processor");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_that_differ_are_told() {
        agree(&[2.5, 2.0], &[2.5001, 2.0]).unwrap();
        for wrong in [2.4, f64::NAN, 0.0] {
            let error = agree(&[2.5, 2.0], &[2.5, wrong]).unwrap_err().to_string();
            assert!(error.contains("step 1") && error.contains("on the processor"), "{error}");
        }
    }
}
