//! What an op writes itself down with.

use super::graph::{Attribute, Attributes, Constant, Graph, Size};
use crate::{DType, Spec, Value};

/// An op that ran, to be written as ONNX: the names and shapes of its operands, and the graph that it becomes part of.
pub struct Call<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) inputs: &'a [String],
    pub(super) specs: &'a [Spec],
    pub(super) output: &'a Spec,
    pub(super) place: &'a str,
}

impl Call<'_> {
    /// The name of an operand.
    pub fn input(&self, position: usize) -> String {
        self.inputs[position].clone()
    }

    /// Shape and type of an operand.
    pub fn spec(&self, position: usize) -> &Spec {
        &self.specs[position]
    }

    /// Shape and type of what came out.
    pub fn output(&self) -> &Spec {
        self.output
    }

    /// Adds an operator and returns the name of what it makes.
    pub fn node(&mut self, operator: &'static str, inputs: &[&str], attributes: Attributes) -> String {
        self.graph.node(operator, inputs, attributes, self.place.to_owned())
    }

    /// Adds an operator over all operands of the op.
    pub fn over_inputs(&mut self, operator: &'static str, attributes: Attributes) -> String {
        let inputs: Vec<&str> = self.inputs.iter().map(String::as_str).collect();
        self.graph.node(operator, &inputs, attributes, self.place.to_owned())
    }

    /// A number as an array of no axes, in the type of operand 0.
    pub fn number(&mut self, number: f64) -> String {
        self.number_of(number, self.specs[0].dtype)
    }

    /// A number as an array of no axes.
    pub fn number_of(&mut self, number: f64, dtype: DType) -> String {
        self.graph.constant(Constant::Array(number_of(number, dtype)))
    }

    /// A vector of sizes of axes, or places in them, which may be multiples of the batch.
    pub fn sizes(&mut self, sizes: impl IntoIterator<Item = i64>) -> String {
        self.fixed(sizes, false)
    }

    /// The same for the shape that a reshape asks for.
    pub fn shape(&mut self, sizes: impl IntoIterator<Item = i64>) -> String {
        self.fixed(sizes, true)
    }

    fn fixed(&mut self, sizes: impl IntoIterator<Item = i64>, for_reshape: bool) -> String {
        let sizes = sizes.into_iter().map(Size::Fixed).collect();
        self.graph.constant(Constant::Sizes { sizes, for_reshape })
    }

    /// An array.
    pub fn array(&mut self, value: Value) -> String {
        self.graph.constant(Constant::Array(value))
    }
}

fn number_of(number: f64, dtype: DType) -> Value {
    match dtype {
        DType::F32 => Value::full((), number as f32),
        DType::F64 => Value::full((), number),
        DType::I64 => Value::full((), number as i64),
        DType::U8 => Value::full((), number as u8),
        DType::Bool => Value::full((), number != 0.0),
    }
}

/// Sizes and distances as whole numbers of ONNX.
pub(crate) fn ints(numbers: impl IntoIterator<Item = usize>) -> Attribute {
    Attribute::Ints(numbers.into_iter().map(|number| number as i64).collect())
}

/// Padding of two axes as ONNX has it: before both, then behind both.
pub(crate) fn pads(padding: [(usize, isize); 2]) -> Attribute {
    let [(top, bottom), (left, right)] = padding;
    Attribute::Ints(vec![top as i64, left as i64, bottom as i64, right as i64])
}
