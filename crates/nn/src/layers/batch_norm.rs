//! Batch normalisation with running statistics.

use super::{check_axis, check_rank, running_statistics, scale_and_shift};
use crate::{Layer, Scope, Training, module};
use wengert_tensor::ops::norm::update_running_statistics;
use wengert_tensor::{Activation, Tensor, no_grad};

macro_rules! batch_norm {
    ($(#[$doc:meta])* $layer:ident, $name:literal, ranks: $ranks:expr, axes: $axes:literal) => {
        $(#[$doc])*
        ///
        /// In training each channel is normalised by the mean and the biased variance of the batch, and the running
        /// statistics move towards the mean and the unbiased variance: r ← (1 − momentum)·r + momentum·statistic. In
        /// evaluation the running statistics are used (Ioffe and Szegedy, 2015, arXiv:1502.03167).
        #[derive(Debug)]
        pub struct $layer {
            /// γ, `[C]`.
            pub weight: Option<Tensor>,
            /// β, `[C]`.
            pub bias: Option<Tensor>,
            /// Running mean, `[C]`.
            pub running_mean: Option<Tensor>,
            /// Running unbiased variance, `[C]`.
            pub running_var: Option<Tensor>,
            /// Number of batches seen in training, i64.
            pub num_batches_tracked: Option<Tensor>,
            channels: usize,
            eps: f64,
            momentum: Option<f64>,
            training: Training,
            scope: Scope,
        }

        module!($layer {
            parameters: weight, bias;
            buffers: running_mean, running_var, num_batches_tracked;
            training: training;
            scope: scope;
        });

        impl $layer {
            /// A layer for C channels with γ = 1, β = 0, ε = 1e-5, momentum 0.1 and running statistics.
            pub fn new(channels: usize) -> Self {
                let layer = Self {
                    weight: None,
                    bias: None,
                    running_mean: None,
                    running_var: None,
                    num_batches_tracked: None,
                    channels,
                    eps: 1e-5,
                    momentum: Some(0.1),
                    training: Training::new(),
                    scope: Scope::new(),
                };
                layer.affine(true).track_running_stats(true)
            }

            /// ε, added to the variance.
            pub fn eps(self, eps: f64) -> Self {
                Self { eps, ..self }
            }

            /// Weight of a new batch in the running statistics.
            pub fn momentum(self, momentum: f64) -> Self {
                Self { momentum: Some(momentum), ..self }
            }

            /// Running statistics that are the plain average over all batches.
            pub fn cumulative(self) -> Self {
                Self { momentum: None, ..self }
            }

            /// Whether to have γ and β.
            pub fn affine(mut self, affine: bool) -> Self {
                (self.weight, self.bias) = scale_and_shift(&[self.channels], affine);
                self
            }

            /// Whether to keep running statistics. Without them evaluation uses the batch too.
            pub fn track_running_stats(mut self, track: bool) -> Self {
                (self.running_mean, self.running_var, self.num_batches_tracked) =
                    running_statistics(self.channels, track);
                self
            }
        }

        impl $layer {
            /// The running mean and variance, where they are what inputs are normalised with.
            fn statistics_in_use(&self) -> Option<(&Tensor, &Tensor)> {
                self.running_mean.as_ref().zip(self.running_var.as_ref()).filter(|_| !self.training.get())
            }

            fn check(&self, input: &Tensor) {
                check_rank($name, input, &$ranks, $axes);
                check_axis($name, "channels", input, 1, self.channels);
            }

            /// The statistics of a batch, which the running ones follow.
            fn observe(&self, input: &Tensor) -> Tensor {
                let statistics = no_grad(|| input.batch_norm_statistics());
                if let Some((mean, variance)) = self.running_mean.as_ref().zip(self.running_var.as_ref()) {
                    let momentum = next_momentum(self.num_batches_tracked.as_ref(), self.momentum);
                    let count = input.numel() / self.channels;
                    update_running_statistics(mean, variance, &statistics, count, momentum)
                        .unwrap_or_else(|error| panic!("{error}"));
                }
                statistics
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Tensor {
                let _scope = self.scope.enter();
                self.check(input);
                let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
                match self.statistics_in_use() {
                    Some((mean, variance)) => input.batch_norm_eval(mean, variance, weight, bias, self.eps),
                    None => input.batch_norm_with(&self.observe(input), weight, bias, self.eps),
                }
            }

            fn forward_fused(&self, input: &Tensor, activation: Activation) -> Option<Tensor> {
                let is_rectifier = matches!(activation, Activation::Relu | Activation::LeakyRelu { .. });
                let (weight, bias) = (self.weight.as_ref()?, self.bias.as_ref()?);
                if !is_rectifier || self.statistics_in_use().is_some() {
                    return None;
                }
                let _scope = self.scope.enter();
                self.check(input);
                Some(input.batch_norm_activated(&self.observe(input), weight, bias, self.eps, activation))
            }
        }
    };
}

/// Counts a batch, and returns the weight of its statistics: the momentum, or 1 / count for a plain average, which has to
/// wait for a device.
fn next_momentum(count: Option<&Tensor>, momentum: Option<f64>) -> f64 {
    if let Some(count) = count {
        no_grad(|| count.assign(&(count + 1.0))).unwrap_or_else(|error| panic!("{error}"));
    }
    momentum.unwrap_or_else(|| 1.0 / count.map_or(1.0, Tensor::item))
}

batch_norm! {
    /// Batch normalisation of `[N, C]` or `[N, C, length]`.
    BatchNorm1d, "batch_norm1d", ranks: [2, 3], axes: "[N, C] or [N, C, length]"
}

batch_norm! {
    /// Batch normalisation of `[N, C, height, width]`.
    BatchNorm2d, "batch_norm2d", ranks: [4], axes: "[N, C, height, width]"
}
