//! Ops of the user's own, with a gradient of the user's own.

use super::modes::no_grad;
use super::node::Saved;
use crate::apply::{apply, must};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Error, Result, Tensor, Value};
use std::fmt::Debug;
use std::sync::Arc;
use wengert_cuda::Device;

/// An op written in tensors: a forward function and the gradient that backward shall use for it.
///
/// A gradient that is not the function's derivative is the usual reason to write one; [`gradient_reversal`] and
/// [`straight_through`] are two.
pub trait Function: Debug + Send + Sync + 'static {
    /// The name shown in graphs.
    fn name(&self) -> &'static str;

    /// The result; not recorded.
    ///
    /// # Errors
    /// What is wrong with the inputs.
    fn forward(&self, inputs: &[Tensor]) -> Result<Tensor>;

    /// Cotangents of the inputs, in their shapes and types; `None` for an input through which none flows. Written in
    /// tensor ops, so that it can be differentiated again.
    ///
    /// # Errors
    /// What keeps the gradient from being formed.
    fn vjp(&self, inputs: &[Tensor], output: &Tensor, cotangent: &Tensor) -> Result<Vec<Option<Tensor>>>;
}

/// Runs `function` on `inputs` as one op of the tape.
///
/// # Errors
/// What the function's `forward` finds wrong.
#[track_caller]
pub fn call(function: impl Function, inputs: &[&Tensor]) -> Result<Tensor> {
    // A function computes its shape only by running; the op then answers with the result it was made with.
    let detached: Vec<Tensor> = inputs.iter().map(|input| input.detach()).collect();
    let result = no_grad(|| function.forward(&detached))?;
    apply(Call { function: Arc::new(function), result: result.value().clone() }, inputs)
}

#[derive(Debug)]
struct Call<F> {
    function: Arc<F>,
    result: Value,
}

impl<F: Function> Op for Call<F> {
    fn name(&self) -> &'static str {
        self.function.name()
    }

    fn infer(&self, _inputs: &[Spec]) -> Result<Spec> {
        Ok(Spec::new(self.result.shape(), self.result.dtype()))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS.and_output()
    }

    fn forward(&self, _inputs: Values, _output: &Spec) -> Result<Value> {
        Ok(self.result.clone())
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let inputs: Vec<Tensor> = (0..saved.input_count()).map(|i| saved.input(i)).collect();
        let gradients = self.function.vjp(&inputs, &saved.output(), cotangent)?;
        if gradients.len() != inputs.len() {
            return Err(Error::autograd(format!(
                "{}: vjp gave {} gradients for {} inputs",
                self.name(),
                gradients.len(),
                inputs.len()
            )));
        }
        // `None` is the author's word that nothing flows there.
        let given = |(i, gradient): (usize, Option<Tensor>)| match gradient {
            None if saved.needs(i) => Some(inputs[i].zeros_like()),
            gradient => gradient,
        };
        Ok(gradients.into_iter().enumerate().map(given).collect())
    }

    fn is_custom(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct GradientReversal {
    scale: f64,
}

impl Function for GradientReversal {
    fn name(&self) -> &'static str {
        "gradient_reversal"
    }

    fn forward(&self, inputs: &[Tensor]) -> Result<Tensor> {
        Ok(inputs[0].clone())
    }

    fn vjp(&self, _inputs: &[Tensor], _output: &Tensor, cotangent: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(cotangent * -self.scale)])
    }
}

/// The identity forward; backward multiplies the gradient by −`scale` (Ganin and Lempitsky, 2015, arXiv:1409.7495).
#[track_caller]
pub fn gradient_reversal(x: &Tensor, scale: f64) -> Tensor {
    must(call(GradientReversal { scale }, &[x]))
}

#[derive(Debug)]
struct StraightThrough;

impl Function for StraightThrough {
    fn name(&self) -> &'static str {
        "straight_through"
    }

    fn forward(&self, inputs: &[Tensor]) -> Result<Tensor> {
        if inputs[0].spec() != inputs[1].spec() {
            return Err(Error::shape(
                "straight_through",
                format!(
                    "both tensors must have one shape and type, got {} and {}",
                    inputs[0].spec(),
                    inputs[1].spec()
                ),
            ));
        }
        Ok(inputs[1].clone())
    }

    fn vjp(&self, _inputs: &[Tensor], _output: &Tensor, cotangent: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(cotangent.clone()), None])
    }
}

/// `quantised` forward; backward hands the gradient to `x` as if nothing had been done to it (Bengio et al., 2013,
/// arXiv:1308.3432). Both have one shape and type.
///
/// # Panics
/// When they do not.
#[track_caller]
pub fn straight_through(x: &Tensor, quantised: &Tensor) -> Tensor {
    must(call(StraightThrough, &[x, quantised]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversal_turns_the_gradient_round() {
        let x = Tensor::from_slice(&[1.0, -2.0], 2).requires_grad_(true);
        let y = gradient_reversal(&x, 0.5);
        assert_eq!(y.to_vec::<f64>(), [1.0, -2.0]);
        (&y * &y).sum_all().backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec::<f64>(), [-1.0, 2.0]);
    }

    #[test]
    fn straight_through_passes_the_gradient_by() {
        let x = Tensor::from_slice(&[0.4, 1.6], 2).requires_grad_(true);
        let y = straight_through(&x, &x.round());
        assert_eq!(y.to_vec::<f64>(), [0.0, 2.0]);
        (&y * 3.0).sum_all().backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec::<f64>(), [3.0, 3.0]);
    }
}
