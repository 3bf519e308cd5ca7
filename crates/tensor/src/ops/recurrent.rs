//! Recurrent layers over a whole sequence, fused: a step is one product and one pass over the gates, and the weights'
//! gradients are one product for all steps.
//!
//! Inputs are what the input sequence contributes to the gates, `[T, N, gates · hidden]`: one product for all steps, made
//! beforehand. One input of the ops is *derived*: the *record*, a flat array that holds what the steps found, is a
//! function of the others, computed once by an op of its own; no gradient flows into it.

mod gradient;
mod record;

use crate::apply::{apply, must};
use crate::autograd::{GradOptions, Saved, grad_from, is_grad_enabled, no_grad, with_grad};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Error, Layout, Result, Tensor, Value};
use smallvec::SmallVec;
use std::ops::Range;

pub(crate) const OPS: &[&str] = &["gru_record", "gru", "gru_grad", "lstm_record", "lstm", "lstm_grad"];

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// r, z = σ(p + q), n = tanh(p + r ∘ q), h ← n + z ∘ (h − n), with q = W h + b.
    Gru,
    /// i, f, o = σ(a), g = tanh(a), c ← f ∘ c + i ∘ g, h ← o ∘ tanh(c), with a = p + W h + b and the gates in the order
    /// i, f, g, o.
    Lstm,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// Tensors in a state.
    fn states(self) -> usize {
        match self {
            Cell::Gru => 1,
            Cell::Lstm => 2,
        }
    }
}

/// The sizes of one run over a sequence, and where things lie in its record.
///
/// The record holds what is kept of the gates, 4 numbers for each hidden one and step; the cells of an LSTM,
/// `[T + 1, N, hidden]`; the hidden states, `[T + 1, N, hidden]`; and the last cell of an LSTM once more, so that the
/// output, all states but the first and then this cell, lies in one piece.
#[derive(Clone, Copy, Debug)]
struct Run {
    cell: Cell,
    steps: usize,
    batch: usize,
    hidden: usize,
}

impl Run {
    /// The same as the kernels of a device take it.
    fn on_device(&self) -> wengert_cuda::recurrent::Recurrence {
        let Run { steps, batch, hidden, .. } = *self;
        wengert_cuda::recurrent::Recurrence { is_lstm: self.cell == Cell::Lstm, steps, batch, hidden }
    }

    fn state(&self) -> usize {
        self.batch * self.hidden
    }

    fn kept(&self) -> Range<usize> {
        0..self.steps * 4 * self.state()
    }

    fn cells(&self) -> Range<usize> {
        let start = self.kept().end;
        let rows = if self.cell == Cell::Lstm { self.steps + 1 } else { 0 };
        start..start + rows * self.state()
    }

    fn states(&self) -> Range<usize> {
        let start = self.cells().end;
        start..start + (self.steps + 1) * self.state()
    }

    /// Rows of the output: one a step, and the last cell of an LSTM.
    fn rows(&self) -> usize {
        self.steps + self.cell.states() - 1
    }

    fn output(&self) -> [usize; 3] {
        [self.rows(), self.batch, self.hidden]
    }

    /// Numbers in the record.
    fn record(&self) -> usize {
        self.states().start + (self.rows() + 1) * self.state()
    }
}

/// Checks the operands that two of the ops share, and finds the sizes.
fn check(cell: Cell, op: &'static str, projected: &Spec, weight: &Spec, rest: &[Spec]) -> Result<Run> {
    let ([steps, batch, width], [rows, hidden]) = (&*projected.shape, &*weight.shape) else {
        let detail = format!(
            "needs contributions [T, N, gates · hidden] and a weight [gates · hidden, hidden], got {} and {}",
            projected.shape, weight.shape
        );
        return Err(Error::shape(op, detail));
    };
    let run = Run { cell, steps: *steps, batch: *batch, hidden: *hidden };
    let wanted = cell.gates() * hidden;
    if *rows != wanted || *width != wanted {
        let detail = format!(
            "{hidden} hidden numbers have {wanted} gates, got contributions {} and a weight {}",
            projected.shape, weight.shape
        );
        return Err(Error::shape(op, detail));
    }
    if *steps == 0 {
        return Err(Error::shape(op, format!("needs at least one step, got {}", projected.shape)));
    }
    let (states, bias) = rest.split_at(cell.states().min(rest.len()));
    if states.len() < cell.states() || bias.len() > 1 {
        return Err(Error::argument(op, format!("takes {} states and perhaps a bias", cell.states())));
    }
    if let Some(state) = states.iter().find(|state| *state.shape != [*batch, *hidden]) {
        return Err(Error::shape(op, format!("a state must be [{batch}, {hidden}], got {}", state.shape)));
    }
    if let Some(bias) = bias.iter().find(|bias| *bias.shape != [wanted]) {
        return Err(Error::shape(op, format!("the bias must be [{wanted}], got {}", bias.shape)));
    }
    if let Some(other) = [weight].into_iter().chain(rest).find(|other| other.dtype != projected.dtype) {
        return Err(Error::dtype(op, format!("needs one type, got {} and {}", projected.dtype, other.dtype)));
    }
    for_float!(projected.dtype, op, _T => Ok(run))
}

/// Contributions `[T, N, gates · hidden]`, weight, record (derived), initial states, and perhaps a bias → the hidden state
/// after every step, `[T, N, hidden]`, and one row more for the last cell of an LSTM.
#[derive(Clone, Copy, Debug)]
struct Recurrence(Cell);

impl Recurrence {
    fn run(&self, inputs: &[Spec]) -> Result<Run> {
        let [projected, weight, record, rest @ ..] = inputs else {
            return Err(Error::argument(self.name(), format!("takes at least 4 inputs, got {}", inputs.len())));
        };
        let run = check(self.0, self.name(), projected, weight, rest)?;
        if *record.shape != [run.record()] || record.dtype != projected.dtype {
            return Err(Error::shape(self.name(), format!("the record must be [{}], got {record}", run.record())));
        }
        Ok(run)
    }
}

impl Op for Recurrence {
    fn name(&self) -> &'static str {
        match self.0 {
            Cell::Gru => "gru",
            Cell::Lstm => "lstm",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        Ok(Spec::new(self.run(inputs)?.output(), inputs[0].dtype))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    /// The output is a part of the record.
    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let specs: SmallVec<[Spec; 6]> = inputs.iter().map(Value::spec).collect();
        let run = self.run(&specs)?;
        let record = inputs[2].contiguous();
        let start = record.layout().offset() + run.states().start + run.state();
        let strides = Layout::contiguous(&output.shape);
        Ok(record.with_layout(Layout::new(&output.shape, strides.strides(), start)))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &wengert_cuda::Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        if is_grad_enabled() {
            return self.plain_vjp(saved, cotangent);
        }
        let specs: SmallVec<[Spec; 6]> = (0..saved.input_count()).map(|i| saved.spec(i).clone()).collect();
        gradient::gradients(self.run(&specs)?, saved, cotangent)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (weight, states) = (&inputs[1], &inputs[3..3 + self.0.states()]);
        Some(plain(self.0, &inputs[0], weight, inputs.get(3 + states.len()), states))
    }
}

impl Recurrence {
    /// Gradients that are differentiated again are those of the plain form.
    fn plain_vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let operands: Vec<Tensor> = (0..saved.input_count()).map(|i| saved.input(i)).collect();
        let needed = operands.iter().enumerate().filter(|(i, _)| saved.needs(*i));
        let targets: Vec<&Tensor> = needed.map(|(_, operand)| operand).collect();
        let output = with_grad(true, || self.decompose(&operands)).expect("every cell has a plain form");
        let options = GradOptions { create_graph: true, unused_as_zeros: true, ..GradOptions::default() };
        let mut gradients = grad_from(&[&output], &[cotangent], &targets, options)?.into_iter();
        Ok((0..operands.len()).map(|i| if saved.needs(i) { gradients.next() } else { None }).collect())
    }
}

/// The output in plain ops.
fn plain(cell: Cell, projected: &Tensor, weight: &Tensor, bias: Option<&Tensor>, states: &[Tensor]) -> Tensor {
    let hidden = weight.dims()[1];
    let gate = |tensor: &Tensor, i: usize| tensor.narrow(-1, i * hidden, hidden);
    let (mut state, mut memory) = (states[0].clone(), states.get(1).cloned());
    let mut outputs = Vec::with_capacity(projected.dims()[0] + 1);
    for p in unbind(projected) {
        let q = state.linear(weight, bias);
        state = match &mut memory {
            None => {
                let reset = (gate(&p, 0) + gate(&q, 0)).sigmoid();
                let update = (gate(&p, 1) + gate(&q, 1)).sigmoid();
                let new = (gate(&p, 2) + reset * gate(&q, 2)).tanh();
                &new + update * (state - &new)
            }
            Some(memory) => {
                let sum = p + q;
                let (input, forget) = (gate(&sum, 0).sigmoid(), gate(&sum, 1).sigmoid());
                *memory = forget * &*memory + input * gate(&sum, 2).tanh();
                gate(&sum, 3).sigmoid() * memory.tanh()
            }
        };
        outputs.push(state.clone());
    }
    outputs.extend(memory.filter(|_| cell == Cell::Lstm));
    Tensor::stack(&outputs.iter().collect::<Vec<_>>(), 0)
}

/// The slices along the first axis, by halving: the gradient of each slice of the whole would be as large as the whole,
/// which makes backward quadratic in the length; the gradients of halves of halves add up to length · log(length).
fn unbind(tensor: &Tensor) -> Vec<Tensor> {
    let length = tensor.dims()[0];
    if length == 1 {
        return vec![tensor.squeeze(0)];
    }
    let half = length / 2;
    let mut slices = unbind(&tensor.narrow(0, 0, half));
    slices.extend(unbind(&tensor.narrow(0, half, length - half)));
    slices
}

#[track_caller]
fn recur(cell: Cell, projected: &Tensor, weight: &Tensor, bias: Option<&Tensor>, states: &[&Tensor]) -> Tensor {
    let rest = states.iter().copied().chain(bias);
    let inputs: SmallVec<[&Tensor; 6]> = [projected, weight].into_iter().chain(rest.clone()).collect();
    let record = must(no_grad(|| apply(record::Record(cell), &inputs)));
    let inputs: SmallVec<[&Tensor; 6]> = [projected, weight, &record].into_iter().chain(rest).collect();
    must(apply(Recurrence(cell), &inputs))
}

impl Tensor {
    /// Gated recurrent units over a sequence (Cho et al., 2014, arXiv:1406.1078), with PyTorch's formula:
    ///
    /// ```text
    /// r, z = σ(p + q),  n = tanh(p + r ∘ q),  h ← (1 − z) ∘ n + z ∘ h,  where q = W h + b
    /// ```
    ///
    /// for each p of `self`, `[T, N, 3 · hidden]`: what the input of a step contributes to the gates r, z and n, biases
    /// included. `weight` is `[3 · hidden, hidden]`, `bias` `[3 · hidden]`, `initial` `[N, hidden]`. The result is the
    /// hidden state after each step, `[T, N, hidden]`.
    ///
    /// # Panics
    /// When a shape or type does not fit, or there is no step.
    #[track_caller]
    pub fn gru(&self, weight: &Tensor, bias: Option<&Tensor>, initial: &Tensor) -> Tensor {
        recur(Cell::Gru, self, weight, bias, &[initial])
    }

    /// Long short-term memory over a sequence (Hochreiter and Schmidhuber, 1997; forget gates by Gers et al., 2000), with
    /// PyTorch's formula:
    ///
    /// ```text
    /// i, f, o = σ(a),  g = tanh(a),  c ← f ∘ c + i ∘ g,  h ← o ∘ tanh(c),  where a = p + W h + b
    /// ```
    ///
    /// for each p of `self`, `[T, N, 4 · hidden]`: what the input of a step contributes to the gates i, f, g and o, biases
    /// included. `weight` is `[4 · hidden, hidden]`, `bias` `[4 · hidden]`, the initial h and c are `[N, hidden]`. The
    /// results are h after each step, `[T, N, hidden]`, and the last c.
    ///
    /// # Panics
    /// As [`gru`](Tensor::gru).
    #[track_caller]
    pub fn lstm(&self, weight: &Tensor, bias: Option<&Tensor>, initial: [&Tensor; 2]) -> (Tensor, Tensor) {
        let output = recur(Cell::Lstm, self, weight, bias, &initial);
        let steps = output.dims()[0] - 1;
        (output.narrow(0, 0, steps), output.select(0, steps as isize))
    }
}
