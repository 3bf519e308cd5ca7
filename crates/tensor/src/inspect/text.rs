//! The list as text: one line an op, as a program one could run.

use super::{Graph, GraphInput};
use std::fmt::Write;

impl Graph {
    /// One line an op in execution order: `%3 = relu(%2)  f32[128, 400]  encoder.fc1  saves output`. Leaves are `@0`, `@1`
    /// …, listed first; `_` is a constant.
    pub fn to_text(&self) -> String {
        let mut rows: Vec<[String; 4]> = Vec::new();
        for (i, leaf) in self.leaves.iter().enumerate() {
            rows.push([format!("@{i}"), leaf.spec.to_string(), leaf.name.clone(), String::new()]);
        }
        for (i, node) in self.nodes.iter().enumerate() {
            let inputs: Vec<String> = node.inputs.iter().map(|input| input.to_string()).collect();
            let call = format!("%{i} = {}({})", node.op, inputs.join(", "));
            let mut saves: Vec<String> = node.saved_inputs.iter().map(|&i| inputs[i].clone()).collect();
            if node.saved_output {
                saves.push("output".into());
            }
            let saves = if saves.is_empty() { String::new() } else { format!("saves {}", saves.join(", ")) };
            rows.push([call, node.output.to_string(), node.scope.clone(), saves]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        let mut text = String::new();
        for [call, spec, scope, saves] in &rows {
            let line = format!(
                "{call:<a$}  {spec:<b$}  {scope:<c$}  {saves}",
                a = widths[0],
                b = widths[1],
                c = widths[2]
            );
            writeln!(text, "{}", line.trim_end()).expect("writing to a string cannot fail");
        }
        text
    }
}

impl std::fmt::Display for GraphInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GraphInput::Constant => f.write_str("_"),
            GraphInput::Leaf(i) => write!(f, "@{i}"),
            GraphInput::Node(i) => write!(f, "%{i}"),
        }
    }
}
