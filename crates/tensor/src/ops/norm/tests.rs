//! What the table of cases cannot say: errors, running statistics, and third derivatives.

use super::update_running_statistics;
use crate::autograd::{GradOptions, grad};
use crate::{DType, Tensor};

fn numbers(count: i64, shape: &[usize]) -> Tensor {
    let x = Tensor::arange(0, count, 1).to_dtype(DType::F64);
    (x.mul_scalar(1.7).sin() + x.mul_scalar(0.05)).reshape(shape)
}

#[test]
fn running_statistics_move_by_the_momentum() {
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 6.0], [4, 1]);
    let (mean, variance) = (Tensor::zeros([1], DType::F32), Tensor::ones([1], DType::F32));
    let statistics = x.batch_norm_statistics();
    assert_eq!(statistics.to_vec::<f32>(), [3.0, 3.5]);
    update_running_statistics(&mean, &variance, &statistics, 4, 0.5).unwrap();
    assert_eq!(mean.item(), 1.5);
    // Half of 1 and half of the unbiased variance 14/3.
    assert!((variance.item() - (0.5 + 7.0 / 3.0)).abs() < 1e-6);
    assert!(update_running_statistics(&mean, &variance, &statistics, 1, 0.5).is_err());
    assert!(update_running_statistics(&mean, &Tensor::ones([2], DType::F32), &statistics, 4, 0.5).is_err());
}

#[test]
#[should_panic(expected = "more than one value a channel")]
fn a_batch_of_one_has_no_variance() {
    Tensor::ones([1, 3], DType::F32).batch_norm(None, None, 1e-5);
}

#[test]
#[should_panic(expected = "the weight must have shape [3], got [2]")]
fn a_weight_must_fit() {
    Tensor::ones([4, 3], DType::F32).batch_norm(Some(&Tensor::ones([2], DType::F32)), None, 1e-5);
}

#[test]
#[should_panic(expected = "cannot be divided into 2 groups")]
fn groups_must_divide_the_channels() {
    Tensor::ones([4, 3, 2], DType::F32).group_norm(2, None, None, 1e-5);
}

#[test]
fn empty_batches_pass() {
    let x = Tensor::zeros([0, 4], DType::F32);
    assert_eq!(x.layer_norm(&[4], None, None, 1e-5).dims(), [0, 4]);
    assert_eq!(Tensor::zeros([2, 0], DType::F32).layer_norm(&[0], None, None, 1e-5).dims(), [2, 0]);
}

/// Three derivatives in a row of Σ f(x)³ along fixed directions, fused and plain.
fn third_derivative(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> f64 {
    let x = x.copy().requires_grad_(true);
    let options = GradOptions { create_graph: true, ..GradOptions::default() };
    let direction = x.detach().mul_scalar(2.3).cos();
    let y = f(&x);
    let mut value = (y.square() * y).sum_all();
    for _ in 0..3 {
        value = (grad(&[&value], &[&x], options).unwrap()[0].clone() * &direction).sum_all();
    }
    value.item()
}

#[test]
fn third_derivatives_are_those_of_the_plain_form() {
    const EPSILON: f64 = 0.1;
    let x = numbers(24, &[4, 2, 3]);
    let plain = |dims: &[isize]| {
        let dims = dims.to_vec();
        move |x: &Tensor| super::plain_normalised(x, &dims, EPSILON).0
    };
    let pairs = [
        (third_derivative(&x, |x| x.batch_norm(None, None, EPSILON)), third_derivative(&x, plain(&[0, 2]))),
        (
            third_derivative(&x, |x| x.layer_norm(&[3], None, None, EPSILON)),
            third_derivative(&x, plain(&[-1])),
        ),
    ];
    for (fused, plain) in pairs {
        assert!((fused - plain).abs() < 1e-9 * plain.abs(), "{fused} {plain}");
    }
}
