//! Normalising flows: invertible maps of codes that know how they change volumes, so that the density of what comes out
//! is that of what went in divided by the change.

use super::made::Made;
use wengert_nn::{Module, module, parameter};
use wengert_tensor::{DType, Generator, Tensor};

/// A planar step on codes z, `[batch, d]` (Rezende and Mohamed 2015, <https://arxiv.org/abs/1505.05770>):
///
/// `z' = z + û·tanh(wᵀz + b)`, `log |det ∂z'/∂z| = log(1 + ûᵀw·(1 − tanh²(wᵀz + b)))`
///
/// with `û = u + (softplus(wᵀu) − 1 − wᵀu)·w/‖w‖²`, so that `wᵀû > −1` and the step is invertible. `u` and `w` are
/// `[batch, d]` or `[1, d]`, `b` is `[batch, 1]` or `[1, 1]`. Gives z' and the logarithm, `[batch]`.
pub fn planar(codes: &Tensor, u: &Tensor, w: &Tensor, b: &Tensor) -> (Tensor, Tensor) {
    let inner = |left: &Tensor, right: &Tensor| (left * right).sum(&[1], true);
    let product = inner(w, u);
    let allowed = product.softplus() - 1.0;
    // A w of zeros does nothing whatever û is; the small number keeps the division finite.
    let u = u + &(w * &((allowed - product) / (inner(w, w) + 1e-12)));
    let bend = (inner(w, codes) + b).tanh();
    let log_determinant = (inner(&u, w) * (1.0 - bend.square())).log1p();
    (codes + &(u * bend), log_determinant.squeeze(1))
}

/// A map of codes that a context of each code steers.
pub trait Flow: Module {
    /// Numbers of the context of one code.
    fn context_size(&self) -> usize;

    /// Codes `[batch, size]` after all steps, and the logarithm of the change of volume, `[batch]`.
    fn forward(&self, codes: &Tensor, context: &Tensor) -> (Tensor, Tensor);
}

/// One step after the other, by a function that gives codes and the logarithm of the change of volume.
fn chain(
    codes: &Tensor,
    steps: usize,
    step: impl Fn(usize, &Tensor) -> (Tensor, Tensor),
) -> (Tensor, Tensor) {
    let nothing = Tensor::zeros(codes.dims()[0], codes.dtype());
    (0..steps).fold((codes.clone(), nothing), |(codes, total), index| {
        let (codes, log_determinant) = step(index, &codes);
        (codes, total + log_determinant)
    })
}

/// Several planar steps whose directions are a function of the image: a context of [`PlanarFlow::context_size`] numbers
/// for each code holds them.
#[derive(Debug)]
pub struct PlanarFlow {
    size: usize,
    steps: usize,
    /// What the context is added to, so that an encoder that gives zeros at first still has steps with a direction:
    /// the gradient of a step whose u and w are both 0 is 0.
    start: Tensor,
}

module!(PlanarFlow { parameters: start });

impl PlanarFlow {
    /// So many steps on codes of `size` numbers.
    pub fn new(size: usize, steps: usize, rng: &Generator) -> PlanarFlow {
        let count = steps * (2 * size + 1);
        let deviation = 0.1 / (size as f64).sqrt();
        let start = rng.normal([1, count], 0.0, deviation, DType::F32);
        PlanarFlow { size, steps, start: parameter(start) }
    }
}

impl Flow for PlanarFlow {
    fn context_size(&self) -> usize {
        self.steps * (2 * self.size + 1)
    }

    fn forward(&self, codes: &Tensor, context: &Tensor) -> (Tensor, Tensor) {
        let (context, size) = (context + &self.start, self.size);
        chain(codes, self.steps, |index, codes| {
            let part = |start, length| context.narrow(1, index * (2 * size + 1) + start, length);
            planar(codes, &part(0, size), &part(size, size), &part(2 * size, 1))
        })
    }
}

/// Inverse autoregressive flow (Kingma et al. 2016, <https://arxiv.org/abs/1606.04934>): in each step a [`Made`] gives m
/// and s of the numbers before each, then
///
/// `z' = σ(s)·z + (1 − σ(s))·m`, `log |det ∂z'/∂z| = Σ log σ(s)`
///
/// and the order is turned round for the next.
#[derive(Debug)]
pub struct AutoregressiveFlow {
    context: usize,
    steps: Vec<Made>,
}

module!(AutoregressiveFlow { modules: steps });

/// Added to s, so that a fresh step leaves its input nearly as it is: the paper's forget gate.
const GATE: f64 = 1.5;

impl AutoregressiveFlow {
    /// So many steps on codes of `size` numbers, with a context and hidden layers of these widths.
    pub fn new(size: usize, context: usize, hidden: usize, steps: usize, rng: &Generator) -> Self {
        Self { context, steps: (0..steps).map(|_| Made::new(size, context, hidden, 2, rng)).collect() }
    }
}

impl Flow for AutoregressiveFlow {
    fn context_size(&self) -> usize {
        self.context
    }

    fn forward(&self, codes: &Tensor, context: &Tensor) -> (Tensor, Tensor) {
        chain(codes, self.steps.len(), |index, codes| {
            let codes = if index > 0 { codes.flip(&[1]) } else { codes.clone() };
            let outputs = self.steps[index].forward(&codes, context);
            let (shift, gate) = (outputs.select(1, 0), outputs.select(1, 1) + GATE);
            let keep = gate.sigmoid();
            let moved = &keep * &codes + (1.0 - &keep) * shift;
            (moved, gate.log_sigmoid().sum(&[1], false))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::autograd::jacobian;

    /// log |det| by Gaussian elimination with pivots.
    fn log_determinant(mut matrix: Vec<f64>, size: usize) -> f64 {
        let mut total = 0.0;
        for column in 0..size {
            let at = |row: usize, place: usize| row * size + place;
            let pivot = (column..size)
                .max_by(|&a, &b| matrix[at(a, column)].abs().total_cmp(&matrix[at(b, column)].abs()))
                .unwrap();
            (0..size).for_each(|place| matrix.swap(at(pivot, place), at(column, place)));
            total += matrix[at(column, column)].abs().ln();
            for row in column + 1..size {
                let factor = matrix[at(row, column)] / matrix[at(column, column)];
                for place in column..size {
                    matrix[at(row, place)] -= factor * matrix[at(column, place)];
                }
            }
        }
        total
    }

    /// Compares the flow's own logarithm with that of its Jacobian, at several codes.
    fn check(size: usize, flow: impl Fn(&Tensor) -> (Tensor, Tensor), rng: &Generator) {
        for _ in 0..5 {
            let code = rng.normal([1, size], 0.0, 1.0, DType::F64);
            let matrix = jacobian(|code| flow(code).0, &code).unwrap().to_vec::<f64>();
            let (expected, found) = (log_determinant(matrix, size), flow(&code).1);
            assert_eq!(found.dims(), [1]);
            assert!((found.item() - expected).abs() < 1e-9, "{} {expected}", found.item());
        }
    }

    #[test]
    fn planar_steps_know_their_determinant() {
        let rng = Generator::new(4);
        for _ in 0..10 {
            // Wide draws, among them w and u that point against each other, which the change of u must mend.
            let draw = |columns| rng.normal([1, columns], 0.0, 3.0, DType::F64);
            let (u, w, b) = (draw(4), draw(4), draw(1));
            check(4, |code| planar(code, &u, &w, &b), &rng);
        }
        let mut flow = PlanarFlow::new(3, 4, &rng);
        flow.to_dtype(DType::F64);
        let context = rng.normal([1, flow.context_size()], 0.0, 1.0, DType::F64);
        check(3, |code| flow.forward(code, &context), &rng);
    }

    #[test]
    fn autoregressive_steps_know_their_determinant() {
        let rng = Generator::new(4);
        let mut flow = AutoregressiveFlow::new(4, 3, 12, 3, &rng);
        flow.to_dtype(DType::F64);
        let context = rng.normal([1, 3], 0.0, 1.0, DType::F64);
        check(4, |code| flow.forward(code, &context), &rng);
    }

    #[test]
    fn a_planar_step_without_direction_changes_nothing() {
        let codes = Generator::new(0).normal([2, 3], 0.0, 1.0, DType::F64);
        let zeros = Tensor::zeros([1, 3], DType::F64);
        let (moved, log_determinant) = planar(&codes, &zeros, &zeros, &Tensor::ones([1, 1], DType::F64));
        assert_eq!(moved.to_vec::<f64>(), codes.to_vec::<f64>());
        assert_eq!(log_determinant.to_vec::<f64>(), [0.0, 0.0]);
    }
}
