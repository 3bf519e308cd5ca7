//! The training workloads: whole steps of small models, each forward, backward and optimiser, on data made from seeds.

mod adversarial;
mod classifier;
mod dcgan;
mod gan;
mod gru;
mod mlp;
mod vae;
mod wgan_gp;

use anyhow::Result;
use wengert_nn::Module;
use wengert_tensor::{DType, Generator, Tensor};

/// Numbers in a code of the adversarial generators.
const CODE: usize = 100;

/// Classes of the labels.
const CLASSES: i64 = 10;

/// A model in training on one batch.
pub trait Training: Send {
    /// The parameters under PyTorch's names.
    fn named_parameters(&self) -> Vec<(String, Tensor)>;

    /// What it is trained on.
    fn data(&self) -> &Data;

    /// The random numbers of the next step by name, drawn as the step itself will draw them.
    fn noise(&self, _rng: &Generator) -> Vec<(&'static str, Tensor)> {
        Vec::new()
    }

    /// One step; returns losses whose sum is the step's. The gradients that it used are left in the parameters.
    fn step(&mut self, rng: &Generator) -> Result<Vec<Tensor>>;
}

/// A batch.
#[derive(Debug, Clone)]
pub struct Data {
    /// Pixels, f32, batch first.
    pub images: Tensor,
    /// A class for each image, i64; most models do not look at it.
    pub labels: Tensor,
}

impl Data {
    /// Images of even noise between `low` and 1, with labels.
    fn new(shape: &[usize], low: f64) -> Data {
        let images = data_rng().uniform(shape, low, 1.0, DType::F32);
        Data { images, labels: data_rng().stream(0).randint(0, CLASSES, shape[0]) }
    }
}

/// A training workload.
#[derive(Debug)]
pub struct Entry {
    /// The name on the command line.
    pub name: &'static str,
    /// One line for `--list`.
    pub description: &'static str,
    /// The model with fresh weights, for batches of a size: always the same ones.
    pub build: fn(usize) -> Box<dyn Training>,
}

/// All of them.
pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "mlp",
        description: "784-512-256-10, ReLU, cross-entropy, Adam",
        build: |batch| Box::new(mlp::training(batch)),
    },
    Entry {
        name: "vae",
        description: "784-400-20, binary cross-entropy and KL, Adam",
        build: |batch| Box::new(vae::Vae::new(batch)),
    },
    Entry {
        name: "gan",
        description: "100-256-512-1024-784 against 784-512-256-1, one step of each, Adam",
        build: |batch| Box::new(gan::training(batch)),
    },
    Entry {
        name: "dcgan",
        description: "28 x 28, two transposed convolutions against two convolutions, one step of each, Adam",
        build: |batch| Box::new(dcgan::training(batch)),
    },
    Entry {
        name: "wgan-gp",
        description: "the critic's step on dcgan's networks, with gradient penalty, Adam",
        build: |batch| Box::new(wgan_gp::Critic::new(batch)),
    },
    Entry {
        name: "gru",
        description: "28 steps of 28 features, 128 hidden, cross-entropy, Adam",
        build: |batch| Box::new(gru::training(batch)),
    },
];

/// The seed of everything: one with which no input of a rectifier lies so near its kink that rounding decides its slope,
/// as it did for one of `dcgan`'s 800,000 with seed 0.
const SEED: u64 = 1;

/// Where initial weights come from.
fn weight_rng() -> Generator {
    Generator::new(SEED).stream(0)
}

/// Where data come from.
fn data_rng() -> Generator {
    Generator::new(SEED).stream(1)
}

/// Where the noise of the steps comes from.
pub fn noise_rng() -> Generator {
    Generator::new(SEED).stream(2)
}

/// The parameters of two networks under the names of PyTorch modules `g` and `d`.
fn named_pair(generator: &impl Module, discriminator: &impl Module) -> Vec<(String, Tensor)> {
    let part = |prefix: &str, module: &dyn Module| {
        let parameters = module.named_parameters().into_iter();
        parameters.map(|(name, tensor)| (format!("{prefix}.{name}"), tensor)).collect::<Vec<_>>()
    };
    [part("g", generator), part("d", discriminator)].concat()
}

/// Codes for the generators.
fn codes(batch: usize, rng: &Generator) -> Tensor {
    rng.normal([batch, CODE], 0.0, 1.0, DType::F32)
}
