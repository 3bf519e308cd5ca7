//! Spectral normalisation of a layer's weight.

use super::DTYPE;
use crate::{Entries, EntriesMut, Entry, Layer, Module, Scope, Training};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// A layer with one weight that can be replaced from outside.
pub trait Weighted: Layer {
    /// The weight.
    fn weight(&self) -> &Tensor;

    /// The weight's axis of outputs.
    fn output_axis(&self) -> usize {
        0
    }

    /// The layer's output with another weight of the same shape.
    fn forward_with(&self, weight: &Tensor, input: &Tensor) -> Tensor;
}

/// A layer whose weight W is divided by its largest singular value σ, so that the layer stretches no input
/// (Miyato et al., 2018, arXiv:1802.05957).
///
/// σ = uᵀWv, with W as a matrix of outputs by all else, and u and v followed by power iteration: in training each
/// forward pass takes one step u ← Wv / ‖Wv‖, v ← Wᵀu / ‖Wᵀu‖. No gradient flows through u and v. The names are those of
/// `torch.nn.utils.parametrizations.spectral_norm`: `parametrizations.weight.original`, `parametrizations.weight.0._u`
/// and `._v`.
#[derive(Debug)]
pub struct SpectralNorm<L> {
    layer: L,
    u: Tensor,
    v: Tensor,
    power_iterations: usize,
    training: Training,
    scope: Scope,
}

/// Added to norms that might be zero.
const EPS: f64 = 1e-12;

impl<L: Weighted> SpectralNorm<L> {
    /// Normalises `layer`. u and v start at random and take 15 steps, as in PyTorch.
    pub fn new(layer: L, rng: &Generator) -> Self {
        let weight = as_matrix(layer.weight(), layer.output_axis());
        let start = |size: usize| rng.normal([size, 1], 0.0, 1.0, DTYPE).to_dtype(weight.dtype());
        let (u, v) = no_grad(|| (unit(&start(weight.dim(0))), unit(&start(weight.dim(1)))));
        let this = Self {
            u: u.flatten(0, -1).copy(),
            v: v.flatten(0, -1).copy(),
            layer,
            power_iterations: 1,
            training: Training::new(),
            scope: Scope::new(),
        };
        this.iterate(15);
        this
    }

    /// Steps of power iteration in each forward pass; 1 at first.
    pub fn power_iterations(self, power_iterations: usize) -> Self {
        Self { power_iterations, ..self }
    }

    /// The layer, with its weight as it is without the division.
    pub fn layer(&self) -> &L {
        &self.layer
    }

    /// The weight that [`forward`](Layer::forward) uses: W / σ.
    pub fn normalised_weight(&self) -> Tensor {
        let weight = self.layer.weight();
        let matrix = as_matrix(weight, self.layer.output_axis());
        // Copies, because the next forward pass changes u and v before this one's backward has read them.
        let (u, v) = (self.u.copy().unsqueeze(0), self.v.copy().unsqueeze(1));
        let sigma = u.matmul(&matrix.matmul(&v)).reshape(());
        weight / &sigma
    }

    fn iterate(&self, steps: usize) {
        no_grad(|| {
            let weight = as_matrix(&self.layer.weight().detach(), self.layer.output_axis());
            let (mut u, mut v) = (self.u.unsqueeze(1), self.v.unsqueeze(1));
            for _ in 0..steps {
                u = unit(&weight.matmul(&v));
                v = unit(&weight.t().matmul(&u));
            }
            for (vector, found) in [(&self.u, u), (&self.v, v)] {
                vector.assign(&found.flatten(0, -1).copy()).unwrap_or_else(|error| panic!("{error}"));
            }
        });
    }
}

/// Outputs by everything else.
fn as_matrix(weight: &Tensor, output_axis: usize) -> Tensor {
    let front = if output_axis == 0 { weight.clone() } else { weight.transpose(0, output_axis as isize) };
    let outputs = front.dim(0);
    front.reshape([outputs, weight.numel() / outputs])
}

/// The vector at length 1. The host does not look at the length, which a device would be waited for.
fn unit(vector: &Tensor) -> Tensor {
    let length = vector.square().sum_all().to_dtype(DType::F64).sqrt().clamp(Some(EPS), None);
    vector * (1.0 / length).to_dtype(vector.dtype())
}

const WEIGHT: &str = "weight";

impl<L: Weighted> Module for SpectralNorm<L> {
    fn kind(&self) -> &'static str {
        self.layer.kind()
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = self.layer.entries();
        for (name, entry) in &mut entries.0 {
            if *name == WEIGHT && matches!(entry, Entry::Parameter(_)) {
                *name = "parametrizations.weight.original".into();
            }
        }
        entries.buffers("parametrizations.weight.0._u", &self.u);
        entries.buffers("parametrizations.weight.0._v", &self.v);
        entries.training("training", &self.training);
        entries.scope("scope", &self.scope);
        entries
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        let mut entries = self.layer.entries_mut();
        entries.buffers("parametrizations.weight.0._u", &mut self.u);
        entries.buffers("parametrizations.weight.0._v", &mut self.v);
        entries
    }
}

impl<L: Weighted> Layer for SpectralNorm<L> {
    fn forward(&self, input: &Tensor) -> Tensor {
        let weight = {
            let _scope = self.scope.enter();
            if self.training.get() {
                self.iterate(self.power_iterations);
            }
            self.normalised_weight()
        };
        self.layer.forward_with(&weight, input)
    }
}
