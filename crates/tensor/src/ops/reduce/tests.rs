//! What the table of cases cannot say: errors, types, and gradients where central differences fail.

use crate::apply::apply;
use crate::autograd::{GradOptions, grad};
use crate::{DType, Shape, Tensor};

fn message(kind: super::Kind, input: &Tensor, dims: &[isize]) -> String {
    super::Reduce::apply(kind, input, dims, false).expect_err("an error").to_string()
}

#[test]
fn errors_say_what_is_wrong() {
    let x = Tensor::zeros([2, 0], DType::F32);
    assert!(message(super::Kind::Amax, &x, &[1]).contains("no elements to choose from"));
    assert!(message(super::Kind::Sum, &x, &[2]).contains("dim 2 is out of range"));
    assert!(message(super::Kind::Sum, &x, &[1, -1]).contains("twice"));
    assert!(message(super::Kind::Mean, &x.to_dtype(DType::I64), &[]).contains("needs f32 or f64"));
    assert!(
        apply(super::Reduce { kind: super::Kind::Sum, dims: Default::default(), keepdim: false }, &[])
            .is_err()
    );
}

#[test]
fn empty_axes_of_an_empty_result_are_fine() {
    let x = Tensor::zeros([0, 3], DType::F32);
    assert_eq!(x.amax(&[1], false).dims(), [0]);
    assert_eq!(x.argmin(1, true).dims(), [0, 1]);
    assert!(x.mean_all().item().is_nan());
}

#[test]
fn small_integers_are_added_as_i64() {
    let x = Tensor::from_slice(&[200u8, 100, 7], 3);
    assert_eq!((x.sum_all().dtype(), x.sum_all().item()), (DType::I64, 307.0));
    assert_eq!(Tensor::from_slice(&[true, true], 2).prod_all().dtype(), DType::I64);
    assert_eq!(x.amax(&[], false).dtype(), DType::U8);
}

#[test]
fn any_and_all() {
    let x = Tensor::from_slice(&[true, false, true, true], [2, 2]);
    assert_eq!(x.any(&[1], false).to_vec::<bool>(), [true, true]);
    assert_eq!(x.all(&[1], false).to_vec::<bool>(), [false, true]);
    assert_eq!(Tensor::zeros([0], DType::F32).all(&[], false).to_vec::<bool>(), [true]);
}

#[test]
fn norm_at_zero_has_finite_gradients() {
    for p in [1.0, 2.0, 3.0, 0.5, f64::INFINITY] {
        let x = Tensor::zeros([3], DType::F64).requires_grad_(true);
        x.norm(p, &[], false).backward().unwrap();
        assert!(x.grad().unwrap().to_vec::<f64>().iter().all(|slope| slope.is_finite()), "p = {p}");
    }
}

#[test]
fn a_product_is_differentiable_as_often_as_it_has_factors() {
    let x = Tensor::from_slice(&[0.0, 2.0, 3.0], 3).requires_grad_(true);
    let options = GradOptions { create_graph: true, ..GradOptions::default() };
    let mut value = x.prod_all();
    for (position, expected) in [(0, 6.0), (1, 3.0), (2, 1.0)] {
        value = grad(&[&value], &[&x], options).unwrap()[0].select(0, position);
        assert_eq!(value.item(), expected);
    }
}

#[test]
fn sum_to_the_same_shape_is_the_same_tensor() {
    let x = Tensor::ones([2, 3], DType::F32);
    assert_eq!(x.sum_to(x.shape()).address(), x.address());
    assert_eq!(x.sum_to(&Shape::from([1, 1])).to_vec::<f32>(), [6.0]);
    assert_eq!(x.sum_to(&Shape::from(())).to_vec::<f32>(), [6.0]);
}

#[test]
#[should_panic(expected = "[4] does not broadcast to [2, 3]")]
fn sum_to_another_shape() {
    Tensor::ones([2, 3], DType::F32).sum_to(&Shape::from(4));
}
