//! Recurrent layers over a sequence: the products of a step, and its elementwise part in one pass.
//!
//! Arrays are row-major: what the inputs contribute to the gates is `[steps, batch, gates · hidden]`, states are
//! `[batch, hidden]`, the weight of the hidden state is `[gates · hidden, hidden]` and its bias `[gates · hidden]`. What a
//! step found is kept for backward, so that no product is computed twice.

mod gru;
mod lstm;

pub use gru::{gru, gru_grad};
pub use lstm::{lstm, lstm_grad};

use crate::gemm::{Epilogue, Gemm, matmul};
use crate::{Float, View};

/// The sizes of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Steps.
    pub steps: usize,
    /// Examples.
    pub batch: usize,
    /// Numbers in a hidden state.
    pub hidden: usize,
}

impl Sizes {
    /// Numbers in the states of a batch.
    pub fn state(&self) -> usize {
        self.batch * self.hidden
    }
}

/// The weight of the hidden state, and its bias.
#[derive(Clone, Copy, Debug)]
pub struct Recurrence<'a, T> {
    /// `[gates · hidden, hidden]`.
    pub weight: &'a [T],
    /// `[gates · hidden]`, 0 where absent.
    pub bias: Option<&'a [T]>,
}

impl<T: Gemm + Float> Recurrence<'_, T> {
    /// What a hidden state contributes to the gates: `out = state · weightᵀ + bias`.
    fn forward(&self, sizes: Sizes, state: &[T], out: &mut [T]) {
        let Sizes { batch, hidden, .. } = sizes;
        let width = self.weight.len() / hidden.max(1);
        let (shape, strides) = ([batch, hidden], [hidden as isize, 1]);
        let state = View::new(state, &shape, &strides, 0);
        let (shape, strides) = ([hidden, width], [1, hidden as isize]);
        let weight = View::new(self.weight, &shape, &strides, 0);
        matmul(state, weight, out, Epilogue { column_bias: self.bias, ..Epilogue::NONE });
    }

    /// The gradient of a hidden state from that of what it contributes, whose rows lie `row` apart:
    /// `out = [accumulate] out + gradient · weight`.
    fn backward(&self, sizes: Sizes, gradient: &[T], row: usize, out: &mut [T], accumulate: bool) {
        let Sizes { batch, hidden, .. } = sizes;
        let width = self.weight.len() / hidden.max(1);
        let (shape, strides) = ([batch, width], [row as isize, 1]);
        let gradient = View::new(gradient, &shape, &strides, 0);
        let (shape, strides) = ([width, hidden], [hidden as isize, 1]);
        let weight = View::new(self.weight, &shape, &strides, 0);
        matmul(gradient, weight, out, Epilogue { accumulate, ..Epilogue::NONE });
    }
}

/// Elementary operations that an element of a step takes, for cutting work.
const STEP_COST: usize = 24;

/// A row's parts of `width` each.
#[inline(always)]
fn parts<T, const N: usize>(row: &[T], width: usize) -> [&[T]; N] {
    std::array::from_fn(|i| &row[i * width..(i + 1) * width])
}

#[inline(always)]
fn parts_mut<T, const N: usize>(row: &mut [T], width: usize) -> [&mut [T]; N] {
    let mut rest = row;
    std::array::from_fn(|_| {
        let (part, others) = std::mem::take(&mut rest).split_at_mut(width);
        rest = others;
        part
    })
}
