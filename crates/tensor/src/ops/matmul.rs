//! Matrix products.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::shape::broadcast;
use crate::{Error, Layout, Result, Shape, Tensor, Value};
use smallvec::{SmallVec, smallvec};
use wengert_cpu::gemm::{self, Epilogue};
use wengert_cuda::gemm as cuda_gemm;

pub(crate) const OPS: &[&str] = &["matmul"];

/// `[batch…, m, k] · [batch…, k, n]`, the batch axes broadcast.
#[derive(Clone, Debug)]
struct MatMul;

/// An operand repeated along the batch axes of the output.
fn stretched(value: &Value, output: &Spec) -> Value {
    let shape = value.shape();
    let matrix = shape[shape.rank() - 2..].iter();
    let whole: Shape = batch(&output.shape).iter().chain(matrix).copied().collect();
    value.with_layout(value.layout().broadcast_to(&whole).expect("infer has checked the batch axes"))
}

/// The axes before the last two.
fn batch(shape: &Shape) -> Shape {
    shape[..shape.rank() - 2].into()
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let (left, right) = (&inputs[0].shape, &inputs[1].shape);
        if left.rank() < 2 || right.rank() < 2 {
            return Err(Error::shape(self.name(), format!("needs matrices, got {left} and {right}")));
        }
        check(left, right, inputs[0].dtype, inputs[1].dtype)?;
        let matrix = [left[left.rank() - 2], right[right.rank() - 1]];
        let batch = broadcast(self.name(), &batch(left), &batch(right))?;
        let shape: Shape = batch.iter().copied().chain(matrix).collect();
        shape.checked_numel(self.name())?;
        for_number!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(shape, inputs[0].dtype)))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("MatMul", Vec::new()))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS.as_factors()
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (left, right) = (stretched(&inputs[0], output), stretched(&inputs[1], output));
        let (left, right) = (left.read(), right.read());
        for_number!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            gemm::matmul(left.view(), right.view(), out, Epilogue::NONE)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let (left, right) = (stretched(&inputs[0], output), stretched(&inputs[1], output));
        let out = Value::on_cuda(device, output)?;
        let (left, right, memory) = (left.on_device()?, right.on_device()?, out.device_memory()?);
        cuda_gemm::matmul(left, right, memory, cuda_gemm::Epilogue::NONE, cuda_gemm::Precision::default())?;
        Ok(out)
    }

    /// For C = A·B: dA = dC·Bᵀ and dB = Aᵀ·dC, summed over the batch axes that were stretched.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let transposed = |position: usize| saved.input(position).transpose(-2, -1);
        let to_left = || cotangent.matmul(&transposed(1)).sum_to(&saved.spec(0).shape);
        let to_right = || transposed(0).matmul(cotangent).sum_to(&saved.spec(1).shape);
        Ok(smallvec![saved.needs(0).then(to_left), saved.needs(1).then(to_right)])
    }

    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        let inner = inputs[0].shape[inputs[0].shape.rank() - 1];
        2 * output.shape.numel() as u64 * inner as u64
    }
}

/// Fails unless the operands, of any rank from 1, have matching inner axes and one dtype.
fn check(left: &Shape, right: &Shape, left_dtype: crate::DType, right_dtype: crate::DType) -> Result<()> {
    let op = "matmul";
    if left.is_empty() || right.is_empty() {
        return Err(Error::shape(op, format!("needs vectors or matrices, got {left} and {right}")));
    }
    let (inner_left, inner_right) = (left[left.rank() - 1], right[right.rank().saturating_sub(2)]);
    if inner_left != inner_right {
        let detail =
            format!("{left} by {right}: the inner sizes {inner_left} and {inner_right} must be equal");
        return Err(Error::shape(op, detail));
    }
    if left_dtype != right_dtype {
        let detail =
            format!("{left_dtype} by {right_dtype}: both must have one dtype; convert with to_dtype");
        return Err(Error::dtype(op, detail));
    }
    Ok(())
}

/// The product with vectors promoted to matrices and stacks of rows folded into one matrix.
fn product(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    check(left.shape(), right.shape(), left.dtype(), right.dtype())?;
    Ok(match (left.rank(), right.rank()) {
        (1, _) => product(&left.unsqueeze(0), right)?.squeeze(if right.rank() == 1 { 0 } else { -2 }),
        (_, 1) => product(left, &right.unsqueeze(-1))?.squeeze(-1),
        // One tall matrix instead of a stack: the gradient of `right` is then one product and no sum over the stack.
        (rank, 2) if rank > 2 => {
            let (rows, inner) = left.dims().split_at(rank - 1);
            let tall = left.reshape([rows.iter().product(), inner[0]]);
            let shape: SmallVec<[usize; 6]> = rows.iter().copied().chain([right.dims()[1]]).collect();
            apply(MatMul, &[&tall, right])?.reshape(&shape[..])
        }
        _ => apply(MatMul, &[left, right])?,
    })
}

impl Tensor {
    /// The matrix product, as in PyTorch: `[…, m, k]` by `[…, k, n]` is `[…, m, n]`, where the axes in front broadcast.
    /// A vector on the left is a row and one on the right a column, and their axis of size 1 is not in the result. K =
    /// 0 gives zeros. Transposed operands cost no copy.
    ///
    /// # Panics
    /// When the inner sizes or dtypes differ, the axes in front do not broadcast, or an operand is a scalar or bool.
    #[track_caller]
    pub fn matmul(&self, right: &Tensor) -> Tensor {
        must(product(self, right))
    }

    /// Products of two stacks of matrices, [b, m, k] by [b, k, n].
    ///
    /// # Panics
    /// When an operand has not three axes, or the sizes of the stacks or the inner sizes differ.
    #[track_caller]
    pub fn bmm(&self, right: &Tensor) -> Tensor {
        if self.rank() != 3 || right.rank() != 3 || self.dims()[0] != right.dims()[0] {
            let detail = format!("needs [b, m, k] and [b, k, n], got {} and {}", self.shape(), right.shape());
            must(Err(Error::shape("bmm", detail)))
        }
        self.matmul(right)
    }

    /// Σᵢ selfᵢ·rightᵢ of two vectors, a scalar.
    ///
    /// # Panics
    /// When the operands are not vectors of one length.
    #[track_caller]
    pub fn dot(&self, right: &Tensor) -> Tensor {
        if self.rank() != 1 || right.rank() != 1 {
            must(Err(Error::shape(
                "dot",
                format!("needs vectors, got {} and {}", self.shape(), right.shape()),
            )))
        }
        self.matmul(right)
    }

    /// The matrix selfᵢ·rightⱼ of two vectors.
    ///
    /// # Panics
    /// When the operands are not vectors.
    #[track_caller]
    pub fn outer(&self, right: &Tensor) -> Tensor {
        if self.rank() != 1 || right.rank() != 1 {
            must(Err(Error::shape(
                "outer",
                format!("needs vectors, got {} and {}", self.shape(), right.shape()),
            )))
        }
        self.unsqueeze(1).mul(&right.unsqueeze(0))
    }
}

/// A value as a matrix [rows, features] of its last axis, copied only where the strides demand it.
pub(super) fn as_rows(value: &Value) -> Value {
    let features = value.shape().last().copied().unwrap_or(1);
    let rows = value.shape()[..value.shape().rank().saturating_sub(1)].iter().product::<usize>();
    let shape = Shape::from([rows, features]);
    match value.layout().reshape(&shape) {
        Some(layout) => value.with_layout(layout),
        None => value.contiguous().with_layout(Layout::contiguous(shape)),
    }
}
