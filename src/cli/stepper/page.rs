//! What there is to say of one stop.

use super::{Step, Stepper};
use std::fmt::Write;
use wengert_models::wording::counted;
use wengert_tensor::inspect::{GraphInput, GraphNode, StepBack, formula, layer, operand, short};

/// A headline and rows of a label and a text.
pub struct Page {
    /// Which step this is.
    pub headline: String,
    /// What is to be said of it.
    pub rows: Vec<(String, String)>,
}

/// What a value that has not come to be is called; it is no zero.
pub const NOT_RUN: &str = "not run yet";

/// Room for labels.
pub const LABEL: usize = 10;

impl Page {
    /// Plain text, with an empty line at the end.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.headline);
        for (label, row) in &self.rows {
            let _ = writeln!(text, "{label:>LABEL$}  {row}");
        }
        text + "\n"
    }
}

impl Stepper {
    /// What is walked through.
    pub fn introduction(&self) -> String {
        let (forward, back) = (self.history.graph.nodes.len(), self.history.backward.len());
        let loss = self.history.values.last().map_or(f64::NAN, |value| value.mean);
        format!(
            "{}: {}; {} forward, {} back\n\n",
            self.title,
            short(loss),
            counted(forward, "op"),
            counted(back, "step")
        )
    }

    /// The page of this stop.
    pub fn page(&self) -> Page {
        let (steps, total) = (self.here(), self.history.len());
        if steps.len() > 1 {
            return self.layer();
        }
        let number = steps.start + 1;
        match self.step(steps.start) {
            Step::Forward(position, node) => {
                let count = self.history.graph.nodes.len();
                Page {
                    headline: format!("step {number} of {total}: forward {} of {count}", position + 1),
                    rows: self.forward(position, node),
                }
            }
            Step::Backward(back, step) => {
                let count = self.history.backward.len();
                Page {
                    headline: format!("step {number} of {total}: backward {} of {count}", back + 1),
                    rows: self.backward(back, step),
                }
            }
        }
    }

    /// The steps of a layer together, a row each.
    fn layer(&self) -> Page {
        let steps = self.here();
        let way = if self.is_forward(steps.start) { "forward" } else { "backward" };
        let (first, last, total) = (steps.start + 1, steps.end, self.history.len());
        let name = layer(&self.node_of(steps.start).scope);
        let row = |step: usize| {
            let call = self.history.call(self.position_of(step));
            let (what, statistic) = match self.step(step) {
                Step::Forward(position, _) => ("y", &self.history.values[position]),
                Step::Backward(_, back) => ("dy", &back.cotangent),
            };
            [(String::new(), call), (what.to_owned(), format!("{}  {statistic}", statistic.spec))]
        };
        Page {
            headline: format!("steps {first} to {last} of {total}: {way} through the layer {name}"),
            rows: steps.flat_map(row).collect(),
        }
    }

    fn forward(&self, position: usize, node: &GraphNode) -> Vec<(String, String)> {
        let formula = formula(&node.op);
        let mut rows = self.heading(position, node);
        rows.extend(formula.map(|formula| row("formula", formula.value)));
        if let Some(origin) = &node.gradient_of {
            let of = origin.node.map_or_else(String::new, |node| format!(", %{node}"));
            let text = format!("the gradient of {}{of}, recorded to be differentiated again", origin.op);
            rows.push(row("part of", text));
        }
        for (index, input) in node.inputs.iter().enumerate() {
            let text = match input {
                GraphInput::Constant => format!("{}, no gradient is asked for", node.input_specs[index]),
                GraphInput::Leaf(leaf) => self.history.leaves[*leaf].to_string(),
                GraphInput::Node(from) => self.history.values[*from].to_string(),
            };
            rows.push(row(operand(formula, index), format!("{}  {text}", self.history.name(input))));
        }
        rows.push(row("y", format!("%{position}  {}", self.history.values[position])));
        let saved = self.history.saved(position, &node.saved_inputs, node.saved_output);
        rows.push(row(
            "keeps",
            if saved.is_empty() { "nothing".into() } else { format!("{saved} for the step back") },
        ));
        rows.push(row("dy", NOT_RUN));
        rows
    }

    fn backward(&self, back: usize, step: &StepBack) -> Vec<(String, String)> {
        let node = &self.history.graph.nodes[step.node];
        let formula = formula(&node.op);
        let mut rows = self.heading(step.node, node);
        rows.push(row("why next", self.history.reason(back)));
        rows.extend(formula.map(|formula| row("formula", formula.backward)));
        let saved = self.history.saved(step.node, &step.saved_inputs, step.saved_output);
        rows.push(row("read again", if saved.is_empty() { "nothing" } else { &saved }));
        rows.push(row("dy", format!("%{}  {}  {}", step.node, step.cotangent.spec, step.cotangent)));
        for (index, (input, gradient)) in node.inputs.iter().zip(&step.gradients).enumerate() {
            let text = match gradient {
                None => format!("not asked for ({})", node.input_specs[index]),
                Some(gradient) => {
                    let part = self.history.part(back, index);
                    format!("to {}, {part}  {}  {gradient}", self.history.name(input), gradient.spec)
                }
            };
            rows.push(row(format!("d{}", operand(formula, index)), text));
        }
        rows
    }

    /// The op's line of the list, its attributes and where it was called.
    fn heading(&self, position: usize, node: &GraphNode) -> Vec<(String, String)> {
        let place = if node.scope.is_empty() { String::new() } else { format!("  in {}", node.scope) };
        let mut rows = vec![row("op", format!("{}  {}{place}", self.history.call(position), node.output))];
        // A bare name says nothing more.
        if node.attributes.contains([' ', '(']) {
            rows.push(row("as", &node.attributes));
        }
        rows.push(row("called at", &node.location));
        rows
    }
}

fn row(label: impl Into<String>, text: impl Into<String>) -> (String, String) {
    (label.into(), text.into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::stepper;

    fn page(step: usize) -> String {
        let mut stepper = stepper(false);
        stepper.go_to(step);
        stepper.page().to_text()
    }

    #[test]
    fn a_forward_page_tells_values_and_what_is_not_there_yet() {
        let text = page(1);
        for part in [
            "step 2 of 10: forward 2 of 5",
            "%1 = tanh(%0)  f64[2]  in first",
            "y = tanh x",
            "x  %0  min 2  mean 3  max 4",
            "y for the step back",
            "dy  not run yet",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(page(0).contains("x  @0 x  min 1  mean 1.5  max 2"), "{}", page(0));
    }

    #[test]
    fn a_backward_page_tells_cotangents_and_why_it_is_next() {
        let text = page(5);
        assert!(text.contains("step 6 of 10: backward 1 of 5"), "{text}");
        assert!(text.contains("%4 is the loss: the walk begins with ∂loss/∂loss = 1"), "{text}");
        let text = page(8);
        for part in [
            "read again  y",
            "dx = dy * (1 − y²)",
            "dx  to %0, all of it  f64[2]  min",
            "%1 is the only op whose cotangent is complete",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(page(9).contains("dx  to @0 x, all of it"), "{}", page(9));
    }

    #[test]
    fn a_layer_is_one_page() {
        let text = stepper(true).page().to_text();
        assert!(text.starts_with("steps 1 to 2 of 10: forward through the layer first\n"), "{text}");
        assert!(text.contains("%0 = mul_scalar(@0)") && text.contains("%1 = tanh(%0)"), "{text}");
    }
}
