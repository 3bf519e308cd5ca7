//! Gated recurrent units (Cho et al., 2014, arXiv:1406.1078), with PyTorch's reset gate after the product.
//!
//! With p the input's and q the hidden state's contribution to the gates r, z and n:
//! r = σ(p_r + q_r), z = σ(p_z + q_z), n = tanh(p_n + r q_n), h′ = n + z (h − n).

use super::lanes::{LANES, Lanes, lanes_function};
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

#[inline(always)]
fn forward_row<T: Float>(hidden: usize, p: &[T], q: &[T], before: &[T], kept: &mut [T], after: &mut [T]) {
    let [p_reset, p_update, p_new] = parts(p, hidden);
    let [q_reset, q_update, q_new] = parts(q, hidden);
    let [kept_reset, kept_update, kept_new, kept_q_new] = parts_mut(kept, hidden);
    for start in (0..hidden).step_by(LANES) {
        let q_new = Lanes::load(q_new, start);
        let reset = sigmoid_of_sum(Lanes::load(p_reset, start), Lanes::load(q_reset, start));
        let update = sigmoid_of_sum(Lanes::load(p_update, start), Lanes::load(q_update, start));
        let new = new_gate(Lanes::load(p_new, start), q_new, reset);
        reset.store(kept_reset, start);
        update.store(kept_update, start);
        new.store(kept_new, start);
        q_new.store(kept_q_new, start);
        blend(Lanes::load(before, start), update, new).store(after, start);
    }
}

lanes_function!(sigmoid_of_sum(p, q) = (p + q).sigmoid());
lanes_function!(new_gate(p, q, reset) = (p + reset * q).tanh());
lanes_function!(blend(before, update, new) = new + update * (before - new));

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
        par::two_rows_mut(operands, [4 * hidden, hidden], hidden * STEP_COST, |first, [gates, carried]| {
            let (gradient, before) = (&gradient[first * hidden..], &before[first * hidden..]);
            let kept = &kept[first * KEPT * hidden..];
            vectorize_for::<T, _>(Backward { hidden, gradient, before, kept, gates, carried });
        });
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
    for start in (0..hidden).step_by(LANES) {
        let (r, z) = (Lanes::load(reset, start), Lanes::load(update, start));
        let (n, q) = (Lanes::load(new, start), Lanes::load(q_new, start));
        let of_state = sum(Lanes::load(carried, start), Lanes::load(gradient, start));
        let of_n = new_grad(of_state, z, n);
        of_n.store(of_new, start);
        product(of_n, r).store(of_q_new, start);
        reset_grad(of_n, q, r).store(of_reset, start);
        update_grad(of_state, Lanes::load(before, start), z, n).store(of_update, start);
        product(of_state, z).store(carried, start);
    }
}

lanes_function!(sum(a, b) = a + b);
lanes_function!(product(a, b) = a * b);
lanes_function!(new_grad(g, z, n) = g * (T::ONE - z) * (T::ONE - n * n));
lanes_function!(reset_grad(g, q, r) = g * q * (r * (T::ONE - r)));
lanes_function!(update_grad(g, before, z, n) = g * (before - n) * (z * (T::ONE - z)));
