//! Walking the steps backwards.

use super::{Cell, Run};
use crate::apply::apply;
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Spec, Values};
use crate::{Result, Tensor, Value};
use wengert_cpu::recurrent::{self, Recurrence, Sizes};

/// The cotangent of the output, weight, record → flat: the gradients of what makes up the gates, and then of the initial
/// states. Those of the input's contribution and those of the hidden state's differ in the gate n of a GRU, whose row is
/// n of the hidden state, r, z, n of the input; those of an LSTM are the same.
///
/// It has no gradient: one that is differentiated again is taken of the plain form, see `plain_vjp`.
#[derive(Clone, Copy, Debug)]
struct RecurrenceGrad(Run);

impl RecurrenceGrad {
    /// Numbers in a row of gradients of the gates.
    fn width(&self) -> usize {
        4 * self.0.hidden
    }

    /// Gradients of all gates.
    fn gates(&self) -> usize {
        self.0.steps * self.0.batch * self.width()
    }
}

impl Op for RecurrenceGrad {
    fn name(&self) -> &'static str {
        match self.0.cell {
            Cell::Gru => "gru_grad",
            Cell::Lstm => "lstm_grad",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        Ok(Spec::new([self.gates() + self.0.cell.states() * self.0.state()], inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let run = self.0;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (gradient, weight, record) = (inputs[0].read(), inputs[1].read(), inputs[2].read());
        let sizes = Sizes { steps: run.steps, batch: run.batch, hidden: run.hidden };
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let (gates, initial) = out.split_at_mut(self.gates());
            let (gradient, record) = (gradient.slice(), record.slice::<T>());
            let recurrence = Recurrence { weight: weight.slice(), bias: None };
            let kept = &record[run.kept()];
            match run.cell {
                Cell::Gru => {
                    recurrent::gru_grad(gradient, recurrence, sizes, kept, &record[run.states()], gates, initial)
                }
                Cell::Lstm => {
                    recurrent::lstm_grad(gradient, recurrence, sizes, kept, &record[run.cells()], gates, initial)
                }
            }
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let [gradient, weight, record] = [0, 1, 2].map(|input| inputs[input].contiguous());
        let out = Value::on_cuda(device, output)?;
        let operands = (gradient.on_device()?, weight.on_device()?, record.on_device()?);
        self.0.on_device().run_back(operands.0, operands.1, operands.2, out.device_memory()?)?;
        Ok(out)
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        // The products, and about eight operations on each gate.
        let gates = (self.0.steps * self.0.batch * inputs[1].shape[0]) as u64;
        gates * (2 * self.0.hidden as u64 + 8)
    }
}

/// The gradients of contributions, weight, record (none), initial states and bias.
pub(super) fn gradients(run: Run, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
    let (weight, record) = (saved.input(1), saved.input(2));
    let op = RecurrenceGrad(run);
    let (rows, width, gates) = (run.steps * run.batch, op.width(), run.cell.gates() * run.hidden);
    let flat = apply(op, &[cotangent, &weight, &record])?;
    let of_gates = flat.narrow(0, 0, op.gates()).reshape([rows, width]);
    let of_hidden_state = of_gates.narrow(1, 0, gates);
    let to_projected = || of_gates.narrow(1, width - gates, gates).reshape([run.steps, run.batch, gates]);
    // From the order of a row, n before r and z, to that of the weight.
    let in_order = |gradient: Tensor| match run.cell {
        Cell::Gru => {
            let (hidden, others) = (run.hidden, 2 * run.hidden);
            Tensor::cat(&[&gradient.narrow(0, hidden, others), &gradient.narrow(0, 0, hidden)], 0)
        }
        Cell::Lstm => gradient,
    };
    let to_weight = || {
        let before = record.narrow(0, run.states().start, rows * run.hidden).reshape([rows, run.hidden]);
        in_order(of_hidden_state.t().matmul(&before))
    };
    let states = run.cell.states();
    let gradient = |input: usize| match input {
        0 => to_projected(),
        1 => to_weight(),
        input if input < 3 + states => {
            let start = op.gates() + (input - 3) * run.state();
            flat.narrow(0, start, run.state()).reshape([run.batch, run.hidden])
        }
        _ => in_order(of_hidden_state.sum(&[0], false)),
    };
    Ok((0..saved.input_count()).map(|input| saved.needs(input).then(|| gradient(input))).collect())
}
