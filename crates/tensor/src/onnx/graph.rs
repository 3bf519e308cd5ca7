//! What an ONNX graph is made of.

use crate::{DType, Spec, Value};
use std::collections::HashSet;

/// A number, or several, that belongs to an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f32),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Text.
    Text(&'static str),
}

/// Attributes by name.
pub type Attributes = Vec<(&'static str, Attribute)>;

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// ONNX's name for what it does. Empty for an op that has no form there.
    pub operator: &'static str,
    pub inputs: Vec<String>,
    pub output: String,
    pub attributes: Attributes,
    /// The layer it ran in; for an op without a form, what it is and where it was called.
    pub place: String,
}

/// Something that the graph holds from the start.
#[derive(Clone, Debug)]
pub(crate) enum Constant {
    /// A parameter or buffer.
    Weight(Value),
    /// Any other array.
    Array(Value),
    /// Sizes of axes, an i64 vector. One that a reshape asks for may be left for it to find.
    Sizes { sizes: Vec<Size>, for_reshape: bool },
    /// So many copies of one element.
    Filled { element: Value, sizes: Vec<Size> },
}

/// The size of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Fixed(i64),
    /// A multiple of the batch.
    Batch(i64),
}

/// An input or the output.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub name: String,
    /// For the batch that was traced.
    pub spec: Spec,
    pub sizes: Vec<Size>,
}

impl Port {
    pub fn new(name: &str, spec: Spec) -> Self {
        let sizes = spec.shape.iter().map(|&size| Size::Fixed(size as i64)).collect();
        Self { name: name.to_owned(), spec, sizes }
    }
}

/// A function: what goes in, operators in the order in which they run, what comes out.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub inputs: Vec<Port>,
    pub constants: Vec<(String, Constant)>,
    pub nodes: Vec<Node>,
    pub output: Port,
}

impl Graph {
    /// Operators and constants, without inputs and output so far.
    pub fn new() -> Self {
        let output = Port::new("", Spec::new((), DType::F32));
        Self { inputs: Vec::new(), constants: Vec::new(), nodes: Vec::new(), output }
    }

    /// Adds an operator and returns the name of what it makes.
    pub fn node(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: Attributes,
        place: String,
    ) -> String {
        let output = format!("%{}", self.nodes.len());
        let inputs = inputs.iter().map(|&name| name.to_owned()).collect();
        self.nodes.push(Node { operator, inputs, output: output.clone(), attributes, place });
        output
    }

    /// Adds a constant and returns its name.
    pub fn constant(&mut self, constant: Constant) -> String {
        let name = format!("#{}", self.constants.len());
        self.constants.push((name.clone(), constant));
        name
    }

    /// Leaves out what the output does not need.
    pub fn prune(&mut self) {
        let mut needed = HashSet::from([self.output.name.clone()]);
        let mut kept: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes.iter().rev() {
            let is_needed = needed.contains(&node.output);
            if is_needed {
                needed.extend(node.inputs.iter().cloned());
            }
            kept.push(is_needed);
        }
        let mut kept = kept.into_iter().rev();
        self.nodes.retain(|_| kept.next().unwrap_or(true));
        self.constants.retain(|(name, _)| needed.contains(name));
    }

    /// Calls the output `name`, everywhere.
    pub fn name_output(&mut self, name: &str) {
        let old = std::mem::replace(&mut self.output.name, name.to_owned());
        if !self.nodes.iter().any(|node| node.output == old) {
            // The function gave back an input or a weight, which has a name already.
            let node = Node {
                operator: "Identity",
                inputs: vec![old],
                output: name.to_owned(),
                attributes: Vec::new(),
                place: String::new(),
            };
            self.nodes.push(node);
            return;
        }
        for node in &mut self.nodes {
            node.inputs.iter_mut().chain([&mut node.output]).filter(|other| **other == old).for_each(
                |other| {
                    name.clone_into(other);
                },
            );
        }
    }

    /// Names of parameters and buffers.
    pub fn weights(&self) -> impl Iterator<Item = &str> {
        let weights = self.constants.iter().filter(|(_, constant)| matches!(constant, Constant::Weight(_)));
        weights.map(|(name, _)| name.as_str())
    }
}
