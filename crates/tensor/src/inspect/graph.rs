//! A snapshot of the Wengert list behind a tensor.

use crate::Tensor;
use crate::autograd::{Edge, Tape};
use crate::op::Spec;
use std::collections::HashMap;
use std::fmt;

/// The list of recorded ops that a tensor depends on, in the order in which they ran: the very list that backward walks
/// from its end.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Tensors made by the user that ask for a gradient, in order of first use.
    pub leaves: Vec<GraphLeaf>,
    /// Recorded ops in execution order.
    pub nodes: Vec<GraphNode>,
}

/// A tensor at which gradients are collected.
#[derive(Clone, Debug)]
pub struct GraphLeaf {
    /// The name it was given, empty where none was.
    pub name: String,
    /// Shape and type.
    pub spec: Spec,
}

/// Where an input of a node comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphInput {
    /// A tensor without history or gradient.
    Constant,
    /// Position in [`Graph::leaves`].
    Leaf(usize),
    /// Position in [`Graph::nodes`].
    Node(usize),
}

/// One line of the list.
#[derive(Clone, Debug)]
pub struct GraphNode {
    /// Name of the op.
    pub op: String,
    /// The op with its attributes.
    pub attributes: String,
    /// Layer path in which it ran, empty outside layers.
    pub scope: String,
    /// Source line that called it.
    pub location: String,
    /// Where its inputs come from.
    pub inputs: Vec<GraphInput>,
    /// Shapes and types of its inputs.
    pub input_specs: Vec<Spec>,
    /// Shape and type of its output.
    pub output: Spec,
    /// Positions of the inputs that its backward step reads again.
    pub saved_inputs: Vec<usize>,
    /// Whether its backward step reads its output.
    pub saved_output: bool,
    /// The op whose backward step recorded this one; none for an op of the forward run.
    pub gradient_of: Option<GraphOrigin>,
}

/// The op of which another computes a part of the gradient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphOrigin {
    /// Its name.
    pub op: String,
    /// Its position in [`Graph::nodes`]; none where the gradient reads nothing of it, so that the list does not hold it.
    pub node: Option<usize>,
}

impl Graph {
    /// The list behind `tensor`; empty for a tensor without history.
    pub fn of(tensor: &Tensor) -> Graph {
        let tape = Tape::of(&[tensor]);
        let leaves = tape.leaves();
        let position: HashMap<usize, usize> =
            leaves.iter().enumerate().map(|(i, leaf)| (leaf.address(), i)).collect();
        let input = |slot: usize, edge: &Edge| match edge {
            Edge::Constant => GraphInput::Constant,
            Edge::Leaf(leaf) => GraphInput::Leaf(position[&leaf.address()]),
            Edge::Node(node) => GraphInput::Node(tape.slot_before(slot, node).expect("the list is complete")),
        };
        let nodes = tape.nodes.iter().enumerate().map(|(slot, node)| {
            let saved = node.saved(true).ok().flatten();
            GraphNode {
                op: node.op().name().to_owned(),
                attributes: format!("{:?}", node.op()),
                scope: node.scope().map_or_else(String::new, |path| path.to_string()),
                location: format!("{}:{}", node.location().file(), node.location().line()),
                inputs: node.edges().iter().map(|edge| input(slot, edge)).collect(),
                input_specs: node.inputs().to_vec(),
                output: node.output().clone(),
                saved_inputs: saved.iter().flat_map(|saved| saved.inputs()).collect(),
                saved_output: saved.as_ref().is_some_and(|saved| saved.has_output()),
                gradient_of: node
                    .origin()
                    .map(|origin| GraphOrigin { op: origin.op.to_owned(), node: tape.slot_of(origin.id) }),
            }
        });
        let nodes = nodes.collect();
        let leaf = |leaf: &Tensor| GraphLeaf {
            name: leaf.name().as_deref().unwrap_or("").to_owned(),
            spec: leaf.spec(),
        };
        Graph { leaves: leaves.iter().map(leaf).collect(), nodes }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
