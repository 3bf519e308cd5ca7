//! A history as the page gets it: everything of it at once but the stories of single steps.

use serde_json::{Value, json};
use wengert_tensor::inspect::{GraphInput, GraphNode, History, Statistic, formula, layer, operand};

/// A statistic: `text` is how the engine prints it.
fn statistic(of: &Statistic) -> Value {
    json!({
        "spec": of.spec.to_string(),
        "text": of.to_string(),
        "brief": of.brief(),
        "min": of.min,
        "mean": of.mean,
        "max": of.max,
        "norm": of.norm,
        "not_finite": of.not_finite,
        "first": of.first,
    })
}

/// The list with all its values and cotangents. The page hides what has not run yet at the step it shows.
pub fn sheet(history: &History) -> Value {
    let nodes: Vec<Value> = history
        .graph
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            json!({
                "op": node.op,
                "call": history.call(index),
                "spec": node.output.to_string(),
                "scope": node.scope,
                "layer": layer(&node.scope),
                "inputs": node.inputs.iter().map(input).collect::<Vec<_>>(),
                "saved_inputs": node.saved_inputs,
                "saved_output": node.saved_output,
                "gradient_of": node.gradient_of.as_ref().map(|origin| json!({ "op": origin.op, "node": origin.node })),
                "value": statistic(&history.values[index]),
            })
        })
        .collect();
    let leaves = history.graph.leaves.iter().zip(&history.leaves).zip(&history.gradients);
    let leaves: Vec<Value> = leaves
        .map(|((leaf, value), gradient)| {
            json!({
                "name": leaf.name,
                "spec": leaf.spec.to_string(),
                "value": statistic(value),
                "gradient": gradient.as_ref().map(statistic),
            })
        })
        .collect();
    let backward: Vec<Value> = history
        .backward
        .iter()
        .map(|step| {
            let to: Vec<Value> = history.sends(step).map(|to| input(&to)).collect();
            json!({ "node": step.node, "cotangent": statistic(&step.cotangent), "to": to })
        })
        .collect();
    json!({ "nodes": nodes, "leaves": leaves, "backward": backward })
}

fn input(input: &GraphInput) -> Value {
    match input {
        GraphInput::Constant => json!({ "constant": true }),
        GraphInput::Leaf(leaf) => json!({ "leaf": leaf }),
        GraphInput::Node(node) => json!({ "node": node }),
    }
}

/// What there is to say of a step, counted from 0; none beyond the last. Where `is_snippet`, the place in the program's own
/// source says nothing to the reader.
pub fn step(history: &History, number: usize, is_snippet: bool) -> Option<Value> {
    let forward = history.graph.nodes.len();
    match number.checked_sub(forward) {
        None => Some(forward_step(history, number, is_snippet)),
        Some(back) if back < history.backward.len() => Some(backward_step(history, back, is_snippet)),
        Some(_) => None,
    }
}

fn forward_step(history: &History, index: usize, is_snippet: bool) -> Value {
    let node = &history.graph.nodes[index];
    let formula = formula(&node.op);
    let operands: Vec<Value> = node
        .inputs
        .iter()
        .enumerate()
        .map(|(position, from)| {
            let value = match from {
                GraphInput::Constant => None,
                GraphInput::Leaf(leaf) => Some(statistic(&history.leaves[*leaf])),
                GraphInput::Node(node) => Some(statistic(&history.values[*node])),
            };
            json!({
                "operand": operand(formula, position),
                "name": history.name(from),
                "spec": node.input_specs[position].to_string(),
                "value": value,
            })
        })
        .collect();
    json!({
        "way": "forward",
        "number": index + 1,
        "count": history.graph.nodes.len(),
        "node": index,
        "op": heading(history, index, is_snippet),
        "formula": formula.map(|formula| formula.value),
        "part_of": node.gradient_of.as_ref().map(|origin| {
            let of = origin.node.map_or_else(String::new, |node| format!(", %{node}"));
            format!("the gradient of {}{of}, recorded to be differentiated again", origin.op)
        }),
        "operands": operands,
        "value": statistic(&history.values[index]),
        "keeps": history.saved(index, &node.saved_inputs, node.saved_output),
    })
}

fn backward_step(history: &History, back: usize, is_snippet: bool) -> Value {
    let step = &history.backward[back];
    let node = &history.graph.nodes[step.node];
    let formula = formula(&node.op);
    let gradients: Vec<Value> = node
        .inputs
        .iter()
        .zip(&step.gradients)
        .enumerate()
        .map(|(position, (to, gradient))| {
            json!({
                "operand": format!("d{}", operand(formula, position)),
                "name": history.name(to),
                "spec": node.input_specs[position].to_string(),
                "part": gradient.as_ref().map(|_| history.part(back, position)),
                "value": gradient.as_ref().map(statistic),
            })
        })
        .collect();
    json!({
        "way": "backward",
        "number": back + 1,
        "count": history.backward.len(),
        "node": step.node,
        "op": heading(history, step.node, is_snippet),
        "reason": history.reason(back),
        "formula": formula.map(|formula| formula.backward),
        "read_again": history.saved(step.node, &step.saved_inputs, step.saved_output),
        "cotangent": statistic(&step.cotangent),
        "gradients": gradients,
    })
}

/// The op's line of the list, its attributes where they say more than its name, and where it was called.
fn heading(history: &History, index: usize, is_snippet: bool) -> Value {
    let node: &GraphNode = &history.graph.nodes[index];
    json!({
        "call": history.call(index),
        "spec": node.output.to_string(),
        "scope": node.scope,
        "attributes": node.attributes.contains([' ', '(']).then_some(&node.attributes),
        "location": (!is_snippet).then_some(&node.location),
    })
}
