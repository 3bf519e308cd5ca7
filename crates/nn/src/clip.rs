//! Bounds on gradients and on weights.

use crate::error::Result;
use wengert_tensor::{DType, Tensor, no_grad};

/// Scales all gradients by one factor, so that their joint 2-norm is at most `max_norm`, and returns the norm before that,
/// an f64 scalar. Parameters without a gradient do not count (Pascanu, Mikolov and Bengio, 2012, arXiv:1211.5063).
///
/// As in PyTorch the factor is max_norm / (norm + 1e-6), where that is below 1. A device is not waited for, so that a step
/// that clips can be [recorded](wengert_tensor::step).
pub fn clip_grad_norm_(parameters: &[Tensor], max_norm: f64) -> Tensor {
    no_grad(|| {
        let squares = |gradient: Tensor| gradient.square().sum_all().to_dtype(DType::F64);
        let squares: Vec<Tensor> = parameters.iter().filter_map(Tensor::grad).map(squares).collect();
        if squares.is_empty() {
            return Tensor::scalar(0.0);
        }
        let norm = Tensor::stack(&squares.iter().collect::<Vec<_>>(), 0).sum_all().sqrt();
        // A factor of 1 leaves every bit as it is, but for NaN: x·1 = x.
        let factor = (max_norm / (&norm + 1e-6)).clamp(None, Some(1.0));
        replace_gradients(parameters, |gradient| gradient * factor.to_dtype(gradient.dtype()));
        norm
    })
}

/// Moves every element of every gradient into −`bound`..=`bound`.
pub fn clip_grad_value_(parameters: &[Tensor], bound: f64) {
    no_grad(|| replace_gradients(parameters, |gradient| gradient.clamp(Some(-bound), Some(bound))));
}

/// Moves every element of every parameter into `low..=high`: WGAN's way to bound a critic's slope.
///
/// # Errors
/// When a parameter cannot be changed in place.
#[track_caller]
pub fn clip_values_(parameters: &[Tensor], low: f64, high: f64) -> Result<()> {
    for parameter in parameters {
        parameter.assign(&no_grad(|| parameter.clamp(Some(low), Some(high))))?;
    }
    Ok(())
}

/// Gradients are replaced, not changed in place: two parameters may share one gradient's memory.
fn replace_gradients(parameters: &[Tensor], change: impl Fn(&Tensor) -> Tensor) {
    for parameter in parameters {
        if let Some(gradient) = parameter.grad() {
            parameter.set_grad(Some(change(&gradient)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(gradient: Option<&[f64]>) -> Tensor {
        let parameter = Tensor::from_slice(&[1.0, -2.0], 2).requires_grad_(true);
        parameter.set_grad(gradient.map(|gradient| Tensor::from_slice(gradient, 2)));
        parameter
    }

    fn gradient(parameter: &Tensor) -> Vec<f64> {
        parameter.grad().unwrap().to_vec()
    }

    #[test]
    fn the_joint_norm_is_bounded() {
        let parameters = [parameter(Some(&[3.0, 0.0])), parameter(None), parameter(Some(&[0.0, -4.0]))];
        assert_eq!(clip_grad_norm_(&parameters, 10.0).item(), 5.0);
        assert_eq!(gradient(&parameters[0]), [3.0, 0.0], "a small norm leaves gradients alone");
        assert_eq!(clip_grad_norm_(&parameters, 1.0).item(), 5.0);
        assert!((gradient(&parameters[0])[0] - 0.6).abs() < 1e-6);
        assert!((gradient(&parameters[2])[1] + 0.8).abs() < 1e-6);
        assert!(parameters[1].grad().is_none());
    }

    #[test]
    fn values_are_bounded() {
        let parameters = [parameter(Some(&[3.0, -0.1]))];
        clip_grad_value_(&parameters, 0.5);
        assert_eq!(gradient(&parameters[0]), [0.5, -0.1]);
        clip_values_(&parameters, -0.5, 4.0).unwrap();
        assert_eq!(parameters[0].to_vec::<f64>(), [1.0, -0.5]);
    }

    #[test]
    fn a_shared_gradient_is_scaled_once() {
        let shared = Tensor::from_slice(&[3.0, 4.0], 2);
        let parameters = [parameter(None), parameter(None)];
        parameters.iter().for_each(|parameter| parameter.set_grad(Some(shared.clone())));
        let norm = clip_grad_norm_(&parameters, 50f64.sqrt() / 2.0).item();
        assert!((norm - 50f64.sqrt()).abs() < 1e-12);
        for parameter in &parameters {
            assert!((gradient(parameter)[1] - 2.0).abs() < 1e-5);
        }
    }
}
