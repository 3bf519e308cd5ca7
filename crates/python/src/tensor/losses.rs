//! Losses. The first operand is what the network says, the second what it should say.

use super::Tensor;
use crate::arguments::reduction;
use pyo3::prelude::*;
use wengert_tensor::ops::loss::{BinaryCrossEntropyOptions, CrossEntropyOptions, NllLossOptions};

/// Losses of two tensors.
macro_rules! losses {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[pymethods]
        impl Tensor {
            $(
                $(#[$doc])*
                #[pyo3(signature = (target, reduction="mean"))]
                fn $name(&self, py: Python<'_>, target: Tensor, reduction: &str) -> PyResult<Tensor> {
                    let reduction = crate::arguments::reduction(reduction)?;
                    self.map(py, |x| x.$name(&target.0, reduction))
                }
            )*
        }
    };
}
losses! {
    /// (x − t)².
    mse_loss;
    /// |x − t|.
    l1_loss;
    /// −(t ln p + (1 − t) ln(1 − p)) of probabilities p.
    binary_cross_entropy;
    /// max(0, 1 − t·x) of targets −1 and 1.
    hinge_loss;
}

#[pymethods]
impl Tensor {
    /// −log softmax(x)[target] of logits `[N, C, …]` and classes `[N, …]`.
    #[pyo3(signature = (target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0))]
    fn cross_entropy(
        &self,
        py: Python<'_>,
        target: Tensor,
        weight: Option<Tensor>,
        ignore_index: i64,
        reduction: &str,
        label_smoothing: f64,
    ) -> PyResult<Tensor> {
        let reduction = self::reduction(reduction)?;
        let weight = weight.map(|weight| weight.0);
        self.map(py, |x| {
            x.cross_entropy(
                &target.0,
                CrossEntropyOptions { weight, ignore_index, label_smoothing, reduction },
            )
        })
    }

    /// −x[target] of log-probabilities.
    #[pyo3(signature = (target, weight=None, ignore_index=-100, reduction="mean"))]
    fn nll_loss(
        &self,
        py: Python<'_>,
        target: Tensor,
        weight: Option<Tensor>,
        ignore_index: i64,
        reduction: &str,
    ) -> PyResult<Tensor> {
        let reduction = self::reduction(reduction)?;
        let weight = weight.map(|weight| weight.0);
        self.map(py, |x| x.nll_loss(&target.0, NllLossOptions { weight, ignore_index, reduction }))
    }

    /// Binary cross-entropy of sigmoid(x), from the logits x, without overflow.
    #[pyo3(signature = (target, weight=None, pos_weight=None, reduction="mean"))]
    fn binary_cross_entropy_with_logits(
        &self,
        py: Python<'_>,
        target: Tensor,
        weight: Option<Tensor>,
        pos_weight: Option<Tensor>,
        reduction: &str,
    ) -> PyResult<Tensor> {
        let options = BinaryCrossEntropyOptions {
            weight: weight.map(|weight| weight.0),
            positive_weight: pos_weight.map(|weight| weight.0),
            reduction: self::reduction(reduction)?,
        };
        self.map(py, |x| x.binary_cross_entropy_with_logits(&target.0, options))
    }

    /// ½(x − t)²/β near 0, |x − t| − ½β beyond β.
    #[pyo3(signature = (target, beta=1.0, reduction="mean"))]
    fn smooth_l1_loss(&self, py: Python<'_>, target: Tensor, beta: f64, reduction: &str) -> PyResult<Tensor> {
        let reduction = self::reduction(reduction)?;
        self.map(py, |x| x.smooth_l1_loss(&target.0, beta, reduction))
    }

    /// t (ln t − x) of log-probabilities x; eᵗ in place of t where the target holds logarithms too.
    #[pyo3(signature = (target, log_target=false, reduction="mean"))]
    fn kl_div(&self, py: Python<'_>, target: Tensor, log_target: bool, reduction: &str) -> PyResult<Tensor> {
        let reduction = self::reduction(reduction)?;
        self.map(py, |x| x.kl_div(&target.0, log_target, reduction))
    }

    /// Cosine of the angle between two tensors along an axis.
    #[pyo3(signature = (other, dim=1, eps=1e-8))]
    fn cosine_similarity(&self, py: Python<'_>, other: Tensor, dim: isize, eps: f64) -> PyResult<Tensor> {
        self.map(py, |x| x.cosine_similarity(&other.0, dim, eps))
    }

    /// KL(N(self, e^logvar) ‖ N(0, 1)) of every element.
    #[pyo3(signature = (logvar, reduction="mean"))]
    fn gaussian_kl(&self, py: Python<'_>, logvar: Tensor, reduction: &str) -> PyResult<Tensor> {
        let reduction = self::reduction(reduction)?;
        self.map(py, |mean| mean.gaussian_kl(&logvar.0, reduction))
    }

    /// self + e^(½ logvar) · noise, as one op.
    fn reparameterise(&self, py: Python<'_>, logvar: Tensor, noise: Tensor) -> PyResult<Tensor> {
        self.map(py, |mean| mean.reparameterise(&logvar.0, &noise.0))
    }
}
