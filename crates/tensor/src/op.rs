//! The one trait of all operations.

use crate::autograd::Saved;
use crate::{DType, Error, Result, Shape, Tensor, Value, onnx};
use smallvec::SmallVec;
use std::fmt;

/// Shape and element type of an array, known before it is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Sizes of the axes.
    pub shape: Shape,
    /// Element type.
    pub dtype: DType,
}

impl Spec {
    /// A shape with an element type.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        Self { shape: shape.into(), dtype }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

/// Operands of an op.
pub type Values = SmallVec<[Value; 2]>;

/// Shapes and types of an op's operands.
pub(crate) type Specs = SmallVec<[Spec; 2]>;

/// Cotangents of an op's inputs, one for each; `None` only where none was asked for.
pub type Gradients = SmallVec<[Option<Tensor>; 3]>;

/// Which values an op's backward step reads again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saves {
    inputs: u64,
    output: bool,
    factors: bool,
}

impl Saves {
    /// Backward needs shapes at most.
    pub const NONE: Saves = Saves { inputs: 0, output: false, factors: false };
    /// Backward reads every input.
    pub const ALL_INPUTS: Saves = Saves { inputs: u64::MAX, output: false, factors: false };
    /// Backward reads the output.
    pub const OUTPUT: Saves = Saves { inputs: 0, output: true, factors: false };

    /// Backward reads the inputs at these positions.
    pub const fn inputs(positions: &[usize]) -> Saves {
        let (mut bits, mut i) = (0, 0);
        while i < positions.len() {
            bits |= 1 << positions[i];
            i += 1;
        }
        Saves { inputs: bits, output: false, factors: false }
    }

    /// The same and the output.
    pub const fn and_output(self) -> Saves {
        Saves { output: true, ..self }
    }

    /// The same, where the saved inputs are factors of a product: each is read for the cotangents of the other inputs
    /// alone. One that no other input's gradient needs is not kept alive: x in x · c, where c is a constant.
    pub const fn as_factors(self) -> Saves {
        Saves { factors: true, ..self }
    }

    /// Whether input `position` is read by the gradient of some input.
    pub fn has_input(self, position: usize) -> bool {
        // Ops with more than 64 operands (cat, stack) save all or nothing.
        if position < 64 { self.inputs >> position & 1 == 1 } else { self.inputs == u64::MAX }
    }

    /// Whether the saved inputs are read for the gradients of others alone.
    pub fn are_factors(self) -> bool {
        self.factors
    }

    /// Whether the output is saved.
    pub fn has_output(self) -> bool {
        self.output
    }
}

/// One line of a Wengert list: `v = op(inputs)`.
///
/// An op is data, an enum or a struct that prints itself, never a closure, so that the tape can be shown and replayed.
/// It has exactly one output; what other engines return on the side (indices, statistics) is an op of its own here.
pub trait Op: fmt::Debug + Send + Sync + 'static {
    /// The name, as PyTorch has it; backward kernels end in `_grad`.
    fn name(&self) -> &'static str;

    /// Output shape and type for these inputs, or what is wrong with them. Checks everything that can be wrong, so that
    /// [`forward`](Op::forward) only fails on the contents of the inputs (an index out of range).
    fn infer(&self, inputs: &[Spec]) -> Result<Spec>;

    /// Which values [`vjp`](Op::vjp) reads.
    fn saves(&self) -> Saves {
        Saves::NONE
    }

    /// Computes the output. An operand that [is unique](Value::is_unique) may be overwritten and returned.
    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value>;

    /// The same on a CUDA device, where the operands lie and the result must.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let _ = (inputs, output);
        Err(Error::device(self.name(), format!("has no kernel for {device}; move its operands to the cpu")))
    }

    /// The vector–Jacobian product: given the cotangent of the output, the cotangents of the inputs that
    /// [need one](Saved::needs). Written in public tensor ops, so that it can be differentiated again.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let _ = (saved, cotangent);
        Err(Error::no_gradient(self.name()))
    }

    /// The same function in terms of plain ops, where this op is a fused form of several. Tests hold the value, the
    /// gradient and the second gradient of the two forms equal.
    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let _ = inputs;
        None
    }

    /// The same function in ONNX's operators: adds them to the graph and returns the name of what the last one makes.
    /// `None` where the op has no form there; then its [plain form](Op::decompose) is exported, where it has one.
    fn onnx(&self, call: &mut onnx::Call) -> Option<String> {
        let _ = call;
        None
    }

    /// Floating-point operations of one forward run; one an output element unless the op knows better.
    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        let _ = inputs;
        output.shape.numel() as u64
    }

    /// Whether this op was defined outside the crate and is therefore not in its registry.
    fn is_custom(&self) -> bool {
        false
    }
}
