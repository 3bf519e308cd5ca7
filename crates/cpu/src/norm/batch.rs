//! Batch normalisation of contiguous `[batch, channels, length]` arrays (Ioffe and Szegedy, 2015, arXiv:1502.03167).
//!
//! Statistics are `[2, channels]`: the means, then the biased variances. With m = batch · length elements a channel,
//! x̂ = (x − mean) / √(variance + ε).

use crate::fold::{fold, fold_pairs};
use crate::{Float, View, par};

/// The sizes of a batch: examples, channels, and positions in each channel.
type Dims = [usize; 3];

/// Mean and biased variance of each channel, `[2, channels]`; not a number where a channel has no elements.
pub fn batch_norm_statistics<T: Float>(x: &[T], dims: Dims, statistics: &mut [T]) {
    let [batch, channels, length] = dims;
    let count = T::from_f64((batch * length) as f64);
    let (means, variances) = statistics.split_at_mut(channels);
    let strides = strides(dims);
    let view = View::new(x, &dims, &strides, 0);
    fold(view, &[0, 2], means, T::ZERO, |x| x, T::plus);
    means.iter_mut().for_each(|mean| *mean = *mean / count);
    let square = |channel: usize, x: T, _| {
        let centred = x - means[channel];
        centred * centred
    };
    fold_pairs(view, view, &[0, 2], variances, T::ZERO, square, T::plus);
    variances.iter_mut().for_each(|variance| *variance = *variance / count);
}

/// y = x̂ · weight + bias, the weight being 1 and the bias 0 where they are absent.
pub fn batch_norm<T: Float>(
    x: &[T],
    dims: Dims,
    statistics: &[T],
    weight: Option<&[T]>,
    bias: Option<&[T]>,
    epsilon: f64,
    y: &mut [T],
) {
    let channels = dims[1];
    let means = &statistics[..channels];
    let scales = scales(&statistics[channels..], weight, epsilon);
    let shifts = bias.map_or_else(|| vec![T::ZERO; channels], <[T]>::to_vec);
    each_channel(dims, y, |start, channel, y| {
        let x = &x[start..][..y.len()];
        match channel {
            Channel::One(c) => {
                let (mean, scale, shift) = (means[c], scales[c], shifts[c]);
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = (x - mean) * scale + shift;
                }
            }
            Channel::All => {
                for ((((y, &x), &mean), &scale), &shift) in
                    y.iter_mut().zip(x).zip(means).zip(&scales).zip(&shifts)
                {
                    *y = (x - mean) * scale + shift;
                }
            }
        }
    });
}

/// The gradients of bias and weight, `[2, channels]`: Σ g, then Σ g · x̂ over the elements of a channel.
pub fn batch_norm_affine_grad<T: Float>(
    gradient: &[T],
    x: &[T],
    dims: Dims,
    statistics: &[T],
    epsilon: f64,
    sums: &mut [T],
) {
    let channels = dims[1];
    let (means, variances) = statistics.split_at(channels);
    let (bias, weight) = sums.split_at_mut(channels);
    let strides = strides(dims);
    let gradient = View::new(gradient, &dims, &strides, 0);
    let x = View::new(x, &dims, &strides, 0);
    fold(gradient, &[0, 2], bias, T::ZERO, |g| g, T::plus);
    fold_pairs(gradient, x, &[0, 2], weight, T::ZERO, |channel, g, x| g * (x - means[channel]), T::plus);
    for (sum, scale) in weight.iter_mut().zip(scales(variances, None, epsilon)) {
        *sum *= scale;
    }
}

/// The gradient of the input, through the statistics too: (g − Σg / m − x̂ · Σ(g · x̂) / m) · weight / √(variance + ε),
/// with the two sums of [`batch_norm_affine_grad`].
#[expect(clippy::too_many_arguments, reason = "five arrays and what they mean")]
pub fn batch_norm_input_grad<T: Float>(
    gradient: &[T],
    x: &[T],
    dims: Dims,
    statistics: &[T],
    sums: &[T],
    weight: Option<&[T]>,
    epsilon: f64,
    out: &mut [T],
) {
    let [batch, channels, length] = dims;
    let count = T::from_f64((batch * length) as f64);
    let (means, variances) = statistics.split_at(channels);
    let outer_scales = scales(variances, weight, epsilon);
    let offsets: Vec<T> = sums[..channels].iter().map(|&sum| sum / count).collect();
    let slopes: Vec<T> = scales(variances, None, epsilon)
        .iter()
        .zip(&sums[channels..])
        .map(|(&scale, &sum)| scale * sum / count)
        .collect();
    each_channel(dims, out, |start, channel, out| {
        let pairs = gradient[start..][..out.len()].iter().zip(&x[start..][..out.len()]);
        match channel {
            Channel::One(c) => {
                let (mean, scale, offset, slope) = (means[c], outer_scales[c], offsets[c], slopes[c]);
                for (out, (&g, &x)) in out.iter_mut().zip(pairs) {
                    *out = (g - offset - (x - mean) * slope) * scale;
                }
            }
            Channel::All => {
                let channel = means.iter().zip(&outer_scales).zip(offsets.iter().zip(&slopes));
                for ((out, (&g, &x)), ((&mean, &scale), (&offset, &slope))) in
                    out.iter_mut().zip(pairs).zip(channel)
                {
                    *out = (g - offset - (x - mean) * slope) * scale;
                }
            }
        }
    });
}

/// Which channels the elements of a run belong to: all to one, or one to each in turn.
enum Channel {
    One(usize),
    All,
}

/// Calls `body(start, channel, run)` on the runs of `out` in which the channel is constant or, where a channel has
/// one position only, counts up.
fn each_channel<T: Send>(
    [batch, channels, length]: Dims,
    out: &mut [T],
    body: impl Fn(usize, Channel, &mut [T]) + Send + Sync,
) {
    assert_eq!(out.len(), batch * channels * length, "batch norm takes a whole array");
    let run = if length == 1 { channels } else { length };
    par::rows_mut(out, run, run, |first, runs| {
        for (i, out) in runs.chunks_exact_mut(run).enumerate() {
            let number = first + i;
            let channel = if length == 1 { Channel::All } else { Channel::One(number % channels) };
            body(number * run, channel, out);
        }
    });
}

/// weight / √(variance + ε) of each channel.
fn scales<T: Float>(variances: &[T], weight: Option<&[T]>, epsilon: f64) -> Vec<T> {
    let epsilon = T::from_f64(epsilon);
    let inverse = variances.iter().map(|&variance| T::ONE / (variance + epsilon).sqrt());
    match weight {
        Some(weight) => inverse.zip(weight).map(|(scale, &weight)| scale * weight).collect(),
        None => inverse.collect(),
    }
}

fn strides([_, channels, length]: Dims) -> [isize; 3] {
    [(channels * length) as isize, length as isize, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPSILON: f64 = 1e-5;

    fn numbers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + seed * 131) % 1009) as f64 / 300.0 - 1.0).collect()
    }

    #[test]
    fn normalised_channels_have_mean_0_and_variance_1() {
        for dims in [[7, 3, 5], [16, 6, 1]] {
            let x = numbers(dims.iter().product(), 1);
            let (mut statistics, mut y) = (vec![0.0; 2 * dims[1]], vec![0.0; x.len()]);
            batch_norm_statistics(&x, dims, &mut statistics);
            batch_norm(&x, dims, &statistics, None, None, 0.0, &mut y);
            batch_norm_statistics(&y, dims, &mut statistics);
            let (means, variances) = statistics.split_at(dims[1]);
            assert!(means.iter().all(|mean| mean.abs() < 1e-14));
            assert!(variances.iter().all(|variance| (variance - 1.0).abs() < 1e-14));
        }
    }

    #[test]
    fn input_grad_is_the_slope() {
        for dims in [[4, 2, 3], [5, 3, 1]] {
            let count = dims.iter().product();
            let (x, g) = (numbers(count, 1), numbers(count, 2));
            let (weight, bias) = (numbers(dims[1], 3), numbers(dims[1], 4));
            let loss = |x: &[f64]| -> f64 {
                let (mut statistics, mut y) = (vec![0.0; 2 * dims[1]], vec![0.0; count]);
                batch_norm_statistics(x, dims, &mut statistics);
                batch_norm(x, dims, &statistics, Some(&weight), Some(&bias), EPSILON, &mut y);
                y.iter().zip(&g).map(|(y, g)| y * g).sum()
            };
            let (mut statistics, mut sums) = (vec![0.0; 2 * dims[1]], vec![0.0; 2 * dims[1]]);
            let mut gradient = vec![0.0; count];
            batch_norm_statistics(&x, dims, &mut statistics);
            batch_norm_affine_grad(&g, &x, dims, &statistics, EPSILON, &mut sums);
            batch_norm_input_grad(&g, &x, dims, &statistics, &sums, Some(&weight), EPSILON, &mut gradient);
            for i in 0..count {
                let (mut above, mut below) = (x.clone(), x.clone());
                above[i] += 1e-6;
                below[i] -= 1e-6;
                let slope = (loss(&above) - loss(&below)) / 2e-6;
                assert!((slope - gradient[i]).abs() < 1e-7, "{slope} {}", gradient[i]);
            }
        }
    }
}
