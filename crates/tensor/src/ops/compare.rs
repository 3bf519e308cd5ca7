//! Comparisons, tests of floats, and logic. Results are bool and have no gradient.

use crate::apply::{apply, must};
use crate::onnx::Call;
use crate::op::{Op, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{map_to, same_dtype, take, zip_to};
use crate::shape::broadcast;
use crate::{DType, Element, Error, Result, Tensor, Value};
use wengert_cpu::{Float, Number};
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &[
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "isnan",
    "isinf",
    "isfinite",
];

/// An order relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Relation {
    /// Whether it holds between two arrays, in ONNX's operators.
    fn onnx(self, call: &mut Call, a: &str, b: &str) -> String {
        let operator = match self {
            Relation::Eq | Relation::Ne => "Equal",
            Relation::Lt => "Less",
            Relation::Le => "LessOrEqual",
            Relation::Gt => "Greater",
            Relation::Ge => "GreaterOrEqual",
        };
        let holds = call.node(operator, &[a, b], Vec::new());
        if self == Relation::Ne { call.node("Not", &[&holds], Vec::new()) } else { holds }
    }

    fn name(self) -> &'static str {
        match self {
            Relation::Eq => "eq",
            Relation::Ne => "ne",
            Relation::Lt => "lt",
            Relation::Le => "le",
            Relation::Gt => "gt",
            Relation::Ge => "ge",
        }
    }

    fn accepted(self) -> Accepted {
        let accepted = |less, equal, greater, unordered| Accepted { less, equal, greater, unordered };
        match self {
            Relation::Eq => accepted(false, true, false, false),
            Relation::Ne => accepted(true, false, true, true),
            Relation::Lt => accepted(true, false, false, false),
            Relation::Le => accepted(true, true, false, false),
            Relation::Gt => accepted(false, false, true, false),
            Relation::Ge => accepted(false, true, true, false),
        }
    }
}

/// The orders of two elements for which a relation holds; those of NaN are unordered. So one loop does for all relations.
#[derive(Clone, Copy)]
struct Accepted {
    less: bool,
    equal: bool,
    greater: bool,
    unordered: bool,
}

impl Accepted {
    // One source for all types; written by hand for bool alone, `a < b` would be `!a & b`.
    #[allow(clippy::bool_comparison)]
    #[inline(always)]
    fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        let (less, equal, greater) = (a < b, a == b, a > b);
        let unordered = !(less | equal | greater);
        less & self.less | equal & self.equal | greater & self.greater | unordered & self.unordered
    }
}

/// Holds two operands of one type against each other; shapes broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare(pub Relation);

impl Op for Compare {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [a, b] = take(self.name(), inputs)?;
        same_dtype(self.name(), a.dtype, b.dtype)?;
        Ok(Spec::new(broadcast(self.name(), &a.shape, &b.shape)?, DType::Bool))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (a, b) = (call.input(0), call.input(1));
        Some(self.0.onnx(call, &a, &b))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (a, b, accepted) = (&inputs[0], &inputs[1], self.0.accepted());
        Ok(for_any!(a.dtype(), T => {
            zip_to(a, b, &output.shape, move |a: T, b: T| accepted.holds(a, b))
        }))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<2>(Family::Compare, self.name(), [0.0; 2], inputs, output, device)
    }
}

/// Holds every number against one. Floats are compared in their own precision, integers as f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompareScalar(pub Relation, pub f64);

impl CompareScalar {
    fn run<T: Element>(&self, input: &Value, number: impl Fn(T) -> f64 + Copy + Sync) -> Value {
        let (accepted, value) = (self.0.accepted(), self.1);
        map_to(input, move |x: T| accepted.holds(number(x), value))
    }
}

impl Op for CompareScalar {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [input] = take(self.name(), inputs)?;
        for_number!(input.dtype, self.name(), _T => Ok(Spec::new(&input.shape, DType::Bool)))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        // No whole number equals one that is not, but rounded it would.
        if !call.spec(0).dtype.is_float() && self.1.fract() != 0.0 {
            return None;
        }
        let (x, number) = (call.input(0), call.number(self.1));
        Some(self.0.onnx(call, &x, &number))
    }

    fn forward(&self, inputs: Values, _output: &Spec) -> Result<Value> {
        let input = &inputs[0];
        if input.dtype() == DType::F32 {
            let rounded = CompareScalar(self.0, f64::from(self.1 as f32));
            return Ok(rounded.run(input, f32::to_f64));
        }
        for_number!(input.dtype(), self.name(), T => Ok(self.run(input, <T as Number>::to_f64)))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let value = if inputs[0].dtype() == DType::F32 { f64::from(self.1 as f32) } else { self.1 };
        let function = format!("{}_scalar", self.name());
        cuda::map::<1>(Family::Compare, &function, [value, 0.0], inputs, output, device)
    }
}

/// Logic of truth values, or of numbers, of which all but 0 are true; shapes broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Logic {
    And,
    Or,
    Xor,
    Not,
}

impl Op for Logic {
    fn name(&self) -> &'static str {
        match self {
            Logic::And => "logical_and",
            Logic::Or => "logical_or",
            Logic::Xor => "logical_xor",
            Logic::Not => "logical_not",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        if *self == Logic::Not {
            let [input] = take(self.name(), inputs)?;
            return Ok(Spec::new(&input.shape, DType::Bool));
        }
        let [a, b] = take(self.name(), inputs)?;
        same_dtype(self.name(), a.dtype, b.dtype)?;
        Ok(Spec::new(broadcast(self.name(), &a.shape, &b.shape)?, DType::Bool))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let operator = match self {
            Logic::And => "And",
            Logic::Or => "Or",
            Logic::Xor => "Xor",
            Logic::Not => "Not",
        };
        (call.spec(0).dtype == DType::Bool).then(|| call.over_inputs(operator, Vec::new()))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (shape, second) = (&output.shape, inputs.len() - 1);
        let (a, b) = (&inputs[0], &inputs[second]);
        // Of how many true operands the result is true; `not` sees its operand twice.
        let (none, one, both) = match self {
            Logic::And => (false, false, true),
            Logic::Or => (false, true, true),
            Logic::Xor => (false, true, false),
            Logic::Not => (true, false, false),
        };
        Ok(for_any!(a.dtype(), T => zip_to(a, b, shape, move |a: T, b: T| {
            let (a, b) = (a != T::default(), b != T::default());
            !(a | b) & none | (a ^ b) & one | a & b & both
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        match self {
            Logic::Not => cuda::map::<1>(Family::Compare, self.name(), [0.0; 2], inputs, output, device),
            _ => cuda::map::<2>(Family::Compare, self.name(), [0.0; 2], inputs, output, device),
        }
    }
}

/// What a float may be besides an ordinary number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::enum_variant_names, missing_docs)]
pub enum FloatTest {
    IsNan,
    IsInf,
    IsFinite,
}

impl Op for FloatTest {
    fn name(&self) -> &'static str {
        match self {
            FloatTest::IsNan => "isnan",
            FloatTest::IsInf => "isinf",
            FloatTest::IsFinite => "isfinite",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [input] = take(self.name(), inputs)?;
        for_float!(input.dtype, self.name(), _T => Ok(Spec::new(&input.shape, DType::Bool)))
    }

    fn forward(&self, inputs: Values, _output: &Spec) -> Result<Value> {
        let input = &inputs[0];
        for_float!(input.dtype(), self.name(), T => Ok(match self {
            FloatTest::IsNan => map_to(input, |x: T| Float::is_nan(x)),
            FloatTest::IsInf => map_to(input, |x: T| Float::abs(x) == T::INFINITY),
            FloatTest::IsFinite => map_to(input, |x: T| Float::is_finite(x)),
        }))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<1>(Family::Compare, self.name(), [0.0; 2], inputs, output, device)
    }
}

macro_rules! relations {
    ($($name:ident $scalar:ident $relation:ident $sign:literal;)*) => {
        /// Comparisons, element by element. The result is bool; a comparison with NaN is false, but for `ne`.
        ///
        /// All panic when the types of the operands differ or their shapes do not broadcast.
        impl Tensor {
            $(
                #[doc = concat!("a ", $sign, " b for two tensors of one type whose shapes broadcast.")]
                #[track_caller]
                pub fn $name(&self, other: &Tensor) -> Tensor {
                    must(apply(Compare(Relation::$relation), &[self, other]))
                }

                #[doc = concat!("x ", $sign, " `value` for every number, in the precision of the tensor.")]
                #[track_caller]
                pub fn $scalar(&self, value: f64) -> Tensor {
                    must(apply(CompareScalar(Relation::$relation, value), &[self]))
                }
            )*
        }
    };
}
relations! {
    eq eq_scalar Eq "=";
    ne ne_scalar Ne "≠";
    lt lt_scalar Lt "<";
    le le_scalar Le "≤";
    gt gt_scalar Gt ">";
    ge ge_scalar Ge "≥";
}

/// Logic, and tests of floats. The results are bool.
impl Tensor {
    /// Whether both are true; a number is true unless it is 0. Shapes broadcast.
    ///
    /// # Panics
    /// When the types differ or the shapes do not broadcast.
    #[track_caller]
    pub fn logical_and(&self, other: &Tensor) -> Tensor {
        must(apply(Logic::And, &[self, other]))
    }

    /// Whether one or both are true; a number is true unless it is 0. Shapes broadcast.
    ///
    /// # Panics
    /// When the types differ or the shapes do not broadcast.
    #[track_caller]
    pub fn logical_or(&self, other: &Tensor) -> Tensor {
        must(apply(Logic::Or, &[self, other]))
    }

    /// Whether exactly one is true; a number is true unless it is 0. Shapes broadcast.
    ///
    /// # Panics
    /// When the types differ or the shapes do not broadcast.
    #[track_caller]
    pub fn logical_xor(&self, other: &Tensor) -> Tensor {
        must(apply(Logic::Xor, &[self, other]))
    }

    /// Whether an element is false; a number is false where it is 0.
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        must(apply(Logic::Not, &[self]))
    }

    /// Whether a float is NaN.
    #[track_caller]
    pub fn isnan(&self) -> Tensor {
        must(apply(FloatTest::IsNan, &[self]))
    }

    /// Whether a float is +∞ or −∞.
    #[track_caller]
    pub fn isinf(&self) -> Tensor {
        must(apply(FloatTest::IsInf, &[self]))
    }

    /// Whether a float is neither infinite nor NaN.
    #[track_caller]
    pub fn isfinite(&self) -> Tensor {
        must(apply(FloatTest::IsFinite, &[self]))
    }
}

/// An error of `op` unless `mask` holds truth values.
pub(crate) fn expect_mask(op: &'static str, mask: &Spec) -> Result<()> {
    if mask.dtype == DType::Bool {
        return Ok(());
    }
    Err(Error::dtype(
        op,
        format!("the mask must be bool, got {}; compare it with ne_scalar(0.0)", mask.dtype),
    ))
}
