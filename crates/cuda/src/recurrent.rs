//! Recurrent layers over a whole sequence, one launch a step: `recurrent.cu`.
//!
//! Arrays are contiguous floats of one type: contributions of the inputs to the gates `[steps, batch, gates · hidden]`,
//! states `[batch, hidden]`, the weight `[gates · hidden, hidden]`, its bias `[gates · hidden]`. What the steps found lies
//! in one *record*: what is kept of the gates, `[steps, batch, 4 · hidden]`; the cells of an LSTM and then the states,
//! `[steps + 1, batch, hidden]` each, with the initial ones; and the last cell once more.

use crate::launch::{Argument, Arguments, Grid};
use crate::{Device, Error, Kind, Memory, Result, View};

/// As in `kernels/recurrent.cu`.
const UNITS: usize = 16;
const EXAMPLES: usize = 8;

/// Which layer, and its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// An LSTM, rather than gated recurrent units.
    pub is_lstm: bool,
    /// Steps.
    pub steps: usize,
    /// Examples.
    pub batch: usize,
    /// Numbers in a hidden state.
    pub hidden: usize,
}

impl Argument for Recurrence {
    fn add_to(&self, arguments: &mut Arguments) {
        arguments.push(&[(self.batch as u32).to_ne_bytes(), (self.hidden as u32).to_ne_bytes()].concat());
    }
}

/// Addresses of the arrays of a record.
struct Record {
    kept: u64,
    cells: u64,
    states: u64,
    last_cell: u64,
}

impl Recurrence {
    /// Numbers in the states of a batch.
    fn state(&self) -> usize {
        self.batch * self.hidden
    }

    fn gates(&self) -> usize {
        if self.is_lstm { 4 } else { 3 }
    }

    /// Numbers in a record.
    pub fn record(&self) -> usize {
        let cells = if self.is_lstm { self.steps + 2 } else { 0 };
        (4 * self.steps + cells + self.steps + 1) * self.state()
    }

    /// Numbers in the gradients of all gates, with those of the initial states behind them.
    pub fn gradients(&self) -> usize {
        (4 * self.steps + if self.is_lstm { 2 } else { 1 }) * self.state()
    }

    /// Where the arrays of the record at `start` begin.
    fn arrays(&self, start: u64, size: usize) -> Record {
        let state = (self.state() * size) as u64;
        let (steps, rows) = (self.steps as u64, self.steps as u64 + 1);
        let cells = start + 4 * steps * state;
        let states = if self.is_lstm { cells + rows * state } else { cells };
        Record { kept: start, cells, states, last_cell: states + rows * state }
    }

    /// Runs all steps from the initial state, and cell, and writes the record.
    ///
    /// # Errors
    /// When operands are not contiguous or not of one type, sizes differ, or the record is too small.
    pub fn run(
        &self,
        projected: View<'_>,
        weight: View<'_>,
        bias: Option<View<'_>>,
        initial: &[View<'_>],
        record: &Memory,
    ) -> Result<()> {
        let (kind, state, width) = (projected.kind(), self.state(), self.gates() * self.hidden);
        let projected = self.operand(projected, self.steps * self.batch * width, kind)?;
        let weight = self.operand(weight, width * self.hidden, kind)?;
        let bias = bias.map_or(Ok(0), |bias| self.operand(bias, width, kind))?;
        self.room(self.record(), kind, record)?;
        let size = kind.size();
        let arrays = self.arrays(record.pointer(), size);
        let starts = [arrays.states, arrays.cells];
        if initial.len() != if self.is_lstm { 2 } else { 1 } {
            return Err(Error::Argument(format!("{self:?}: {} initial states", initial.len())));
        }
        for (view, start) in initial.iter().zip(starts) {
            let from = self.operand(*view, state, kind)? - view.memory().pointer();
            record.copy((start - record.pointer()) as usize, view.memory(), from as usize, state * size)?;
        }
        let row = (state * size) as u64;
        for step in 0..self.steps as u64 {
            let mut arguments = Arguments::default();
            arguments.add(*self);
            arguments.add(projected + step * self.gates() as u64 * row);
            arguments.add(weight);
            arguments.add(bias);
            arguments.add(arrays.states + step * row);
            if self.is_lstm {
                arguments.add(arrays.cells + step * row);
            }
            arguments.add(arrays.kept + step * 4 * row);
            arguments.add(arrays.states + (step + 1) * row);
            if self.is_lstm {
                arguments.add(arrays.cells + (step + 1) * row);
                arguments.add(if step + 1 == self.steps as u64 { arrays.last_cell } else { 0 });
            }
            // SAFETY: sizes of all operands were checked, a step reads and writes its own rows of them and of the record.
            unsafe { self.launch("step", kind, arguments, record.device())? };
        }
        Ok(())
    }

    /// out = the gradients of the gates, `[steps, batch, 4 · hidden]`, and of the initial states, `[batch, hidden]` each,
    /// given those of the states after each step and, for an LSTM, of the last cell.
    ///
    /// A row for gated recurrent units has the gradients of the hidden state's contribution to n, and then of r, z and n:
    /// the first three are those of what the hidden state contributes, the last three those of what the input does.
    ///
    /// # Errors
    /// When operands are not contiguous or not of one type, sizes differ, or `out` is too small.
    pub fn run_back(
        &self,
        gradient: View<'_>,
        weight: View<'_>,
        record: View<'_>,
        out: &Memory,
    ) -> Result<()> {
        let (kind, state) = (gradient.kind(), self.state());
        let rows = self.steps + usize::from(self.is_lstm);
        let from = self.operand(gradient, rows * state, kind)?;
        let weight = self.operand(weight, self.gates() * self.hidden * self.hidden, kind)?;
        let arrays = self.arrays(self.operand(record, self.record(), kind)?, kind.size());
        self.room(self.gradients(), kind, out)?;
        let row = (state * kind.size()) as u64;
        let gates = |step: u64| out.pointer() + step * 4 * row;
        let steps = self.steps as u64;
        let (carried, memory) = (gates(steps), gates(steps) + row);
        if self.is_lstm {
            let (offset, bytes) = ((memory - out.pointer()) as usize, row as usize);
            let last = (from - gradient.memory().pointer()) as usize + self.steps * bytes;
            out.copy(offset, gradient.memory(), last, bytes)?;
        }
        // One more than there are steps: the last one has only the initial state left to do.
        for behind in (0..=steps).rev() {
            let step = behind.checked_sub(1);
            let at = |start: u64, row: u64| step.map_or(0, |step| start + step * row);
            let mut arguments = Arguments::default();
            arguments.add(*self);
            arguments.add(at(from, row));
            arguments.add(weight);
            arguments.add(at(arrays.kept, 4 * row));
            if self.is_lstm {
                arguments.add(at(arrays.cells, row));
                arguments.add(at(arrays.cells + row, row));
            } else {
                arguments.add(at(arrays.states, row));
            }
            arguments.add(if behind == steps { 0 } else { gates(behind) });
            arguments.add(at(gates(0), 4 * row));
            arguments.add(carried);
            if self.is_lstm {
                arguments.add(memory);
            }
            // SAFETY: sizes of all operands were checked, a step reads and writes its own rows of them.
            unsafe { self.launch("grad_step", kind, arguments, out.device())? };
        }
        Ok(())
    }

    /// # Safety
    /// As [`Device::launch`].
    unsafe fn launch(&self, what: &str, kind: Kind, arguments: Arguments, device: &Device) -> Result<()> {
        if self.state() == 0 {
            return Ok(());
        }
        let cell = if self.is_lstm { "lstm" } else { "gru" };
        let blocks = [self.hidden.div_ceil(UNITS) as u32, self.batch.div_ceil(EXAMPLES) as u32, 1];
        let grid = Grid { blocks, threads: [UNITS as u32, EXAMPLES as u32, 1], shared: 0 };
        // SAFETY: the caller vouches for the arguments; the grid has a thread for each number of the states.
        unsafe { device.launch("recurrent.cu", &format!("{cell}_{what}_{}", kind.suffix()), grid, arguments) }
    }

    /// The address of `count` contiguous elements.
    fn operand(&self, view: View<'_>, count: usize, kind: Kind) -> Result<u64> {
        if view.count() == count && view.kind() == kind {
            return view.dense();
        }
        let (found, sizes) = (view.kind(), view.sizes());
        Err(Error::Argument(format!("{self:?}: needs {count} elements {kind:?}, got {found:?} {sizes:?}")))
    }

    fn room(&self, count: usize, kind: Kind, memory: &Memory) -> Result<()> {
        if count * kind.size() <= memory.bytes() {
            return Ok(());
        }
        Err(Error::Argument(format!("{self:?}: {count} elements in {} bytes", memory.bytes())))
    }
}
