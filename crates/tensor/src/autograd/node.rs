//! A line of the Wengert list: the op that ran, where its inputs came from and what its backward step needs.

use crate::op::{Op, Saves, Spec};
use crate::{Error, Result, Tensor, Value, scope};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
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

/// One recorded op.
pub(crate) struct Node {
    id: u64,
    op: Arc<dyn Op>,
    edges: SmallVec<[Edge; 4]>,
    inputs: SmallVec<[Spec; 4]>,
    output: Spec,
    saved: Mutex<Option<SavedValues>>,
    hooks: Hooks,
    scope: Option<Arc<str>>,
    location: &'static Location<'static>,
}

#[derive(Clone, Debug)]
pub(crate) struct SavedValues {
    inputs: SmallVec<[Option<(Tensor, u64)>; 4]>,
    // The output as a bare value: a tensor would hold this very node, and neither would ever be freed.
    output: Option<(Value, u64)>,
}

impl Node {
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn op(&self) -> &Arc<dyn Op> {
        &self.op
    }

    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    pub fn inputs(&self) -> &[Spec] {
        &self.inputs
    }

    pub fn output(&self) -> &Spec {
        &self.output
    }

    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub fn scope(&self) -> &str {
        self.scope.as_deref().unwrap_or("")
    }

    /// The layer path without copying it.
    pub fn shared_scope(&self) -> Arc<str> {
        self.scope.clone().unwrap_or_else(|| "".into())
    }

    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// What backward will read, while it has not been freed.
    pub fn saved(&self) -> Option<SavedValues> {
        lock(&self.saved).clone()
    }

    /// Gives up what backward read, so that memory is free before the walk ends.
    pub fn free_saved(&self) {
        let saved = lock(&self.saved).take();
        drop(saved);
    }

    /// `linear in encoder.fc1 (src/main.rs:12)`.
    pub fn describe(&self) -> String {
        let scope = self.scope();
        let layer = if scope.is_empty() { String::new() } else { format!(" in {scope}") };
        format!("{}{layer} ({}:{})", self.op.name(), self.location.file(), self.location.line())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {:?} -> {}", self.id, self.op, self.output)
    }
}

/// What the door notes down before an op consumes its inputs.
pub(crate) struct Recording {
    edges: SmallVec<[Edge; 4]>,
    saved_inputs: SmallVec<[Option<(Tensor, u64)>; 4]>,
}

impl Recording {
    pub fn start(saves: Saves, inputs: &[Tensor]) -> Self {
        let save = |(i, input): (usize, &Tensor)| {
            saves.has_input(i).then(|| (input.clone(), input.value().version()))
        };
        Self {
            edges: inputs.iter().map(Tensor::edge).collect(),
            saved_inputs: inputs.iter().enumerate().map(save).collect(),
        }
    }

    pub fn finish(
        self,
        op: Arc<dyn Op>,
        inputs: SmallVec<[Spec; 4]>,
        output: Spec,
        value: &Value,
        location: &'static Location<'static>,
    ) -> Arc<Node> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let saved_output = op.saves().has_output().then(|| (value.clone(), value.version()));
        Arc::new(Node {
            id: NEXT.fetch_add(1, Relaxed),
            op,
            edges: self.edges,
            inputs,
            output,
            saved: Mutex::new(Some(SavedValues { inputs: self.saved_inputs, output: saved_output })),
            hooks: Hooks::default(),
            scope: scope::current(),
            location,
        })
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
        for (tensor, version) in self.inputs.iter().flatten() {
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

    pub fn has_input(&self, position: usize) -> bool {
        self.inputs.get(position).is_some_and(Option::is_some)
    }

    pub fn output(&self) -> Option<&Value> {
        self.output.as_ref().map(|(value, _)| value)
    }
}

/// What a backward step may read: the values its op [saved](crate::op::Op::saves), and which cotangents are asked for.
pub struct Saved<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) values: &'a SavedValues,
    pub(super) needs: &'a [bool],
}

impl Saved<'_> {
    /// Input `position` of the forward run.
    ///
    /// # Panics
    /// When the op does not list it in its `saves`.
    pub fn input(&self, position: usize) -> Tensor {
        match &self.values.inputs[position] {
            Some((tensor, _)) => tensor.clone(),
            None => panic!("{} reads input {position} in backward without saving it", self.node.op.name()),
        }
    }

    /// The output of the forward run.
    ///
    /// # Panics
    /// When the op does not list it in its `saves`.
    pub fn output(&self) -> Tensor {
        match &self.values.output {
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
        &self.node.inputs[position]
    }

    /// Number of inputs.
    pub fn input_count(&self) -> usize {
        self.node.inputs.len()
    }

    /// Shape and type of the output.
    pub fn output_spec(&self) -> &Spec {
        &self.node.output
    }
}

type Hook = Arc<dyn Fn(&Tensor) -> Option<Tensor> + Send + Sync>;

/// Functions that see, and may replace, the cotangent of one tensor.
#[derive(Default)]
pub(crate) struct Hooks(Mutex<Vec<(u64, Hook)>>);

/// Names a registered hook, for removing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookHandle(u64);

impl Hooks {
    pub fn add(&self, hook: Hook) -> HookHandle {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Relaxed);
        lock(&self.0).push((id, hook));
        HookHandle(id)
    }

    pub fn remove(&self, handle: HookHandle) {
        lock(&self.0).retain(|(id, _)| *id != handle.0);
    }

    /// The cotangent as the hooks leave it, one after the other.
    pub fn run(&self, mut cotangent: Tensor) -> Result<Tensor> {
        // Not under the lock: a hook may remove itself.
        let hooks: Vec<Hook> = lock(&self.0).iter().map(|(_, hook)| hook.clone()).collect();
        for hook in hooks {
            if let Some(replacement) = hook(&cotangent) {
                if replacement.spec() != cotangent.spec() {
                    let (found, wanted) = (replacement.spec(), cotangent.spec());
                    return Err(Error::autograd(format!(
                        "a hook replaced a cotangent of {wanted} by {found}"
                    )));
                }
                cotangent = replacement;
            }
        }
        Ok(cotangent)
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks", lock(&self.0).len())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a dropped node held. Freed from a list instead of by recursion: a chain of 300,000 nodes, each the only owner of
/// the one before, would overflow the stack.
type Remains = (SmallVec<[Edge; 4]>, Option<SavedValues>);

thread_local! {
    static REMAINS: RefCell<Vec<Remains>> = const { RefCell::new(Vec::new()) };
    static CLEARING: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Node {
    fn drop(&mut self) {
        let saved = self.saved.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        bury((std::mem::take(&mut self.edges), saved));
    }
}

fn bury(remains: Remains) {
    // While a thread ends its list may be gone already; then what is left is freed by recursion.
    let _ = REMAINS.try_with(|list| list.borrow_mut().push(remains));
    if CLEARING.try_with(|clearing| clearing.replace(true)).unwrap_or(true) {
        return;
    }
    while let Ok(Some(remains)) = REMAINS.try_with(|list| list.borrow_mut().pop()) {
        drop(remains);
    }
    let _ = CLEARING.try_with(|clearing| clearing.set(false));
}
