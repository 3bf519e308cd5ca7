//! The list as JSON, for other programs.

use super::{Graph, GraphInput};
use crate::Spec;
use serde_json::{Value, json};

impl Graph {
    /// An object with `leaves` (`name`, `dtype`, `shape`) and `nodes` (`id`, `op`, `attributes`, `scope`, `location`,
    /// `inputs`, `dtype`, `shape`, `saved_inputs`, `saved_output`, `gradient_of`); an input is `{"node": i}`, `{"leaf": i}` or
    /// `{"constant": …}` with its type and shape.
    pub fn to_json(&self) -> Value {
        let spec = |spec: &Spec| json!({ "dtype": spec.dtype.name(), "shape": &spec.shape[..] });
        let leaves: Vec<Value> = self
            .leaves
            .iter()
            .map(|leaf| json!({ "name": leaf.name, "dtype": leaf.spec.dtype.name(), "shape": &leaf.spec.shape[..] }))
            .collect();
        let nodes: Vec<Value> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(id, node)| {
                let inputs: Vec<Value> = node
                    .inputs
                    .iter()
                    .zip(&node.input_specs)
                    .map(|(input, input_spec)| match input {
                        GraphInput::Constant => json!({ "constant": spec(input_spec) }),
                        GraphInput::Leaf(leaf) => json!({ "leaf": leaf }),
                        GraphInput::Node(node) => json!({ "node": node }),
                    })
                    .collect();
                let gradient_of =
                    node.gradient_of.as_ref().map(|origin| json!({ "op": origin.op, "node": origin.node }));
                json!({
                    "id": id,
                    "op": node.op,
                    "attributes": node.attributes,
                    "scope": node.scope,
                    "location": node.location,
                    "inputs": inputs,
                    "dtype": node.output.dtype.name(),
                    "shape": &node.output.shape[..],
                    "saved_inputs": node.saved_inputs,
                    "saved_output": node.saved_output,
                    "gradient_of": gradient_of,
                })
            })
            .collect();
        json!({ "leaves": leaves, "nodes": nodes })
    }
}
