//! The figures of the book, each drawn from what the engine computes or prints.

use crate::svg::{Block, diagram};
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::inspect::{Graph, GraphInput, History, Statistic};
use wengert_tensor::{DType, Error, Tensor};

/// File names and contents of all figures.
///
/// # Errors
/// What the engine finds wrong.
pub fn all() -> Result<Vec<(&'static str, String)>, Error> {
    Ok(vec![("list.svg", list()), ("walk.svg", walk()?), ("matmul.svg", matmul()?)])
}

/// Leaves and ops of a list as boxes, each with a further text of its own.
fn blocks(graph: &Graph, more: impl Fn(GraphInput) -> Vec<String>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (i, leaf) in graph.leaves.iter().enumerate() {
        let mut text = vec![format!("@{i} {}", leaf.name)];
        text.extend(more(GraphInput::Leaf(i)));
        blocks.push(Block { text, leaf: true, shaded: false, from: Vec::new() });
    }
    for (i, node) in graph.nodes.iter().enumerate() {
        let mut text = vec![format!("%{i} {}", node.op)];
        text.extend(more(GraphInput::Node(i)));
        let from = node.inputs.iter().enumerate().filter_map(|(position, input)| {
            let thick = node.saved_inputs.contains(&position);
            match input {
                GraphInput::Constant => None,
                GraphInput::Leaf(leaf) => Some((*leaf, thick)),
                GraphInput::Node(node) => Some((graph.leaves.len() + node, thick)),
            }
        });
        blocks.push(Block { text, leaf: false, shaded: node.gradient_of.is_some(), from: from.collect() });
    }
    blocks
}

fn leaf(value: f64, name: &str) -> Tensor {
    Tensor::scalar(value).requires_grad_(true).named(name)
}

/// The list of tanh(a·b + a).
fn list() -> String {
    let (a, b) = (leaf(0.3, "a"), leaf(0.4, "b"));
    let graph = Graph::of(&(&a * &b + &a).tanh());
    diagram(&with_shapes(&graph))
}

/// The list with shapes.
fn with_shapes(graph: &Graph) -> Vec<Block> {
    blocks(graph, |place| match place {
        GraphInput::Node(i) => vec![graph.nodes[i].output.to_string()],
        GraphInput::Leaf(i) => vec![graph.leaves[i].spec.to_string()],
        GraphInput::Constant => Vec::new(),
    })
}

/// The gradient of a matrix product, differentiated again.
fn matmul() -> Result<String, Error> {
    let x = Tensor::ones([64, 100], DType::F32);
    let w = Tensor::ones([100, 10], DType::F32).requires_grad_(true).named("w");
    let loss = x.matmul(&w).square().sum_all();
    let options = GradOptions { create_graph: true, ..Default::default() };
    let gradient = grad(&[&loss], &[&w], options)?.remove(0);
    Ok(diagram(&with_shapes(&Graph::of(&gradient.square().sum_all()))))
}

/// (3x)² · sin 3x, with values and cotangents.
fn walk() -> Result<String, Error> {
    let x = leaf(2.0, "x");
    let history = History::record::<Error>(|| {
        let h = &x * 3.0;
        Ok(h.square() * h.sin())
    })?;
    let numbers = |y: &Statistic, dy: Option<&Statistic>| {
        vec![format!("y = {y}"), dy.map_or_else(String::new, |dy| format!("dy = {dy}"))]
    };
    Ok(diagram(&blocks(&history.graph, |place| match place {
        GraphInput::Node(i) => {
            let step = history.backward.iter().find(|step| step.node == i);
            numbers(&history.values[i], step.map(|step| &step.cotangent))
        }
        GraphInput::Leaf(i) => numbers(&history.leaves[i], history.gradients[i].as_ref()),
        GraphInput::Constant => Vec::new(),
    })))
}
