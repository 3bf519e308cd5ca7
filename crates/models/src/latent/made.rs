//! Networks whose outputs come in an order, each looking only at the inputs before it: MADE, the masked autoencoder for
//! distribution estimation.
//!
//! Germain, Gregor, Murray, Larochelle 2015, <https://arxiv.org/abs/1502.03509>.

use wengert_nn::{Layer, Linear, Scope, module};
use wengert_tensor::{Generator, Tensor};

/// A fully connected layer without some of its connections.
#[derive(Debug)]
pub struct MaskedLinear {
    linear: Linear,
    mask: Tensor,
    scope: Scope,
}

module!(MaskedLinear { modules: linear; buffers: mask; scope: scope });

impl MaskedLinear {
    /// A layer that connects input i with output o where `keeps(degree of i, degree of o)`.
    fn new(
        inputs: &[usize],
        outputs: &[usize],
        keeps: impl Fn(usize, usize) -> bool,
        rng: &Generator,
    ) -> MaskedLinear {
        let rows = outputs.iter().flat_map(|&output| inputs.iter().map(move |&input| (input, output)));
        let mask: Vec<f32> = rows.map(|(input, output)| f32::from(u8::from(keeps(input, output)))).collect();
        MaskedLinear {
            linear: Linear::new(inputs.len(), outputs.len(), rng),
            mask: Tensor::from_vec(mask, [outputs.len(), inputs.len()]),
            scope: Scope::new(),
        }
    }
}

impl Layer for MaskedLinear {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.linear(&(&self.linear.weight * &self.mask), self.linear.bias.as_ref())
    }
}

/// An autoregressive network of two hidden layers with rectifiers: of each of the `outputs` numbers that it gives for
/// input i none depends on inputs i, i + 1, …; all may depend on a context.
#[derive(Debug)]
pub struct Made {
    size: usize,
    outputs: usize,
    first: MaskedLinear,
    context: Linear,
    second: MaskedLinear,
    last: MaskedLinear,
}

module!(Made { modules: first, context, second, last });

impl Made {
    /// A network for vectors of `size` numbers and contexts of `context` numbers, with layers of `hidden` units.
    pub fn new(size: usize, context: usize, hidden: usize, outputs: usize, rng: &Generator) -> Made {
        // The degree of an input is its place, that of a hidden unit the last input it may look at: 0 where it looks at the
        // context alone, as all do that the first output rests on.
        let places: Vec<usize> = (1..=size).collect();
        let hidden: Vec<usize> = (0..hidden).map(|unit| unit % size).collect();
        let makes: Vec<usize> = (0..outputs).flat_map(|_| places.clone()).collect();
        let may_see = |input, output| input <= output;
        Made {
            size,
            outputs,
            first: MaskedLinear::new(&places, &hidden, may_see, rng),
            // The first masked layer has a bias already.
            context: Linear::builder(context, hidden.len()).bias(false).build(rng),
            second: MaskedLinear::new(&hidden, &hidden, may_see, rng),
            last: MaskedLinear::new(&hidden, &makes, |input, output| input < output, rng),
        }
    }

    /// `[batch, outputs, size]` of vectors `[batch, size]` and contexts `[batch, context]`.
    pub fn forward(&self, vectors: &Tensor, context: &Tensor) -> Tensor {
        let hidden = (self.first.forward(vectors) + self.context.forward(context)).relu();
        let hidden = self.second.forward(&hidden).relu();
        self.last.forward(&hidden).reshape([vectors.dims()[0], self.outputs, self.size])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;
    use wengert_tensor::autograd::jacobian;

    #[test]
    fn an_output_depends_on_all_inputs_before_it_and_on_no_other() {
        for (size, hidden) in [(1, 4), (2, 4), (5, 40)] {
            let rng = Generator::new(2);
            let made = Made::new(size, 3, hidden, 2, &rng);
            let context = rng.normal([1, 3], 0.0, 1.0, DType::F32);
            // A unit can be off at one point, so the dependencies at several points are gathered.
            let mut depends = vec![false; 2 * size * size];
            for _ in 0..20 {
                let input = rng.normal([1, size], 0.0, 1.0, DType::F32);
                let slopes = jacobian(|x| made.forward(x, &context), &input).unwrap().to_vec::<f32>();
                depends.iter_mut().zip(slopes).for_each(|(depends, slope)| *depends |= slope != 0.0);
            }
            for (place, depends) in depends.into_iter().enumerate() {
                let (output, input) = (place / size % size, place % size);
                assert_eq!(depends, input < output, "output {output}, input {input} of {size}");
            }
        }
    }

    #[test]
    fn every_output_depends_on_the_context() {
        let rng = Generator::new(2);
        let made = Made::new(4, 3, 30, 1, &rng);
        let input = rng.normal([1, 4], 0.0, 1.0, DType::F32);
        let context = rng.normal([1, 3], 0.0, 1.0, DType::F32);
        let slopes = jacobian(|context| made.forward(&input, context), &context).unwrap().to_vec::<f32>();
        let reached: Vec<bool> = slopes.chunks(3).map(|slopes| slopes.iter().any(|&s| s != 0.0)).collect();
        assert_eq!(reached, [true; 4]);
    }
}
