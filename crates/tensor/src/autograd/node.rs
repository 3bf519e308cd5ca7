//! A line of the Wengert list: the op that ran, where its inputs came from and what its backward step needs.

use super::hooks::Hooks;
use super::origin::{self, Origin};
use crate::apply::Operand;
use crate::op::{Op, Saves, Spec, Specs};
use crate::{Error, Result, Tensor, Value, scope};
use smallvec::SmallVec;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Where an input of a node came from.
#[derive(Clone, Debug)]
pub(crate) enum Edge {
    /// No gradient flows there.
    Constant,
    /// A tensor that the user made and that collects its gradient.
    Leaf(Tensor),
    /// The output of an earlier node.
    Node(Arc<Node>),
}

type Edges = SmallVec<[Edge; 2]>;

/// One recorded op, in one piece of memory with what was recorded of it.
pub(crate) struct Node<O: ?Sized = dyn Op> {
    /// None until the op has run; nobody but the door sees the node before.
    record: Option<Record>,
    op: O,
}

struct Record {
    id: u64,
    edges: Edges,
    inputs: Specs,
    output: Spec,
    /// None where backward reads shapes at most.
    saved: Option<Mutex<Option<Arc<SavedValues>>>>,
    hooks: Hooks,
    scope: Option<Arc<str>>,
    location: &'static Location<'static>,
    origin: Option<Origin>,
}

/// What a backward step reads.
#[derive(Debug)]
pub(crate) struct SavedValues {
    inputs: SmallVec<[SavedInput; 2]>,
    // The output as a bare value: a tensor would hold this very node, and neither would ever be freed.
    output: Option<(Value, u64)>,
}

#[derive(Debug)]
struct SavedInput {
    position: usize,
    tensor: Tensor,
    version: u64,
}

impl<O: Op> Node<O> {
    /// A node for an op that has yet to run.
    pub fn before(op: O) -> Arc<Node> {
        Arc::new(Node { record: None, op })
    }
}

impl Node {
    fn record(&self) -> &Record {
        self.record.as_ref().expect("a node is seen once its op has run")
    }

    /// Grows in the order of execution.
    pub fn id(&self) -> u64 {
        self.record().id
    }

    pub fn op(&self) -> &dyn Op {
        &self.op
    }

    pub fn edges(&self) -> &[Edge] {
        &self.record().edges
    }

    pub fn inputs(&self) -> &[Spec] {
        &self.record().inputs
    }

    pub fn output(&self) -> &Spec {
        &self.record().output
    }

    pub fn hooks(&self) -> &Hooks {
        &self.record().hooks
    }

    pub fn scope(&self) -> Option<&Arc<str>> {
        self.record().scope.as_ref()
    }

    pub fn location(&self) -> &'static Location<'static> {
        self.record().location
    }

    /// The op whose backward step recorded this one, for a gradient that can be differentiated again.
    pub fn origin(&self) -> Option<Origin> {
        self.record().origin
    }

    /// What the backward step reads, if anything; given up by the node unless `retain`, so that memory is free as soon as
    /// the step has run.
    ///
    /// # Errors
    /// When an earlier pass has freed it.
    pub fn saved(&self, retain: bool) -> Result<Option<Arc<SavedValues>>> {
        let Some(saved) = &self.record().saved else { return Ok(None) };
        let values = if retain { lock(saved).clone() } else { lock(saved).take() };
        if values.is_none() {
            return Err(Error::autograd(format!(
                "what {} saved has been freed by an earlier backward pass; give that pass retain_graph",
                self.describe()
            )));
        }
        Ok(values)
    }

    /// `linear in encoder.fc1 (src/main.rs:12)`.
    pub fn describe(&self) -> String {
        let layer = self.scope().map_or_else(String::new, |path| format!(" in {path}"));
        format!("{}{layer} ({}:{})", self.op.name(), self.location().file(), self.location().line())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {:?} -> {}", self.id(), &self.op, self.output())
    }
}

impl Drop for Record {
    /// Frees earlier nodes that only this one holds from a list instead of by recursion: a chain of 300,000 nodes, each
    /// the only owner of the one before, would overflow the stack.
    fn drop(&mut self) {
        // Edges are held until what is saved has been dropped, for a saved tensor holds the same node as its edge.
        let mut held = std::mem::take(&mut self.edges);
        self.saved = None;
        while let Some(edge) = held.pop() {
            if let Edge::Node(mut node) = edge
                && let Some(node) = Arc::get_mut(&mut node)
                && let Some(record) = &mut node.record
            {
                held.extend(record.edges.drain(..));
            }
        }
    }
}

/// What the door notes down before an op consumes its inputs.
pub(crate) struct Recording {
    edges: Edges,
    saved: SmallVec<[SavedInput; 2]>,
}

impl Recording {
    /// Holds on to the inputs that backward reads.
    pub fn start(saves: Saves, inputs: &[Operand]) -> Self {
        let mut saved = SmallVec::new();
        let other_needs = |position: usize| {
            inputs.iter().enumerate().any(|(other, input)| other != position && input.requires_grad())
        };
        for (position, input) in inputs.iter().enumerate() {
            if saves.has_input(position) && (!saves.are_factors() || other_needs(position)) {
                let tensor = Tensor::clone(input);
                saved.push(SavedInput { position, version: tensor.value().version(), tensor });
            }
        }
        Self { edges: Edges::new(), saved }
    }

    /// The value of the next input.
    pub fn read(&mut self, input: Operand) -> Value {
        let (value, edge) = match input {
            Operand::Lent(tensor) => (tensor.value().clone(), tensor.edge()),
            Operand::Given(tensor) => tensor.into_parts(),
        };
        self.edges.push(edge);
        value
    }

    /// The node, given what else is recorded of its op.
    pub fn finish(
        self,
        mut node: Arc<Node>,
        inputs: Specs,
        output: Spec,
        value: &Value,
        location: &'static Location<'static>,
    ) -> Arc<Node> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let saved_output = node.op.saves().has_output().then(|| (value.clone(), value.version()));
        let saved = (saved_output.is_some() || !self.saved.is_empty())
            .then(|| Mutex::new(Some(Arc::new(SavedValues { inputs: self.saved, output: saved_output }))));
        let record = Record {
            id: NEXT.fetch_add(1, Relaxed),
            edges: self.edges,
            inputs,
            output,
            saved,
            hooks: Hooks::default(),
            scope: scope::current(),
            location,
            origin: origin::current(),
        };
        Arc::get_mut(&mut node).expect("nobody else has a node whose op is running").record = Some(record);
        node
    }
}

impl SavedValues {
    /// Fails when a saved tensor was changed in place since.
    pub fn check_versions(&self, node: &Node) -> Result<()> {
        let modified = |name: String, value: &Value| Error::ModifiedAfterSave {
            tensor: name,
            saved_by: node.describe(),
            changed_by: value
                .last_change()
                .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line())),
        };
        for SavedInput { tensor, version, .. } in &self.inputs {
            if tensor.value().version() != *version {
                return Err(modified(tensor.label(), tensor.value()));
            }
        }
        match &self.output {
            Some((value, version)) if value.version() != *version => {
                Err(modified(format!("the output of {}", node.op.name()), value))
            }
            _ => Ok(()),
        }
    }

    /// Positions of the saved inputs.
    pub fn inputs(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().map(|saved| saved.position)
    }

    pub fn has_output(&self) -> bool {
        self.output.is_some()
    }
}

/// What a backward step may read: the values its op [saved](crate::op::Op::saves), and which cotangents are asked for.
pub struct Saved<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) values: Option<&'a SavedValues>,
    pub(super) needs: &'a [bool],
}

impl Saved<'_> {
    /// Input `position` of the forward run.
    ///
    /// # Panics
    /// When the op does not list it in its `saves`.
    pub fn input(&self, position: usize) -> Tensor {
        let mut inputs = self.values.iter().flat_map(|values| &values.inputs);
        match inputs.find(|saved| saved.position == position) {
            Some(saved) => saved.tensor.clone(),
            None => panic!("{} reads input {position} in backward without saving it", self.node.op.name()),
        }
    }

    /// The output of the forward run.
    ///
    /// # Panics
    /// When the op does not list it in its `saves`.
    pub fn output(&self) -> Tensor {
        match self.values.and_then(|values| values.output.as_ref()) {
            Some((value, _)) => Tensor::computed(value.clone(), Some(self.node.clone())),
            None => panic!("{} reads its output in backward without saving it", self.node.op.name()),
        }
    }

    /// Whether the cotangent of input `position` is asked for.
    pub fn needs(&self, position: usize) -> bool {
        self.needs[position]
    }

    /// Shape and type of input `position`.
    pub fn spec(&self, position: usize) -> &Spec {
        &self.node.inputs()[position]
    }

    /// Number of inputs.
    pub fn input_count(&self) -> usize {
        self.node.inputs().len()
    }

    /// Shape and type of the output.
    pub fn output_spec(&self) -> &Spec {
        self.node.output()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
