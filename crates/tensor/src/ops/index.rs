//! Reading and writing at positions that a tensor of i64 indices gives, one-hot codes and triangles of matrices.
//!
//! Indices are checked against their axis before a kernel runs; one that is out of range is an error that names it.

mod embedding;
mod gather;
mod one_hot;
mod pixels;
mod select;
mod triangle;

use crate::op::Spec;
use crate::{DType, Device, Error, Result, Value};
use wengert_cpu::index;

pub(crate) const OPS: &[&str] = &[
    "gather",
    "scatter",
    "scatter_add",
    "index_select",
    "index_add",
    "embedding",
    "one_hot",
    "index_pixels",
    "tril",
    "triu",
];

/// Fails unless `index` holds i64.
fn check_index_dtype(op: &'static str, index: &Spec) -> Result<()> {
    match index.dtype {
        DType::I64 => Ok(()),
        other => Err(Error::dtype(op, format!("indices must be i64, got {other}; convert with to_dtype"))),
    }
}

/// Fails unless all of `indices` lie in an axis of `size`. On a device this waits for what was started before.
fn check_range(op: &'static str, indices: &Value, size: usize) -> Result<()> {
    let outside = match indices.device() {
        Device::Cpu => index::check(indices.read().view(), size),
        _ => wengert_cuda::check::first_outside(indices.contiguous().on_device()?, size)?,
    };
    match outside {
        None => Ok(()),
        Some(bad) if size == 0 => {
            Err(Error::index(op, format!("index {bad} is out of range: the axis is empty")))
        }
        Some(bad) => {
            Err(Error::index(op, format!("index {bad} is out of range: it must lie in 0..={}", size - 1)))
        }
    }
}

/// The operand itself where its memory may be overwritten, otherwise a copy.
fn overwritable(operand: Value) -> Result<Value> {
    if operand.is_unique() {
        return Ok(operand);
    }
    if let Device::Cuda(_) = operand.device() {
        return operand.copied_on_device();
    }
    let read = operand.read();
    let copy = for_any!(operand.dtype(), T => Value::build(operand.shape(), |out: &mut [T]| read.view::<T>().copy_to(out)));
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The message with which `body` panics.
    fn message(body: impl FnOnce() -> Tensor) -> String {
        let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("should have been refused");
        panic.downcast_ref::<String>().expect("panics with text").clone()
    }

    #[test]
    fn indices_out_of_range_are_named() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2]);
        let bad = Tensor::from_slice(&[0i64, 2], 2);
        let column = bad.unsqueeze(1);
        let range = "index 2 is out of range: it must lie in 0..=1";
        assert_eq!(message(|| x.index_select(0, &bad)), format!("index_select: {range}"));
        assert_eq!(message(|| x.index_add(0, &bad, &x)), format!("index_add: {range}"));
        assert_eq!(message(|| x.gather(1, &column)), format!("gather: {range}"));
        assert_eq!(message(|| x.scatter(1, &column, &x)), format!("scatter: {range}"));
        assert_eq!(message(|| x.embedding(&bad, None)), format!("embedding: {range}"));
        assert_eq!(message(|| bad.one_hot(2)), format!("one_hot: {range}"));
        let negative = Tensor::from_slice(&[-1i64], 1);
        assert!(message(|| x.index_select(1, &negative)).contains("index -1"));
        assert!(message(|| x.narrow(0, 0, 0).index_select(0, &bad)).contains("the axis is empty"));
    }

    #[test]
    fn shapes_and_dtypes_are_checked() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2]);
        assert!(message(|| x.gather(0, &x)).contains("indices must be i64, got f64"));
        let long = Tensor::from_slice(&[0i64; 6], [2, 3]);
        assert!(message(|| x.gather(0, &long)).contains("must not exceed [2, 2] along any axis but 0"));
        assert!(
            message(|| x.scatter(1, &long, &x)).contains("source [2, 2] must not be smaller than the index")
        );
        let index = Tensor::from_slice(&[0i64], 1);
        assert!(message(|| x.index_add(0, &index, &x)).contains("the source must be [1, 2]"));
        assert!(message(|| x.embedding(&index, Some(2))).contains("padding_idx 2"));
        assert!(message(|| index.tril(0)).contains("needs matrices"));
    }

    #[test]
    fn adds_into_the_memory_of_an_operand_that_is_given_away() {
        let (x, index) = (Tensor::from_slice(&[1i64, 1], 2), Tensor::from_slice(&[0i64, 0, 1], 3));
        let sum = x.scatter_add(0, &index, &index);
        assert_eq!((x.to_vec::<i64>(), sum.to_vec::<i64>()), (vec![1, 1], vec![1, 2]));
    }
}
