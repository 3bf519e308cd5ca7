//! The walk back over the list.

use super::node::{Edge, Node, Saved, lock};
use super::{Tape, anomaly, modes::with_grad, origin};
use crate::inspect::trace;
use crate::op::{Op, Spec};
use crate::{Error, Result, Tensor, scope};
use smallvec::SmallVec;
use std::collections::HashMap;

/// How [`grad`] differentiates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GradOptions {
    /// Record the backward pass as well, so that its results can be differentiated again.
    pub create_graph: bool,
    /// Keep what the forward pass saved, so that backward can run once more. `create_graph` implies it.
    pub retain_graph: bool,
    /// Answer zeros for an input that the outputs do not depend on, instead of an error.
    pub unused_as_zeros: bool,
}

/// How [`backward_with`] walks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackwardOptions {
    /// Record the backward pass as well; the gradients then carry a graph. That graph leads back to the leaf that holds
    /// the gradient: neither is freed before [`zero_grad`](Tensor::zero_grad) is called. [`grad`] has no such loop.
    pub create_graph: bool,
    /// Keep what the forward pass saved, so that backward can run once more. `create_graph` implies it.
    pub retain_graph: bool,
}

/// One step of the walk, as [`backward_with`] shows it after the step's vector–Jacobian product has run.
pub struct BackwardStep<'a> {
    /// Position of the op in execution order; the walk counts down.
    pub position: usize,
    /// Number of ops in the list.
    pub total: usize,
    /// The op whose backward step ran.
    pub op: &'a dyn Op,
    /// Layer path in which the op ran forward, empty outside layers.
    pub scope: &'a str,
    /// Shapes and types of the op's inputs.
    pub inputs: &'a [Spec],
    /// Shape and type of the op's output.
    pub output: &'a Spec,
    /// Positions of the inputs that the step read again, as saved by the forward run.
    pub saved_inputs: SmallVec<[usize; 4]>,
    /// Whether the step read the saved output.
    pub saved_output: bool,
    /// The cotangent that flowed in: ∂loss/∂output.
    pub cotangent: &'a Tensor,
    /// The cotangents that flowed out, one an input; `None` where no gradient was asked for.
    pub gradients: &'a [Option<Tensor>],
}

/// Gradients of the sum of `outputs` with respect to `inputs`, in the shapes of `inputs`.
///
/// Every output must hold one element. Nothing is accumulated into [`Tensor::grad`].
///
/// # Errors
/// An output that is not a scalar or needs no gradient; an input that no output depends on, unless `unused_as_zeros`;
/// an op on the way that has no gradient; a saved tensor that was changed since.
pub fn grad(outputs: &[&Tensor], inputs: &[&Tensor], options: GradOptions) -> Result<Vec<Tensor>> {
    let cotangents = outputs.iter().map(|output| scalar_cotangent(output)).collect::<Result<Vec<_>>>()?;
    grad_from(outputs, &cotangents.iter().collect::<Vec<_>>(), inputs, options)
}

/// Gradients of Σ ⟨outputsᵢ, cotangentsᵢ⟩ with respect to `inputs`: the vector–Jacobian product.
///
/// # Errors
/// As [`grad`], and cotangents whose shapes or types are not those of the outputs.
pub fn grad_from(
    outputs: &[&Tensor],
    cotangents: &[&Tensor],
    inputs: &[&Tensor],
    options: GradOptions,
) -> Result<Vec<Tensor>> {
    for (i, input) in inputs.iter().enumerate() {
        if !input.requires_grad() {
            return Err(Error::autograd(format!(
                "grad: input {i} ({}) does not require a gradient; call requires_grad() on it before the forward pass",
                input.label()
            )));
        }
    }
    let tape = Tape::of(outputs);
    let targets = Targets::inputs(inputs, &tape);
    let mut walk = Walk::new(tape, targets, options.create_graph, options.retain_graph);
    walk.seed(outputs, cotangents, options.unused_as_zeros)?;
    walk.run(&mut |_| {})?;
    let missing = |i: usize, input: &Tensor| {
        if options.unused_as_zeros {
            return Ok(input.zeros_like());
        }
        Err(Error::autograd(format!(
            "grad: no output depends on input {i} ({}); set unused_as_zeros if that is meant",
            input.label()
        )))
    };
    let answer = |(i, input): (usize, &&Tensor)| walk.found.remove(&i).map_or_else(|| missing(i, input), Ok);
    inputs.iter().enumerate().map(answer).collect()
}

/// Adds the gradient of scalar `output` into [`Tensor::grad`] of every leaf it depends on, and shows each step.
///
/// # Errors
/// As [`grad`].
pub fn backward_with(
    output: &Tensor,
    options: BackwardOptions,
    observer: impl FnMut(&BackwardStep),
) -> Result<()> {
    backward_from(output, &scalar_cotangent(output)?, options, observer)
}

pub(crate) fn backward_from(
    output: &Tensor,
    cotangent: &Tensor,
    options: BackwardOptions,
    mut observer: impl FnMut(&BackwardStep),
) -> Result<()> {
    let tape = Tape::of(&[output]);
    let mut walk = Walk::new(tape, Targets::Leaves, options.create_graph, options.retain_graph);
    walk.seed(&[output], &[cotangent], false)?;
    walk.run(&mut observer)
}

fn scalar_cotangent(output: &Tensor) -> Result<Tensor> {
    if output.numel() != 1 {
        return Err(Error::autograd(format!(
            "backward starts from one number, got shape {}; reduce it with sum or mean, or give a cotangent",
            output.shape()
        )));
    }
    Ok(output.ones_like())
}

/// Where the walk leads.
enum Targets {
    /// Every leaf that asks for a gradient collects it.
    Leaves,
    /// These tensors, leaves or not, are what the caller wants.
    Inputs {
        /// Positions among the inputs of those that the op in this slot made.
        of_slot: HashMap<usize, Vec<usize>>,
        /// Positions among the inputs of the leaf with this address.
        of_leaf: HashMap<usize, Vec<usize>>,
    },
}

impl Targets {
    fn inputs(inputs: &[&Tensor], tape: &Tape) -> Self {
        let (mut of_slot, mut of_leaf) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (i, input) in inputs.iter().enumerate() {
            match input.node() {
                None => of_leaf.entry(input.address()).or_default().push(i),
                Some(node) => {
                    if let Some(slot) = tape.slot_before(tape.nodes.len(), node) {
                        of_slot.entry(slot).or_default().push(i);
                    }
                }
            }
        }
        Targets::Inputs { of_slot, of_leaf }
    }
}

/// State of one backward pass.
struct Walk<'a> {
    tape: Tape<'a>,
    /// Cotangent of each node's output, as far as it has been added up.
    cotangents: Vec<Option<Tensor>>,
    /// Whether a node lies on a path to a target.
    needed: Vec<bool>,
    targets: Targets,
    /// Complete cotangents of the inputs that are the targets.
    found: HashMap<usize, Tensor>,
    /// Leaves in the order in which the walk met them, which is that of their hooks, with their cotangents as far as
    /// they have been added up.
    leaves: Vec<(Tensor, Option<Tensor>)>,
    /// Where in `leaves` the one with this address is.
    leaf_places: HashMap<usize, usize>,
    create_graph: bool,
    retain_graph: bool,
}

impl<'a> Walk<'a> {
    fn new(tape: Tape<'a>, targets: Targets, create_graph: bool, retain_graph: bool) -> Self {
        let mut walk = Self {
            cotangents: vec![None; tape.nodes.len()],
            needed: vec![false; tape.nodes.len()],
            targets,
            found: HashMap::new(),
            leaves: Vec::new(),
            leaf_places: HashMap::new(),
            create_graph,
            retain_graph: retain_graph || create_graph,
            tape,
        };
        for slot in 0..walk.tape.nodes.len() {
            let is_target = match &walk.targets {
                Targets::Leaves => false,
                Targets::Inputs { of_slot, .. } => of_slot.contains_key(&slot),
            };
            let mut edges = walk.tape.nodes[slot].edges().iter();
            walk.needed[slot] = is_target || edges.any(|edge| walk.leads_to_target(slot, edge));
        }
        walk
    }

    /// Whether a target lies behind an edge of a node in a slot below `end`.
    fn leads_to_target(&self, end: usize, edge: &Edge) -> bool {
        match edge {
            Edge::Constant => false,
            Edge::Node(node) => self.needed[self.slot(end, node)],
            Edge::Leaf(leaf) => match &self.targets {
                Targets::Leaves => leaf.requires_grad(),
                Targets::Inputs { of_leaf, .. } => of_leaf.contains_key(&leaf.address()),
            },
        }
    }

    fn slot(&self, end: usize, node: &Node) -> usize {
        self.tape.slot_before(end, node).expect("the list holds every node that its nodes read from")
    }

    fn seed(&mut self, outputs: &[&Tensor], cotangents: &[&Tensor], constants: bool) -> Result<()> {
        if outputs.len() != cotangents.len() {
            return Err(Error::autograd(format!(
                "{} outputs, but {} cotangents",
                outputs.len(),
                cotangents.len()
            )));
        }
        for (output, cotangent) in outputs.iter().zip(cotangents) {
            if output.spec() != cotangent.spec() {
                return Err(Error::autograd(format!(
                    "an output of {} needs a cotangent of the same shape and type, got {}",
                    output.spec(),
                    cotangent.spec()
                )));
            }
            if !output.requires_grad() {
                if constants {
                    continue;
                }
                return Err(Error::autograd(format!(
                    "the output ({}) depends on nothing that requires a gradient; was it computed under no_grad, or \
                     detached?",
                    output.label()
                )));
            }
            let (edge, end) = (output.edge(), self.tape.nodes.len());
            if self.leads_to_target(end, &edge) {
                self.add(end, &edge, (*cotangent).clone());
            }
        }
        Ok(())
    }

    fn run(&mut self, observer: &mut dyn FnMut(&BackwardStep)) -> Result<()> {
        let create_graph = self.create_graph;
        let _phase = trace::enter_backward();
        with_grad(create_graph, || {
            for slot in (0..self.tape.nodes.len()).rev() {
                // A node that no cotangent reached contributes nothing: a symbolic zero, never an array of zeros.
                if let Some(cotangent) = self.cotangents[slot].take() {
                    self.step(slot, cotangent, observer)?;
                }
            }
            self.finish_leaves()
        })
    }

    fn step(
        &mut self,
        slot: usize,
        cotangent: Tensor,
        observer: &mut dyn FnMut(&BackwardStep),
    ) -> Result<()> {
        let node = self.tape.nodes[slot];
        let cotangent = node.hooks().run(cotangent)?;
        if let Targets::Inputs { of_slot, .. } = &self.targets {
            let places = of_slot.get(&slot).into_iter().flatten();
            self.found.extend(places.map(|&i| (i, cotangent.clone())));
        }
        let mut needs = SmallVec::<[bool; 4]>::new();
        node.edges().iter().for_each(|edge| needs.push(self.leads_to_target(slot, edge)));
        if !needs.contains(&true) {
            return Ok(());
        }
        // To the end of the step: the sums of cotangents are part of the gradient too.
        let _origin = self.create_graph.then(|| origin::enter(node));
        let values = node.saved(self.retain_graph)?;
        if let Some(values) = &values {
            values.check_versions(node)?;
        }
        let gradients = {
            let _scope = scope::resume(node.scope().cloned());
            let _backward = anomaly::enter_backward(node);
            node.op().vjp(&Saved { node, values: values.as_deref(), needs: &needs }, &cotangent)?
        };
        check_gradients(node, &gradients, &needs)?;
        observer(&BackwardStep {
            position: slot,
            total: self.tape.nodes.len(),
            op: node.op(),
            scope: node.scope().map_or("", |path| path),
            inputs: node.inputs(),
            output: node.output(),
            saved_inputs: values.iter().flat_map(|values| values.inputs()).collect(),
            saved_output: values.as_ref().is_some_and(|values| values.has_output()),
            cotangent: &cotangent,
            gradients: &gradients,
        });
        // Before the sums: what only this step held is theirs to overwrite.
        drop((values, cotangent));
        for ((edge, gradient), needed) in node.edges().iter().zip(gradients).zip(needs) {
            if let (Some(gradient), true) = (gradient, needed) {
                self.add(slot, edge, gradient);
            }
        }
        Ok(())
    }

    /// Adds a contribution to the cotangent of what `edge`, of a node in slot `end` or of an output, leads to. The first
    /// one is stored, not added to zeros; later ones go into its memory where the walk is its only owner.
    fn add(&mut self, end: usize, edge: &Edge, contribution: Tensor) {
        let total = match edge {
            Edge::Constant => return,
            Edge::Node(node) => {
                let slot = self.slot(end, node);
                &mut self.cotangents[slot]
            }
            Edge::Leaf(leaf) => {
                let place = *self.leaf_places.entry(leaf.address()).or_insert(self.leaves.len());
                if place == self.leaves.len() {
                    self.leaves.push((leaf.clone(), None));
                }
                &mut self.leaves[place].1
            }
        };
        *total = Some(match total.take() {
            Some(sum) => sum + contribution,
            None => contribution,
        });
    }

    fn finish_leaves(&mut self) -> Result<()> {
        for (leaf, cotangent) in std::mem::take(&mut self.leaves) {
            let Some(cotangent) = cotangent else { continue };
            let cotangent = leaf.leaf_hooks().run(cotangent)?;
            match &self.targets {
                Targets::Leaves => {
                    let mut slot = lock(leaf.grad_slot());
                    *slot = Some(match slot.take() {
                        Some(old) => old + cotangent,
                        None => cotangent,
                    });
                }
                Targets::Inputs { of_leaf, .. } => {
                    let places = of_leaf.get(&leaf.address()).into_iter().flatten();
                    self.found.extend(places.map(|&i| (i, cotangent.clone())));
                }
            }
        }
        Ok(())
    }
}

/// A gradient is never dropped: an op must answer for every input that asks, in that input's shape and type.
fn check_gradients(node: &Node, gradients: &[Option<Tensor>], needs: &[bool]) -> Result<()> {
    let name = node.op().name();
    if gradients.len() != needs.len() {
        return Err(Error::autograd(format!(
            "{name}: vjp gave {} gradients for {} inputs",
            gradients.len(),
            needs.len()
        )));
    }
    for (i, (gradient, needed)) in gradients.iter().zip(needs).enumerate() {
        match gradient {
            None if *needed => {
                return Err(Error::autograd(format!("{}: no gradient for input {i}", node.describe())));
            }
            Some(gradient) if !gradient.has_spec(&node.inputs()[i]) => {
                return Err(Error::autograd(format!(
                    "{name}: the gradient of input {i} is {}, the input {}",
                    gradient.spec(),
                    node.inputs()[i]
                )));
            }
            _ => {}
        }
    }
    Ok(())
}
