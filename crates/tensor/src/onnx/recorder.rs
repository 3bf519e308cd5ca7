//! The door's notes: each op that passes is written into the graph under way.

use super::call::Call;
use super::graph::{Constant, Graph, Port};
use crate::op::{Op, Spec, Values};
use crate::{Error, Result, Tensor, Value, no_grad, scope};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;

/// What an array is known by: its memory, and how it lies there.
type Identity = (usize, usize, Vec<usize>, Vec<isize>);

/// The operands of an op that is being recorded, held so that their memory is not overwritten nor used again.
type Operands = Option<Values>;

/// Where an op was called.
type Place = &'static Location<'static>;

struct Recorder {
    graph: Graph,
    /// Names of the arrays seen, with the version of their contents.
    names: HashMap<Identity, (String, u64)>,
    weights: HashMap<Identity, String>,
    /// Every array seen: while one is held, no other can have its memory.
    held: Vec<Value>,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Holds on to the operands of an op while a graph is being recorded.
pub(crate) fn operands(values: &Values) -> Operands {
    ON.get().then(|| values.clone())
}

/// Whether an op must be replaced by its plain form to be recorded.
pub(crate) fn wants_plain(op: &dyn Op, specs: &[Spec], output: &Spec) -> bool {
    if !ON.get() {
        return false;
    }
    let (mut graph, inputs) = (Graph::new(), vec![String::new(); specs.len()]);
    let mut call = Call { graph: &mut graph, inputs: &inputs, specs, output, place: "" };
    op.onnx(&mut call).is_none()
}

/// Writes down an op that ran.
pub(crate) fn note(op: &dyn Op, operands: Operands, specs: &[Spec], made: &Value, place: Place) {
    let Some(operands) = operands else { return };
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(recorder) = recorder {
            recorder.write(op, operands, specs, made, place);
        }
    });
}

/// Runs `function` and returns the graph of what it made, without what that does not need.
pub(super) fn record<'a>(
    inputs: impl Iterator<Item = (&'static str, &'a Tensor)>,
    output: &str,
    weights: &[(String, Tensor)],
    function: impl FnOnce() -> Option<Tensor>,
) -> Result<Graph> {
    let mut recorder = Recorder {
        graph: Graph::new(),
        names: HashMap::new(),
        weights: weights.iter().map(|(name, tensor)| (identity(tensor.value()), name.clone())).collect(),
        held: Vec::new(),
    };
    for (name, tensor) in inputs {
        recorder.graph.inputs.push(Port::new(name, tensor.spec()));
        recorder.learn(tensor.value(), name.to_owned());
    }
    let _end = begin(recorder);
    let result = no_grad(function);
    let recorder = RECORDER.take();
    let (Some(result), Some(recorder)) = (result, recorder) else {
        return Err(Error::argument("onnx", "there is nothing to export: the function has no result"));
    };
    recorder.finish(&result, output)
}

/// Starts to record until the guard is dropped, also by a panic.
fn begin(recorder: Recorder) -> impl Drop {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            ON.set(false);
            RECORDER.take();
        }
    }
    RECORDER.set(Some(recorder));
    ON.set(true);
    End
}

fn identity(value: &Value) -> Identity {
    let layout = value.layout();
    (value.storage_address(), layout.offset(), layout.shape().to_vec(), layout.strides().to_vec())
}

impl Recorder {
    fn learn(&mut self, value: &Value, name: String) {
        self.held.push(value.clone());
        self.names.insert(identity(value), (name, value.version()));
    }

    /// The name of an operand. What no op made is a weight or another constant.
    fn name(&mut self, value: &Value) -> std::result::Result<String, &'static str> {
        let identity = identity(value);
        match self.names.get(&identity) {
            Some((name, version)) if *version == value.version() => return Ok(name.clone()),
            Some(_) => return Err("was given an operand that was changed in place"),
            None => {}
        }
        let name = match self.weights.get(&identity).cloned() {
            Some(name) => {
                self.graph.constants.push((name.clone(), Constant::Weight(value.clone())));
                name
            }
            None => self.graph.constant(Constant::Array(value.clone())),
        };
        self.learn(value, name.clone());
        Ok(name)
    }

    fn write(&mut self, op: &dyn Op, operands: Values, specs: &[Spec], made: &Value, place: Place) {
        let names: std::result::Result<Vec<String>, _> =
            operands.iter().map(|operand| self.name(operand)).collect();
        let layer = scope::path();
        let spec = made.spec();
        let written = match &names {
            Ok(names) => {
                let graph = &mut self.graph;
                let mut call = Call { graph, inputs: names, specs, output: &spec, place: &layer };
                op.onnx(&mut call).ok_or("has no form in ONNX")
            }
            Err(why) => Err(*why),
        };
        let name = written.unwrap_or_else(|why| {
            // An error only where the output turns out to need it.
            let inside = if layer.is_empty() { String::new() } else { format!(" in {layer}") };
            let what = format!("{}{inside} ({}:{}) {why}", op.name(), place.file(), place.line());
            let inputs = names.unwrap_or_default();
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            self.graph.node("", &inputs, Vec::new(), what)
        });
        self.learn(made, name);
    }

    fn finish(mut self, result: &Tensor, output: &str) -> Result<Graph> {
        let name = self.name(result.value()).map_err(|why| Error::argument("onnx", why))?;
        let mut graph = self.graph;
        graph.output = Port::new(&name, result.spec());
        graph.prune();
        if let Some(node) = graph.nodes.iter().find(|node| node.operator.is_empty()) {
            return Err(Error::argument("onnx", format!("{}, so this cannot be exported", node.place)));
        }
        graph.name_output(output);
        Ok(graph)
    }
}
