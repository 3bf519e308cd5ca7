//! Running the steps.

use super::{Cell, Run, check};
use crate::op::{Op, Spec, Values};
use crate::{Error, Result, Value};
use smallvec::SmallVec;
use wengert_cpu::recurrent::{self, Recurrence, Sizes};

/// Contributions `[T, N, gates · hidden]`, weight, initial states, and perhaps a bias → the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record(pub Cell);

impl Record {
    fn run(&self, inputs: &[Spec]) -> Result<Run> {
        let [projected, weight, rest @ ..] = inputs else {
            return Err(Error::argument(self.name(), format!("takes at least 3 inputs, got {}", inputs.len())));
        };
        check(self.0, self.name(), projected, weight, rest)
    }
}

impl Op for Record {
    fn name(&self) -> &'static str {
        match self.0 {
            Cell::Gru => "gru_record",
            Cell::Lstm => "lstm_record",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        Ok(Spec::new([self.run(inputs)?.record()], inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let specs: SmallVec<[Spec; 6]> = inputs.iter().map(Value::spec).collect();
        let run = self.run(&specs)?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let arrays: SmallVec<[_; 6]> = inputs.iter().map(Value::read).collect();
        let sizes = Sizes { steps: run.steps, batch: run.batch, hidden: run.hidden };
        let states = self.0.states();
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |record: &mut [T]| {
            let projected = arrays[0].slice::<T>();
            let bias = arrays.get(2 + states).map(|bias| bias.slice());
            let recurrence = Recurrence { weight: arrays[1].slice(), bias };
            let (kept, rest) = record.split_at_mut(run.kept().end);
            let (cells, hidden) = rest.split_at_mut(run.cells().len());
            hidden[..run.state()].copy_from_slice(arrays[2].slice());
            match self.0 {
                Cell::Gru => recurrent::gru(projected, recurrence, sizes, kept, hidden),
                Cell::Lstm => {
                    cells[..run.state()].copy_from_slice(arrays[3].slice());
                    let (hidden, last_cell) = hidden.split_at_mut(run.states().len());
                    recurrent::lstm(projected, recurrence, sizes, kept, cells, hidden);
                    last_cell.copy_from_slice(&cells[run.steps * run.state()..]);
                }
            }
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let specs: SmallVec<[Spec; 6]> = inputs.iter().map(Value::spec).collect();
        let run = self.run(&specs)?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let operands = inputs.iter().map(Value::on_device).collect::<Result<SmallVec<[_; 6]>>>()?;
        let (initial, bias) = operands[2..].split_at(self.0.states());
        let out = Value::on_cuda(device, output)?;
        let record = out.device_memory()?;
        run.on_device().run(operands[0], operands[1], bias.first().copied(), initial, record)?;
        Ok(out)
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        // The products, and about eight operations on each gate.
        let gates = inputs[0].shape.numel() as u64;
        gates * (2 * inputs[1].shape[1] as u64 + 8)
    }
}
