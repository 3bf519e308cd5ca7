//! Adam and AdamW.

use super::{Moment, Optimizer, Slots, expect_not_negative, expect_share};
use crate::error::Result;
use wengert_tensor::Tensor;
use wengert_tensor::ops::optimize::{self, adam_amsgrad_step, adam_step};

macro_rules! adam {
    ($(#[$doc:meta])* $name:ident, decoupled: $decoupled:literal, weight_decay: $weight_decay:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            slots: Slots,
            betas: (f64, f64),
            eps: f64,
            weight_decay: f64,
            amsgrad: bool,
        }

        impl $name {
            /// PyTorch's defaults but for the learning rate (PyTorch's is 1e-3).
            ///
            /// # Panics
            /// When a parameter appears twice or is not a float leaf, or the learning rate is negative.
            #[track_caller]
            pub fn new(parameters: Vec<Tensor>, learning_rate: f64) -> Self {
                let slots = Slots::new(parameters, learning_rate, &["exp_avg", "exp_avg_sq"]);
                Self { slots, betas: (0.9, 0.999), eps: 1e-8, weight_decay: $weight_decay, amsgrad: false }
            }

            /// β₁ and β₂; 0.9 and 0.999 at first.
            ///
            /// # Panics
            /// When one is negative, 1 or above.
            #[track_caller]
            pub fn betas(self, beta1: f64, beta2: f64) -> Self {
                expect_share("beta1", beta1);
                expect_share("beta2", beta2);
                Self { betas: (beta1, beta2), ..self }
            }

            /// ε; 1e-8 at first.
            ///
            /// # Panics
            /// When it is negative.
            #[track_caller]
            pub fn eps(self, eps: f64) -> Self {
                expect_not_negative("eps", eps);
                Self { eps, ..self }
            }

            #[doc = concat!("λ; ", stringify!($weight_decay), " at first.")]
            ///
            /// # Panics
            /// When it is negative.
            #[track_caller]
            pub fn weight_decay(self, weight_decay: f64) -> Self {
                expect_not_negative("weight decay", weight_decay);
                Self { weight_decay, ..self }
            }

            /// Whether to divide by the largest v so far (Reddi et al., 2018, arXiv:1904.09237).
            pub fn amsgrad(mut self, amsgrad: bool) -> Self {
                self.amsgrad = amsgrad;
                self.slots.keep(match amsgrad {
                    true => &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
                    false => &["exp_avg", "exp_avg_sq"],
                });
                self
            }
        }

        impl Optimizer for $name {
            #[track_caller]
            fn step(&mut self) -> Result<()> {
                let Self { betas, eps, amsgrad, .. } = *self;
                self.slots.step(self.weight_decay, 0.0, |batch| {
                    let pace = batch.pace(move |Moment { learning_rate, weight_decay, step }| {
                        let decoupled = $decoupled;
                        optimize::Adam { learning_rate, betas, eps, weight_decay, decoupled, step }
                    });
                    match amsgrad {
                        true => adam_amsgrad_step(&batch.updates(), pace),
                        false => adam_step(&batch.updates(), pace),
                    }
                })
            }

            fn slots(&self) -> &Slots {
                &self.slots
            }

            fn slots_mut(&mut self) -> &mut Slots {
                &mut self.slots
            }
        }
    };
}

adam! {
    /// Adam (Kingma and Ba, 2014, arXiv:1412.6980).
    ///
    /// With g the gradient plus λθ and t the number of the step:
    ///
    /// ```text
    /// m ← β₁m + (1 − β₁)g
    /// v ← β₂v + (1 − β₂)g²
    /// θ ← θ − γ · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
    /// ```
    Adam, decoupled: false, weight_decay: 0.0
}

adam! {
    /// Adam with a weight decay apart from the gradient (Loshchilov and Hutter, 2017, arXiv:1711.05101): θ ← θ(1 − γλ)
    /// before the step, whose g is the gradient alone.
    ///
    /// ```text
    /// m ← β₁m + (1 − β₁)g
    /// v ← β₂v + (1 − β₂)g²
    /// θ ← θ(1 − γλ) − γ · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
    /// ```
    AdamW, decoupled: true, weight_decay: 0.01
}
