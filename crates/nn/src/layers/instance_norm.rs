//! Instance normalisation.

use super::{check_axis, check_rank, running_statistics, scale_and_shift};
use crate::{Layer, Scope, Training, module};
use wengert_tensor::{Tensor, no_grad};

macro_rules! instance_norm {
    ($(#[$doc:meta])* $layer:ident, $name:literal, rank: $rank:literal, axes: $axes:literal) => {
        $(#[$doc])*
        ///
        /// Each channel of each example is normalised by its own mean and biased variance (Ulyanov, Vedaldi and
        /// Lempitsky, 2016, arXiv:1607.08022). As in PyTorch there are no parameters and no running statistics unless
        /// asked for; with the latter, evaluation uses them.
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
            /// Kept for PyTorch's sake, which has it in the state of this layer and never counts it up.
            pub num_batches_tracked: Option<Tensor>,
            channels: usize,
            eps: f64,
            momentum: f64,
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
            /// A layer for C channels with ε = 1e-5.
            pub fn new(channels: usize) -> Self {
                Self {
                    weight: None,
                    bias: None,
                    running_mean: None,
                    running_var: None,
                    num_batches_tracked: None,
                    channels,
                    eps: 1e-5,
                    momentum: 0.1,
                    training: Training::new(),
                    scope: Scope::new(),
                }
            }

            /// ε, added to the variance.
            pub fn eps(self, eps: f64) -> Self {
                Self { eps, ..self }
            }

            /// Weight of a new batch in the running statistics.
            pub fn momentum(self, momentum: f64) -> Self {
                Self { momentum, ..self }
            }

            /// Whether to have γ = 1 and β = 0 as parameters.
            pub fn affine(mut self, affine: bool) -> Self {
                (self.weight, self.bias) = scale_and_shift(&[self.channels], affine);
                self
            }

            /// Whether to keep running statistics.
            pub fn track_running_stats(mut self, track: bool) -> Self {
                (self.running_mean, self.running_var, self.num_batches_tracked) =
                    running_statistics(self.channels, track);
                self
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Tensor {
                let _scope = self.scope.enter();
                check_rank($name, input, &[$rank], $axes);
                check_axis($name, "channels", input, 1, self.channels);
                let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
                match self.running_mean.as_ref().zip(self.running_var.as_ref()) {
                    Some((mean, variance)) if !self.training.get() => {
                        input.batch_norm_eval(mean, variance, weight, bias, self.eps)
                    }
                    running => {
                        let output = input.instance_norm(weight, bias, self.eps);
                        if let Some((mean, variance)) = running {
                            no_grad(|| track(mean, variance, input, self.momentum));
                        }
                        output
                    }
                }
            }
        }
    };
}

/// Moves the running statistics towards the average over the batch of each example's mean and unbiased variance.
fn track(running_mean: &Tensor, running_variance: &Tensor, input: &Tensor, momentum: f64) {
    let axes: Vec<isize> = (2..input.rank() as isize).collect();
    let mean = input.mean(&axes, false).mean(&[0], false);
    let variance = input.var(&axes, 1.0, false).mean(&[0], false);
    for (running, found) in [(running_mean, mean), (running_variance, variance)] {
        let moved = running.detach() * (1.0 - momentum) + found * momentum;
        running.assign(&moved).unwrap_or_else(|error| panic!("{error}"));
    }
}

instance_norm! {
    /// Instance normalisation of `[N, C, length]`.
    InstanceNorm1d, "instance_norm1d", rank: 3, axes: "[N, C, length]"
}

instance_norm! {
    /// Instance normalisation of `[N, C, height, width]`.
    InstanceNorm2d, "instance_norm2d", rank: 4, axes: "[N, C, height, width]"
}
