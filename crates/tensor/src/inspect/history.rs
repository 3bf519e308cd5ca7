//! A whole run of a list: its ops forward with what they made, then its backward steps with the cotangents that flowed.

use super::{Graph, GraphInput, Statistic};
use crate::autograd::{BackwardOptions, BackwardStep, Tape, backward_with};
use crate::{Error, Tensor};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

/// What ran, step by step: [`Graph::nodes`] in execution order, then the steps that the walk back took.
#[derive(Clone, Debug)]
pub struct History {
    /// The list.
    pub graph: Graph,
    /// What each op of the list made.
    pub values: Vec<Statistic>,
    /// The leaves as the run found them.
    pub leaves: Vec<Statistic>,
    /// The steps back, in the order in which they ran.
    pub backward: Vec<StepBack>,
    /// What each leaf had collected at the end; none where nothing arrived.
    pub gradients: Vec<Option<Statistic>>,
}

/// One step of the walk back.
#[derive(Clone, Debug)]
pub struct StepBack {
    /// Position of its op in [`Graph::nodes`].
    pub node: usize,
    /// Positions of the inputs that it read again.
    pub saved_inputs: Vec<usize>,
    /// Whether it read the saved output.
    pub saved_output: bool,
    /// What flowed in: ∂loss/∂output.
    pub cotangent: Statistic,
    /// What flowed out, one an input; none where no gradient was asked for.
    pub gradients: Vec<Option<Statistic>>,
}

/// Where the walk can go on: what has got cotangents, before one of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    /// Ops whose cotangent is complete, the highest number first: that one is next.
    pub complete: Vec<usize>,
    /// Ops that have a part of their cotangent, the highest number first, with the ops they still wait for.
    pub waiting: Vec<(usize, Vec<usize>)>,
}

thread_local! {
    static NOTING: Cell<bool> = const { Cell::new(false) };
    /// What recorded ops made, by the numbers of their nodes.
    static NOTED: RefCell<HashMap<u64, Statistic>> = RefCell::default();
}

/// Called at the door for every output.
pub(crate) fn note(output: &Tensor) {
    if NOTING.get()
        && let Some(node) = output.node()
    {
        let statistic = unnoted(|| Statistic::of(output));
        NOTED.with_borrow_mut(|noted| noted.insert(node.id(), statistic));
    }
}

/// Runs `body` without noting what passes the door.
fn unnoted<R>(body: impl FnOnce() -> R) -> R {
    let _restore = Noting(NOTING.replace(false));
    body()
}

struct Noting(bool);

impl Drop for Noting {
    fn drop(&mut self) {
        NOTING.set(self.0);
    }
}

impl History {
    /// Computes a loss, a tensor of one number, and walks back over its list. Every value is read once more for its
    /// statistic. Leaves collect their gradients as in [`Tensor::backward`], and should have none before.
    ///
    /// # Errors
    /// Those of `loss`, and of [`backward_with`].
    pub fn record<E: From<Error>>(loss: impl FnOnce() -> Result<Tensor, E>) -> Result<History, E> {
        let loss = {
            let _restore = Noting(NOTING.replace(true));
            loss()
        };
        let noted = NOTED.take();
        Ok(Self::of(&loss?, noted)?)
    }

    fn of(loss: &Tensor, mut noted: HashMap<u64, Statistic>) -> crate::Result<History> {
        let graph = Graph::of(loss);
        let (values, leaves) = {
            let tape = Tape::of(&[loss]);
            let mut value = |id: u64| {
                let recorded_before =
                    || Error::autograd("a part of the loss was recorded before its history began");
                noted.remove(&id).ok_or_else(recorded_before)
            };
            let values = tape.nodes.iter().map(|node| value(node.id())).collect::<crate::Result<Vec<_>>>()?;
            (values, tape.leaves())
        };
        let mut backward = Vec::new();
        backward_with(loss, BackwardOptions::default(), |step| backward.push(StepBack::of(step)))?;
        let gradients = leaves.iter().map(|leaf| leaf.grad().as_ref().map(Statistic::of)).collect();
        Ok(History { graph, values, leaves: leaves.iter().map(Statistic::of).collect(), backward, gradients })
    }

    /// Steps forward and back.
    pub fn len(&self) -> usize {
        self.graph.nodes.len() + self.backward.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has cotangents before the backward step `step`, counted from 0: one step after the other, it is always the
    /// op with the highest number that is next, for only ops with higher numbers can still add to its cotangent.
    pub fn frontier(&self, step: usize) -> Frontier {
        let step = step.min(self.backward.len());
        let (done, to_come) = self.backward.split_at(step);
        let ran: HashSet<usize> = done.iter().map(|step| step.node).collect();
        let mut reached: Vec<usize> = done.iter().flat_map(|step| self.flows_to(step)).collect();
        // The walk begins at the loss, which nothing of the list reads.
        reached.extend(self.backward.first().map(|first| first.node));
        reached.retain(|node| !ran.contains(node));
        reached.sort_unstable_by(|one, other| other.cmp(one));
        reached.dedup();
        let mut frontier = Frontier::default();
        for node in reached {
            let waits: Vec<usize> = to_come
                .iter()
                .filter(|step| self.flows_to(step).any(|to| to == node))
                .map(|step| step.node)
                .collect();
            match waits.is_empty() {
                true => frontier.complete.push(node),
                false => frontier.waiting.push((node, waits)),
            }
        }
        frontier
    }

    /// The ops of the list that a step back sends cotangents to.
    fn flows_to<'a>(&'a self, step: &'a StepBack) -> impl Iterator<Item = usize> + 'a {
        self.sends(step).filter_map(|input| match input {
            GraphInput::Node(node) => Some(node),
            GraphInput::Constant | GraphInput::Leaf(_) => None,
        })
    }

    /// Where a step back sends cotangents to, an entry for each of them.
    pub fn sends<'a>(&'a self, step: &'a StepBack) -> impl Iterator<Item = GraphInput> + 'a {
        let inputs = self.graph.nodes[step.node].inputs.iter().zip(&step.gradients);
        inputs.filter(|(_, gradient)| gradient.is_some()).map(|(input, _)| *input)
    }
}

impl StepBack {
    fn of(step: &BackwardStep) -> Self {
        Self {
            node: step.position,
            saved_inputs: step.saved_inputs.to_vec(),
            saved_output: step.saved_output,
            cotangent: Statistic::of(step.cotangent),
            gradients: step.gradients.iter().map(|gradient| gradient.as_ref().map(Statistic::of)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{GradOptions, grad};

    /// ln x² + 3x² of x = 2: the square is read twice.
    fn diamond(x: &Tensor) -> Tensor {
        let square = x.square();
        square.log() + &square * 3.0
    }

    #[test]
    fn a_history_holds_values_and_cotangents_in_order() {
        let x = Tensor::from_slice(&[2.0f64], []).requires_grad_(true);
        let history = History::record::<Error>(|| Ok(diamond(&x))).unwrap();
        let ops: Vec<&str> = history.graph.nodes.iter().map(|node| node.op.as_str()).collect();
        assert_eq!(ops, ["square", "log", "mul_scalar", "add"]);
        let values: Vec<f64> = history.values.iter().map(|value| value.mean).collect();
        assert_eq!(values, [4.0, 4f64.ln(), 12.0, 4f64.ln() + 12.0]);
        let order: Vec<usize> = history.backward.iter().map(|step| step.node).collect();
        assert_eq!(order, [3, 2, 1, 0]);
        assert_eq!(history.backward[3].cotangent.mean, 3.25, "the sum of both ways");
        assert_eq!(history.gradients[0].as_ref().unwrap().mean, 13.0);
        assert_eq!(history.len(), 8);
    }

    #[test]
    fn the_next_step_is_the_highest_complete_one() {
        let x = Tensor::from_slice(&[2.0f64], []).requires_grad_(true);
        let history = History::record::<Error>(|| Ok(diamond(&x))).unwrap();
        let frontier = |step| history.frontier(step);
        assert_eq!(frontier(0), Frontier { complete: vec![3], waiting: vec![] });
        assert_eq!(frontier(1), Frontier { complete: vec![2, 1], waiting: vec![] });
        assert_eq!(frontier(2), Frontier { complete: vec![1], waiting: vec![(0, vec![1])] });
        assert_eq!(frontier(3), Frontier { complete: vec![0], waiting: vec![] });
        assert_eq!(frontier(4), Frontier::default());
        for (index, step) in history.backward.iter().enumerate() {
            assert_eq!(frontier(index).complete[0], step.node);
        }
    }

    #[test]
    fn a_gradient_that_is_recorded_names_the_ops_it_is_of() {
        let x = Tensor::from_slice(&[0.5f64], []).requires_grad_(true);
        let penalty = || {
            let options = GradOptions { create_graph: true, ..GradOptions::default() };
            Ok::<_, Error>(grad(&[&x.tanh()], &[&x], options)?.remove(0).square())
        };
        let history = History::record(penalty).unwrap();
        let origins: Vec<Option<(&str, Option<usize>)>> = history
            .graph
            .nodes
            .iter()
            .map(|node| node.gradient_of.as_ref().map(|origin| (origin.op.as_str(), origin.node)))
            .collect();
        assert_eq!(origins, [None, Some(("tanh", Some(0))), None], "tanh, tanh_grad, square");
    }

    #[test]
    fn what_ran_before_is_refused() {
        let x = Tensor::from_slice(&[0.5f64], []).requires_grad_(true);
        let early = x.tanh();
        let error = History::record::<Error>(|| Ok(early.square())).unwrap_err().to_string();
        assert!(error.contains("before its history began"), "{error}");
    }
}
