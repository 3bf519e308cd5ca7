//! Batch normalisation of contiguous `[batch, channels, length]` arrays (Ioffe and Szegedy, 2015, arXiv:1502.03167).
//!
//! Statistics are `[2, channels]`: the means, then the biased variances. With m = batch · length elements a channel,
//! x̂ = (x − mean) / √(variance + ε).

use super::channels::{Block, Dims, block_sums, map_blocks};
use crate::activation::{Activation, Identity, LeakyRelu, Rectifier, Relu};
use crate::simd::{Kernel, vectorize_for};
use crate::{Float, par};

/// Mean and biased variance of each channel, `[2, channels]`; not a number where a channel has no elements.
pub fn batch_norm_statistics<T: Float>(x: &[T], dims: Dims, statistics: &mut [T]) {
    let [batch, channels, length] = dims;
    assert_eq!(x.len(), batch * channels * length, "batch norm takes a whole array");
    let count = T::from_f64((batch * length) as f64);
    let number = |block: &Block| T::from_f64(block.count() as f64);
    // Of each block the means and, about them, the squares.
    let blocks = map_blocks(dims, |block| {
        let [mut means] = block_sums(&block, [x, x], [], |[], x, _| [x]);
        means.iter_mut().for_each(|mean| *mean = *mean / number(&block));
        let [squares] = block_sums(&block, [x, x], [&means], |[mean], x, _| [(x - mean) * (x - mean)]);
        (block, means, squares)
    });
    let (means, variances) = statistics.split_at_mut(channels);
    means.fill(T::ZERO);
    variances.fill(T::ZERO);
    for (block, block_means, _) in &blocks {
        for (mean, &block_mean) in means[block.channels.clone()].iter_mut().zip(block_means) {
            *mean += block_mean * number(block);
        }
    }
    means.iter_mut().for_each(|mean| *mean = *mean / count);
    for (block, block_means, squares) in &blocks {
        for (i, channel) in block.channels.clone().enumerate() {
            let apart = block_means[i] - means[channel];
            variances[channel] += squares[i] + apart * apart * number(block);
        }
    }
    variances.iter_mut().for_each(|variance| *variance = *variance / count);
}

/// Batch normalisation, perhaps with a weight and a bias for each channel and a rectifier after them.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a, T> {
    /// Sizes of the arrays.
    pub dims: Dims,
    /// What [`batch_norm_statistics`] finds in x.
    pub statistics: &'a [T],
    /// One factor a channel, 1 where absent.
    pub weight: Option<&'a [T]>,
    /// One number a channel, 0 where absent.
    pub bias: Option<&'a [T]>,
    /// ε.
    pub epsilon: f64,
    /// f, which must be a rectifier: its slope is told from the sign of its argument.
    pub activation: Option<Activation>,
}

/// Calls a function with the rectifier as a type of its own.
macro_rules! with_rectifier {
    ($activation:expr, $T:ident, $rectifier:ident => $body:expr) => {
        match $activation {
            None => {
                let $rectifier = Identity;
                $body
            }
            Some(Activation::Relu) => {
                let $rectifier = Relu;
                $body
            }
            Some(Activation::LeakyRelu { negative_slope }) => {
                let $rectifier = LeakyRelu($T::from_f64(negative_slope));
                $body
            }
            Some(other) => panic!("batch norm has no fused {other:?}"),
        }
    };
}

impl<T: Float> BatchNorm<'_, T> {
    /// y = f(x̂ · weight + bias).
    pub fn forward(&self, x: &[T], y: &mut [T]) {
        let (means, [scales, shifts]) = (self.means(), self.line());
        with_rectifier!(self.activation, T, rectifier => self.each(
            [x, x],
            [means, &scales, &shifts],
            y,
            move |[mean, scale, shift], x, _| rectifier.value((x - mean) * scale + shift),
        ))
    }

    /// The gradients of bias and weight, `[2, channels]`: Σ g′, then Σ g′ · x̂ over the elements of a channel, where g′ is
    /// the gradient of the rectifier's argument.
    pub fn affine_grad(&self, gradient: &[T], x: &[T], sums: &mut [T]) {
        let (means, [scales, shifts]) = (self.means(), self.line());
        let blocks = with_rectifier!(self.activation, T, rectifier => map_blocks(self.dims, |block| {
            let part = |values: &'_ [T]| values[block.channels.clone()].to_vec();
            let parameters = [part(means), part(&scales), part(&shifts)];
            let parameters = [&parameters[0][..], &parameters[1], &parameters[2]];
            let [bias, weight] = block_sums(&block, [gradient, x], parameters, |[mean, scale, shift], g, x| {
                let centred = x - mean;
                let pulled = rectifier.gradient(centred * scale + shift, g);
                [pulled, pulled * centred]
            });
            (block.channels, bias, weight)
        }));
        let (bias, weight) = sums.split_at_mut(self.dims[1]);
        bias.fill(T::ZERO);
        weight.fill(T::ZERO);
        for (channels, block_bias, block_weight) in blocks {
            for (i, channel) in channels.enumerate() {
                bias[channel] += block_bias[i];
                weight[channel] += block_weight[i];
            }
        }
        for (sum, scale) in weight.iter_mut().zip(self.inverse_deviations()) {
            *sum *= scale;
        }
    }

    /// The gradient of x, through the statistics too: (g′ − Σg′ / m − x̂ · Σ(g′ · x̂) / m) · weight / √(variance + ε), with
    /// the two sums of [`affine_grad`](BatchNorm::affine_grad).
    pub fn input_grad(&self, gradient: &[T], x: &[T], sums: &[T], out: &mut [T]) {
        let [batch, channels, length] = self.dims;
        let count = T::from_f64((batch * length) as f64);
        let (means, [scales, shifts]) = (self.means(), self.line());
        let offsets: Vec<T> = sums[..channels].iter().map(|&sum| sum / count).collect();
        let slopes = self.inverse_deviations().zip(&sums[channels..]);
        let slopes: Vec<T> = slopes.map(|(scale, &sum)| scale * sum / count).collect();
        with_rectifier!(self.activation, T, rectifier => self.each(
            [gradient, x],
            [means, &scales, &shifts, &offsets, &slopes],
            out,
            move |[mean, scale, shift, offset, slope], g, x| {
                let centred = x - mean;
                (rectifier.gradient(centred * scale + shift, g) - offset - centred * slope) * scale
            },
        ))
    }

    fn means(&self) -> &[T] {
        &self.statistics[..self.dims[1]]
    }

    /// 1 / √(variance + ε) of each channel.
    fn inverse_deviations(&self) -> impl Iterator<Item = T> {
        let epsilon = T::from_f64(self.epsilon);
        self.statistics[self.dims[1]..].iter().map(move |&variance| T::ONE / (variance + epsilon).sqrt())
    }

    /// What x − mean is multiplied by, and what is added to it then.
    fn line(&self) -> [Vec<T>; 2] {
        let scales = match self.weight {
            Some(weight) => {
                self.inverse_deviations().zip(weight).map(|(scale, &weight)| scale * weight).collect()
            }
            None => self.inverse_deviations().collect(),
        };
        [scales, self.bias.map_or_else(|| vec![T::ZERO; self.dims[1]], <[T]>::to_vec)]
    }

    /// `out = map(parameters of its channel, first, second)`, element by element.
    fn each<const N: usize>(
        &self,
        [first, second]: [&[T]; 2],
        parameters: [&[T]; N],
        out: &mut [T],
        map: impl Fn([T; N], T, T) -> T + Copy + Send + Sync,
    ) {
        let [batch, channels, length] = self.dims;
        assert_eq!(out.len(), batch * channels * length, "batch norm takes a whole array");
        let parameters = parameters.map(|values| &values[..channels]);
        let run = if length == 1 { channels } else { length };
        par::rows_mut(out, run, run, |start, out| {
            let (first, second) = (&first[start * run..][..out.len()], &second[start * run..][..out.len()]);
            vectorize_for::<T, _>(Each { length, start, first, second, parameters, out, map });
        });
    }
}

/// Some runs of elements: the positions of one channel or, where a channel has one, all channels of one example.
struct Each<'a, T, M, const N: usize> {
    length: usize,
    /// Number of the first run.
    start: usize,
    first: &'a [T],
    second: &'a [T],
    parameters: [&'a [T]; N],
    out: &'a mut [T],
    map: M,
}

impl<T: Float, M: Fn([T; N], T, T) -> T, const N: usize> Kernel for Each<'_, T, M, N> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let channels = self.parameters[0].len();
        let run = if self.length == 1 { channels } else { self.length };
        let operands = self.first.chunks_exact(run).zip(self.second.chunks_exact(run));
        for (i, (out, (first, second))) in self.out.chunks_exact_mut(run).zip(operands).enumerate() {
            if self.length == 1 {
                let parameters = self.parameters.map(|values| &values[..channels]);
                let (out, first, second) = (&mut out[..channels], &first[..channels], &second[..channels]);
                for c in 0..channels {
                    out[c] = (self.map)(parameters.map(|values| values[c]), first[c], second[c]);
                }
            } else {
                let parameters = self.parameters.map(|values| values[(self.start + i) % channels]);
                for ((out, &first), &second) in out.iter_mut().zip(first).zip(second) {
                    *out = (self.map)(parameters, first, second);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPSILON: f64 = 1e-5;
    const SHAPES: [Dims; 4] = [[4, 2, 3], [5, 3, 1], [3, 2, 40], [40, 3, 1000]];

    fn numbers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + seed * 131) % 1009) as f64 / 300.0 - 1.0).collect()
    }

    fn statistics(x: &[f64], dims: Dims) -> Vec<f64> {
        let mut statistics = vec![0.0; 2 * dims[1]];
        batch_norm_statistics(x, dims, &mut statistics);
        statistics
    }

    #[test]
    fn normalised_channels_have_mean_0_and_variance_1() {
        for dims in SHAPES {
            let mut x = numbers(dims.iter().product(), 1);
            // Far from 0, where the mean of the squares less the square of the mean would have no digits left.
            x.iter_mut().for_each(|x| *x += 1e6);
            let found = statistics(&x, dims);
            let norm = BatchNorm {
                dims,
                statistics: &found,
                weight: None,
                bias: None,
                epsilon: 0.0,
                activation: None,
            };
            let mut y = vec![0.0; x.len()];
            norm.forward(&x, &mut y);
            let found = statistics(&y, dims);
            let (means, variances) = found.split_at(dims[1]);
            assert!(means.iter().all(|mean| mean.abs() < 1e-9), "{means:?}");
            assert!(variances.iter().all(|variance| (variance - 1.0).abs() < 1e-8), "{variances:?}");
        }
    }

    #[test]
    fn gradients_are_the_slopes() {
        let leaky = Activation::LeakyRelu { negative_slope: 0.2 };
        for (dims, activation) in SHAPES[..3].iter().flat_map(|&dims| {
            [None, Some(Activation::Relu), Some(leaky)].map(|activation| (dims, activation))
        }) {
            let count = dims.iter().product();
            let (x, g) = (numbers(count, 1), numbers(count, 2));
            let (weight, bias) = (numbers(dims[1], 3), numbers(dims[1], 4));
            let loss = |x: &[f64], weight: &[f64], bias: &[f64]| -> f64 {
                let statistics = statistics(x, dims);
                let norm = BatchNorm {
                    dims,
                    statistics: &statistics,
                    weight: Some(weight),
                    bias: Some(bias),
                    epsilon: EPSILON,
                    activation,
                };
                let mut y = vec![0.0; count];
                norm.forward(x, &mut y);
                y.iter().zip(&g).map(|(y, g)| y * g).sum()
            };
            let found = statistics(&x, dims);
            let norm = BatchNorm {
                dims,
                statistics: &found,
                weight: Some(&weight),
                bias: Some(&bias),
                epsilon: EPSILON,
                activation,
            };
            let (mut sums, mut gradient) = (vec![0.0; 2 * dims[1]], vec![0.0; count]);
            norm.affine_grad(&g, &x, &mut sums);
            norm.input_grad(&g, &x, &sums, &mut gradient);
            let check = |values: &[f64], expected: &[f64], loss: &dyn Fn(&[f64]) -> f64| {
                for i in 0..values.len() {
                    let (mut above, mut below) = (values.to_vec(), values.to_vec());
                    above[i] += 1e-6;
                    below[i] -= 1e-6;
                    let slope = (loss(&above) - loss(&below)) / 2e-6;
                    assert!(
                        (slope - expected[i]).abs() < 1e-6,
                        "{activation:?} {dims:?}: {slope} {}",
                        expected[i]
                    );
                }
            };
            check(&x, &gradient, &|x| loss(x, &weight, &bias));
            check(&bias, &sums[..dims[1]], &|bias| loss(&x, &weight, bias));
            check(&weight, &sums[dims[1]..], &|weight| loss(&x, weight, &bias));
        }
    }
}
