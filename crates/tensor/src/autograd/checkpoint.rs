//! Gradient checkpointing: compute a stretch of the network again in backward instead of keeping what it saved.

use super::backward::{GradOptions, grad_from};
use super::modes::{is_grad_enabled, with_grad};
use super::node::Saved;
use super::tape::Tape;
use crate::draws::{Draws, record_draws, replay_draws};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Result, Tensor, Value, apply};
use std::fmt;
use std::sync::Arc;
use wengert_cuda::Device;

/// Runs `f` on `inputs` and keeps none of its intermediate results: backward runs `f` again. Parameters that `f` reads
/// besides its inputs receive their gradients as well, and random numbers that it draws are drawn the same again.
///
/// # Errors
/// None of its own: `f` panics or its result is recorded as one op.
#[track_caller]
pub fn checkpoint(
    f: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
    inputs: &[&Tensor],
) -> Result<Tensor> {
    if !is_grad_enabled() {
        return Ok(f(&inputs.iter().map(|&input| input.clone()).collect::<Vec<_>>()));
    }
    // Recorded once for the sake of the leaves that `f` captures; this list is dropped at the end of this function.
    let stand_ins: Vec<Tensor> = inputs
        .iter()
        .map(|input| if input.requires_grad() { input.detach().requires_grad_(true) } else { input.detach() })
        .collect();
    let (output, draws) = record_draws(|| f(&stand_ins));
    let own: Vec<usize> = stand_ins.iter().map(Tensor::address).collect();
    let captured: Vec<Tensor> =
        Tape::of(&[&output]).leaves().into_iter().filter(|leaf| !own.contains(&leaf.address())).collect();
    let op = Checkpoint { f: Arc::new(f), inputs: inputs.len(), draws, result: output.value().clone() };
    let operands: Vec<&Tensor> = inputs.iter().copied().chain(&captured).collect();
    apply(op, &operands)
}

type Stretch = Arc<dyn Fn(&[Tensor]) -> Tensor + Send + Sync>;

/// Inputs: those of the stretch, then the leaves that it captured.
struct Checkpoint {
    f: Stretch,
    inputs: usize,
    draws: Draws,
    result: Value,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint {{ inputs: {} }}", self.inputs)
    }
}

impl Op for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn infer(&self, _inputs: &[Spec]) -> Result<Spec> {
        Ok(Spec::new(self.result.shape(), self.result.dtype()))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, _inputs: Values, _output: &Spec) -> Result<Value> {
        Ok(self.result.clone())
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let operands: Vec<Tensor> = (0..saved.input_count()).map(|i| saved.input(i)).collect();
        let targets: Vec<&Tensor> =
            operands.iter().enumerate().filter(|(i, _)| saved.needs(*i)).map(|(_, t)| t).collect();
        let output = with_grad(true, || replay_draws(&self.draws, || (self.f)(&operands[..self.inputs])));
        let options =
            GradOptions { create_graph: is_grad_enabled(), unused_as_zeros: true, ..GradOptions::default() };
        let mut gradients = grad_from(&[&output], &[cotangent], &targets, options)?.into_iter();
        Ok((0..operands.len()).map(|i| if saved.needs(i) { gradients.next() } else { None }).collect())
    }

    fn is_custom(&self) -> bool {
        true
    }
}
