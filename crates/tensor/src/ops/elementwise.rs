//! Elementwise kernels on values: broadcasting, and writing into an operand that was given away.

use crate::op::{Spec, Values};
use crate::{DType, Element, Error, Result, Shape, Value};
use std::borrow::Cow;
use wengert_cpu::map::{
    Binary, Function1, Function2, Function3, Unary, binary, map1, map1_in_place, map2, map2_in_place, map3,
    ternary, unary,
};

/// The inputs of an op that takes exactly `N`.
pub(crate) fn take<'a, const N: usize>(op: &'static str, inputs: &'a [Spec]) -> Result<&'a [Spec; N]> {
    let wrong_count = |_| Error::argument(op, format!("takes {N} inputs, got {}", inputs.len()));
    inputs.try_into().map_err(wrong_count)
}

/// The type that two operands share.
pub(crate) fn same_dtype(op: &'static str, a: DType, b: DType) -> Result<DType> {
    if a == b {
        return Ok(a);
    }
    Err(Error::dtype(op, format!("needs operands of one type, got {a} and {b}; convert one with to_dtype")))
}

/// An error unless all inputs have the same shape and the same float type: what fused ops demand, which broadcast
/// nothing.
pub(crate) fn same_floats(op: &'static str, inputs: &[Spec]) -> Result<Spec> {
    let first = &inputs[0];
    for other in &inputs[1..] {
        if other.shape != first.shape {
            return Err(Error::shape(
                op,
                format!("needs inputs of one shape, got {} and {}", first.shape, other.shape),
            ));
        }
        same_dtype(op, first.dtype, other.dtype)?;
    }
    for_float!(first.dtype, op, T => Ok(Spec::new(&first.shape, T::DTYPE)))
}

/// The value seen in a shape that it broadcasts to.
pub(crate) fn stretched<'a>(value: &'a Value, shape: &Shape) -> Cow<'a, Value> {
    if value.shape() == shape {
        return Cow::Borrowed(value);
    }
    let layout = value.layout().broadcast_to(shape).expect("infer has checked that the shapes broadcast");
    Cow::Owned(value.with_layout(layout))
}

/// f of every element, in the operand's own memory where it was given away.
pub(crate) fn map<T: Element>(input: Value, f: impl Function1<T, T>) -> Value {
    map_slices(input, &unary(f))
}

/// As [`map`], for a function of slices.
pub(crate) fn map_slices<T: Element>(input: Value, f: &Unary<T, T>) -> Value {
    if input.is_unique() {
        map1_in_place(input.write().slice_mut(), f);
        return input;
    }
    let input = input.read();
    let view = input.view();
    Value::build(view.shape(), |out| map1(view, out, f))
}

/// f of every element, which may be of another type.
pub(crate) fn map_to<T: Element, R: Element>(input: &Value, f: impl Function1<T, R>) -> Value {
    let input = input.read();
    let view = input.view::<T>();
    Value::build(view.shape(), |out| map1(view, out, &unary(f)))
}

/// f of every pair of the first two operands broadcast to `shape`, in the memory of one that was given away.
pub(crate) fn zip<T: Element>(inputs: Values, shape: &Shape, f: impl Function2<T, T, T>) -> Value {
    zip_slices(inputs, shape, &binary(f))
}

fn zip_slices<T: Element>(mut inputs: Values, shape: &Shape, f: &Binary<T, T, T>) -> Value {
    let [a, b, ..] = &mut inputs[..] else { panic!("infer has checked that there are two operands") };
    if a.shape() == shape
        && let Some(elements) = a.sole_elements()
    {
        map2_in_place(elements, stretched(b, shape).read().view(), f);
        return inputs.swap_remove(0);
    }
    if b.shape() == shape
        && let Some(elements) = b.sole_elements()
    {
        let flipped = |b: &[T], a: &[T], out: &mut [T]| f(a, b, out);
        map2_in_place(elements, stretched(a, shape).read().view(), &flipped);
        return inputs.swap_remove(1);
    }
    let (a, b) = (stretched(a, shape), stretched(b, shape));
    let (a, b) = (a.read(), b.read());
    Value::build(shape, |out| map2(a.view(), b.view(), out, f))
}

/// f of every pair of two operands broadcast to `shape`.
pub(crate) fn zip_to<A: Element, B: Element, R: Element>(
    a: &Value,
    b: &Value,
    shape: &Shape,
    f: impl Function2<A, B, R>,
) -> Value {
    let (a, b) = (stretched(a, shape), stretched(b, shape));
    let (a, b) = (a.read(), b.read());
    Value::build(shape, |out| map2(a.view(), b.view(), out, &binary(f)))
}

/// f of every triple of three operands broadcast to `shape`.
pub(crate) fn zip3_to<A: Element, B: Element, C: Element, R: Element>(
    inputs: &Values,
    shape: &Shape,
    f: impl Function3<A, B, C, R>,
) -> Value {
    let [a, b, c] = [0, 1, 2].map(|i| stretched(&inputs[i], shape));
    let (a, b, c) = (a.read(), b.read(), c.read());
    Value::build(shape, |out| map3(a.view(), b.view(), c.view(), out, &ternary(f)))
}
