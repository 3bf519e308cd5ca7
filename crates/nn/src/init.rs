//! Initial values of parameters, in place, with PyTorch's names and formulas.
//!
//! All of them draw from the given generator: the same seed gives the same model. They panic when the tensor's shape has
//! no such initialisation, which is a programmer's mistake.

use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// How much a nonlinearity shrinks the signal, made good by larger weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gain {
    /// No nonlinearity, or a sigmoid: 1.
    Linear,
    /// 5/3.
    Tanh,
    /// √2.
    ReLU,
    /// √(2 / (1 + slope²)), for this slope below zero.
    LeakyReLU(f64),
    /// 3/4.
    SELU,
}

impl Gain {
    /// The factor.
    pub fn value(self) -> f64 {
        match self {
            Gain::Linear => 1.0,
            Gain::Tanh => 5.0 / 3.0,
            Gain::ReLU => 2f64.sqrt(),
            Gain::LeakyReLU(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Gain::SELU => 0.75,
        }
    }
}

/// Which signal keeps its variance: the one going forward, or the gradient going back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The number of inputs of one output: the forward signal.
    In,
    /// The number of outputs of one input: the gradient.
    Out,
}

/// Inputs of one output and outputs of one input of a weight `[out, in, …kernel]`.
///
/// # Panics
/// When the weight has fewer than two axes.
pub fn fans(weight: &Tensor) -> (usize, usize) {
    let &[outputs, inputs, ref kernel @ ..] = weight.dims() else {
        panic!("init: a weight with fewer than two axes has no fans, got {}", weight.shape());
    };
    let kernel: usize = kernel.iter().product();
    (inputs * kernel, outputs * kernel)
}

/// Uniform over `[low, high)`.
pub fn uniform_(tensor: &Tensor, low: f64, high: f64, rng: &Generator) {
    fill(tensor, rng.uniform(tensor.shape(), low, high, tensor.dtype()));
}

/// Normal with this mean and standard deviation.
pub fn normal_(tensor: &Tensor, mean: f64, std: f64, rng: &Generator) {
    fill(tensor, rng.normal(tensor.shape(), mean, std, tensor.dtype()));
}

/// Everywhere `value`.
pub fn constant_(tensor: &Tensor, value: f64) {
    fill(tensor, tensor.full_like(value));
}

/// Everywhere 0.
pub fn zeros_(tensor: &Tensor) {
    constant_(tensor, 0.0);
}

/// Everywhere 1.
pub fn ones_(tensor: &Tensor) {
    constant_(tensor, 1.0);
}

/// Uniform within ±gain·√(6 / (fan in + fan out)) (Glorot and Bengio, 2010).
pub fn xavier_uniform_(weight: &Tensor, gain: f64, rng: &Generator) {
    let bound = 3f64.sqrt() * xavier_std(weight, gain);
    uniform_(weight, -bound, bound, rng);
}

/// Normal with standard deviation gain·√(2 / (fan in + fan out)) (Glorot and Bengio, 2010).
pub fn xavier_normal_(weight: &Tensor, gain: f64, rng: &Generator) {
    normal_(weight, 0.0, xavier_std(weight, gain), rng);
}

fn xavier_std(weight: &Tensor, gain: f64) -> f64 {
    let (inputs, outputs) = fans(weight);
    gain * (2.0 / (inputs + outputs) as f64).sqrt()
}

/// Uniform within ±gain·√(3 / fan) (He et al., 2015, arXiv:1502.01852).
pub fn kaiming_uniform_(weight: &Tensor, fan: Fan, gain: Gain, rng: &Generator) {
    let bound = 3f64.sqrt() * kaiming_std(weight, fan, gain);
    uniform_(weight, -bound, bound, rng);
}

/// Normal with standard deviation gain / √fan (He et al., 2015, arXiv:1502.01852).
pub fn kaiming_normal_(weight: &Tensor, fan: Fan, gain: Gain, rng: &Generator) {
    normal_(weight, 0.0, kaiming_std(weight, fan, gain), rng);
}

fn kaiming_std(weight: &Tensor, fan: Fan, gain: Gain) -> f64 {
    let (inputs, outputs) = fans(weight);
    let fan = match fan {
        Fan::In => inputs,
        Fan::Out => outputs,
    };
    gain.value() / (fan as f64).sqrt()
}

/// Normal, but only values of `[low, high]`: the inverse distribution function of a uniform draw.
///
/// # Panics
/// When the interval is empty.
pub fn trunc_normal_(tensor: &Tensor, mean: f64, std: f64, low: f64, high: f64, rng: &Generator) {
    assert!(low < high, "init: trunc_normal_ needs low < high, got {low} and {high}");
    // erf((x − mean) / (σ√2)) is uniform over what the bounds leave.
    let scale = std * 2f64.sqrt();
    let (from, to) = (libm::erf((low - mean) / scale), libm::erf((high - mean) / scale));
    let uniform = rng.uniform(tensor.shape(), from, to, DType::F64);
    let values: Vec<f64> = uniform
        .to_vec::<f64>()
        .into_iter()
        .map(|y| (mean + scale * erf_inverse(y)).clamp(low, high))
        .collect();
    fill(tensor, Tensor::from_vec(values, tensor.shape()).to_dtype(tensor.dtype()));
}

/// The x with erf(x) = y: Winitzki's approximation, then Newton's method.
fn erf_inverse(y: f64) -> f64 {
    let limit = 1.0 - f64::EPSILON;
    let y = y.clamp(-limit, limit);
    const A: f64 = 0.147;
    let log = (1.0 - y * y).ln();
    let half = 2.0 / (std::f64::consts::PI * A) + log / 2.0;
    let mut x = ((half * half - log / A).sqrt() - half).sqrt().copysign(y);
    for _ in 0..3 {
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp();
        x -= (libm::erf(x) - y) / slope;
    }
    x
}

/// Rows (or columns, where those are fewer) that are orthogonal and of length `gain`, uniformly among all such
/// matrices; axes after the first are taken as one (Saxe et al., 2013, arXiv:1312.6120).
///
/// # Panics
/// When the weight has fewer than two axes.
pub fn orthogonal_(weight: &Tensor, gain: f64, rng: &Generator) {
    assert!(weight.rank() >= 2, "init: orthogonal_ needs at least two axes, got {}", weight.shape());
    let rows = weight.dim(0);
    let columns = weight.numel() / rows.max(1);
    let normal = rng.normal([rows.min(columns), rows.max(columns)], 0.0, 1.0, DType::F64);
    let mut vectors: Vec<Vec<f64>> =
        normal.to_vec::<f64>().chunks(rows.max(columns).max(1)).map(<[f64]>::to_vec).collect();
    orthonormalise(&mut vectors);
    let element = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        gain * if rows <= columns { vectors[row][column] } else { vectors[column][row] }
    };
    let values: Vec<f64> = (0..weight.numel()).map(element).collect();
    fill(weight, Tensor::from_vec(values, weight.shape()).to_dtype(weight.dtype()));
}

/// Gram–Schmidt. Each vector is cleared of the earlier ones twice: once leaves rounding errors of the size that the
/// vectors were close to parallel, twice is enough (Kahan).
fn orthonormalise(vectors: &mut [Vec<f64>]) {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    for i in 0..vectors.len() {
        let (earlier, rest) = vectors.split_at_mut(i);
        let vector = &mut rest[0];
        for other in earlier.iter().chain(earlier.iter()) {
            let shared = dot(vector, other);
            vector.iter_mut().zip(other).for_each(|(x, y)| *x -= shared * y);
        }
        let length = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

/// Convolution weights `[out, in / groups, …kernel]` that pass their input on unchanged: in each group, output i copies
/// input i.
///
/// # Panics
/// When the weight does not have 3 to 5 axes, or the outputs are not a multiple of the groups.
pub fn dirac_(weight: &Tensor, groups: usize) {
    let &[outputs, inputs, ref kernel @ ..] = weight.dims() else {
        panic!("init: dirac_ needs a convolution's weight, got {}", weight.shape());
    };
    assert!((1..=3).contains(&kernel.len()), "init: dirac_ needs 3 to 5 axes, got {}", weight.shape());
    assert!(
        groups > 0 && outputs.is_multiple_of(groups),
        "init: {outputs} outputs cannot be divided into {groups} groups"
    );
    let area: usize = kernel.iter().product();
    let centre = kernel.iter().fold(0, |position, size| position * size + size / 2);
    let mut values = vec![0.0; weight.numel()];
    for output in 0..outputs {
        let input = output % (outputs / groups);
        if input < inputs {
            values[(output * inputs + input) * area + centre] = 1.0;
        }
    }
    fill(weight, Tensor::from_vec(values, weight.shape()).to_dtype(weight.dtype()));
}

#[track_caller]
fn fill(tensor: &Tensor, values: Tensor) {
    if let Err(error) = no_grad(|| tensor.assign(&values)) {
        panic!("init: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(shape: &[usize]) -> Tensor {
        Tensor::zeros(shape, DType::F64)
    }

    fn moments(tensor: &Tensor) -> (f64, f64) {
        let values = tensor.to_vec::<f64>();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn fans_count_the_kernel() {
        assert_eq!(fans(&weight(&[6, 4])), (4, 6));
        assert_eq!(fans(&weight(&[6, 4, 3, 5])), (60, 90));
    }

    #[test]
    fn spreads_are_those_of_the_formulas() {
        let rng = Generator::new(1);
        let w = weight(&[300, 200]);
        let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 0.02, "{got} is not {want}");
        kaiming_normal_(&w, Fan::Out, Gain::ReLU, &rng);
        near(moments(&w).1, (2f64 / 300.0).sqrt());
        kaiming_uniform_(&w, Fan::In, Gain::LeakyReLU(5f64.sqrt()), &rng);
        near(moments(&w).1, (1.0 / 200f64).sqrt() / 3f64.sqrt());
        let largest = w.to_vec::<f64>().into_iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        near(largest, (1.0 / 200f64).sqrt());
        xavier_uniform_(&w, Gain::Tanh.value(), &rng);
        near(moments(&w).1, 5.0 / 3.0 * (2f64 / 500.0).sqrt());
        xavier_normal_(&w, 1.0, &rng);
        near(moments(&w).1, (2f64 / 500.0).sqrt());
    }

    #[test]
    fn truncated_normals_stay_inside_and_keep_their_spread() {
        let w = weight(&[100, 100]);
        trunc_normal_(&w, 1.0, 2.0, -1.0, 3.0, &Generator::new(3));
        let (mean, std) = moments(&w);
        assert!(w.to_vec::<f64>().iter().all(|x| (-1.0..=3.0).contains(x)));
        // Standard deviation of a normal cut at ±1σ: σ√(1 − 2φ(1) / (2Φ(1) − 1)).
        assert!((mean - 1.0).abs() < 0.05 && (std - 2.0 * 0.5396).abs() < 0.02, "{mean} ± {std}");
        for y in [-0.999_999, -0.5, 1e-9, 0.3, 0.999] {
            assert!((libm::erf(erf_inverse(y)) - y).abs() < 1e-14, "{y}");
        }
    }

    #[test]
    fn orthogonal_rows_or_columns() {
        for shape in [[3, 8], [8, 3], [5, 5]] {
            let w = weight(&shape);
            orthogonal_(&w, 2.0, &Generator::new(7));
            let product = if shape[0] <= shape[1] { w.matmul(&w.t()) } else { w.t().matmul(&w) };
            let n = shape[0].min(shape[1]);
            for (i, value) in product.to_vec::<f64>().into_iter().enumerate() {
                let want = if i / n == i % n { 4.0 } else { 0.0 };
                assert!((value - want).abs() < 1e-12, "{shape:?}: {value} is not {want}");
            }
        }
    }

    #[test]
    fn dirac_is_the_identity_at_the_centre() {
        let w = weight(&[2, 2, 3]);
        dirac_(&w, 1);
        assert_eq!(w.to_vec::<f64>(), [0., 1., 0., 0., 0., 0., 0., 0., 0., 0., 1., 0.]);
        let grouped = weight(&[4, 1, 1]);
        dirac_(&grouped, 2);
        assert_eq!(grouped.to_vec::<f64>(), [1., 0., 1., 0.]);
    }
}
