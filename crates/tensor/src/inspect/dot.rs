//! The list as a drawing, in the DOT language of Graphviz.

use super::{Graph, GraphInput};
use std::collections::BTreeMap;
use std::fmt::Write;

impl Graph {
    /// A digraph with a box for each op, an ellipse for each leaf and a frame around each layer. Draw it with
    /// `dot -Tsvg`.
    pub fn to_dot(&self) -> String {
        let mut dot =
            String::from("digraph wengert {\n  rankdir=TB;\n  node [fontname=\"monospace\", fontsize=10];\n");
        self.write(&mut dot).expect("writing to a string cannot fail");
        dot
    }

    fn write(&self, dot: &mut String) -> std::fmt::Result {
        for (i, leaf) in self.leaves.iter().enumerate() {
            let label = escape(&format!("{}\n{}", leaf.name, leaf.spec));
            writeln!(
                dot,
                "  leaf{i} [shape=ellipse, style=filled, fillcolor=\"#e8f0fe\", label=\"{label}\"];"
            )?;
        }
        let mut layers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, node) in self.nodes.iter().enumerate() {
            layers.entry(&node.scope).or_default().push(i);
        }
        for (cluster, (scope, members)) in layers.iter().enumerate() {
            let framed = !scope.is_empty();
            if framed {
                let label = escape(scope);
                writeln!(
                    dot,
                    "  subgraph cluster{cluster} {{\n    label=\"{label}\"; color=\"#9aa0a6\"; fontsize=10;"
                )?;
            }
            for &i in members {
                let node = &self.nodes[i];
                let label = escape(&format!("%{i} {}\n{}", node.op, node.output));
                writeln!(
                    dot,
                    "    op{i} [shape=box, label=\"{label}\", tooltip=\"{}\"];",
                    escape(&node.attributes)
                )?;
            }
            if framed {
                writeln!(dot, "  }}")?;
            }
        }
        for (i, node) in self.nodes.iter().enumerate() {
            for (position, input) in node.inputs.iter().enumerate() {
                // A bold edge carries a value that backward reads again.
                let style = if node.saved_inputs.contains(&position) { " [style=bold]" } else { "" };
                match input {
                    GraphInput::Constant => {}
                    GraphInput::Leaf(leaf) => writeln!(dot, "  leaf{leaf} -> op{i}{style};")?,
                    GraphInput::Node(from) => writeln!(dot, "  op{from} -> op{i}{style};")?,
                }
            }
        }
        writeln!(dot, "}}")
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
