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
        par::two_rows_mut(
            [kept, after],
            [KEPT * hidden, hidden],
            hidden * STEP_COST,
            |first, [kept, after]| {
                let (projected, contribution) =
                    (&projected[first * 3 * hidden..], &contribution[first * 3 * hidden..]);
                let before = &before[first * hidden..];
                vectorize_for::<T, _>(Forward { hidden, projected, contribution, before, kept, after });
            },
        );
    }
}

/// The elementwise part of a step, for some examples.
struct Forward<'a, T> {
    hidden: usize,
    projected: &'a [T],
    contribution: &'a [T],
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
        let inputs = self.projected.chunks_exact(3 * hidden).zip(self.contribution.chunks_exact(3 * hidden));
        for (((kept, after), (p, q)), before) in outputs.zip(inputs).zip(self.before.chunks_exact(hidden)) {
            forward_row(hidden, p, q, before, kept, after);
        }
    }
}

/// A loop for each gate, over few enough arrays that the compiler can tell them apart.
#[inline(always)]
fn forward_row<T: Float>(hidden: usize, p: &[T], q: &[T], before: &[T], kept: &mut [T], after: &mut [T]) {
    let [p_reset, p_update, p_new] = parts(p, hidden);
    let [q_reset, q_update, q_new] = parts(q, hidden);
    let [reset, update, new, kept_q_new] = parts_mut(kept, hidden);
    for ((reset, &p), &q) in reset.iter_mut().zip(p_reset).zip(q_reset) {
        *reset = (p + q).sigmoid();
    }
    for ((update, &p), &q) in update.iter_mut().zip(p_update).zip(q_update) {
        *update = (p + q).sigmoid();
    }
    for (((new, &p), &q), &reset) in new.iter_mut().zip(p_new).zip(q_new).zip(&*reset) {
        *new = (p + reset * q).tanh();
    }
    kept_q_new.copy_from_slice(q_new);
    for (((after, &before), &update), &new) in after.iter_mut().zip(before).zip(&*update).zip(&*new) {
        *after = new + update * (before - new);
    }
}

/// The gradients, given that of every state after a step, `[steps, batch, hidden]`: `gates`, `[steps, batch, 6 · hidden]`,
/// holds those of p and then of q in every row, `initial`, `[batch, hidden]`, that of the initial state.
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
    initial.fill(T::ZERO);
    for step in (0..sizes.steps).rev() {
        let (gradient, before) = (&gradient[step * state..][..state], &states[step * state..][..state]);
        let kept = &kept[step * KEPT * state..][..KEPT * state];
        let gates = &mut gates[step * 6 * state..][..6 * state];
        let operands = [&mut *gates, &mut *initial];
        par::two_rows_mut(operands, [6 * hidden, hidden], hidden * STEP_COST, |first, [gates, carried]| {
            let (gradient, before) = (&gradient[first * hidden..], &before[first * hidden..]);
            let kept = &kept[first * KEPT * hidden..];
            vectorize_for::<T, _>(Backward { hidden, gradient, before, kept, gates, carried });
        });
        recurrence.backward(sizes, gates, [3 * hidden, 6 * hidden], initial, true);
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
        let outputs = self.gates.chunks_exact_mut(6 * hidden).zip(self.carried.chunks_exact_mut(hidden));
        let inputs = self.gradient.chunks_exact(hidden).zip(self.before.chunks_exact(hidden));
        let inputs = inputs.zip(self.kept.chunks_exact(KEPT * hidden));
        for ((gates, carried), ((gradient, before), kept)) in outputs.zip(inputs) {
            backward_row(hidden, gradient, before, kept, gates, carried);
        }
    }
}

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
    let one = T::ONE;
    let [reset, update, new, q_new] = parts(kept, hidden);
    let (of_p, of_q) = gates.split_at_mut(3 * hidden);
    let [p_reset, p_update, p_new] = parts_mut(of_p, hidden);
    for (carried, &gradient) in carried.iter_mut().zip(gradient) {
        *carried += gradient;
    }
    for ((((p, &g), &z), &n), &before) in p_update.iter_mut().zip(&*carried).zip(update).zip(new).zip(before)
    {
        *p = g * (before - n) * (z * (one - z));
    }
    for (((p, &g), &z), &n) in p_new.iter_mut().zip(&*carried).zip(update).zip(new) {
        *p = g * (one - z) * (one - n * n);
    }
    for (((p, &new), &r), &q) in p_reset.iter_mut().zip(&*p_new).zip(reset).zip(q_new) {
        *p = new * q * (r * (one - r));
    }
    for (carried, &z) in carried.iter_mut().zip(update) {
        *carried *= z;
    }
    let [q_reset, q_update, q_new] = parts_mut(of_q, hidden);
    q_reset.copy_from_slice(p_reset);
    q_update.copy_from_slice(p_update);
    for ((q, &p), &r) in q_new.iter_mut().zip(&*p_new).zip(reset) {
        *q = p * r;
    }
}
