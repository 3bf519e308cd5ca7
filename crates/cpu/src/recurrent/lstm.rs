//! Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gates by Gers et al., 2000).
//!
//! With a the sum of the input's and the hidden state's contributions to the gates i, f, g and o:
//! i, f, o = σ(a), g = tanh(a), c′ = f c + i g, h′ = o tanh(c′).

use super::{Recurrence, STEP_COST, Sizes, parts, parts_mut};
use crate::gemm::Gemm;
use crate::simd::{Kernel, vectorize_for};
use crate::{Float, par};

/// Runs all steps. `gates`, `[steps, batch, 4 · hidden]`, and `cells` are for [`lstm_grad`]; `states` and `cells`,
/// `[steps + 1, batch, hidden]`, are the initial ones, which must be there, and those after each step.
pub fn lstm<T: Gemm + Float>(
    projected: &[T],
    recurrence: Recurrence<T>,
    sizes: Sizes,
    gates: &mut [T],
    cells: &mut [T],
    states: &mut [T],
) {
    let (hidden, state) = (sizes.hidden, sizes.state());
    let row = 4 * hidden;
    for step in 0..sizes.steps {
        let gates = &mut gates[step * 4 * state..][..4 * state];
        let (before, after) = states.split_at_mut((step + 1) * state);
        recurrence.forward(sizes, &before[step * state..], gates);
        let projected = &projected[step * 4 * state..][..4 * state];
        let (memory_before, memory) = cells.split_at_mut((step + 1) * state);
        let (memory_before, memory) = (&memory_before[step * state..], &mut memory[..state]);
        let after = &mut after[..state];
        par::rows_of_arrays_mut(
            [&mut *gates, &mut *memory],
            [row, hidden],
            hidden * STEP_COST,
            |first, [gates, memory]| {
                let (projected, before) = (&projected[first * row..], &memory_before[first * hidden..]);
                vectorize_for::<T, _>(Gates { hidden, projected, before, gates, memory });
            },
        );
        let (gates, memory) = (&*gates, &*memory);
        par::rows_mut(after, hidden, hidden * STEP_COST, |first, after| {
            let (gates, memory) = (&gates[first * row..], &memory[first * hidden..]);
            vectorize_for::<T, _>(Outputs { hidden, gates, memory, after });
        });
    }
}

/// The gates and the cells of a step, for some examples.
struct Gates<'a, T> {
    hidden: usize,
    projected: &'a [T],
    before: &'a [T],
    gates: &'a mut [T],
    memory: &'a mut [T],
}

impl<T: Float> Kernel for Gates<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let hidden = self.hidden;
        let outputs = self.gates.chunks_exact_mut(4 * hidden).zip(self.memory.chunks_exact_mut(hidden));
        let inputs = self.projected.chunks_exact(4 * hidden).zip(self.before.chunks_exact(hidden));
        for ((gates, memory), (p, before)) in outputs.zip(inputs) {
            forward_row(hidden, p, before, gates, memory);
        }
    }
}

/// The states after a step, for some examples.
struct Outputs<'a, T> {
    hidden: usize,
    gates: &'a [T],
    memory: &'a [T],
    after: &'a mut [T],
}

impl<T: Float> Kernel for Outputs<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let hidden = self.hidden;
        let inputs = self.gates.chunks_exact(4 * hidden).zip(self.memory.chunks_exact(hidden));
        for (after, (gates, memory)) in self.after.chunks_exact_mut(hidden).zip(inputs) {
            let output = &gates[3 * hidden..];
            for ((after, &output), &memory) in after.iter_mut().zip(output).zip(memory) {
                *after = output * memory.tanh();
            }
        }
    }
}

/// A loop for each gate, over few enough arrays that the compiler can tell them apart.
#[inline(always)]
fn forward_row<T: Float>(hidden: usize, p: &[T], before: &[T], gates: &mut [T], memory: &mut [T]) {
    let [input, forget, new, output] = parts_mut(gates, hidden);
    let [p_input, p_forget, p_new, p_output] = parts(p, hidden);
    for (gate, p) in [(&mut *input, p_input), (&mut *forget, p_forget), (output, p_output)] {
        for (gate, &p) in gate.iter_mut().zip(p) {
            *gate = (p + *gate).sigmoid();
        }
    }
    for (gate, &p) in new.iter_mut().zip(p_new) {
        *gate = (p + *gate).tanh();
    }
    let operands = before.iter().zip(&*forget).zip(input.iter().zip(&*new));
    for (memory, ((&before, &forget), (&input, &new))) in memory.iter_mut().zip(operands) {
        *memory = forget * before + input * new;
    }
}

/// The gradients, given that of every state after a step and then of the last cell, `[steps + 1, batch, hidden]`:
/// `sums`, `[steps, batch, 4 · hidden]`, of what the gates are functions of, `initial`, `[2, batch, hidden]`, of the
/// initial state and cell.
pub fn lstm_grad<T: Gemm + Float>(
    gradient: &[T],
    recurrence: Recurrence<T>,
    sizes: Sizes,
    gates: &[T],
    cells: &[T],
    sums: &mut [T],
    initial: &mut [T],
) {
    let (hidden, state) = (sizes.hidden, sizes.state());
    let row = 4 * hidden;
    let (carried, carried_memory) = initial.split_at_mut(state);
    carried.fill(T::ZERO);
    carried_memory.copy_from_slice(&gradient[sizes.steps * state..][..state]);
    for step in (0..sizes.steps).rev() {
        let gates = &gates[step * 4 * state..][..4 * state];
        let sums = &mut sums[step * 4 * state..][..4 * state];
        let (gradient, held) = (&gradient[step * state..][..state], &*carried);
        let (before, after) = (&cells[step * state..][..state], &cells[(step + 1) * state..][..state]);
        let operands = [&mut *sums, &mut *carried_memory];
        par::rows_of_arrays_mut(
            operands,
            [row, hidden],
            hidden * STEP_COST,
            |first, [sums, carried_memory]| {
                let arrays = [gradient, held, before, after].map(|array| &array[first * hidden..]);
                let gates = &gates[first * row..];
                vectorize_for::<T, _>(Backward { hidden, arrays, gates, sums, carried_memory });
            },
        );
        recurrence.backward(sizes, sums, row, carried, false);
    }
}

/// The elementwise part of a step backwards, for some examples.
struct Backward<'a, T> {
    hidden: usize,
    arrays: [&'a [T]; 4],
    gates: &'a [T],
    sums: &'a mut [T],
    carried_memory: &'a mut [T],
}

impl<T: Float> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let hidden = self.hidden;
        let outputs =
            self.sums.chunks_exact_mut(4 * hidden).zip(self.carried_memory.chunks_exact_mut(hidden));
        for (i, ((sums, carried_memory), gates)) in
            outputs.zip(self.gates.chunks_exact(4 * hidden)).enumerate()
        {
            let arrays = self.arrays.map(|array| &array[i * hidden..][..hidden]);
            backward_row(hidden, arrays, gates, sums, carried_memory);
        }
    }
}

/// `arrays` are the gradient of the state, what later steps ask of it, and the cell before and after.
#[inline(always)]
fn backward_row<T: Float>(
    hidden: usize,
    [gradient, carried, before, after]: [&[T]; 4],
    gates: &[T],
    sums: &mut [T],
    carried_memory: &mut [T],
) {
    let one = T::ONE;
    let [input, forget, new, output] = parts(gates, hidden);
    let [of_input, of_forget, of_new, of_output] = parts_mut(sums, hidden);
    // of_new holds tanh(c′) meanwhile, so that it is computed once.
    for (squashed, &after) in of_new.iter_mut().zip(after) {
        *squashed = after.tanh();
    }
    for ((((of_output, &squashed), &gradient), &carried), &o) in
        of_output.iter_mut().zip(&*of_new).zip(gradient).zip(carried).zip(output)
    {
        *of_output = (gradient + carried) * squashed * (o * (one - o));
    }
    for ((((memory, &squashed), &gradient), &carried), &o) in
        carried_memory.iter_mut().zip(&*of_new).zip(gradient).zip(carried).zip(output)
    {
        *memory += (gradient + carried) * o * (one - squashed * squashed);
    }
    for (((of_input, &memory), &i), &g) in of_input.iter_mut().zip(&*carried_memory).zip(input).zip(new) {
        *of_input = memory * g * (i * (one - i));
    }
    for (((of_forget, &memory), &f), &before) in
        of_forget.iter_mut().zip(&*carried_memory).zip(forget).zip(before)
    {
        *of_forget = memory * before * (f * (one - f));
    }
    for (((of_new, &memory), &i), &g) in of_new.iter_mut().zip(&*carried_memory).zip(input).zip(new) {
        *of_new = memory * i * (one - g * g);
    }
    for (memory, &f) in carried_memory.iter_mut().zip(forget) {
        *memory *= f;
    }
}
