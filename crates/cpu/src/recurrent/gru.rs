//! Gated recurrent units (Cho et al., 2014, arXiv:1406.1078), with PyTorch's reset gate after the product.
//!
//! With p the input's and q the hidden state's contribution to the gates r, z and n:
//! r = σ(p_r + q_r), z = σ(p_z + q_z), n = tanh(p_n + r q_n), h′ = n + z (h − n).

use super::{Recurrence, STEP_COST, Sizes, parts, parts_mut};
use crate::gemm::Gemm;
use crate::simd::{Kernel, vectorize_for};
use crate::{Float, par};

/// What is kept of a step for each hidden number: r, z, n and q_n.
const KEPT: usize = 4;

/// Runs all steps. `kept`, `[steps, batch, 4 · hidden]`, is for [`gru_grad`]; `states`, `[steps + 1, batch, hidden]`, are
/// the initial one, which must be there, and those after each step.
pub fn gru<T: Gemm + Float>(
    projected: &[T],
    recurrence: Recurrence<T>,
    sizes: Sizes,
    kept: &mut [T],
    states: &mut [T],
) {
    let (hidden, state) = (sizes.hidden, sizes.state());
    let mut contribution = vec![T::ZERO; 3 * state];
    for step in 0..sizes.steps {
        let (before, after) = states.split_at_mut((step + 1) * state);
        let (before, after) = (&before[step * state..], &mut after[..state]);
        recurrence.forward(sizes, before, &mut contribution);
        let projected = &projected[step * 3 * state..][..3 * state];
        let kept = &mut kept[step * KEPT * state..][..KEPT * state];
        let (widths, cost) = ([KEPT * hidden, hidden, 3 * hidden], hidden * STEP_COST);
        par::rows_of_arrays_mut([kept, after, &mut contribution], widths, cost, |first, arrays| {
            let (projected, before) = (&projected[first * 3 * hidden..], &before[first * hidden..]);
            let [kept, after, contribution] = arrays;
            vectorize_for::<T, _>(Forward { hidden, projected, contribution, before, kept, after });
        });
    }
}

/// The elementwise part of a step, for some examples.
struct Forward<'a, T> {
    hidden: usize,
    projected: &'a [T],
    contribution: &'a mut [T],
    before: &'a [T],
    kept: &'a mut [T],
    after: &'a mut [T],
}

impl<T: Float> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let hidden = self.hidden;
        let outputs = self.kept.chunks_exact_mut(KEPT * hidden).zip(self.after.chunks_exact_mut(hidden));
        let inputs =
            self.projected.chunks_exact(3 * hidden).zip(self.contribution.chunks_exact_mut(3 * hidden));
        for (((kept, after), (p, q)), before) in outputs.zip(inputs).zip(self.before.chunks_exact(hidden)) {
            forward_row(hidden, p, q, before, kept, after);
        }
    }
}

/// A loop for each gate. None reads from the array that it writes to, but for the element itself: where it read another part of
/// the row, the compiler, which compares arrays as a whole, would leave it scalar. So the gates are made in `q` and then copied.
#[inline(always)]
fn forward_row<T: Float>(hidden: usize, p: &[T], q: &mut [T], before: &[T], kept: &mut [T], after: &mut [T]) {
    let [p_reset, p_update, p_new] = parts(p, hidden);
    let [reset, update, q_new] = parts_mut(q, hidden);
    let [kept_reset, kept_update, new, kept_q_new] = parts_mut(kept, hidden);
    for (gate, p) in [(&mut *reset, p_reset), (&mut *update, p_update)] {
        for (gate, &p) in gate.iter_mut().zip(p) {
            *gate = (p + *gate).sigmoid();
        }
    }
    for (((new, &p), &q), &reset) in new.iter_mut().zip(p_new).zip(&*q_new).zip(&*reset) {
        *new = (p + reset * q).tanh();
    }
    for (((after, &before), &update), &new) in after.iter_mut().zip(before).zip(&*update).zip(&*new) {
        *after = new + update * (before - new);
    }
    kept_reset.copy_from_slice(reset);
    kept_update.copy_from_slice(update);
    kept_q_new.copy_from_slice(q_new);
}

/// The gradients, given that of every state after a step, `[steps, batch, hidden]`: `gates`, `[steps, batch, 4 · hidden]`,
/// holds in every row those of q_n, then of r, z and n, so that the first three are those of q in the order n, r, z, and
/// the last three those of p in the order r, z, n; `initial`, `[batch, hidden]`, is that of the initial state.
pub fn gru_grad<T: Gemm + Float>(
    gradient: &[T],
    recurrence: Recurrence<T>,
    sizes: Sizes,
    kept: &[T],
    states: &[T],
    gates: &mut [T],
    initial: &mut [T],
) {
    let (hidden, state) = (sizes.hidden, sizes.state());
    // In the order of the gradients.
    let (of_reset_and_update, of_new) = recurrence.weight.split_at(2 * hidden * hidden);
    let weight = [of_new, of_reset_and_update].concat();
    let recurrence = Recurrence { weight: &weight, bias: None };
    initial.fill(T::ZERO);
    for step in (0..sizes.steps).rev() {
        let (gradient, before) = (&gradient[step * state..][..state], &states[step * state..][..state]);
        let kept = &kept[step * KEPT * state..][..KEPT * state];
        let gates = &mut gates[step * 4 * state..][..4 * state];
        let operands = [&mut *gates, &mut *initial];
        par::rows_of_arrays_mut(
            operands,
            [4 * hidden, hidden],
            hidden * STEP_COST,
            |first, [gates, carried]| {
                let (gradient, before) = (&gradient[first * hidden..], &before[first * hidden..]);
                let kept = &kept[first * KEPT * hidden..];
                vectorize_for::<T, _>(Backward { hidden, gradient, before, kept, gates, carried });
            },
        );
        recurrence.backward(sizes, gates, 4 * hidden, initial, true);
    }
}

/// The elementwise part of a step backwards, for some examples.
struct Backward<'a, T> {
    hidden: usize,
    gradient: &'a [T],
    before: &'a [T],
    kept: &'a [T],
    gates: &'a mut [T],
    carried: &'a mut [T],
}

impl<T: Float> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let hidden = self.hidden;
        let outputs = self.gates.chunks_exact_mut(4 * hidden).zip(self.carried.chunks_exact_mut(hidden));
        let inputs = self.gradient.chunks_exact(hidden).zip(self.before.chunks_exact(hidden));
        let inputs = inputs.zip(self.kept.chunks_exact(KEPT * hidden));
        for ((gates, carried), ((gradient, before), kept)) in outputs.zip(inputs) {
            backward_row(hidden, gradient, before, kept, gates, carried);
        }
    }
}

/// Loops as in [`forward_row`], which compute again what they share.
/// `carried` comes as what later steps ask of this one's state, and goes as what this step asks of the one before,
/// except by way of the product.
#[inline(always)]
fn backward_row<T: Float>(
    hidden: usize,
    gradient: &[T],
    before: &[T],
    kept: &[T],
    gates: &mut [T],
    carried: &mut [T],
) {
    let [reset, update, new, q_new] = parts(kept, hidden);
    let [of_q_new, of_reset, of_update, of_new] = parts_mut(gates, hidden);
    for (of_state, &gradient) in carried.iter_mut().zip(gradient) {
        *of_state += gradient;
    }
    let of_state = &mut *carried;
    for (((of_new, &g), &z), &n) in of_new.iter_mut().zip(&*of_state).zip(update).zip(new) {
        *of_new = new_grad(g, z, n);
    }
    for ((((of_q_new, &g), &z), &n), &r) in
        of_q_new.iter_mut().zip(&*of_state).zip(update).zip(new).zip(reset)
    {
        *of_q_new = new_grad(g, z, n) * r;
    }
    for (((((of_reset, &g), &z), &n), &r), &q) in
        of_reset.iter_mut().zip(&*of_state).zip(update).zip(new).zip(reset).zip(q_new)
    {
        *of_reset = new_grad(g, z, n) * q * (r * (T::ONE - r));
    }
    for ((((of_update, &g), &z), &n), &before) in
        of_update.iter_mut().zip(&*of_state).zip(update).zip(new).zip(before)
    {
        *of_update = g * (before - n) * (z * (T::ONE - z));
    }
    for (of_state, &z) in of_state.iter_mut().zip(update) {
        *of_state *= z;
    }
}

/// The gradient of what n is the hyperbolic tangent of, from that of the state.
#[inline(always)]
fn new_grad<T: Float>(of_state: T, z: T, n: T) -> T {
    of_state * (T::ONE - z) * (T::ONE - n * n)
}
