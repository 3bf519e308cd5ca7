//! `vae`: the variational auto-encoder of the zoo.

use super::{Data, Training, weight_rng};
use anyhow::Result;
use wengert_data::{Batch, Position};
use wengert_models::autoencoders::vae::{Options, VaeTraining};
use wengert_models::{ImageSet, Training as _};
use wengert_tensor::{DType, Generator, Tensor};

/// The model at its defaults, 784-400-20, whose loss is Bernoulli reconstruction and KL per image.
pub struct Vae {
    training: VaeTraining,
    batch: Batch,
    data: Data,
}

impl Vae {
    pub fn new(size: usize) -> Self {
        let images = ImageSet::default();
        let [channels, height, width] = images.shape;
        let data = Data::new(&[size, channels * height * width], 0.0);
        let batch = Batch {
            images: data.images.reshape([size, channels, height, width]),
            labels: data.labels.clone(),
            indices: (0..size).collect(),
            position: Position::default(),
        };
        let training =
            VaeTraining::new(&Options::default(), &images, &weight_rng()).expect("the defaults are valid");
        Self { training, batch, data }
    }
}

impl Training for Vae {
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        self.training.model().named_parameters()
    }

    fn data(&self) -> &Data {
        &self.data
    }

    fn noise(&self, rng: &Generator) -> Vec<(&'static str, Tensor)> {
        let shape = [self.batch.indices.len(), self.training.model().code_size()];
        vec![("eps", rng.normal(shape, 0.0, 1.0, DType::F32))]
    }

    fn step(&mut self, rng: &Generator) -> Result<Vec<Tensor>> {
        Ok(vec![self.training.step(&self.batch, rng, 0)?.total])
    }
}
