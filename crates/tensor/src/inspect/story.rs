//! What there is to say of the steps of a history, in words.

use super::{Formula, GraphInput, History, StepBack, formula};
use std::fmt::Write;

impl History {
    /// A line of the list: `%3 = relu(%2)`.
    pub fn call(&self, node: usize) -> String {
        let node_of_list = &self.graph.nodes[node];
        let inputs: Vec<String> = node_of_list.inputs.iter().map(ToString::to_string).collect();
        format!("%{node} = {}({})", node_of_list.op, inputs.join(", "))
    }

    /// `%2`, `@0 fc1.weight` or `a constant`.
    pub fn name(&self, input: &GraphInput) -> String {
        match input {
            GraphInput::Constant => "a constant".to_owned(),
            GraphInput::Leaf(leaf) => {
                format!("{input} {}", self.graph.leaves[*leaf].name).trim_end().to_owned()
            }
            GraphInput::Node(_) => input.to_string(),
        }
    }

    /// Saved values of an op by the names that its formulas give them: `x = %2, w = @0 fc1.weight, y`. Empty where there are
    /// none.
    pub fn saved(&self, node: usize, inputs: &[usize], output: bool) -> String {
        let node = &self.graph.nodes[node];
        let formula = formula(&node.op);
        let mut saved: Vec<String> = inputs
            .iter()
            .map(|&index| format!("{} = {}", operand(formula, index), self.name(&node.inputs[index])))
            .collect();
        if output {
            saved.push("y".into());
        }
        saved.join(", ")
    }

    /// Why a backward step, counted from 0, comes now: its op has the highest number of those whose cotangent is complete.
    pub fn reason(&self, step: usize) -> String {
        let list =
            |nodes: &[usize]| nodes.iter().map(|node| format!("%{node}")).collect::<Vec<_>>().join(", ");
        let frontier = self.frontier(step);
        let mut reason = match &frontier.complete[..] {
            [] => String::new(),
            [only] if step == 0 => format!("%{only} is the loss: the walk begins with ∂loss/∂loss = 1"),
            [only] => format!("%{only} is the only op whose cotangent is complete"),
            [next, others @ ..] => {
                format!(
                    "%{next} has the highest number of the ops whose cotangent is complete; also {}",
                    list(others)
                )
            }
        };
        for (node, waits) in &frontier.waiting {
            let _ = write!(reason, "; %{node} waits for {}", list(waits));
        }
        reason
    }

    /// Which part of the cotangent of its input `index` arrives by a backward step, counted from 0: it is complete with the
    /// last.
    pub fn part(&self, step: usize, index: usize) -> String {
        let back = &self.backward[step];
        let inputs = &self.graph.nodes[back.node].inputs;
        let input = inputs[index];
        let to_input = |step: &StepBack| self.sends(step).filter(|to| *to == input).count();
        let before: usize = self.backward[..step].iter().map(to_input).sum();
        let here = inputs[..=index].iter().zip(&back.gradients);
        let number = before + here.filter(|(to, gradient)| **to == input && gradient.is_some()).count();
        match self.backward.iter().map(to_input).sum() {
            1 => "all of it".into(),
            count if number == count => format!("part {number} of {count}: complete"),
            count => format!("part {number} of {count}"),
        }
    }
}

/// What the formulas of an op call its operand.
pub fn operand(formula: Option<Formula>, index: usize) -> String {
    let name = formula.and_then(|formula| formula.operand(index));
    name.map_or_else(|| format!("input {index}"), str::to_owned)
}

/// The layer that a path lies in: one of several in a row, which have numbers, is a part of the row.
pub fn layer(path: &str) -> &str {
    let is_number = |name: &str| name.chars().all(|letter| letter.is_ascii_digit());
    let mut names = path.match_indices('.').map(|(at, _)| (at, &path[at + 1..]));
    let numbered = names.find(|(_, rest)| rest.split('.').next().is_some_and(is_number));
    numbered.map_or(path, |(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::layer;

    #[test]
    fn numbered_layers_are_one() {
        for (path, expected) in [
            ("fc1", "fc1"),
            ("encoder.fc1", "encoder.fc1"),
            ("generator.network.7", "generator.network"),
            ("trunk.12.norm.3", "trunk"),
            ("0", "0"),
            ("", ""),
        ] {
            assert_eq!(layer(path), expected);
        }
    }
}
